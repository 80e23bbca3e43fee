//! Parking: what cannot be decided is kept, with the reason, and holds back its key.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact, participant, setup, topic_id};
use common::domain::*;
use common::parked::*;
use kolo_core::processor::{Outcome, Setup};
use kolo_core::wire::{DROP, FailureClass, ParkedKind};
use kolo_core::{Aggregate, EventId, Received, Service};

// failure: data | a record does not decode, has no key, another key than its event, or no type | the key is parked
// with its bytes, headers, place and the reason | later records of the key wait in order, all others flow | an
// operator drops it with a reason, or redrives once the code can read it
#[test]
fn what_cannot_be_decided_is_parked_with_its_bytes_its_place_and_the_reason() {
    let good = placed(41, "o", 5, 1);
    let cases = [
        (
            Stored {
                value: Some(b"garbage".to_vec()),
                ..good.clone()
            },
            FailureClass::Decode,
            "test.OrderPlaced: malformed",
        ),
        (
            Stored {
                value: None,
                ..good.clone()
            },
            FailureClass::Decode,
            "test.OrderPlaced: malformed",
        ),
        (
            Stored {
                key: None,
                ..good.clone()
            },
            FailureClass::Key,
            "the record's key is absent",
        ),
        (
            Stored {
                key: Some(vec![0xff]),
                ..good.clone()
            },
            FailureClass::Key,
            "absent or not UTF-8",
        ),
        (
            Stored {
                key: Some(b"another".to_vec()),
                ..good.clone()
            },
            FailureClass::Key,
            "is not the value of the event's key field `order`",
        ),
        (
            Stored {
                event_type: None,
                ..good.clone()
            },
            FailureClass::Type,
            "the record has no header `ce_type`",
        ),
        (
            Stored {
                stamp: Some("2 x".into()),
                ..good.clone()
            },
            FailureClass::Decode,
            "the header `kolo: 2 x` cannot be read",
        ),
        (
            Stored {
                key: Some(b"x".to_vec()),
                ..fact(41, "placed 41", &OrderDropped { order: "o".into() })
            },
            FailureClass::Key,
            "is not the value of the event's key field `order`",
        ),
    ];
    for (stored, class, reason) in cases {
        let mut bench = Bench::holds();
        assert_eq!(bench.decide(ORDERS, &stored).unwrap(), Outcome::Parked);
        bench.flush();
        let parked = last_parked(&bench);
        assert_eq!(parked.failure.class, class, "{}", parked.failure.message);
        assert!(
            parked.failure.message.contains(reason),
            "{}",
            parked.failure.message
        );
        assert_eq!((parked.kind, parked.attempts), (ParkedKind::Input, 1));
        assert_eq!(parked.id, EventId::foreign("placed 41"));
        assert_eq!(parked.value.as_deref(), stored.value.as_deref());
        let place = parked.place.expect("its place");
        assert_eq!(
            (place.topic.as_str(), place.id),
            ("orders", topic_id("orders"))
        );
        assert_eq!((place.partition, place.offset), (0, 41));
        let kept: Vec<&str> = parked
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(kept.contains(&"ce_type"), stored.event_type.is_some());
        assert_eq!(bench.processor.parked_keys(), 1);
        // Read again, it is recognised; and so it is by the next owner.
        assert_eq!(bench.decide(ORDERS, &stored).unwrap(), Outcome::Repeat);
        let mut next = bench.restored(2);
        assert_eq!(parked_now(&next), parked_now(&bench));
        assert_eq!(next.decide(ORDERS, &stored).unwrap(), Outcome::Repeat);
        let again = Stored {
            offset: 42,
            ..stored
        };
        assert_eq!(next.decide(ORDERS, &again).unwrap(), Outcome::Repeat);
    }
}

// failure: data | a publisher partitions by another hash | the key is parked, and the right partition named |
// nothing is decided twice on two partitions | whoever publishes sets the partitioner and publishes again; an
// operator drops
#[test]
fn a_key_on_the_wrong_partition_is_parked() {
    let aggregate = participant(&service(), "hold");
    let expected = kolo_core::partition_of(b"o", 8);
    let here = (expected + 1) % 8;
    let setup = Setup {
        partition: here,
        partitions: 8,
        ..setup(&*aggregate, "test", 1)
    };
    let mut bench = Bench::take_over(&*aggregate, setup, Vec::new()).unwrap();
    assert_eq!(bench.handle(ORDERS, &placed(2, "o", 5, 1)), ["kolo.parked"]);
    let message = last_parked(&bench).failure.message;
    assert!(
        message.contains(&format!("the key belongs on partition {expected}")),
        "{message}"
    );
    // A redrive cannot mend that; the record stays where it is, and says that it was tried again.
    assert_eq!(bench.handle(INBOX, &redrive(0, "o")), ["kolo.parked"]);
    assert_eq!(parked_now(&bench)[0].3, 2);
}

// failure: code | a reaction emits an event with another aggregate's key | the key is parked with class `answer` |
// nothing of the answer is written | a developer mends the reaction
#[test]
fn an_answer_that_may_not_be_written_is_parked_and_names_the_function() {
    fn astray(_: &Hold, probed: &Received<Probed>) -> Closed {
        Closed {
            order: format!("not-{}", probed.order),
        }
    }
    let service = Service::new("test").aggregate(Aggregate::<Hold>::new("hold").on(astray));
    let mut bench = bench_of(&service, Vec::new(), 1);
    let probed = fact(0, "a", &Probed { order: "o".into() });
    assert_eq!(bench.handle(0, &probed), ["kolo.parked"]);
    let failure = last_parked(&bench).failure;
    assert_eq!(failure.class, FailureClass::Answer);
    assert!(
        failure
            .message
            .contains("the reaction emitted `test.Closed` with the key `not-o`"),
        "{}",
        failure.message
    );
    let function = failure.function.expect("the function");
    assert!(function.starts_with("astray ("), "{function}");
    assert!(function.contains("parking.rs:"), "{function}");
}

// failure: code | an answer is larger than a record may be, or has too many records | the key is parked with class
// `answer` | nothing of it is appended | a developer splits the answer
#[test]
fn an_answer_that_is_too_large_is_parked_before_anything_of_it_is_appended() {
    let aggregate = participant(&service(), "hold");
    let fitting = |parts: u32, max_record_bytes: usize| {
        let setup = Setup {
            max_record_bytes,
            ..setup(&*aggregate, "test", 1)
        };
        let mut bench = Bench::take_over(&*aggregate, setup, Vec::new()).unwrap();
        let types = bench.handle(ORDERS, &placed(0, "o", 5, parts));
        let message = (types == ["kolo.parked"]).then(|| last_parked(&bench).failure.message);
        (types.len(), message)
    };
    assert_eq!(fitting(1, 2_000), (1, None));
    let (_, message) = fitting(200, 2_000);
    let message = message.expect("parked");
    assert!(
        message.contains("bytes, more than the 2000 that a record may have"),
        "{message}"
    );
    assert_eq!(fitting(200, 100_000), (200, None));
    let message = fitting(70_000, usize::MAX).1.expect("parked");
    assert!(
        message.contains("70000 records, more than the 65534"),
        "{message}"
    );
}

// failure: data | somebody writes nonsense as a control record | a warning names its place | it is passed over |
// nobody
#[test]
fn a_control_record_that_says_nothing_known_is_not_understood_and_passed_over() {
    let mut bench = Bench::holds();
    for (offset, stored) in [
        control(0, DROP, "o", b"garbage"),
        control(1, "kolo.marker", "o", b"{}"),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(
            bench.decide(INBOX, stored).unwrap(),
            Outcome::NotUnderstood,
            "{offset}"
        );
    }
    let nothing_parked = bench.decide(INBOX, &redrive(2, "o")).unwrap();
    assert_eq!(nothing_parked, Outcome::Decided(0));
    assert_eq!(
        bench.decide(INBOX, &redrive(2, "o")).unwrap(),
        Outcome::Repeat
    );
    assert!(bench.out.is_empty());
}

// failure: data | a poison value is too large to be kept beside its reason | it is parked by its place | a redrive
// says so; the record stands in its topic | an operator publishes it again in parts, and drops it
#[test]
fn a_value_that_fits_into_no_record_is_parked_by_its_place() {
    let aggregate = participant(&service(), "hold");
    let setup = Setup {
        max_record_bytes: 4_000,
        ..setup(&*aggregate, "test", 1)
    };
    let mut bench = Bench::take_over(&*aggregate, setup, Vec::new()).unwrap();
    let large = Stored {
        value: Some(vec![b'x'; 4_000]),
        ..placed(7, "o", 5, 1)
    };
    assert_eq!(bench.handle(ORDERS, &large), ["kolo.parked"]);
    let parked = last_parked(&bench);
    assert!(parked.too_large && parked.value.is_none());
    assert_eq!(parked.place.expect("its place").offset, 7);
    assert_eq!(bench.handle(INBOX, &redrive(0, "o")), ["kolo.parked"]);
    let message = last_parked(&bench).failure.message;
    assert!(message.contains("too large to be kept"), "{message}");
}
