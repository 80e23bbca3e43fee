//! Each invariant of the audit on records made by hand: books that balance, and for each way in which they may not, the
//! violation that names it. The headers are written by the framework, which the audit shares no code with.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use kolo::wire::{Source, Stamp, Writer};
use kolo::{CorrelationId, Event, EventId, Key};
use shop::RunId;
use shop::audit::{Books, Ledger, Movement, Place, Record, Report, Topic, check};
use shop_schemas::inventory::{StockAdded, StockReceived, StockReturned, StockTaken};
use shop_schemas::order::{
    CancelRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderLine,
};
use shop_schemas::payment::{AuthorizationId, PaymentRequested, RefundRequested};
use shop_schemas::{OrderId, Sku};
use uuid::Uuid;

const RUN: &str = "0000002a";
const NONCE: u64 = 0xfeed;

fn run() -> RunId {
    RUN.parse().unwrap()
}

fn order(number: u64) -> OrderId {
    run().order(number)
}

fn sku() -> Sku {
    run().sku("1")
}

/// A log of one partition a topic, and the gateway's ledger beside it.
struct Shop {
    books: Books,
    ledger: Ledger,
    offsets: [i64; 6],
    numbers: [u64; 6],
    clock: i64,
    drawn: u128,
}

impl Shop {
    /// Ten pieces of one article, and every stream with its owner's fence.
    fn open() -> Self {
        let mut shop = Shop::unfenced(None);
        for topic in Topic::ALL.into_iter().filter(|topic| topic.is_stream()) {
            shop.fence(topic);
        }
        let receipt = shop.publish(&StockReceived {
            sku: sku(),
            quantity: 10,
        });
        shop.emit(
            &StockAdded {
                sku: sku(),
                quantity: 10,
            },
            receipt,
        );
        shop
    }

    fn unfenced(scope: Option<&str>) -> Self {
        let books = Books::new(scope.map(str::to_owned));
        Shop {
            books,
            ledger: Ledger::default(),
            offsets: [0; 6],
            numbers: [0; 6],
            clock: 0,
            drawn: 0,
        }
    }

    fn fresh_id(&mut self) -> Uuid {
        self.drawn += 1;
        Uuid::from_u128(self.drawn << 64 | 0x1d)
    }

    fn append(&mut self, topic: Topic, record: &Record<'_>) -> i64 {
        let offset = self.offsets[topic as usize];
        self.offsets[topic as usize] += 1;
        self.clock += 1;
        let record = Record {
            timestamp_ms: self.clock,
            ..*record
        };
        self.books
            .take(
                Place {
                    topic,
                    partition: 0,
                    offset,
                },
                &record,
            )
            .unwrap();
        offset
    }

    fn fence(&mut self, topic: Topic) {
        let stamp = Stamp::own(Writer {
            epoch: None,
            nonce: NONCE,
            number: 0,
        })
        .to_string();
        let value = br#"{"service":"s","aggregate":"a","partitions":1,"version":1,"origins":[]}"#;
        let record = Record {
            value,
            event_type: Some("kolo.fence"),
            kolo: Some(&stamp),
            ..Record::default()
        };
        let epoch = self.append(topic, &record);
        assert_eq!(epoch, 0, "each test has one owner a stream");
        self.numbers[topic as usize] = 1;
    }

    /// A fact from outside.
    fn publish<E: Event>(&mut self, event: &E) -> Uuid {
        let id = self.fresh_id();
        self.publish_as(event, id);
        id
    }

    fn publish_as<E: Event>(&mut self, event: &E, id: Uuid) {
        let (key, value) = encoded(event);
        let id = id.to_string();
        let event_type = Some(E::TYPE.name);
        let record = Record {
            key: Some(&key),
            value: &value,
            id: Some(&id),
            event_type,
            ..Record::default()
        };
        self.append(Topic::of_name(E::TYPE.topic).unwrap(), &record);
    }

    /// A valid own event.
    fn emit<E: Event>(&mut self, event: &E, cause: Uuid) -> Uuid {
        let id = self.fresh_id();
        self.emit_as(event, id, Some(cause));
        id
    }

    fn emit_as<E: Event>(&mut self, event: &E, id: Uuid, cause: Option<Uuid>) {
        let topic = Topic::of_name(E::TYPE.topic).unwrap();
        let number = self.numbers[topic as usize];
        self.numbers[topic as usize] += 1;
        self.emit_numbered(event, id, cause, number);
    }

    fn emit_numbered<E: Event>(&mut self, event: &E, id: Uuid, cause: Option<Uuid>, number: u64) {
        let stamp = Stamp {
            correlation: Some(CorrelationId(Uuid::nil())),
            causation: cause.map(EventId),
            writer: Some(Writer {
                epoch: Some(0),
                nonce: NONCE,
                number,
            }),
            source: Source::None,
            index: 1,
            count: 1,
        };
        let (key, value) = encoded(event);
        let (id, stamp) = (id.to_string(), stamp.to_string());
        let event_type = Some(E::TYPE.name);
        let record = Record {
            key: Some(&key),
            value: &value,
            id: Some(&id),
            event_type,
            kolo: Some(&stamp),
            ..Record::default()
        };
        self.append(Topic::of_name(E::TYPE.topic).unwrap(), &record);
    }

    /// An order of two pieces for 5.00, placed and taken out of stock.
    fn reserved(&mut self, number: u64) -> Uuid {
        let placed = self.publish(&created(number));
        self.emit(
            &StockTaken {
                order_id: order(number),
                sku: sku(),
                quantity: 2,
            },
            placed,
        )
    }

    fn charged(&mut self, number: u64, cause: Uuid) -> Uuid {
        let request = PaymentRequested {
            order_id: order(number),
            customer_id: run().customer(1, true),
            amount_cents: 500,
            currency: "EUR".into(),
        };
        let id = self.emit(&request, cause);
        self.ledger.charges.push(movement(number, id, 500));
        id
    }

    fn confirmed(&mut self, number: u64) {
        let taken = self.reserved(number);
        let charged = self.charged(number, taken);
        self.emit(
            &OrderConfirmed {
                order_id: order(number),
            },
            charged,
        );
    }

    /// Charged and reserved, then cancelled, with everything given back.
    fn cancelled(&mut self, number: u64) {
        let taken = self.reserved(number);
        self.charged(number, taken);
        let wish = self.publish(&CancelRequested {
            order_id: order(number),
        });
        let end = self.emit(
            &OrderCancelled {
                order_id: order(number),
                reason: "cancelled".into(),
            },
            wish,
        );
        self.returned(number, end);
        let refund = RefundRequested {
            order_id: order(number),
            amount_cents: 500,
            currency: "EUR".into(),
            authorization_id: AuthorizationId("a".into()),
        };
        let id = self.emit(&refund, end);
        self.ledger.refunds.push(movement(number, id, 500));
    }

    fn returned(&mut self, number: u64, cause: Uuid) {
        self.emit(
            &StockReturned {
                order_id: order(number),
                sku: sku(),
                quantity: 2,
            },
            cause,
        );
    }

    fn report(&mut self) -> Report {
        check(&mut self.books, &self.ledger)
    }

    /// The only violations there are, each with the invariant's name.
    fn violations(&mut self) -> Vec<(&'static str, String)> {
        let findings = self.report().findings;
        let told = findings.all().map(|(name, _, finding)| {
            finding
                .told()
                .iter()
                .map(move |text| (name, text.clone()))
                .collect::<Vec<_>>()
        });
        told.concat()
    }
}

fn encoded<E: Event>(event: &E) -> (String, Vec<u8>) {
    let mut value = Vec::new();
    event.encode(&mut value);
    (event.key().text(), value)
}

fn created(number: u64) -> OrderCreated {
    OrderCreated {
        order_id: order(number),
        customer_id: run().customer(1, true),
        lines: vec![OrderLine {
            sku: sku(),
            quantity: 2,
            unit_price_cents: 250,
        }],
        currency: "EUR".into(),
        total_cents: 500,
    }
}

fn movement(number: u64, key: Uuid, amount_cents: i64) -> Movement {
    Movement {
        idempotency_key: key.to_string(),
        order_id: order(number).to_string(),
        amount_cents,
        currency: "EUR".into(),
    }
}

fn one(name: &'static str, text: impl Into<String>) -> Vec<(&'static str, String)> {
    vec![(name, text.into())]
}

#[test]
fn books_that_balance_are_clean() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    shop.cancelled(2);
    // Repeats on intake topics are legal and change nothing.
    shop.publish(&created(1));
    // A wish to cancel an order that nobody placed may well end it.
    let wish = shop.publish(&CancelRequested { order_id: order(3) });
    shop.emit(
        &OrderCancelled {
            order_id: order(3),
            reason: "cancelled".into(),
        },
        wish,
    );
    let report = shop.report();
    assert_eq!(shop.violations(), []);
    assert!(report.is_clean());
    assert_eq!(
        (
            report.orders,
            report.confirmed,
            report.cancelled,
            report.pending
        ),
        (2, 1, 1, 0)
    );
    assert_eq!(
        report.captured_cents.into_iter().collect::<Vec<_>>(),
        [("EUR".to_owned(), 500)]
    );
    assert_eq!(report.latencies_ms.len(), 2);
}

#[test]
fn an_order_without_an_end_is_pending_and_named() {
    let mut shop = Shop::open();
    shop.publish(&created(1));
    let report = shop.report();
    assert_eq!((report.pending, report.is_clean()), (1, false));
    assert_eq!(
        shop.violations(),
        one("one_end", format!("order {} has not ended", order(1)))
    );
}

#[test]
fn what_a_pending_order_holds_is_told() {
    let mut shop = Shop::open();
    shop.reserved(1);
    let text = format!(
        "{}: received 10, but 8 in stock and 0 held by confirmed orders make 8; orders that have not ended hold 2",
        sku()
    );
    assert_eq!(shop.violations()[1], ("stock", text));
}

#[test]
fn an_order_that_ends_twice_is_named_with_both_places() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    let wish = shop.publish(&CancelRequested { order_id: order(1) });
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "late".into(),
        },
        wish,
    );
    let (name, text) = shop.violations().remove(0);
    assert_eq!(name, "one_end");
    assert_eq!(
        text,
        format!(
            "order {} ended more than once: confirmed (orders.outcome partition 0 offset 1), cancelled (orders.outcome partition 0 offset 2)",
            order(1)
        )
    );
}

#[test]
fn an_end_of_an_order_that_nobody_placed_is_a_violation() {
    let mut shop = Shop::open();
    let wish = shop.publish(&CancelRequested { order_id: order(1) });
    shop.emit(&OrderConfirmed { order_id: order(2) }, wish);
    shop.emit(
        &OrderCancelled {
            order_id: order(3),
            reason: "why".into(),
        },
        wish,
    );
    let texts: Vec<_> = shop
        .violations()
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert!(
        texts[0].contains("was confirmed") && texts[0].contains("nobody placed it"),
        "{texts:?}"
    );
    assert!(
        texts[1].contains("was cancelled") && texts[1].contains("nobody placed or cancelled it"),
        "{texts:?}"
    );
    assert_eq!(texts.len(), 2);
}

#[test]
fn stock_that_a_cancelled_order_still_holds_is_missed() {
    let mut shop = Shop::open();
    let taken = shop.reserved(1);
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        taken,
    );
    let held = format!(
        "order {} is cancelled and holds 2 of {} instead of 0",
        order(1),
        sku()
    );
    let received = format!(
        "{}: received 10, but 8 in stock and 0 held by confirmed orders make 8",
        sku()
    );
    assert_eq!(shop.violations(), [("stock", held), ("stock", received)]);
    // Returned in the end, and the books balance.
    shop.returned(1, taken);
    assert_eq!(shop.violations(), []);
}

#[test]
fn stock_taken_or_returned_twice_is_missed() {
    for returns in [false, true] {
        let mut shop = Shop::open();
        shop.confirmed(1);
        let cause = shop.publish(&created(1));
        if returns {
            shop.returned(1, cause);
        } else {
            shop.emit(
                &StockTaken {
                    order_id: order(1),
                    sku: sku(),
                    quantity: 2,
                },
                cause,
            );
        }
        let (held, in_stock) = if returns { (0, 10) } else { (4, 6) };
        let order = format!(
            "order {} is confirmed and holds {held} of {} instead of 2",
            order(1),
            sku()
        );
        let received = format!(
            "{}: received 10, but {in_stock} in stock and 2 held by confirmed orders make {}",
            sku(),
            in_stock + 2
        );
        assert_eq!(shop.violations(), [("stock", order), ("stock", received)]);
    }
}

#[test]
fn stock_below_nothing_is_a_violation_even_if_it_comes_right_later() {
    let mut shop = Shop::open();
    let cause = shop.publish(&created(1));
    shop.emit(
        &StockTaken {
            order_id: order(1),
            sku: sku(),
            quantity: 12,
        },
        cause,
    );
    shop.emit(
        &StockReturned {
            order_id: order(1),
            sku: sku(),
            quantity: 12,
        },
        cause,
    );
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        cause,
    );
    assert_eq!(
        shop.violations(),
        one(
            "stock",
            format!(
                "{}: -2 in stock at inventory.stock partition 0 offset 2",
                sku()
            )
        )
    );
}

#[test]
fn goods_that_arrived_and_are_not_in_stock_are_missed_but_a_repeated_receipt_is_not() {
    let mut shop = Shop::open();
    let more = shop.publish(&StockReceived {
        sku: sku(),
        quantity: 5,
    });
    assert_eq!(
        shop.violations(),
        one(
            "stock",
            format!(
                "{}: received 15, but 10 in stock and 0 held by confirmed orders make 10",
                sku()
            )
        )
    );
    shop.emit(
        &StockAdded {
            sku: sku(),
            quantity: 5,
        },
        more,
    );
    shop.publish_as(
        &StockReceived {
            sku: sku(),
            quantity: 5,
        },
        more,
    );
    assert_eq!(shop.violations(), []);
}

#[test]
fn money_of_a_cancelled_order_must_have_gone_back() {
    let mut shop = Shop::open();
    shop.cancelled(1);
    shop.ledger.refunds.clear();
    assert_eq!(
        shop.violations(),
        one(
            "money",
            format!(
                "order {} is cancelled: 5.00 EUR captured instead of 0.00 EUR",
                order(1)
            )
        )
    );
}

#[test]
fn a_confirmed_order_is_paid_once_and_whole() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    let charge = shop.ledger.charges.pop().unwrap();
    let wanted = |taken: &str| {
        one(
            "money",
            format!(
                "order {} is confirmed: {taken} captured instead of 5.00 EUR",
                order(1)
            ),
        )
    };
    assert_eq!(shop.violations(), wanted("0.00 EUR"));
    shop.ledger.charges = vec![charge.clone(), charge.clone()];
    assert_eq!(shop.violations(), wanted("10.00 EUR"));
    shop.ledger.charges = vec![Movement {
        amount_cents: 499,
        ..charge.clone()
    }];
    assert_eq!(shop.violations(), wanted("4.99 EUR"));
    shop.ledger.charges = vec![Movement {
        currency: "USD".into(),
        ..charge
    }];
    assert_eq!(
        shop.violations().len(),
        2,
        "nothing in the order's currency, something in another"
    );
}

#[test]
fn a_call_of_the_gateway_that_no_valid_request_asked_for_is_found() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    let key = Uuid::from_u128(7);
    // It balances, since a zombie's charge was refunded; and still nobody asked for either.
    shop.ledger.charges.push(movement(1, key, 500));
    shop.ledger.refunds.push(movement(1, key, 500));
    let wanted = |what, request| {
        (
            "money",
            format!(
                "order {}: the {what} under the key {key} answers no valid {request}",
                order(1)
            ),
        )
    };
    assert_eq!(
        shop.violations(),
        [
            wanted("charge", "PaymentRequested"),
            wanted("refund", "RefundRequested")
        ]
    );
}

#[test]
fn money_for_an_order_that_the_topics_do_not_know_is_found() {
    let mut shop = Shop::open();
    shop.ledger
        .charges
        .push(movement(9, Uuid::from_u128(7), 500));
    let texts: Vec<_> = shop.violations();
    assert!(
        texts.contains(&(
            "money",
            format!(
                "order {}: 5.00 EUR captured, but the topics know no such order",
                order(9)
            )
        )),
        "{texts:?}"
    );
}

#[test]
fn an_event_id_that_stands_twice_is_found_in_any_topic() {
    let mut shop = Shop::open();
    let id = Uuid::from_u128(7);
    let wish = shop.publish(&CancelRequested { order_id: order(1) });
    shop.emit_as(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        id,
        Some(wish),
    );
    let returned = StockReturned {
        order_id: order(1),
        sku: sku(),
        quantity: 0,
    };
    shop.emit_as(&returned, id, Some(wish));
    let places = "stands at orders.outcome partition 0 offset 1 and again at inventory.stock partition 0 offset 2";
    assert_eq!(
        shop.violations(),
        one("unique_ids", format!("event {id} {places}"))
    );
}

#[test]
fn an_own_event_with_the_id_of_a_fact_from_outside_is_found_in_whichever_order_they_are_read() {
    for own_first in [false, true] {
        let mut shop = Shop::open();
        let wish = shop.publish(&CancelRequested { order_id: order(1) });
        let id = Uuid::from_u128(7);
        if !own_first {
            shop.publish_as(&CancelRequested { order_id: order(1) }, id);
        }
        shop.emit_as(
            &OrderCancelled {
                order_id: order(1),
                reason: "no".into(),
            },
            id,
            Some(wish),
        );
        if own_first {
            shop.publish_as(&CancelRequested { order_id: order(1) }, id);
        }
        let text = format!(
            "event {id} at orders.outcome partition 0 offset 1 has the id of a fact from outside"
        );
        assert_eq!(shop.violations(), one("unique_ids", text));
    }
}

#[test]
fn a_cause_that_stands_nowhere_is_found_and_one_that_is_read_later_is_not() {
    let mut shop = Shop::open();
    let wish = Uuid::from_u128(7);
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        wish,
    );
    let text = format!(
        "the event at orders.outcome partition 0 offset 1 names {wish} as its cause, which stands nowhere"
    );
    assert!(shop.violations().contains(&("causes", text)));
    shop.publish_as(&CancelRequested { order_id: order(1) }, wish);
    assert_eq!(shop.violations(), []);

    shop.emit_as(
        &StockReturned {
            order_id: order(1),
            sku: sku(),
            quantity: 0,
        },
        Uuid::from_u128(8),
        None,
    );
    assert_eq!(
        shop.violations(),
        one(
            "causes",
            "the event at inventory.stock partition 0 offset 2 names no cause"
        )
    );
}

#[test]
fn void_records_count_for_nothing() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    let wish = shop.publish(&CancelRequested { order_id: order(1) });
    let end = OrderCancelled {
        order_id: order(1),
        reason: "a zombie".into(),
    };
    // Out of its turn, resent, or without a header at all.
    shop.emit_numbered(&end, Uuid::from_u128(7), Some(wish), 9);
    shop.emit_numbered(&end, Uuid::from_u128(7), Some(wish), 1);
    shop.publish_as(&end, Uuid::from_u128(7));
    assert_eq!(shop.violations(), []);
    assert_eq!(shop.books.void(), 3);
    // In its turn it counts.
    shop.emit(&end, wish);
    assert!(!shop.report().is_clean());
}

#[test]
fn a_stream_without_an_owner_holds_nothing() {
    let mut shop = Shop::unfenced(None);
    let receipt = shop.publish(&StockReceived {
        sku: sku(),
        quantity: 10,
    });
    shop.emit(
        &StockAdded {
            sku: sku(),
            quantity: 10,
        },
        receipt,
    );
    assert_eq!(
        shop.violations(),
        one(
            "stock",
            format!(
                "{}: received 10, but 0 in stock and 0 held by confirmed orders make 0",
                sku()
            )
        )
    );
}

#[test]
fn another_run_is_not_looked_at() {
    for (scope, clean) in [(None, false), (Some(RUN), false), (Some("0000002b"), true)] {
        let mut shop = Shop::unfenced(scope);
        shop.publish(&created(1));
        shop.publish(&StockReceived {
            sku: sku(),
            quantity: 10,
        });
        shop.ledger.charges.push(movement(1, Uuid::from_u128(7), 5));
        let report = shop.report();
        assert_eq!(
            (report.is_clean(), report.orders == 0),
            (clean, clean),
            "{scope:?}"
        );
    }
}

#[test]
fn a_fact_from_outside_may_have_a_foreign_id_or_none() {
    let mut shop = Shop::open();
    let (key, value) = encoded(&CancelRequested { order_id: order(1) });
    let event_type = Some(CancelRequested::TYPE.name);
    let record = Record {
        key: Some(&key),
        value: &value,
        id: Some("wish 1"),
        event_type,
        ..Record::default()
    };
    shop.append(Topic::Orders, &record);
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        EventId::foreign("wish 1").0,
    );
    assert_eq!(shop.violations(), []);

    // Without any, the id is made of the record's place and the topic's id, which a fence tells.
    let topic = Uuid::from_u128(0xabc);
    let (key, value) = encoded(&CancelRequested { order_id: order(2) });
    let offset = shop.append(
        Topic::Orders,
        &Record {
            key: Some(&key),
            value: &value,
            event_type,
            ..Record::default()
        },
    );
    let cause = EventId::of_place(kolo::TopicId(topic), 0, offset).0;
    shop.emit(
        &OrderCancelled {
            order_id: order(2),
            reason: "no".into(),
        },
        cause,
    );
    assert_eq!(shop.violations().len(), 1);
    let fence = kolo::wire::Fence {
        service: "order".into(),
        aggregate: "lifecycle".into(),
        partitions: 1,
        version: 1,
        origins: vec![kolo::Origin {
            path: kolo::Path::Direct,
            id: kolo::TopicId(topic),
            topic: "orders".into(),
        }],
    };
    let stamp = Stamp::own(Writer {
        epoch: None,
        nonce: 1,
        number: 0,
    })
    .to_string();
    let value = serde_json::to_vec(&fence).unwrap();
    shop.append(
        Topic::Outcome,
        &Record {
            value: &value,
            event_type: Some("kolo.fence"),
            kolo: Some(&stamp),
            ..Record::default()
        },
    );
    assert_eq!(shop.violations(), []);
}

#[test]
fn a_record_that_cannot_be_read_ends_the_audit_with_its_place() {
    let mut books = Books::new(None);
    let place = Place {
        topic: Topic::Orders,
        partition: 3,
        offset: 17,
    };
    let key = order(1).to_string();
    let record = Record {
        key: Some(&key),
        value: b"hello",
        event_type: Some(OrderCreated::TYPE.name),
        ..Record::default()
    };
    let error = books.take(place, &record).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!(
            "orders partition 3 offset 17, key {key}: shop.order.OrderCreated: "
        )),
        "{error}"
    );
    let error = books
        .take(
            place,
            &Record {
                event_type: None,
                ..record
            },
        )
        .unwrap_err()
        .to_string();
    assert!(error.contains("ce_type"), "{error}");
    // What is not looked at may be what it likes.
    assert_eq!(
        Books::new(Some("0000002b".into())).take(place, &record),
        Ok(())
    );
}
