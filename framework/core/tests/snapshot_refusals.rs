//! Snapshots that do not fit, are damaged, or would not be read again: they are refused, and the stream is read instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;
mod histories;

use common::bench::{Stored, fact, participant, setup, topic_id};
use common::domain::*;
use histories::kept::{Kept, kept_after_each_step, stream, taken_over};
use histories::service;
use kolo_core::processor::{ProcessorError, SnapshotProblem, StreamProblem};
use kolo_core::{Aggregate, Service, Timestamp, TopicId};

#[test]
fn what_is_not_this_stream_for_this_declaration_is_refused() {
    let mut bench = taken_over(&service(), &[], None).unwrap();
    bench.handle(0, &fact(0, "a", &OrderClosed { order: "o".into() }));
    let mut kept = Kept::default();
    kept.take(&mut *bench.processor).unwrap();
    let load = |aggregate: Aggregate<Hold>, name: &'static str, stream: TopicId, partition: i32| {
        let service = Service::new(name).aggregate(aggregate);
        let aggregate = std::sync::Arc::clone(&service.aggregates()[0]);
        let mut setup = setup(&*aggregate, name, 5);
        setup.partition = partition;
        aggregate
            .processor(setup)
            .load(stream, &kept.rest)
            .map(|_| ())
            .map_err(|problem| problem.to_string())
    };
    let same = histories::holds;
    assert_eq!(load(same(), "test", stream(), 0), Ok(()));
    let refused = [
        (
            load(same(), "another", stream(), 0),
            "it is of the service `test`, and this is `another`",
        ),
        (
            load(same(), "test", stream(), 1),
            "it is of partition `0`, and this is `1`",
        ),
        (
            load(same(), "test", topic_id("created again"), 0),
            "it is of the stream with the topic id",
        ),
        (
            load(same().snapshots(2), "test", stream(), 0),
            "it is of the snapshots' version `1`, and this is `2`",
        ),
        (
            load(same().remembers(7), "test", stream(), 0),
            "it is of a declaration that folds",
        ),
        (
            load(holds().snapshots(1), "test", stream(), 0),
            "it is of a declaration that folds",
        ),
    ];
    for (outcome, expected) in refused {
        let problem = outcome.unwrap_err();
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn damage_is_noticed_wherever_it_is() {
    let (_, all) = kept_after_each_step(3, 12);
    let (kept, _) = all.last().unwrap();
    let aggregate = participant(&service(), "hold");
    let fresh = || aggregate.processor(setup(&*aggregate, "test", 5));
    for end in 0..kept.rest.len() {
        fresh().load(stream(), &kept.rest[..end]).unwrap_err();
    }
    let format = [&1_u32.to_le_bytes(), &kept.rest[4..]].concat();
    let problem = fresh().load(stream(), &format).unwrap_err();
    assert_eq!(
        problem,
        SnapshotProblem::Format {
            found: 1,
            expected: 2
        }
    );
    for (key, bytes) in &kept.keys {
        let mut processor = fresh();
        processor.load(stream(), &kept.rest).unwrap();
        for end in 0..bytes.len() {
            processor.load_key(key, &bytes[..end]).unwrap_err();
        }
        processor
            .load_key(key, &[bytes.as_slice(), b"x"].concat())
            .unwrap_err();
        processor.load_key(key, bytes).unwrap();
    }
}

#[test]
fn a_record_that_another_owner_wrote_is_not_the_one_that_is_remembered() {
    let (log, all) = kept_after_each_step(4, 9);
    let service = service();
    let aggregate = participant(&service, "hold");
    for (kept, length) in &all {
        let mut processor = aggregate.processor(setup(&*aggregate, "test", 5));
        let snapshot = kept.load(&mut *processor).unwrap();
        let at = &log[length - 1];
        assert!(snapshot.is_of(&at.record()));
        let others = [
            Stored {
                offset: at.offset + 1,
                ..at.clone()
            },
            Stored {
                stamp: at
                    .stamp
                    .as_ref()
                    .map(|stamp| stamp.replace("000000B", "000000C").replacen('.', ".1", 1)),
                ..at.clone()
            },
            Stored {
                stamp: None,
                ..at.clone()
            },
            log[length - 2].clone(),
        ];
        for other in others {
            assert!(!snapshot.is_of(&other.record()), "{other:?}");
        }
    }
}

#[test]
fn a_newer_version_is_remembered_when_its_fence_is_gone() {
    let newer = Service::new("test").aggregate(histories::holds().version(4));
    let mut bench = taken_over(&newer, &[], None).unwrap();
    bench.handle(0, &fact(0, "a", &OrderClosed { order: "o".into() }));
    let mut kept = Kept::default();
    kept.take(&mut *bench.processor).unwrap();
    let refused = taken_over(&service(), &bench.log, Some(&kept))
        .map(|_| ())
        .unwrap_err();
    assert!(
        matches!(
            refused,
            ProcessorError::Stream {
                problem: StreamProblem::NewerVersion { newer: 4, own: 1 },
                ..
            }
        ),
        "{refused}"
    );
}

/// A state that serde writes without a field that it then misses.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Skips {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    count: u8,
}

impl kolo_core::State for Skips {
    type Event = HoldEvent;

    fn evolve(&mut self, _: &HoldEvent, _: Timestamp) {
        self.count += 1;
    }
}

#[test]
fn a_state_that_would_not_be_read_again_is_not_written() {
    fn close(_: &Skips, closed: &kolo_core::Received<OrderClosed>) -> Closed {
        Closed {
            order: closed.order.clone(),
        }
    }
    let aggregate = Aggregate::<Skips>::new("hold").on(close).snapshots(1);
    let mut bench = taken_over(&Service::new("test").aggregate(aggregate), &[], None).unwrap();
    bench.handle(0, &fact(0, "a", &OrderClosed { order: "o".into() }));
    let problem = bench
        .processor
        .snapshot_keys(10, &mut |_, _| {})
        .unwrap_err();
    assert!(
        problem.to_string().contains("skip_serializing_if"),
        "{problem}"
    );
    assert!(matches!(problem, SnapshotProblem::Unwritable { key, .. } if key == "o"));
}

/// A state whose hash map hands out its entries in another order each time it is made.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Tallies(std::collections::HashMap<String, u32>);

impl kolo_core::State for Tallies {
    type Event = HoldEvent;

    fn evolve(&mut self, _: &HoldEvent, at: Timestamp) {
        self.0.insert(format!("at {}", at.as_millis()), 1);
    }
}

#[test]
fn a_state_with_a_hash_map_is_kept_whatever_its_order() {
    fn close(_: &Tallies, closed: &kolo_core::Received<OrderClosed>) -> Closed {
        Closed {
            order: closed.order.clone(),
        }
    }
    let aggregate = Aggregate::<Tallies>::new("hold").on(close).snapshots(1);
    let mut bench = taken_over(&Service::new("test").aggregate(aggregate), &[], None).unwrap();
    for at in 0..20 {
        bench.handle(
            0,
            &fact(at, &format!("{at}"), &OrderClosed { order: "o".into() }),
        );
    }
    let mut kept = Kept::default();
    assert!(kept.take(&mut *bench.processor).is_some());
}
