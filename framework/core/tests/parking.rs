//! Parking: what cannot be decided holds back its key, and nothing else, until it is redriven or dropped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashMap;

use common::bench::{Bench, Stored, fact, participant, setup, topic_id};
use common::domain::*;
use kolo_core::processor::{Outcome, ProcessorError, Setup};
use kolo_core::wire::{self, DROP, FailureClass, Parked, ParkedKind, REDRIVE, Unparked};
use kolo_core::{Aggregate, EventId, Received, Service, Timestamp};

const ORDERS: usize = 0;
const PROBES: usize = 1;
const INBOX: usize = 2;

fn placed(offset: i64, order: &str, amount: i64, parts: u32) -> Stored {
    let order = order.to_owned();
    let id = format!("placed {offset}");
    fact(
        offset,
        &id,
        &OrderPlaced {
            order,
            amount,
            parts,
        },
    )
}

fn garbage(offset: i64, order: &str) -> Stored {
    Stored {
        value: Some(b"garbage".to_vec()),
        ..placed(offset, order, 0, 0)
    }
}

fn control(offset: i64, event_type: &str, key: &str, value: &[u8]) -> Stored {
    Stored {
        offset,
        at: Timestamp::from_millis(offset),
        key: Some(key.as_bytes().to_vec()),
        value: Some(value.to_vec()),
        id: Some(EventId::foreign(&format!("control {offset}")).to_string()),
        event_type: Some(event_type.to_owned()),
        stamp: None,
        rest: None,
        traceparent: None,
    }
}

fn redrive(offset: i64, key: &str) -> Stored {
    control(offset, REDRIVE, key, b"{}")
}

fn drop_one(offset: i64, key: &str, id: EventId, reason: &str) -> Stored {
    let drop = wire::Drop {
        id,
        reason: reason.to_owned(),
    };
    control(offset, DROP, key, &serde_json::to_vec(&drop).unwrap())
}

/// What is parked: (key, id, class, attempts), key by key in order.
fn parked_now(bench: &Bench) -> Vec<(String, EventId, FailureClass, u32)> {
    let mut all = Vec::new();
    bench.processor.parked(&mut |key, parked| {
        all.push((
            key.to_owned(),
            parked.id,
            parked.failure.class,
            parked.attempts,
        ));
    });
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn ids(bench: &Bench) -> Vec<EventId> {
    parked_now(bench)
        .into_iter()
        .map(|(_, id, ..)| id)
        .collect()
}

fn last_parked(bench: &Bench) -> Parked {
    let stored = bench
        .log
        .iter()
        .rfind(|stored| stored.short_type() == "kolo.parked");
    serde_json::from_str(stored.expect("something parked").text()).expect("JSON")
}

/// A decision with a bug that the next version mends: it cannot bear the amount 666.
fn hold_with_a_bug(state: &Hold, order: &Received<OrderPlaced>) -> Result<Vec<Held>, Refused> {
    assert!(order.amount != 666, "no amount {} for me", order.amount);
    hold(state, order)
}

fn buggy() -> Service {
    let aggregate = Aggregate::<Hold>::new("hold").on(hold_with_a_bug);
    let aggregate = aggregate
        .undo(free)
        .on(ask)
        .effect::<Bank, _>(told_with_a_bug);
    Service::new("test").aggregate(aggregate.undo(give_back).on(close).pivot().on(see).on(nod))
}

fn told_with_a_bug(state: &Hold, asked: &Asked, verdict: Verdict) -> Result<Granted, Denied> {
    assert!(asked.cents != 666, "no {} cents for me", asked.cents);
    told(state, asked, verdict)
}

fn bench_of(service: &Service, log: Vec<Stored>, nonce: u64) -> Bench {
    let aggregate = participant(service, "hold");
    Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log).expect("a log")
}

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
        message.contains("70000 records, more than the 65535"),
        "{message}"
    );
}

// failure: data | records come for a parked key | they are parked behind it | a drop or redrive runs them in their
// order | an operator
#[test]
fn only_the_failing_key_waits_and_its_order_is_kept() {
    let mut bench = Bench::holds();
    assert_eq!(bench.handle(ORDERS, &garbage(0, "o")), ["kolo.parked"]);
    assert_eq!(bench.handle(ORDERS, &placed(1, "p", 5, 1)), ["Held"]);
    let probed = fact(0, "probe", &Probed { order: "o".into() });
    assert_eq!(bench.handle(PROBES, &probed), ["kolo.parked"]);
    assert_eq!(bench.handle(ORDERS, &placed(2, "o", 7, 2)), ["kolo.parked"]);
    let classes: Vec<_> = parked_now(&bench)
        .into_iter()
        .map(|(_, _, class, _)| class)
        .collect();
    let expected = [
        FailureClass::Decode,
        FailureClass::Behind,
        FailureClass::Behind,
    ];
    assert_eq!(classes, expected);
    assert!(
        last_parked(&bench)
            .failure
            .message
            .contains(&EventId::foreign("placed 0").to_string()),
        "it says behind what it waits"
    );
    // The poison is dropped with a reason, and what waited behind it runs in its order.
    let poison = EventId::foreign("placed 0");
    let dropped = drop_one(0, "o", poison, "nobody can read it");
    let types = bench.handle(INBOX, &dropped);
    assert_eq!(
        types,
        [
            "kolo.unparked",
            "Seen",
            "kolo.unparked",
            "Held",
            "Held",
            "kolo.unparked"
        ]
    );
    let trace = bench
        .log
        .iter()
        .find(|stored| stored.short_type() == "kolo.unparked");
    let trace: Unparked = serde_json::from_str(trace.unwrap().text()).unwrap();
    assert_eq!(
        trace,
        Unparked {
            id: poison,
            dropped: Some("nobody can read it".into())
        }
    );
    assert_eq!(parked_now(&bench), []);
    let types = bench.handle(ORDERS, &placed(3, "o", 8, 1));
    assert_eq!(
        types,
        ["kolo.marker", "Held"],
        "the control record's position is durable"
    );
    assert_eq!(bench.processor.parked_keys(), 0);
    // All that again, read by another owner, is nothing new.
    let mut next = bench.restored(2);
    for (input, stored) in [(INBOX, &dropped), (PROBES, &probed)] {
        assert_eq!(next.handle(input, stored), [""; 0]);
    }
}

#[test]
fn a_redrive_gives_the_ids_that_the_first_try_would_have_given() {
    let inputs = [placed(0, "o", 666, 2), placed(1, "o", 5, 1)];
    let mut sound = Bench::holds();
    for stored in &inputs {
        sound.handle(ORDERS, stored);
    }
    let mut bench = bench_of(&buggy(), Vec::new(), 1);
    for stored in &inputs {
        assert_eq!(bench.handle(ORDERS, stored), ["kolo.parked"]);
    }
    let failure = last_parked_of(&bench, "placed 0").failure;
    assert_eq!(failure.class, FailureClass::Panic);
    assert_eq!(failure.message, "it panicked: no amount 666 for me");
    assert!(
        failure
            .function
            .as_deref()
            .unwrap()
            .starts_with("hold_with_a_bug ("),
        "{failure:?}"
    );
    // With the same bug it fails again.
    assert_eq!(bench.handle(INBOX, &redrive(0, "o")), ["kolo.parked"]);
    assert_eq!(parked_now(&bench)[0].3, 2);
    // The mended version is deployed.
    let mut mended = bench.restored(2);
    assert_eq!(parked_now(&mended), parked_now(&bench));
    assert_eq!(
        mended.handle(INBOX, &redrive(1, "o")),
        ["Held", "Held", "kolo.unparked", "Held", "kolo.unparked"]
    );
    let business = |bench: &Bench| -> Vec<_> {
        let events = bench.valid_events();
        let events = events.into_iter();
        events
            .map(|stored| {
                (
                    stored.id.clone(),
                    stored.value.clone(),
                    stored.stamp().correlation,
                )
            })
            .collect()
    };
    assert_eq!(business(&mended), business(&sound));
}

fn last_parked_of(bench: &Bench, id: &str) -> Parked {
    let id = EventId::foreign(id);
    let mut found = None;
    bench.processor.parked(&mut |_, parked| {
        if parked.id == id {
            found = Some(parked.clone());
        }
    });
    found.expect("it is parked")
}

// failure: process | the owner dies in the middle of a redrive | part of the queue is decided | the control record
// is read again, and the rest runs; nothing twice | nobody
/// An owner that dies at any record of a redrive leaves a queue from which the next one ends in the same place.
#[test]
fn a_redrive_survives_a_crash_at_every_record() {
    let mut bench = bench_of(&buggy(), Vec::new(), 1);
    bench.handle(ORDERS, &placed(0, "o", 666, 3));
    for offset in 1..4 {
        bench.handle(ORDERS, &placed(offset, "o", 5, 2));
    }
    let before = bench.log.len();
    let control = redrive(0, "o");
    let mut whole = bench.restored(2);
    whole.handle(INBOX, &control);
    let ids_of = |bench: &Bench| -> Vec<Option<String>> {
        bench
            .valid_events()
            .into_iter()
            .map(|stored| stored.id.clone())
            .collect()
    };
    let expected = ids_of(&whole);
    assert_eq!(expected.len(), 3 + 3 * 2);
    for length in before + 1..=whole.log.len() {
        let mut next = Bench::restored_from(whole.log[..length].to_vec(), 3);
        next.handle(INBOX, &control);
        assert_eq!(
            ids_of(&next),
            expected,
            "died after {} records",
            length - before
        );
        assert_eq!(
            parked_now(&next),
            [],
            "died after {} records",
            length - before
        );
        let after = next.restored(4);
        assert_eq!(parked_now(&after), []);
    }
}

// failure: process | the owner dies in the middle of a drop | the record is dropped, or not yet | the control
// record is read again, and what waited behind it runs; nothing twice | nobody
#[test]
fn a_drop_survives_a_crash_at_every_record_and_touches_one_key() {
    let mut bench = Bench::holds();
    bench.handle(ORDERS, &garbage(0, "o"));
    bench.handle(ORDERS, &garbage(1, "p"));
    bench.handle(ORDERS, &placed(2, "o", 5, 2));
    let before = bench.log.len();
    let control = drop_one(0, "o", EventId::foreign("placed 0"), "poison");
    let mut whole = bench.restored(2);
    whole.handle(INBOX, &control);
    for length in before + 1..=whole.log.len() {
        let mut next = Bench::restored_from(whole.log[..length].to_vec(), 3);
        next.handle(INBOX, &control);
        assert_eq!(
            ids(&next),
            [EventId::foreign("placed 1")],
            "died after {}",
            length - before
        );
        assert_eq!(next.valid_events().len(), 2);
    }
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

/// A trigger that undoes and then makes a reaction panic has changed the state half-way.
#[test]
fn a_state_that_was_left_half_changed_is_restored_and_the_input_parked() {
    fn refuses(_: &Hold, _: &Received<OrderDropped>) -> Closed {
        panic!("not today")
    }
    let holds = Aggregate::<Hold>::new("hold")
        .on(hold)
        .undo(free)
        .on(refuses);
    let service = Service::new("test").aggregate(holds);
    let mut bench = bench_of(&service, Vec::new(), 1);
    bench.handle(ORDERS, &placed(0, "o", 5, 2));
    let dropped = fact(1, "dropped", &OrderDropped { order: "o".into() });
    let error = bench.decide(ORDERS, &dropped).unwrap_err();
    assert!(bench.out.is_empty(), "half of it is not written");
    let ProcessorError::Broken { key, id, failure } = error else {
        panic!("{error}")
    };
    assert_eq!((key.as_str(), id), ("o", EventId::foreign("dropped")));
    let aggregate = participant(&service, "hold");
    let setup = Setup {
        broken: HashMap::from([(id, *failure)]),
        ..setup(&*aggregate, "test", 2)
    };
    let mut next = Bench::take_over(&*aggregate, setup, bench.log.clone()).unwrap();
    assert_eq!(next.handle(ORDERS, &dropped), ["kolo.parked"]);
    assert_eq!(last_parked(&next).failure.message, "it panicked: not today");
    assert_eq!(
        next.valid_events().len(),
        2,
        "the two holds, and nothing undone"
    );
    // The next version has no such reaction.
    let mended = Aggregate::<Hold>::new("hold").on(hold).undo(free);
    let mended = Service::new("test").aggregate(mended);
    let mut mended = bench_of(&mended, next.log.clone(), 3);
    let types = mended.handle(INBOX_OF_ONE, &redrive(0, "o"));
    assert_eq!(types, ["Freed", "Freed", "kolo.barred", "kolo.unparked"]);
}

/// The inbox of an aggregate with one input topic.
const INBOX_OF_ONE: usize = 1;

// failure: code | the function that takes a reply panics | the key is parked with the request | redriven, the port
// is asked again under the same key, and its answer is taken | a developer mends the code, an operator redrives
#[test]
fn a_reply_that_cannot_be_taken_parks_its_key_and_is_asked_for_again() {
    let mut bench = bench_of(&buggy(), Vec::new(), 1);
    let order = || "o".to_owned();
    let wanted = MoneyWanted {
        order: order(),
        cents: 666,
    };
    bench.handle(ORDERS, &fact(0, "wanted", &wanted));
    let request = bench.effects.pop().expect("a request").request;
    assert_eq!(
        bench.answer(request, Box::new(Verdict(true))),
        ["kolo.parked"]
    );
    let parked_request = last_parked(&bench);
    assert_eq!(parked_request.kind, ParkedKind::Request);
    assert_eq!(parked_request.failure.class, FailureClass::Panic);
    assert_eq!(
        bench.processor.pending(),
        [],
        "it is not called while it is parked"
    );
    // What comes for the key meanwhile waits: the drop of the order undoes a request that has its answer.
    let dropped = fact(1, "dropped", &OrderDropped { order: order() });
    assert_eq!(bench.handle(ORDERS, &dropped), ["kolo.parked"]);
    let mut mended = bench.restored(2);
    assert_eq!(mended.effects, []);
    let types = mended.handle(INBOX, &redrive(0, "o"));
    assert_eq!(
        types,
        [
            "kolo.unparked",
            "kolo.barred",
            "kolo.barred",
            "kolo.unparked"
        ]
    );
    let call = mended.effects.pop().expect("it is called again");
    assert_eq!(call.request, request, "under the same key");
    assert_eq!(
        mended.answer(request, Box::new(Verdict(true))),
        [
            "kolo.marker",
            "Granted",
            "GaveBack",
            "kolo.barred",
            "kolo.barred"
        ]
    );
    assert_eq!(mended.answer(request, Box::new(Verdict(true))), [""; 0]);
}

#[test]
fn a_request_that_is_dropped_ends_and_the_undo_that_waited_for_it_runs() {
    let mut bench = bench_of(&buggy(), Vec::new(), 1);
    let order = || "o".to_owned();
    bench.handle(ORDERS, &placed(0, "o", 5, 1));
    let wanted = MoneyWanted {
        order: order(),
        cents: 666,
    };
    bench.handle(ORDERS, &fact(1, "wanted", &wanted));
    let dropped = fact(2, "dropped", &OrderDropped { order: order() });
    assert_eq!(
        bench.handle(ORDERS, &dropped),
        ["kolo.barred", "kolo.barred"]
    );
    let request = bench.effects.pop().expect("a request").request;
    bench.answer(request, Box::new(Verdict(true)));
    let control = drop_one(0, "o", request, "the bank says that it never heard of it");
    let types = bench.handle(INBOX, &control);
    assert_eq!(
        types,
        ["Freed", "kolo.barred", "kolo.barred", "kolo.unparked"]
    );
    assert_eq!(bench.processor.pending(), []);
    let next = bench.restored(2);
    assert_eq!(
        (next.processor.pending(), parked_now(&next)),
        (vec![], vec![])
    );
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
