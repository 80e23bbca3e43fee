//! Upcasts in a log: an old version is turned wherever it is read, on arrival, behind what was parked, in a restore and in a replay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::borrow::Cow;

use common::bench::{Bench, Stored, fact, participant, setup};
use common::parked::{drop_one, last_parked, parked_now, redrive};
use kolo_core::processor::replay::{Compared, Finding, ReplayFilter, ReplayInputs, Unreadable};
use kolo_core::wire::{FailureClass, Record};
use kolo_core::{
    Aggregate, DecodeError, Event, EventId, EventType, Received, Service, State, Timestamp, Upcast,
};

const ORDERS: usize = 0;
const INBOX: usize = 1;

// What was ordered at first, in whole euros, and what is now.
event! { OrderedOnce in "orders", order: String { order: String, euros: i64 } }
event! { OrderedNow in "orders", order: String { order: String, cents: i64 } }
event! { KeptOnce in "kept", order: String { order: String, euros: i64 } }
event! { KeptNow in "kept", order: String { order: String, cents: i64 } }

impl Upcast<OrderedNow> for OrderedOnce {
    fn upcast(self) -> OrderedNow {
        assert!(self.euros >= 0, "nobody pays {} euros", self.euros);
        OrderedNow {
            order: self.order,
            cents: self.euros * 100,
        }
    }
}

impl Upcast<KeptNow> for KeptOnce {
    fn upcast(self) -> KeptNow {
        KeptNow {
            order: self.order,
            cents: self.euros * 100,
        }
    }
}

/// An event with an old version, as a generator would write it.
macro_rules! versioned {
    ($name:ident: $old:ident, $new:ident in $topic:literal) => {
        #[derive(Debug, Clone, PartialEq)]
        struct $name($new);

        impl Event for $name {
            type Key = String;

            const TYPE: &'static EventType = &EventType {
                name: concat!("test.", stringify!($name)),
                ..*$new::TYPE
            };

            fn key(&self) -> &String {
                self.0.key()
            }

            fn saga(&self) -> Option<Cow<'_, str>> {
                self.0.saga()
            }

            fn encode(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }

            fn decode(value: &[u8]) -> Result<Self, DecodeError> {
                if !value.starts_with(stringify!($old).as_bytes()) {
                    return $new::decode(value).map($name);
                }
                let place = |order: &String| [("key", order.clone())];
                let old = $old::decode(value)?;
                let new = kolo_core::upcast(
                    Self::TYPE.name,
                    1,
                    old,
                    |old: &$old| place(&old.order),
                    |new: &$new| place(&new.order),
                );
                new.map($name)
            }
        }

        kolo_core::emits!($name);
    };
}

versioned! { Ordered: OrderedOnce, OrderedNow in "orders" }
versioned! { Kept: KeptOnce, KeptNow in "kept" }
stream! { KeepEvent in "kept", String { Kept } }

#[derive(Debug, Default)]
struct Keep {
    cents: i64,
}

impl State for Keep {
    type Event = KeepEvent;

    fn evolve(&mut self, event: &KeepEvent, _: Timestamp) {
        let KeepEvent::Kept(kept) = event;
        self.cents = kept.0.cents;
    }
}

/// Keeps the sum of all that was ordered.
fn keep(state: &Keep, ordered: &Received<Ordered>) -> Kept {
    Kept(KeptNow {
        order: ordered.0.order.clone(),
        cents: state.cents + ordered.0.cents,
    })
}

fn service() -> Service {
    Service::new("test").aggregate(Aggregate::<Keep>::new("keep").on(keep).pivot())
}

fn bench(log: Vec<Stored>, nonce: u64) -> Bench {
    let service = service();
    let aggregate = participant(&service, "keep");
    Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log).expect("a log")
}

/// An order as an old build published it.
fn of_once(offset: i64, euros: i64) -> Stored {
    let order = "o".to_owned();
    let once = fact(
        offset,
        &format!("ordered {offset}"),
        &OrderedOnce { order, euros },
    );
    of_type(once, Ordered::TYPE)
}

fn of_now(offset: i64, cents: i64) -> Stored {
    let order = "o".to_owned();
    let now = fact(
        offset,
        &format!("ordered {offset}"),
        &OrderedNow { order, cents },
    );
    of_type(now, Ordered::TYPE)
}

fn of_type(stored: Stored, of: &EventType) -> Stored {
    let event_type = Some(of.name.to_owned());
    Stored {
        event_type,
        ..stored
    }
}

/// The stream as the old build would have written it: sums in whole euros.
fn as_once(log: Vec<Stored>) -> Vec<Stored> {
    let old = |stored: Stored| match Kept::decode(stored.value.as_deref().unwrap_or_default()) {
        Ok(Kept(KeptNow { order, cents })) => {
            let mut value = Vec::new();
            let euros = cents / 100;
            KeptOnce { order, euros }.encode(&mut value);
            Stored {
                value: Some(value),
                ..stored
            }
        }
        Err(_) => stored,
    };
    log.into_iter().map(old).collect()
}

fn kept(bench: &Bench) -> Vec<i64> {
    let events = bench.valid_events();
    let read = |stored: &&Stored| Kept::decode(stored.value.as_deref().unwrap()).unwrap();
    events.iter().map(read).map(|kept| kept.0.cents).collect()
}

#[test]
fn on_arrival_and_in_a_restore() {
    let mut old = bench(Vec::new(), 1);
    assert_eq!(old.handle(ORDERS, &of_once(0, 3)), ["Kept"]);
    assert_eq!(old.handle(ORDERS, &of_now(1, 50)), ["Kept"]);
    assert_eq!(kept(&old), [300, 350]);
    old.handle(ORDERS, &of_once(2, 1));
    // A stream whose records an old build wrote.
    let mut next = bench(as_once(vec![old.log.remove(0), old.log.remove(0)]), 2);
    assert_eq!(kept(&next), [300]);
    assert_eq!(
        next.handle(ORDERS, &of_once(0, 3)),
        [""; 0],
        "it was answered"
    );
    assert_eq!(next.handle(ORDERS, &of_now(1, 50)), ["Kept"]);
    assert_eq!(
        kept(&next),
        [300, 350],
        "the state came from the old version"
    );
}

#[test]
fn behind_what_was_parked() {
    let mut bench = bench(Vec::new(), 1);
    let poison = Stored {
        value: Some(b"garbage".to_vec()),
        ..of_once(0, 0)
    };
    assert_eq!(bench.handle(ORDERS, &poison), ["kolo.parked"]);
    assert_eq!(bench.handle(ORDERS, &of_once(1, 4)), ["kolo.parked"]);
    let dropped = drop_one(0, "o", EventId::foreign("ordered 0"), "nobody can read it");
    let types = bench.handle(INBOX, &dropped);
    assert_eq!(types, ["kolo.unparked", "Kept", "kolo.unparked"]);
    assert_eq!(kept(&bench), [400]);
}

/// An upcast that cannot bear a record is as a record that does not decode: its key waits for a mended build.
#[test]
fn one_that_panics_parks_the_key() {
    let mut bench = bench(Vec::new(), 1);
    assert_eq!(bench.handle(ORDERS, &of_once(0, -1)), ["kolo.parked"]);
    let failure = last_parked(&bench).failure;
    assert_eq!(failure.class, FailureClass::Decode);
    assert!(
        failure
            .message
            .contains("test.Ordered: the upcast of version 1 panicked: nobody pays -1 euros"),
        "{failure:?}"
    );
    assert_eq!(bench.handle(INBOX, &redrive(0, "o")), ["kolo.parked"]);
    assert_eq!(parked_now(&bench)[0].3, 2, "tried again");
}

#[test]
fn in_a_replay() {
    struct Orders(Vec<Stored>);
    impl ReplayInputs for Orders {
        fn each(
            &mut self,
            input: usize,
            take: &mut dyn FnMut(&Record<'_>) -> bool,
        ) -> Result<(), Unreadable> {
            while input == ORDERS && !self.0.is_empty() {
                if !take(&self.0[0].record()) {
                    break;
                }
                self.0.remove(0);
            }
            Ok(())
        }
    }
    let inputs = [of_once(0, 3), of_now(1, 100), of_once(2, 2)];
    let mut old = bench(Vec::new(), 1);
    for stored in &inputs {
        old.handle(ORDERS, stored);
    }
    let service = service();
    let aggregate = participant(&service, "keep");
    let filter = ReplayFilter::default();
    let mut replay = aggregate.replay(setup(&*aggregate, "test", 0), filter);
    let mut orders = Orders(inputs.into());
    let mut all: Vec<Compared> = Vec::new();
    for stored in as_once(old.log) {
        let mut tell = |compared| all.push(compared);
        replay
            .take(&stored.record(), &mut orders, &mut tell)
            .unwrap();
    }
    assert!(!replay.look_again(&mut |compared| all.push(compared)));
    let findings: Vec<Finding> = all.iter().map(|compared| compared.finding).collect();
    assert_eq!(findings, [Finding::Same; 3], "{all:#?}");
}
