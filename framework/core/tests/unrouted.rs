//! What a router could not forward: parked by the owner of its key, and decided by the owners of the keys that a route finds
//! later.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact, participant, setup, topic_id};
use common::domain::*;
use common::parked::{control, drop_one, last_parked, last_parked_of, parked_now, redrive};
use kolo_core::processor::Outcome;
use kolo_core::wire::{
    Failure, FailureClass, Parked, ParkedKind, Place, REPLAY, Replay, Source, Stamp, UNROUTED,
};
use kolo_core::{EventId, Path, Position};

const INBOX: usize = 0;

fn shelf(nonce: u64, log: Vec<Stored>) -> Bench {
    let aggregate = participant(&service(), "shelf");
    Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log).unwrap()
}

/// The record of a source that a router could not forward, as it stands there.
fn held(offset: i64) -> Stored {
    let order = "o".to_owned();
    let event = Held {
        order,
        amount: 101,
        part: 0,
    };
    fact(offset, "held", &event)
}

/// As a router puts it into the inbox, at this offset.
fn unrouted(offset: i64, max_bytes: usize) -> Stored {
    let source = held(7);
    let place = Place {
        topic: "holds".into(),
        id: topic_id("holds"),
        partition: 0,
        offset: source.offset,
        is_inbox: false,
        copy_of: None,
    };
    let failure = Failure {
        class: FailureClass::Panic,
        function: None,
        message: "for whom?".into(),
    };
    let id = EventId::foreign("held");
    let value = Parked::unrouted(&source.record(), id, place, failure, max_bytes);
    let stamp = Stamp {
        correlation: Some(common::bench::saga("o")),
        causation: None,
        writer: None,
        source: Source::Copy {
            path: Path::Route(1),
            topic: topic_id("holds"),
            partition: 0,
            position: Position { offset: 7, copy: 0 },
            after: None,
        },
        index: 1,
        count: 1,
    };
    Stored {
        stamp: Some(stamp.to_string()),
        ..control(offset, UNROUTED, "o", &value)
    }
}

/// One of its keys, as a tool found it.
fn routed(offset: i64, bench: &Bench, copy: u32, key: &str) -> Stored {
    let replay = Replay::routed(&last_parked_of(bench, "held"), copy).unwrap();
    control(offset, REPLAY, key, &serde_json::to_vec(&replay).unwrap())
}

#[test]
fn it_is_parked_once_and_decided_once_by_each_key_that_it_is_for() {
    let mut bench = shelf(1, Vec::new());
    assert_eq!(bench.handle(INBOX, &unrouted(0, 10_000)), ["kolo.parked"]);
    let parked = last_parked(&bench);
    assert_eq!((parked.kind, parked.attempts), (ParkedKind::Route, 1));
    assert_eq!(parked.value, held(7).value.map(Into::into), "whole");

    // A router that repeats, and an owner that was restored, know it.
    let outcome = bench.decide(INBOX, &unrouted(1, 10_000));
    assert_eq!(outcome.unwrap(), Outcome::Repeat);
    let mut bench = shelf(2, bench.log);
    let outcome = bench.decide(INBOX, &unrouted(2, 10_000));
    assert_eq!(outcome.unwrap(), Outcome::Repeat);

    // An owner cannot run it, and says who can.
    let types = bench.handle(INBOX, &redrive(3, "o"));
    assert_eq!(types.last().unwrap(), "kolo.parked");
    let now = parked_now(&bench);
    assert_eq!(now.len(), 1);
    assert_eq!((now[0].2, now[0].3), (FailureClass::Panic, 2));

    // Whoever dies between two of these sends them all again.
    for (offset, key) in [(4, "a"), (6, "b")] {
        let copy = routed(offset, &bench, u32::from(key == "b"), key);
        let types = bench.handle(INBOX, &copy);
        assert!(types.contains(&"Taken".to_owned()), "{types:?}");
        let again = Stored {
            offset: offset + 1,
            ..copy
        };
        assert_eq!(bench.decide(INBOX, &again).unwrap(), Outcome::Repeat);
    }
    let dropped = drop_one(20, "o", EventId::foreign("held"), "routed to `a` and `b`");
    bench.handle(INBOX, &dropped);
    assert!(parked_now(&bench).is_empty());
    assert!(parked_now(&shelf(3, bench.log)).is_empty());
}

#[test]
fn what_is_too_large_is_kept_by_its_place() {
    let mut bench = shelf(1, Vec::new());
    bench.handle(INBOX, &unrouted(0, 10));
    let parked = last_parked(&bench);
    assert!(parked.too_large && parked.value.is_none());
    assert_eq!(parked.place.unwrap().offset, 7);
}

#[test]
fn what_says_that_it_is_unrouted_and_is_not_changes_nothing() {
    let mut bench = shelf(1, Vec::new());
    let other = Parked {
        kind: ParkedKind::Input,
        ..serde_json::from_slice(&unrouted(0, 10_000).value.unwrap()).unwrap()
    };
    let other = serde_json::to_vec(&other).unwrap();
    for value in [&b""[..], b"{}", &other] {
        let record = Stored {
            value: Some(value.to_vec()),
            ..unrouted(0, 10_000)
        };
        let outcome = shelf(2, bench.log.clone()).decide(INBOX, &record);
        assert_eq!(outcome.unwrap(), Outcome::NotUnderstood);
    }
    bench.flush();
    assert!(parked_now(&bench).is_empty());
}
