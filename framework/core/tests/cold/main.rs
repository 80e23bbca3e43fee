//! Keys out of memory: an owner with room for two says what one says that holds them all, and a store that fails makes it
//! guess nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;
#[path = "../histories/mod.rs"]
mod histories;
mod store;

use std::collections::BTreeMap;

use kolo_core::Service;
use kolo_core::processor::{Outcome, Processor, ProcessorError};

use common::bench::{Bench, Stored, fact, participant, setup};
use common::domain::Probed;
use histories::kept::{Kept, taken_over, taken_over_by};
use histories::{History, service};
use store::Store;

const STEPS: usize = 120;

fn cold(service: &Service, log: &[Stored], kept: Option<&Kept>) -> (Bench, Store) {
    let store = Store::default();
    let bench = taken_over_by(service, log, kept, |processor| store.limit(processor));
    (bench.expect("it takes over"), store)
}

/// All that is known of every key, as a snapshot has it.
fn known(processor: &dyn Processor) -> BTreeMap<String, Vec<u8>> {
    let mut keys = Vec::new();
    processor.each_key(&mut |key| keys.push(key.to_owned()));
    let bytes = keys.iter().map(|key| {
        let mut bytes = Vec::new();
        let is_known = processor.write_key(key, &mut bytes);
        assert!(is_known.expect("it is written"), "{key}");
        (key.clone(), bytes)
    });
    let all: BTreeMap<_, _> = bytes.collect();
    assert_eq!(all.len(), keys.len(), "each once: {keys:?}");
    all
}

fn latest(kept: &Kept) -> BTreeMap<String, Vec<u8>> {
    kept.keys.iter().cloned().collect()
}

/// Positions are written in the order of a hash map.
fn sorted(rest: &[u8]) -> Vec<u8> {
    let mut bytes = rest.to_vec();
    bytes.sort_unstable();
    bytes
}

fn same(one: &Bench, other: &Bench, what: &str) {
    assert_eq!(one.log, other.log, "{what}");
    assert_eq!(one.effects, other.effects, "{what}");
    assert_eq!(one.processor.keys(), other.processor.keys(), "{what}");
    assert_eq!(known(&*one.processor), known(&*other.processor), "{what}");
}

#[test]
fn room_for_two_keys_gives_the_records_of_room_for_all() {
    let service = service();
    let (mut put, mut brought, mut parked, mut repeats) = (0, 0, 0, 0);
    for seed in 0..20 {
        let mut whole = taken_over(&service, &[], None).unwrap();
        let (mut small, mut store) = cold(&service, &[], None);
        let (mut one, mut other) = (History::new(seed), History::new(seed));
        for step in 0..STEPS {
            one.step(&mut whole);
            other.step(&mut small);
            same(&whole, &small, &format!("seed {seed}, step {step}"));
            let names = ["o", "p", "q", "r"];
            for name in names {
                let (one, other) = (whole.processor.inspect(name), small.processor.inspect(name));
                assert_eq!(one, other, "seed {seed}, step {step}, key {name}");
            }
            let deadline = small.processor.next_deadline();
            assert_eq!(whole.processor.next_deadline(), deadline);
            // Another owner restores what is cold by then.
            if step % 40 == 39 {
                let disk = store.disk();
                (put, brought) = (put + disk.puts, brought + disk.gets);
                drop(disk);
                whole = taken_over(&service, &whole.log, None).unwrap();
                (small, store) = cold(&service, &small.log, None);
                same(&whole, &small, &format!("seed {seed}, restored at {step}"));
            }
        }
        let outcomes = other.published.iter().map(|(_, _, outcome)| *outcome);
        parked += outcomes
            .clone()
            .filter(|outcome| *outcome == Outcome::Parked)
            .count();
        repeats += outcomes
            .filter(|outcome| *outcome == Outcome::Repeat)
            .count();
    }
    // None of it is the same for want of something that happened.
    assert!(put > 500 && brought > 300, "{put} put, {brought} brought");
    assert!(
        parked > 50 && repeats > 50,
        "{parked} parked, {repeats} repeats"
    );
}

#[test]
fn a_snapshot_with_keys_out_of_memory_is_the_one_with_all_in_memory() {
    let service = service();
    let mut swept = 0;
    for seed in 0..16 {
        let mut whole = taken_over(&service, &[], None).unwrap();
        let (mut small, _store) = cold(&service, &[], None);
        let (mut one, mut other) = (History::new(seed), History::new(seed));
        let (mut kept, mut kept_cold) = (Kept::default(), Kept::default());
        for step in 0..STEPS {
            one.step(&mut whole);
            other.step(&mut small);
            if step % 5 != 4 {
                continue;
            }
            if step % 20 == 19 {
                whole.processor.begin_snapshots();
                small.processor.begin_snapshots();
                swept += small.processor.keys_in_memory().1;
                kept.keys.clear();
                kept_cold.keys.clear();
            }
            whole.mark();
            small.mark();
            let snapshot = kept.take(&mut *whole.processor).expect("nothing is ahead");
            let of_cold = kept_cold
                .take(&mut *small.processor)
                .expect("nothing is ahead");
            assert_eq!(snapshot, of_cold, "seed {seed}, step {step}");
            assert_eq!(
                sorted(&kept.rest),
                sorted(&kept_cold.rest),
                "seed {seed}, step {step}"
            );
            assert_eq!(
                latest(&kept),
                latest(&kept_cold),
                "seed {seed}, step {step}"
            );
            assert_eq!(small.processor.changed_keys(), 0);
            // An owner with as little room begins with it, and goes on.
            if step % 15 == 14 {
                whole = taken_over(&service, &whole.log, Some(&kept)).unwrap();
                small = cold(&service, &small.log, Some(&kept_cold)).0;
                same(&whole, &small, &format!("seed {seed}, loaded at {step}"));
            }
        }
    }
    assert!(swept > 20, "{swept}");
}

/// An owner that has put a key away, and an input for that key.
fn with_a_cold_key() -> (Bench, Store, Stored) {
    let (mut bench, store) = cold(&service(), &[], None);
    for offset in 0..40 {
        let order = format!("order {}", offset % 8);
        bench.handle(1, &fact(offset, &format!("id {offset}"), &Probed { order }));
    }
    assert!(bench.processor.keys_in_memory().1 >= 6);
    // Order 7 was used last, and is in memory.
    let order = "order 2".to_owned();
    assert!(store.disk().keys.contains_key(&order));
    (bench, store, fact(40, "the next", &Probed { order }))
}

// failure: disk | keys that were moved out of memory are damaged, or lost in part | a warning with the key | nothing
// is decided on them, nor kept in a snapshot: the partition is restored | an operator looks at the disk
#[test]
fn a_key_that_cannot_be_read_back_is_never_taken_for_a_new_one() {
    type Break = fn(&mut store::Disk);
    let breaks: [Break; 3] = [
        |disk| disk.is_unreadable = true,
        |disk| {
            disk.keys
                .values_mut()
                .for_each(|bytes| bytes.truncate(bytes.len() / 2));
        },
        |disk| disk.keys.values_mut().for_each(|bytes| bytes.insert(0, 0)),
    ];
    for break_it in breaks {
        let (mut bench, store, next) = with_a_cold_key();
        break_it(&mut store.disk());
        let error = bench.decide(1, &next).unwrap_err();
        assert!(matches!(error, ProcessorError::Cold { .. }), "{error}");
        assert!(error.to_string().contains("`order 2`"), "{error}");
        assert!(bench.out.is_empty(), "what was decided is taken back");
        // Nor is anything else believed from then on.
        let other = fact(
            41,
            "another",
            &Probed {
                order: "order 7".into(),
            },
        );
        let error = bench.decide(1, &other).unwrap_err();
        assert!(matches!(error, ProcessorError::Cold { .. }), "{error}");
        // Whoever restores without a store says what would have been said.
        let mut restored = taken_over(&service(), &bench.log, None).unwrap();
        restored.handle(1, &next);
        let last = restored.log.last().expect("an answer").text().to_owned();
        assert_eq!(last.matches("Seen@").count(), 5, "{last}");
    }
}

#[test]
fn a_snapshot_is_not_completed_with_keys_that_cannot_be_read_back() {
    // The first one holds all keys, and the next one those that have changed.
    for is_first in [true, false] {
        let (mut bench, store, _) = with_a_cold_key();
        let mut kept = Kept::default();
        bench.mark();
        if !is_first {
            assert!(kept.take(&mut *bench.processor).is_some());
            for offset in 40..48 {
                let order = format!("order {}", offset % 8);
                bench.handle(1, &fact(offset, &format!("id {offset}"), &Probed { order }));
            }
            bench.mark();
        }
        store.disk().is_unreadable = true;
        assert_eq!(kept.take(&mut *bench.processor), None);
        // What was handed out is no guess either: it stands beside what is kept.
        let empty = latest(&kept).into_iter().find(|(_, bytes)| bytes.len() < 4);
        assert_eq!(empty, None);
    }
}

// failure: disk | there is no room to move keys out of memory | one warning | they stay in memory, which grows; it
// is tried again | an operator makes room
#[test]
fn a_full_disk_leaves_keys_in_memory_and_is_tried_again() {
    let service = service();
    let mut whole = taken_over(&service, &[], None).unwrap();
    let (mut small, store) = cold(&service, &[], None);
    store.disk().is_full = true;
    let probe = |offset: i64| {
        let order = format!("order {}", offset % 50);
        fact(offset, &format!("id {offset}"), &Probed { order })
    };
    for offset in 0..500 {
        assert_eq!(
            whole.handle(1, &probe(offset)),
            small.handle(1, &probe(offset))
        );
    }
    assert_eq!(small.processor.keys_in_memory(), (50, 0));
    let tried = store.disk().puts;
    assert!(
        (1..20).contains(&tried),
        "it is not tried for every key: {tried}"
    );
    store.disk().is_full = false;
    // What comes while it is left alone is counted by new keys.
    for offset in 500..6_000 {
        let order = format!("order {offset}");
        let next = fact(offset, &format!("id {offset}"), &Probed { order });
        assert_eq!(whole.handle(1, &next), small.handle(1, &next));
    }
    let (in_memory, away) = small.processor.keys_in_memory();
    assert!(away > 5_000 && in_memory < 100, "{in_memory} and {away}");
    same(&whole, &small, "after the disk had room again");
}

#[test]
fn what_waits_stays_in_memory() {
    let aggregate = participant(&service(), "hold");
    let mut bench =
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new()).unwrap();
    let store = Store::default();
    store.limit(&mut *bench.processor);
    let placed = |offset: i64| common::domain::OrderPlaced {
        order: format!("order {offset}"),
        amount: 5,
        parts: 1,
    };
    for offset in 0..300 {
        bench.handle(0, &fact(offset, &format!("id {offset}"), &placed(offset)));
    }
    assert_eq!(store.disk().puts, 0, "each has a deadline");
    // The deadline of each is answered in its turn, and sets none.
    bench.now += 1_000;
    let now = kolo_core::Timestamp::from_millis(bench.now);
    for _ in 0..100 {
        let passed = bench.processor.pass_deadlines(now, 3, now, &mut bench.out);
        assert_eq!(passed.unwrap(), 3);
        bench.flush();
    }
    assert!(
        bench.processor.keys_in_memory().1 > 250,
        "and then it is seldom used"
    );
    assert_eq!(bench.processor.keys(), 300);
}
