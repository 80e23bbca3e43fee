//! What customers do in a run, drawn from a seed: the same seed gives the same orders, whatever the run is called.

use std::collections::BTreeMap;
use std::time::Duration;

use shop_schemas::OrderId;
use shop_schemas::inventory::StockReceived;
use shop_schemas::order::{OrderCreated, OrderLine};
use uuid::Uuid;

use crate::run::RunId;

/// The currency of all orders.
pub const CURRENCY: &str = "EUR";

/// Of this many articles there is enough.
const ARTICLES: u64 = 40;
/// Of this many articles there is some, and never enough for one order.
const SCARCE_ARTICLES: u64 = 4;
const SCARCE_PIECES: i32 = 3;
const CUSTOMERS: u64 = 500;

/// The share of orders, in per cent, that ask for more of an article than there is.
const SHORT: u64 = 5;
/// The share of orders, in per cent, whose customer has no funds.
const DECLINED: u64 = 10;
/// The share of orders, in per cent, that their customer cancels.
const CANCELLED: u64 = 3;

/// What is to become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing stands in its way.
    Plain,
    /// There is not enough of one article.
    Short,
    /// The gateway declines the charge.
    Declined,
    /// The customer cancels, which wins or loses against the confirmation.
    Cancelled(Cancel),
}

/// When a customer cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// The wish is published ahead of the order.
    Before,
    /// So long after the order.
    After(Duration),
}

/// How an order is published a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The same event again, under its id.
    SameId,
    /// The same order as another event.
    OtherId,
}

/// One order of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The event's id.
    pub id: Uuid,
    /// The event.
    pub order: OrderCreated,
    /// What is to become of it.
    pub fate: Fate,
    /// Whether it is published twice.
    pub repeat: Option<Repeat>,
}

/// A run's plan. The orders are made again each time they are asked for, since a long run has many.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The name of the run.
    pub run: RunId,
    /// How many orders.
    pub orders: u64,
    /// What they are drawn from.
    pub seed: u64,
    /// The share of orders that are published twice, from 0 to 1.
    pub duplicates: f64,
}

impl Plan {
    /// The orders, in the order in which they are placed.
    pub fn orders(self) -> impl Iterator<Item = Planned> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        (0..self.orders).map(move |number| self.order(number, &mut random))
    }

    /// The ids of all orders.
    pub fn ids(self) -> impl Iterator<Item = OrderId> {
        (0..self.orders).map(move |number| self.run.order(number))
    }

    /// The goods that arrive before the first order: of most articles exactly what all orders together ask for, so that
    /// a piece that is held twice is missed; of the scarce ones less than any order asks for.
    #[must_use]
    pub fn receipts(self) -> Vec<StockReceived> {
        let mut pieces = BTreeMap::new();
        let scarce: Vec<_> = (0..SCARCE_ARTICLES)
            .map(|number| self.scarce(number))
            .collect();
        for line in self.orders().flat_map(|planned| planned.order.lines) {
            if !scarce.contains(&line.sku) {
                *pieces.entry(line.sku).or_insert(0) += line.quantity;
            }
        }
        pieces.extend(scarce.into_iter().map(|sku| (sku, SCARCE_PIECES)));
        pieces
            .into_iter()
            .map(|(sku, quantity)| StockReceived { sku, quantity })
            .collect()
    }

    fn scarce(self, number: u64) -> shop_schemas::Sku {
        self.run.sku(&format!("scarce-{number}"))
    }

    fn order(self, number: u64, random: &mut fastrand::Rng) -> Planned {
        let drawn = random.u64(0..100);
        let fate = if drawn < SHORT {
            Fate::Short
        } else if drawn < SHORT + DECLINED {
            Fate::Declined
        } else if drawn < SHORT + DECLINED + CANCELLED {
            Fate::Cancelled(match random.u64(0..4) {
                0 => Cancel::Before,
                1 => Cancel::After(Duration::ZERO),
                2 => Cancel::After(Duration::from_millis(random.u64(1..10))),
                _ => Cancel::After(Duration::from_millis(random.u64(10..200))),
            })
        } else {
            Fate::Plain
        };
        let first = random.u64(0..ARTICLES);
        // Steps that lead to different articles: an order names each article once.
        let mut lines: Vec<OrderLine> = (0..random.u64(1..=3))
            .map(|line| OrderLine {
                sku: self
                    .run
                    .sku(&format!("{:02}", (first + line * 7) % ARTICLES)),
                quantity: random.i32(1..=4),
                unit_price_cents: random.i64(100..10_000),
            })
            .collect();
        if fate == Fate::Short {
            // Always in the last place: what the lines before it hold must go back.
            let at = lines.len() - 1;
            lines[at].sku = self.scarce(random.u64(0..SCARCE_ARTICLES));
            lines[at].quantity = SCARCE_PIECES + random.i32(1..=3);
        }
        let repeat = (random.f64() < self.duplicates).then(|| {
            if random.bool() {
                Repeat::SameId
            } else {
                Repeat::OtherId
            }
        });
        let total_cents = lines
            .iter()
            .map(|line| i64::from(line.quantity) * line.unit_price_cents)
            .sum();
        let customer_id = self
            .run
            .customer(random.u64(0..CUSTOMERS), fate != Fate::Declined);
        let order_id = self.run.order(number);
        let order = OrderCreated {
            order_id,
            customer_id,
            lines,
            currency: CURRENCY.into(),
            total_cents,
            answer_within_seconds: None,
        };
        Planned {
            id: Uuid::new_v5(&order_id.0, b"OrderCreated"),
            order,
            fate,
            repeat,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(run: &str, seed: u64) -> Plan {
        Plan {
            run: run.parse().unwrap(),
            orders: 10_000,
            seed,
            duplicates: 0.1,
        }
    }

    fn share(plan: Plan, is: impl Fn(&Planned) -> bool) -> usize {
        plan.orders().filter(is).count()
    }

    #[test]
    fn the_mix_is_about_what_it_should_be() {
        let plan = plan("00000001", 7);
        assert!((430..570).contains(&share(plan, |planned| planned.fate == Fate::Short)));
        assert!((900..1_100).contains(&share(plan, |planned| planned.fate == Fate::Declined)));
        assert!((240..360).contains(&share(plan, |planned| matches!(
            planned.fate,
            Fate::Cancelled(_)
        ))));
        assert!((40..110).contains(&share(plan, |planned| planned.fate
            == Fate::Cancelled(Cancel::Before))));
        assert!(
            (430..570).contains(&share(plan, |planned| planned.repeat == Some(Repeat::SameId)))
        );
        assert!(
            (430..570).contains(&share(plan, |planned| planned.repeat == Some(Repeat::OtherId)))
        );
        assert_eq!(
            share(
                Plan {
                    duplicates: 0.0,
                    ..plan
                },
                |planned| planned.repeat.is_some()
            ),
            0
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_orders_and_runs_do_not_meet() {
        let fates = |plan: Plan| {
            plan.orders()
                .map(|planned| (planned.fate, planned.repeat, planned.order.total_cents))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            plan("00000001", 7).orders().collect::<Vec<_>>(),
            plan("00000001", 7).orders().collect::<Vec<_>>()
        );
        assert_eq!(fates(plan("00000001", 7)), fates(plan("00000002", 7)));
        assert_ne!(fates(plan("00000001", 7)), fates(plan("00000001", 8)));
        for planned in plan("0000002a", 7).orders() {
            assert!(planned.order.order_id.to_string().starts_with("0000002a"));
            assert!(
                planned
                    .order
                    .lines
                    .iter()
                    .all(|line| line.sku.0.starts_with("0000002a-sku-"))
            );
            assert!(planned.order.customer_id.0.starts_with("0000002a-"));
        }
    }

    #[test]
    fn every_order_adds_up_and_names_an_article_once() {
        for planned in plan("00000001", 9).orders() {
            let lines = &planned.order.lines;
            assert!((1..=3).contains(&lines.len()));
            let total: i64 = lines
                .iter()
                .map(|line| i64::from(line.quantity) * line.unit_price_cents)
                .sum();
            assert_eq!(total, planned.order.total_cents);
            let mut skus: Vec<_> = lines.iter().map(|line| &line.sku).collect();
            skus.sort();
            skus.dedup();
            assert_eq!(skus.len(), lines.len(), "{lines:?}");
        }
    }

    #[test]
    fn there_is_enough_for_all_orders_but_the_short_ones() {
        let plan = plan("00000001", 7);
        let mut stock: BTreeMap<_, _> = plan
            .receipts()
            .into_iter()
            .map(|receipt| (receipt.sku, receipt.quantity))
            .collect();
        for planned in plan.orders() {
            let enough = planned
                .order
                .lines
                .iter()
                .all(|line| stock[&line.sku] >= line.quantity);
            assert_eq!(enough, planned.fate != Fate::Short);
            if enough {
                for line in &planned.order.lines {
                    *stock.get_mut(&line.sku).unwrap() -= line.quantity;
                }
            }
        }
    }
}
