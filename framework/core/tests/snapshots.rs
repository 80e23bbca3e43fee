//! Snapshots: what one holds, with the tail of the stream behind it, is what the whole stream gives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;
mod histories;

use common::bench::{Bench, Stored, fact, participant, setup};
use common::domain::*;
use histories::kept::{Kept, kept_after_each_step, taken_over};
use histories::{History, service};
use kolo_core::Service;

/// Everything that can be seen of an owner.
fn seen(bench: &mut Bench) -> Vec<String> {
    let mut all = vec![
        format!("{:?}", bench.start),
        format!("{:?}", bench.processor.pending()),
        format!(
            "{} keys, {} of them parked",
            bench.processor.keys(),
            bench.processor.parked_keys()
        ),
        format!("{:?}", bench.processor.latest_parked()),
        format!("{:?}", bench.processor.next_deadline()),
    ];
    let mut parked = Vec::new();
    bench
        .processor
        .parked(&mut |key, one| parked.push(format!("{key} {one:?}")));
    parked.sort_by(|one, other| one.split(' ').next().cmp(&other.split(' ').next()));
    all.extend(parked);
    let mut marker = bench.mark();
    marker
        .others
        .sort_by_key(|(origin, partition, _)| (origin.id, *partition));
    all.push(format!("{marker:?}"));
    // Each key with its state, its barrier, its alarm and its answered ids in their order.
    let mut whole = Kept::default();
    bench.processor.begin_snapshots();
    let snapshot = whole.take(&mut *bench.processor);
    all.push(format!("{snapshot:?}"));
    whole.keys.sort();
    all.extend(
        whole
            .keys
            .into_iter()
            .map(|(key, bytes)| format!("{key} {bytes:?}")),
    );
    all
}

#[test]
fn a_snapshot_and_the_tail_are_the_whole_stream() {
    let service = service();
    for seed in 0..4 {
        let (log, all) = kept_after_each_step(seed, 40);
        let mut random = histories::Random::new(seed);
        for (at, (kept, length)) in all.iter().enumerate() {
            // Where the log ends may be in the middle of an answer.
            let cuts = [
                *length,
                length + random.below(6),
                length + random.below(log.len() - length + 1),
                log.len(),
            ];
            for cut in cuts {
                same_from_both(&service, &log[..cut.min(log.len())], kept, at);
            }
            // What the reader keeps tells that a repeat of the last record is void.
            let mut repeated = log[..*length].to_vec();
            let last = &log[length - 1];
            repeated.push(Stored {
                offset: last.offset + 1,
                ..last.clone()
            });
            same_from_both(&service, &repeated, kept, at);
        }
    }
}

/// Restores from the whole log, and from a snapshot and its tail.
fn same_from_both(service: &Service, log: &[Stored], kept: &Kept, step: usize) {
    let mut whole = taken_over(service, log, None).unwrap();
    let mut tail = taken_over(service, log, Some(kept)).unwrap();
    assert_eq!(
        seen(&mut whole),
        seen(&mut tail),
        "the snapshot after step {step}, and the log's first {}",
        log.len()
    );
}

#[test]
fn an_owner_that_began_with_a_snapshot_decides_what_another_would() {
    let service = service();
    for seed in 100..112 {
        let (log, all) = kept_after_each_step(seed, 30);
        let (kept, _) = &all[all.len() / 2];
        let answers = [None, Some(kept)].map(|kept| {
            let mut bench = taken_over(&service, &log, kept).unwrap();
            // Repeats of all that was published, replies to all that is pending, and what comes next.
            let mut history = History::new(seed);
            history.continue_behind(seed, 30);
            let from = bench.log.len();
            for _ in 0..40 {
                history.step(&mut bench);
            }
            bench.log.split_off(from)
        });
        assert_eq!(answers[0], answers[1], "seed {seed}");
    }
}

#[test]
fn nothing_is_kept_that_the_log_does_not_hold() {
    let mut bench = taken_over(&service(), &[], None).unwrap();
    let take = |bench: &mut Bench| Kept::default().take(&mut *bench.processor);
    let placed = |offset, amount| {
        let order = "o".to_owned();
        fact(
            offset,
            &format!("placed {offset}"),
            &OrderPlaced {
                order,
                amount,
                parts: 1,
            },
        )
    };
    assert_eq!(
        take(&mut bench).map(|snapshot| snapshot.last),
        Some(0),
        "the fence alone"
    );
    bench.decide(0, &placed(0, 5)).unwrap();
    assert_eq!(take(&mut bench), None, "the answer is not acknowledged");
    bench.flush();
    let snapshot = take(&mut bench).unwrap();
    assert_eq!(
        (
            snapshot.last,
            snapshot.cursor.number,
            snapshot.keys,
            snapshot.events
        ),
        (1, 1, 1, 1)
    );
    bench.decide(0, &placed(1, 0)).unwrap();
    assert_eq!(
        take(&mut bench),
        None,
        "decided with no event, and no marker tells of it"
    );
    bench.mark();
    assert_eq!(take(&mut bench).map(|snapshot| snapshot.last), Some(2));
}

#[test]
fn only_keys_that_changed_are_written_again() {
    let mut bench = taken_over(&service(), &[], None).unwrap();
    let written = |bench: &mut Bench| {
        let mut kept = Kept::default();
        let changed = bench.processor.changed_keys();
        kept.take(&mut *bench.processor)
            .expect("nothing is ahead of the log");
        assert_eq!(
            (changed, bench.processor.changed_keys()),
            (kept.keys.len(), 0)
        );
        let mut keys: Vec<String> = kept.keys.into_iter().map(|(key, _)| key).collect();
        keys.sort();
        keys
    };
    for (offset, order) in ["o", "p", "q"].into_iter().enumerate() {
        let closed = OrderClosed {
            order: order.into(),
        };
        bench.handle(0, &fact(i64::try_from(offset).unwrap(), order, &closed));
    }
    assert_eq!(written(&mut bench), ["o", "p", "q"]);
    assert!(written(&mut bench).is_empty());
    bench.handle(0, &fact(3, "again", &OrderClosed { order: "p".into() }));
    bench.handle(0, &fact(4, "and again", &OrderClosed { order: "p".into() }));
    assert_eq!(written(&mut bench), ["p"]);
    bench.processor.begin_snapshots();
    assert_eq!(written(&mut bench), ["o", "p", "q"]);
}

#[test]
fn without_a_declaration_nothing_is_kept() {
    let aggregate = participant(&common::domain::service(), "hold");
    let mut bench =
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new()).unwrap();
    bench.handle(0, &fact(0, "a", &OrderClosed { order: "o".into() }));
    assert_eq!(bench.processor.changed_keys(), 0);
    assert_eq!(Kept::default().take(&mut *bench.processor), None);
}
