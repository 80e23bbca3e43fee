//! Inputs: what is decided, and what is recognised as a repeat.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, append, fact, participant, saga, setup, topic};
use common::domain::*;
use kolo_core::processor::{Outbox, Outcome};
use kolo_core::wire::Source;
use kolo_core::{Aggregate, EventId, Position, Received, Service, Timestamp};

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

#[test]
fn an_answer_names_its_cause_its_saga_and_its_input() {
    let mut bench = Bench::holds();
    let input = Stored {
        traceparent: Some("00-aa-bb-01".into()),
        ..placed(7, "p", 5, 1)
    };
    assert_eq!(bench.handle(0, &input), ["Held"]);
    let held = bench.log.last().unwrap();
    let stamp = held.stamp();
    assert_eq!(stamp.correlation, Some(saga("o")));
    assert_eq!(stamp.causation, Some(EventId::foreign("p")));
    assert_eq!(
        stamp.source,
        Source::Input {
            origin: 0,
            partition: 0,
            position: Position::direct(7)
        }
    );
    assert_eq!((stamp.index, stamp.count), (1, 1));
    assert_eq!(held.text(), "Held|o|5|0");
    assert_eq!(held.traceparent.as_deref(), Some("00-aa-bb-01"));
    assert_eq!(held.key.as_deref(), Some(&b"o"[..]));
}

#[test]
fn an_answer_is_written_the_same_by_whoever_decides_it() {
    let ids = |bench: &mut Bench| {
        bench.handle(0, &placed(0, "p", 5, 3));
        bench
            .valid_events()
            .into_iter()
            .map(|stored| stored.id.clone())
            .collect::<Vec<_>>()
    };
    let one = ids(&mut Bench::holds());
    assert_eq!(one.len(), 3);
    assert_eq!(one, ids(&mut Bench::restored_from(Bench::holds().log, 9)));
}

#[test]
fn what_is_read_again_is_a_repeat_by_its_position() {
    let mut bench = Bench::holds();
    bench.handle(0, &placed(4, "a", 5, 1));
    // Another id at a position that was decided: the position alone tells.
    assert_eq!(
        bench.decide(0, &placed(4, "b", 5, 1)).unwrap(),
        Outcome::Repeat
    );
    assert_eq!(
        bench.decide(0, &placed(3, "c", 5, 1)).unwrap(),
        Outcome::Repeat
    );
    assert_eq!(
        bench.decide(0, &placed(5, "d", 5, 1)).unwrap(),
        Outcome::Decided(1)
    );
}

// failure: data | a publisher sends an event twice under one id | nothing | it is recognised by its id, also after
// a restore, among the last 128 of its key | nobody
#[test]
fn what_was_published_twice_is_a_repeat_by_its_id_also_after_a_restore() {
    let mut bench = Bench::holds();
    bench.handle(0, &placed(0, "p", 5, 2));
    assert_eq!(
        bench.decide(0, &placed(1, "p", 5, 2)).unwrap(),
        Outcome::Repeat
    );
    assert_eq!(
        bench.restored(2).decide(0, &placed(1, "p", 5, 2)).unwrap(),
        Outcome::Repeat
    );
    // At another key it is another input.
    let other = fact(
        2,
        "p",
        &OrderPlaced {
            order: "other".into(),
            amount: 5,
            parts: 1,
        },
    );
    assert_eq!(bench.decide(0, &other).unwrap(), Outcome::Decided(1));
}

#[test]
fn an_input_without_an_id_gets_that_of_its_place() {
    let mut bench = Bench::holds();
    let foreign = Stored {
        id: None,
        ..placed(3, "-", 5, 1)
    };
    bench.handle(0, &foreign);
    let cause = EventId::of_place(topic("orders").id, 0, 3);
    assert_eq!(bench.log.last().unwrap().stamp().causation, Some(cause));
}

#[test]
fn as_many_ids_are_remembered_as_the_declaration_says() {
    let service = Service::new("test").aggregate(holds().remembers(3));
    let aggregate = participant(&service, "hold");
    let mut bench =
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new()).unwrap();
    for n in 0..5 {
        bench.handle(0, &placed(n, &format!("p{n}"), 5, 1));
    }
    let restored = Bench::take_over(
        &*aggregate,
        setup(&*aggregate, "test", 2),
        bench.log.clone(),
    )
    .unwrap();
    for mut bench in [bench, restored] {
        // Repeats of remembered inputs append nothing, so they push nothing out of the window.
        for (at, n) in [2, 3, 4].into_iter().enumerate() {
            let again = placed(10 + i64::try_from(at).unwrap(), &format!("p{n}"), 5, 1);
            assert_eq!(
                bench.decide(0, &again).unwrap(),
                Outcome::Repeat,
                "p{n} is within the window"
            );
        }
        assert_eq!(
            bench.decide(0, &placed(20, "p1", 5, 1)).unwrap(),
            Outcome::Decided(1),
            "p1 is forgotten"
        );
    }
}

#[test]
fn a_business_failure_is_an_event_and_nothing_is_nothing() {
    let mut bench = Bench::holds();
    assert_eq!(bench.handle(0, &placed(0, "a", -1, 1)), ["Refused"]);
    assert_eq!(
        bench.decide(0, &placed(1, "b", 0, 1)).unwrap(),
        Outcome::Decided(0)
    );
    assert!(bench.out.is_empty());
    assert_eq!(bench.processor.keys(), 1);
    let unknown = Stored {
        event_type: Some("test.Unheard".into()),
        ..placed(2, "c", 1, 1)
    };
    assert_eq!(bench.decide(0, &unknown).unwrap(), Outcome::Ignored);
}

#[test]
fn a_topic_with_one_declared_type_needs_no_type_header() {
    fn once(_: &Hold, probed: &Received<Probed>) -> Seen {
        see(&Hold::default(), probed)
    }
    let service = Service::new("test").aggregate(Aggregate::<Hold>::new("hold").on(once));
    let aggregate = participant(&service, "hold");
    let mut bench =
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new()).unwrap();
    let foreign = Stored {
        event_type: None,
        ..fact(0, "a", &Probed { order: "o".into() })
    };
    assert_eq!(bench.handle(0, &foreign), ["Seen"]);
}

/// A fresh owner of an aggregate whose input is the stream of another, that of `hold`.
fn reader_of_holds() -> Bench {
    fn mirror(_: &Hold, held: &Received<Granted>) -> Closed {
        Closed {
            order: held.order.clone(),
        }
    }
    let service = Service::new("mirror").aggregate(Aggregate::<Hold>::new("mirror").on(mirror));
    let aggregate = participant(&service, "mirror");
    Bench::take_over(&*aggregate, setup(&*aggregate, "mirror", 1), Vec::new()).unwrap()
}

// failure: data | a foreign or replaced writer leaves records in a stream that others read | nothing | they are
// void for every reader | nobody
#[test]
fn records_of_kolo_itself_and_void_ones_are_passed_over_in_an_input_that_is_a_stream() {
    // The fence is no event, nor is what a replaced owner wrote.
    let mut reader = reader_of_holds();
    let mut source = Bench::holds();
    source.handle(
        0,
        &fact(
            0,
            "w",
            &MoneyWanted {
                order: "o".into(),
                cents: 5,
            },
        ),
    );
    let request = source.effects[0].request;
    let mut late = Outbox::default();
    source
        .processor
        .answer(
            request,
            Box::new(Verdict(true)),
            Timestamp::from_millis(1),
            &mut late,
        )
        .unwrap();
    let mut source = source.restored(2);
    append(&mut source.log, &mut late);
    source.answer(request, Box::new(Verdict(true)));

    let types: Vec<&str> = source.log.iter().map(Stored::short_type).collect();
    assert_eq!(
        types,
        ["kolo.fence", "Asked", "kolo.fence", "Granted", "Granted"]
    );
    let outcomes: Vec<Outcome> = source
        .log
        .iter()
        .map(|stored| reader.decide(0, stored).unwrap())
        .collect();
    let expected = [
        Outcome::Skipped,
        Outcome::Ignored,
        Outcome::Skipped,
        Outcome::Void,
        Outcome::Decided(1),
    ];
    assert_eq!(outcomes, expected);
}

// failure: time | two aggregates that read each other's streams are idle | nothing | the marker of one is not marked by the other, so
// that their streams end to grow | nobody
#[test]
fn a_marker_of_another_is_not_marked_unless_there_are_many() {
    let mut reader = reader_of_holds();
    let mut source = Bench::holds();
    for stored in &source.log {
        reader.decide(0, stored).unwrap();
    }
    reader.mark();
    let mut marked_after = 0;
    while reader.processor.unmarked() == 0 {
        source.mark();
        marked_after += 1;
        let marker = source.log.last().unwrap();
        assert_eq!(reader.decide(0, marker).unwrap(), Outcome::Skipped);
        assert!(marked_after < 1_000, "the next owner has to read them all");
    }
    assert!(marked_after >= 100, "two would go on marking for ever");
    reader.mark();
    assert_eq!(reader.processor.unmarked(), 0);
}
