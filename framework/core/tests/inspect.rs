//! Inspect: what is told of one key is what its owner knows, whether all keys were folded or only this one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;
mod histories;

use common::bench::{Bench, Stored, fact, participant, saga, setup};
use common::domain::*;
use histories::kept::{kept_after_each_step, taken_over};
use histories::service;
use kolo_core::processor::{Inspected, Processor};
use kolo_core::{Event, EventId, Timestamp};

fn fresh() -> Box<dyn Processor> {
    let aggregate = participant(&service(), "hold");
    aggregate.processor(setup(&*aggregate, "test", 7))
}

fn whole(log: &[Stored]) -> Box<dyn Processor> {
    let mut processor = fresh();
    for stored in log {
        processor.restore(&stored.record()).unwrap();
    }
    processor
}

fn alone(log: &[Stored], key: &str) -> Option<Inspected> {
    let mut processor = fresh();
    for stored in log {
        processor.restore_key(key, &stored.record()).unwrap();
    }
    let mut keys = 0;
    processor.each_key(&mut |_| keys += 1);
    assert!(keys <= 1, "no other key is kept");
    processor.inspect(key)
}

#[test]
fn a_key_that_is_folded_alone_is_what_it_is_among_all() {
    let mut found = 0;
    for seed in 0..4 {
        let (log, _) = kept_after_each_step(seed, 40);
        // Also in the middle of an answer.
        for end in (0..log.len()).step_by(3) {
            let processor = whole(&log[..end]);
            for key in ["o", "p", "q", "r", "nobody"] {
                let one = alone(&log[..end], key);
                assert_eq!(one, processor.inspect(key), "{key}, the first {end}");
                found += usize::from(one.is_some());
            }
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn a_snapshot_is_what_the_stream_gives_at_the_record_where_it_was_taken() {
    for seed in 10..14 {
        let (log, all) = kept_after_each_step(seed, 40);
        for (kept, length) in &all {
            let mut loaded = fresh();
            let snapshot = kept.load(&mut *loaded).unwrap();
            assert_eq!(snapshot.last, log[length - 1].offset);
            let whole = whole(&log[..*length]);
            let keys = |processor: &dyn Processor| {
                let mut keys = Vec::new();
                processor.each_key(&mut |key| keys.push(key.to_owned()));
                keys.sort();
                keys
            };
            assert_eq!(keys(&*loaded), keys(&*whole));
            assert_eq!(loaded.decided(), whole.decided());
            for key in keys(&*whole) {
                let bytes = |processor: &dyn Processor| {
                    let mut bytes = Vec::new();
                    assert!(processor.write_key(&key, &mut bytes).unwrap());
                    bytes
                };
                assert_eq!(bytes(&*loaded), bytes(&*whole), "{key}");
                let (one, other) = (loaded.inspect(&key).unwrap(), whole.inspect(&key).unwrap());
                assert_eq!(one.differences(&other), [""; 0]);
            }
            assert!(!whole.write_key("nobody", &mut Vec::new()).unwrap());
        }
    }
}

/// An order with a hold, an open request, and a cause to free what was held.
fn history() -> Bench {
    let mut bench = taken_over(&service(), &[], None).unwrap();
    let order = || "o".to_owned();
    let (amount, parts) = (5, 2);
    let placed = OrderPlaced {
        order: order(),
        amount,
        parts,
    };
    bench.handle(0, &fact(0, "placed", &placed));
    let wanted = MoneyWanted {
        order: order(),
        cents: 3,
    };
    bench.handle(0, &fact(1, "wanted", &wanted));
    let garbage = Stored {
        value: Some(b"garbage".to_vec()),
        ..fact(2, "garbage", &placed)
    };
    bench.handle(0, &garbage);
    bench
}

#[test]
fn what_is_known_of_a_key_is_told() {
    let bench = history();
    let known = alone(&bench.log, "o").unwrap();
    let state = known.state.as_ref().unwrap().json.as_deref().unwrap();
    assert!(state.contains("\"Held@"), "{state}");
    let id_of = |of: &str| -> Vec<EventId> {
        let all = bench.log.iter().filter(|stored| stored.short_type() == of);
        all.map(|stored| stored.id.as_deref().unwrap().parse().unwrap())
            .collect()
    };
    let [one] = known.barrier.as_slice() else {
        panic!("one saga: {:?}", known.barrier);
    };
    assert_eq!(one.correlation, saga("o"));
    let held = id_of("Held").into_iter().map(|id| (Held::TYPE.name, id));
    let asked = id_of("Asked").into_iter().map(|id| (Asked::TYPE.name, id));
    assert_eq!(one.done, held.chain(asked).collect::<Vec<_>>());
    assert!(one.barred.is_empty() && one.waiting.is_empty() && !one.is_past_pivot);
    let [request] = known.pending.as_slice() else {
        panic!("one request: {:?}", known.pending);
    };
    assert_eq!(
        (request.id, request.request),
        (id_of("Asked")[0], "test.Asked")
    );
    assert!(request.port.ends_with("Bank") && !request.is_parked);
    let asked_at = bench
        .log
        .iter()
        .find(|stored| stored.short_type() == "Asked");
    assert_eq!(request.since, asked_at.unwrap().at);
    assert_eq!(known.parked.len(), 1);
    assert_eq!(
        known.answered[0],
        ["placed", "wanted", "garbage"].map(EventId::foreign)
    );
    assert_eq!(known.deadline, None, "something happened since it was held");
    assert_eq!(known.torn, None);

    // As it was right after the first half of the first answer: not the rest, nor anything that came later.
    let first = bench
        .log
        .iter()
        .position(|stored| stored.short_type() == "Held");
    let before = alone(&bench.log[..=first.unwrap()], "o").unwrap();
    assert_eq!(before.torn, Some((1, 2)));
    assert_eq!(before.deadline.as_ref().unwrap().cause, id_of("Held")[0]);
    let due = bench.log[first.unwrap()].at.as_millis() + 10;
    assert_eq!(
        before.deadline.as_ref().unwrap().due,
        Timestamp::from_millis(due)
    );
    assert!(before.pending.is_empty() && before.parked.is_empty());
    assert_eq!(
        before.differences(&known),
        [
            "state",
            "answered inputs",
            "barrier",
            "deadline",
            "pending requests",
            "parked records"
        ]
    );
    assert_eq!(alone(&bench.log[..first.unwrap()], "o"), None);
}

#[test]
fn a_step_that_is_undone_is_barred() {
    let mut bench = history();
    let dropped = OrderDropped { order: "p".into() };
    bench.handle(0, &fact(3, "dropped", &dropped));
    let known = alone(&bench.log, "p").unwrap();
    assert_eq!(known.barrier[0].barred, [Held::TYPE.name, Asked::TYPE.name]);
    assert!(known.barrier[0].done.is_empty());
}

#[test]
fn valid_records_of_the_key_are_told_from_all_others() {
    let mut bench = history();
    let closed = OrderClosed { order: "p".into() };
    bench.handle(0, &fact(3, "closed", &closed));
    bench.mark();
    // A record that an owner resent counts for nobody.
    let last = bench.log.len();
    let repeated = bench
        .log
        .iter()
        .find(|stored| stored.short_type() == "Asked");
    let repeated = Stored {
        offset: i64::try_from(last).unwrap(),
        ..repeated.unwrap().clone()
    };
    bench.log.push(repeated);
    let mut processor = fresh();
    let mut told = Vec::new();
    for stored in &bench.log {
        if let Some(stamp) = processor.restore_key("o", &stored.record()).unwrap() {
            assert_eq!(stamp, stored.stamp());
            told.push(stored.short_type().to_owned());
        }
    }
    assert_eq!(told, ["Held", "Held", "Asked", "kolo.parked"]);
    let text = |name: &str, value: &[u8]| processor.event_text(name, value);
    let mut value = Vec::new();
    let held = Closed { order: "o".into() };
    held.encode(&mut value);
    assert_eq!(
        text("test.Closed", &value),
        Some(Ok(format!("{:?}", HoldEvent::Closed(held))))
    );
    assert!(matches!(text("test.Closed", b"?"), Some(Err(_))));
    assert_eq!(text("test.Unheard", b""), None);
}
