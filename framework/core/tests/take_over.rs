//! Taking a stream over: whose it is, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact, participant, setup};
use common::domain::*;
use kolo_core::Service;
use kolo_core::processor::{ProcessorError, Setup};

/// A stream with two events of one answer.
fn stream() -> Bench {
    let mut bench = Bench::holds();
    bench.handle(
        0,
        &fact(
            0,
            "a",
            &OrderPlaced {
                order: "o".into(),
                amount: 5,
                parts: 2,
            },
        ),
    );
    bench
}

fn refusal(log: Vec<Stored>, change: impl FnOnce(&mut Setup)) -> String {
    let aggregate = participant(&service(), "hold");
    let mut setup = setup(&*aggregate, "test", 9);
    change(&mut setup);
    match Bench::take_over(&*aggregate, setup, log) {
        Err(error @ ProcessorError::Stream { .. }) => error.to_string(),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it took over"),
    }
}

// failure: set-up | two services are given one stream, or its partition count changed | the second one does not
// start, and names the first | the stream keeps its owner | an operator gives it a stream of its own
#[test]
fn a_stream_of_another_service_or_partition_count_is_refused() {
    let log = stream().log;
    let message = refusal(log.clone(), |setup| setup.service = "thief".into());
    assert!(
        message.starts_with("holds partition 0 offset 0: the stream belongs to test.hold"),
        "{message}"
    );
    let message = refusal(log, |setup| setup.partitions = 2);
    assert!(
        message.contains("was written with 1 partitions and has 2"),
        "{message}"
    );
}

// failure: set-up | a process that was set up wrongly fences a stream and refuses | its fence stays in the log |
// the rightful owner takes over | nobody
#[test]
fn a_fence_left_by_mistake_does_not_shut_the_owner_out() {
    let mut bench = stream();
    let aggregate = participant(&service(), "hold");
    for change in [
        |setup: &mut Setup| setup.service = "thief".into(),
        |setup: &mut Setup| setup.partitions = 2,
    ] {
        let mut setup = setup(&*aggregate, "test", 9);
        change(&mut setup);
        let thief = aggregate.processor(setup);
        thief.fence(kolo_core::Timestamp::from_millis(1), &mut bench.out);
        common::bench::append(&mut bench.log, &mut bench.out);
    }
    assert_eq!(bench.restored(10).processor.keys(), 1);
}

// failure: code | an older version is deployed again | it refuses to start, and names both versions | nothing is
// decided by the old rules | an operator deploys the newer one, or allows the downgrade
#[test]
fn an_older_version_does_not_take_over_unless_told_to() {
    let newer = Service::new("test").aggregate(holds().version(3));
    let newer = participant(&newer, "hold");
    let log = Bench::take_over(&*newer, setup(&*newer, "test", 1), Vec::new())
        .unwrap()
        .log;
    let message = refusal(log.clone(), |_| {});
    assert!(
        message.contains("version 3 of this aggregate's declaration")
            && message.contains("this is version 1"),
        "{message}"
    );
    // Not even when the version that left the latest fence is an old one, which refused.
    let mut after_refusal = log.clone();
    after_refusal.extend(
        Bench::holds()
            .log
            .into_iter()
            .map(|fence| Stored { offset: 1, ..fence }),
    );
    refusal(after_refusal, |_| {});
    let aggregate = participant(&service(), "hold");
    let told = Setup {
        allow_downgrade: true,
        ..setup(&*aggregate, "test", 2)
    };
    assert!(Bench::take_over(&*aggregate, told, log).is_ok());
}

// failure: code | a version starts that lacks an event type of its stream | it refuses to start, and names the
// type | nothing is folded by halves | a developer deploys a version that knows it
#[test]
fn a_stream_with_an_event_that_nobody_declares_is_refused() {
    let mut bench = stream();
    bench.log[1].event_type = Some("test.Vanished".into());
    let message = refusal(bench.log, |_| {});
    assert!(
        message.starts_with("holds partition 0 offset 1: the stream holds `test.Vanished`"),
        "{message}"
    );
}

// failure: data | a record of the own stream cannot be read | the service refuses to start, and names the offset |
// nothing is folded by halves | an operator finds who wrote to the stream; restore it from a backup
#[test]
fn a_stream_with_a_value_or_header_that_cannot_be_read_is_refused() {
    let log = stream().log;
    let broken = |change: fn(&mut Stored)| {
        let mut log = log.clone();
        change(&mut log[1]);
        refusal(log, |_| {})
    };
    assert!(broken(|stored| stored.value = Some(b"?".to_vec())).contains("test.Held: malformed"));
    assert!(
        broken(|stored| stored.stamp = Some("1 ?".into()))
            .contains("the header `kolo: 1 ?` cannot be read")
    );
    assert!(
        broken(|stored| stored.rest = None)
            .contains("`kolo_rest` cannot be read: the header does not hold the 1 records")
    );
}
