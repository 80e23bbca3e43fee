//! The invariants, each a pass over the books.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::books::{Books, Order, Placed};
use super::money::{Ledger, Movement};
use super::report::{Finding, Report};

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Pending,
    Confirmed,
    Cancelled,
    /// It has several ends, which is told once and makes no sense to go on from.
    Both,
}

impl Order {
    fn standing(&self) -> Standing {
        match &self.ends[..] {
            [] => Standing::Pending,
            [end] if end.cancelled.is_none() => Standing::Confirmed,
            [_] => Standing::Cancelled,
            _ => Standing::Both,
        }
    }

    fn is_confirmed(&self) -> bool {
        self.standing() == Standing::Confirmed
    }
}

/// Checks the books against the gateway's ledger.
pub fn check(books: &mut Books, ledger: &Ledger) -> Report {
    books.settle_causes();
    let mut report = Report::default();
    count(books, &mut report);
    one_end(books, &mut report.findings.one_end);
    stock(books, &mut report.findings.stock);
    report.captured_cents = money(books, ledger, &mut report.findings.money);
    unique_ids(books, &mut report.findings.unique_ids);
    causes(books, &mut report.findings.causes);
    report
}

fn count(books: &Books, report: &mut Report) {
    let (mut first_ms, mut last_ms) = (i64::MAX, i64::MIN);
    for order in books.orders.values() {
        let Some(placed) = &order.placed else {
            continue;
        };
        report.orders += 1;
        match order.standing() {
            Standing::Pending => report.pending += 1,
            Standing::Confirmed => report.confirmed += 1,
            Standing::Cancelled => report.cancelled += 1,
            Standing::Both => {}
        }
        first_ms = first_ms.min(placed.at_ms);
        if let Some(end) = order.ends.first() {
            last_ms = last_ms.max(end.at_ms);
            if end.at_ms >= placed.at_ms {
                report.latencies_ms.push(end.at_ms - placed.at_ms);
            }
            if let Some(reason) = &end.cancelled {
                *report.reasons.entry(reason.clone()).or_default() += 1;
            }
        }
    }
    report.latencies_ms.sort_unstable();
    report.span_ms = last_ms.saturating_sub(first_ms).max(0);
}

fn one_end(books: &Books, finding: &mut Finding) {
    for (id, order) in &books.orders {
        match &order.ends[..] {
            [] if order.placed.is_some() => finding.violated(format!("order {id} has not ended")),
            [] => {}
            [end] => match order.placed {
                None if end.cancelled.is_none() => {
                    finding.violated(format!(
                        "order {id} was confirmed ({}), but nobody placed it",
                        end.place
                    ));
                }
                None if !order.is_cancel_wanted => {
                    finding.violated(format!(
                        "order {id} was cancelled ({}), but nobody placed or cancelled it",
                        end.place
                    ));
                }
                _ => {}
            },
            ends => {
                let ends = ends.iter().map(|end| {
                    format!(
                        "{} ({})",
                        if end.cancelled.is_some() {
                            "cancelled"
                        } else {
                            "confirmed"
                        },
                        end.place
                    )
                });
                finding.violated(format!(
                    "order {id} ended more than once: {}",
                    ends.collect::<Vec<_>>().join(", ")
                ));
            }
        }
    }
}

fn stock(books: &Books, finding: &mut Finding) {
    for (id, order) in &books.orders {
        let wanted = match (&order.placed, order.standing()) {
            (Some(Placed { pieces, .. }), Standing::Confirmed) => pieces.clone(),
            (_, Standing::Cancelled) => BTreeMap::new(),
            // Without one end nobody can say what it should hold; that it has none is told elsewhere.
            _ => continue,
        };
        let skus = order
            .held
            .keys()
            .chain(wanted.keys().filter(|sku| !order.held.contains_key(*sku)));
        for sku in skus {
            let (held, wanted) = (
                order.held.get(sku).copied().unwrap_or(0),
                wanted.get(sku).copied().unwrap_or(0),
            );
            if held != wanted {
                let standing = if order.is_confirmed() {
                    "confirmed"
                } else {
                    "cancelled"
                };
                finding.violated(format!(
                    "order {id} is {standing} and holds {held} of {sku} instead of {wanted}"
                ));
            }
        }
    }
    // Of each article: what confirmed orders hold by right, and what orders without an end hold so far.
    let (mut by_confirmed, mut by_pending): (HashMap<&str, i64>, HashMap<&str, i64>) =
        Default::default();
    for order in books.orders.values() {
        let (pieces, held_by) = match (&order.placed, order.standing()) {
            (Some(placed), Standing::Confirmed) => (&placed.pieces, &mut by_confirmed),
            (_, Standing::Pending) => (&order.held, &mut by_pending),
            _ => continue,
        };
        for (sku, pieces) in pieces {
            *held_by.entry(sku).or_default() += pieces;
        }
    }
    for (sku, article) in &books.articles {
        if let Some((place, pieces)) = article.negative {
            finding.violated(format!("{sku}: {pieces} in stock at {place}"));
        }
        let held = by_confirmed.get(sku.as_str()).copied().unwrap_or(0);
        if article.received != article.in_stock + held {
            let pending = match by_pending.get(sku.as_str()) {
                None | Some(0) => String::new(),
                Some(pieces) => format!("; orders that have not ended hold {pieces}"),
            };
            finding.violated(format!(
                "{sku}: received {}, but {} in stock and {held} held by confirmed orders make {}{pending}",
                article.received,
                article.in_stock,
                article.in_stock + held
            ));
        }
    }
}

fn money(books: &Books, ledger: &Ledger, finding: &mut Finding) -> BTreeMap<String, i64> {
    let mut by_order: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    let mut captured: BTreeMap<String, i64> = BTreeMap::new();
    let movements = ledger
        .charges
        .iter()
        .map(|charge| (charge, 1))
        .chain(ledger.refunds.iter().map(|refund| (refund, -1)));
    for (movement, sign) in movements.filter(|(movement, _)| books.covers(&movement.order_id)) {
        let amount = sign * movement.amount_cents;
        *by_order
            .entry(&movement.order_id)
            .or_default()
            .entry(&movement.currency)
            .or_default() += amount;
        *captured.entry(movement.currency.clone()).or_default() += amount;
        asked_for(books, movement, sign > 0, finding);
    }
    let charged: BTreeSet<&str> = by_order.keys().map(|order| run(order)).collect();
    let mut never_charged: BTreeMap<String, u64> = BTreeMap::new();
    let none = BTreeMap::new();
    for (id, order) in &books.orders {
        let text = id.to_string();
        let taken = by_order.remove(text.as_str()).unwrap_or_default();
        let due: BTreeMap<&str, i64> = match (&order.placed, order.standing()) {
            (Some(_), Standing::Confirmed) if !charged.contains(run(&text)) => {
                *never_charged.entry(run(&text).to_owned()).or_default() += 1;
                continue;
            }
            (Some(placed), Standing::Confirmed) => {
                [(placed.currency.as_str(), placed.total_cents)].into()
            }
            (_, Standing::Cancelled) => none.clone(),
            _ => continue,
        };
        for currency in due
            .keys()
            .chain(taken.keys().filter(|currency| !due.contains_key(*currency)))
        {
            let (due, taken) = (
                due.get(currency).unwrap_or(&0),
                taken.get(currency).unwrap_or(&0),
            );
            if due != taken {
                let standing = if order.is_confirmed() {
                    "confirmed"
                } else {
                    "cancelled"
                };
                finding.violated(format!(
                    "order {id} is {standing}: {} captured instead of {}",
                    amount(*taken, currency),
                    amount(*due, currency)
                ));
            }
        }
    }
    for (run, orders) in never_charged {
        finding.violated(format!(
            "run {run}: {orders} orders are confirmed, and the ledger has a charge for none; if another gateway has them, \
             such as that of a demo, look at one run alone with --run"
        ));
    }
    for (order, taken) in by_order {
        for (currency, cents) in taken.into_iter().filter(|(_, cents)| *cents != 0) {
            finding.violated(format!(
                "order {order}: {} captured, but the topics know no such order",
                amount(cents, currency)
            ));
        }
    }
    captured
}

/// The name of the run that an order belongs to.
fn run(order: &str) -> &str {
    order.get(..8).unwrap_or(order)
}

/// The gateway is called for valid requests only, with their ids as keys.
fn asked_for(books: &Books, movement: &Movement, is_charge: bool, finding: &mut Finding) {
    let order = movement
        .order_id
        .parse::<Uuid>()
        .ok()
        .and_then(|id| books.orders.get(&id));
    let asked = order.map(|order| {
        if is_charge {
            &order.charges_asked
        } else {
            &order.refunds_asked
        }
    });
    let key = movement.idempotency_key.parse::<Uuid>().ok();
    if !asked.is_some_and(|asked| key.is_some_and(|key| asked.contains(&key))) {
        let (what, request) = if is_charge {
            ("charge", "PaymentRequested")
        } else {
            ("refund", "RefundRequested")
        };
        finding.violated(format!(
            "order {}: the {what} under the key {} answers no valid {request}",
            movement.order_id, movement.idempotency_key
        ));
    }
}

fn amount(cents: i64, currency: &str) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:02} {currency}",
        cents.abs() / 100,
        cents.abs() % 100
    )
}

fn unique_ids(books: &Books, finding: &mut Finding) {
    for (id, first, second) in &books.repeated {
        finding.violated(format!(
            "event {id} stands at {first} and again at {second}"
        ));
    }
    for (id, place) in &books.reused {
        finding.violated(format!(
            "event {id} at {place} has the id of a fact from outside"
        ));
    }
}

fn causes(books: &Books, finding: &mut Finding) {
    for (cause, place) in &books.unseen_causes {
        finding.violated(format!(
            "the event at {place} names {cause} as its cause, which stands nowhere"
        ));
    }
    for place in &books.without_cause {
        finding.violated(format!("the event at {place} names no cause"));
    }
}
