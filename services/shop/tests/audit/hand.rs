//! A shop whose log is written by hand.

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

pub(crate) const RUN: &str = "0000002a";
pub(crate) const NONCE: u64 = 0xfeed;

pub(crate) fn run() -> RunId {
    RUN.parse().unwrap()
}

pub(crate) fn order(number: u64) -> OrderId {
    run().order(number)
}

pub(crate) fn sku() -> Sku {
    run().sku("1")
}

/// A log of one partition a topic, and the gateway's ledger beside it.
pub(crate) struct Shop {
    pub(crate) books: Books,
    pub(crate) ledger: Ledger,
    pub(crate) offsets: [i64; 6],
    pub(crate) numbers: [u64; 6],
    pub(crate) clock: i64,
    pub(crate) drawn: u128,
}

impl Shop {
    /// Ten pieces of one article, and every stream with its owner's fence.
    pub(crate) fn open() -> Self {
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

    pub(crate) fn unfenced(scope: Option<&str>) -> Self {
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

    pub(crate) fn fresh_id(&mut self) -> Uuid {
        self.drawn += 1;
        Uuid::from_u128(self.drawn << 64 | 0x1d)
    }

    pub(crate) fn append(&mut self, topic: Topic, record: &Record<'_>) -> i64 {
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

    pub(crate) fn fence(&mut self, topic: Topic) {
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
    pub(crate) fn publish<E: Event>(&mut self, event: &E) -> Uuid {
        let id = self.fresh_id();
        self.publish_as(event, id);
        id
    }

    pub(crate) fn publish_as<E: Event>(&mut self, event: &E, id: Uuid) {
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
    pub(crate) fn emit<E: Event>(&mut self, event: &E, cause: Uuid) -> Uuid {
        let id = self.fresh_id();
        self.emit_as(event, id, Some(cause));
        id
    }

    pub(crate) fn emit_as<E: Event>(&mut self, event: &E, id: Uuid, cause: Option<Uuid>) {
        let topic = Topic::of_name(E::TYPE.topic).unwrap();
        let number = self.numbers[topic as usize];
        self.numbers[topic as usize] += 1;
        self.emit_numbered(event, id, cause, number);
    }

    pub(crate) fn emit_numbered<E: Event>(
        &mut self,
        event: &E,
        id: Uuid,
        cause: Option<Uuid>,
        number: u64,
    ) {
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
    pub(crate) fn reserved(&mut self, number: u64) -> Uuid {
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

    pub(crate) fn charged(&mut self, number: u64, cause: Uuid) -> Uuid {
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

    pub(crate) fn confirmed(&mut self, number: u64) {
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
    pub(crate) fn cancelled(&mut self, number: u64) {
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

    pub(crate) fn returned(&mut self, number: u64, cause: Uuid) {
        self.emit(
            &StockReturned {
                order_id: order(number),
                sku: sku(),
                quantity: 2,
            },
            cause,
        );
    }

    pub(crate) fn report(&mut self) -> Report {
        check(&mut self.books, &self.ledger)
    }

    /// The only violations there are, each with the invariant's name.
    pub(crate) fn violations(&mut self) -> Vec<(&'static str, String)> {
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

pub(crate) fn encoded<E: Event>(event: &E) -> (String, Vec<u8>) {
    let mut value = Vec::new();
    event.encode(&mut value);
    (event.key().text(), value)
}

pub(crate) fn created(number: u64) -> OrderCreated {
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
        answer_within_seconds: None,
    }
}

pub(crate) fn movement(number: u64, key: Uuid, amount_cents: i64) -> Movement {
    Movement {
        idempotency_key: key.to_string(),
        order_id: order(number).to_string(),
        amount_cents,
        currency: "EUR".into(),
    }
}

pub(crate) fn one(name: &'static str, text: impl Into<String>) -> Vec<(&'static str, String)> {
    vec![(name, text.into())]
}
