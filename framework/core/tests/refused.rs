//! Inputs that cannot be decided: the processor stops and says which one, and why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact, participant, setup};
use common::domain::*;
use kolo_core::processor::Setup;
use kolo_core::{Aggregate, Received, Service};

fn placed(offset: i64, id: &str, amount: i64, parts: u32) -> Stored {
    fact(
        offset,
        id,
        &OrderPlaced {
            order: "o".into(),
            amount,
            parts,
        },
    )
}

/// Decides an input that cannot be decided; gives the message.
fn refusal(bench: &mut Bench, input: usize, stored: &Stored) -> String {
    let message = bench
        .decide(input, stored)
        .expect_err("it cannot be decided")
        .to_string();
    assert!(bench.out.is_empty(), "nothing is appended for it");
    message
}

#[test]
fn what_cannot_be_decided_names_topic_partition_offset_key_and_reason() {
    let good = placed(41, "a", 5, 1);
    let cases = [
        (
            Stored {
                value: Some(b"garbage".to_vec()),
                ..good.clone()
            },
            "key `o`, type test.OrderPlaced: test.OrderPlaced: malformed",
        ),
        (
            Stored {
                value: None,
                ..good.clone()
            },
            "test.OrderPlaced: malformed",
        ),
        (
            Stored {
                key: None,
                ..good.clone()
            },
            "key (none), type test.OrderPlaced: the record's key is absent",
        ),
        (
            Stored {
                key: Some(vec![0xff]),
                ..good.clone()
            },
            "the record's key is absent or not UTF-8",
        ),
        (
            Stored {
                key: Some(b"another".to_vec()),
                ..good.clone()
            },
            "is not the value of the event's key field `order`",
        ),
        (
            Stored {
                event_type: None,
                ..good.clone()
            },
            "type (none): the record has no header `ce_type`",
        ),
        (
            Stored {
                stamp: Some("2 x".into()),
                ..good.clone()
            },
            "the header `kolo: 2 x` cannot be read",
        ),
    ];
    for (stored, reason) in cases {
        let message = refusal(&mut Bench::holds(), 0, &stored);
        assert!(
            message.starts_with("orders partition 0 offset 41, key "),
            "{message}"
        );
        assert!(message.contains(reason), "{message}");
    }
    let dropped = fact(1, "d", &OrderDropped { order: "o".into() });
    let message = refusal(
        &mut Bench::holds(),
        0,
        &Stored {
            key: Some(b"x".to_vec()),
            ..dropped
        },
    );
    assert!(
        message.contains("is not the value of the event's key field `order`"),
        "a trigger is held to its key too: {message}"
    );
}

#[test]
fn a_key_on_the_wrong_partition_is_refused() {
    let aggregate = participant(&service(), "hold");
    let expected = kolo_core::partition_of(b"o", 8);
    let here = (expected + 1) % 8;
    let setup = Setup {
        partition: here,
        partitions: 8,
        ..setup(&*aggregate, "test", 1)
    };
    let mut bench = Bench::take_over(&*aggregate, setup, Vec::new()).unwrap();
    let message = refusal(&mut bench, 0, &placed(2, "a", 5, 1));
    assert!(
        message.starts_with(&format!("orders partition {here} offset 2, key `o`")),
        "{message}"
    );
    assert!(
        message.contains(&format!("the key belongs on partition {expected}")),
        "{message}"
    );
}

#[test]
fn an_event_with_another_aggregates_key_is_refused() {
    fn astray(_: &Hold, probed: &Received<Probed>) -> Closed {
        Closed {
            order: format!("not-{}", probed.order),
        }
    }
    let service = Service::new("test").aggregate(Aggregate::<Hold>::new("hold").on(astray));
    let aggregate = participant(&service, "hold");
    let mut bench =
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new()).unwrap();
    let message = refusal(&mut bench, 0, &fact(0, "a", &Probed { order: "o".into() }));
    assert!(
        message.contains("the reaction emitted `test.Closed` with the key `not-o`"),
        "{message}"
    );
}

#[test]
fn an_answer_that_is_too_large_is_refused_before_anything_of_it_is_appended() {
    let aggregate = participant(&service(), "hold");
    let fitting = |parts: u32, max_record_bytes: usize| {
        let setup = Setup {
            max_record_bytes,
            ..setup(&*aggregate, "test", 1)
        };
        let mut bench = Bench::take_over(&*aggregate, setup, Vec::new()).unwrap();
        bench
            .decide(0, &placed(0, "a", 5, parts))
            .map(|_| ())
            .map_err(|error| (error.to_string(), bench.out.len()))
    };
    assert_eq!(fitting(1, 1_000), Ok(()));
    let (message, appended) = fitting(100, 1_000).unwrap_err();
    assert!(
        message.contains("bytes, more than the 1000 that a record may have"),
        "{message}"
    );
    assert_eq!(
        appended, 0,
        "the first record carries the rest, so it is the largest"
    );
    assert_eq!(fitting(100, 100_000), Ok(()));
    let (message, appended) = fitting(70_000, usize::MAX).unwrap_err();
    assert!(
        message.contains("70000 records, more than the 65535"),
        "{message}"
    );
    assert_eq!(appended, 0);
}
