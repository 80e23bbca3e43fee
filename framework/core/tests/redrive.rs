//! Redrive and drop: what is parked runs by today's code, in order, or is forgotten; whoever dies on the way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashMap;

use common::bench::{Bench, fact, participant, setup};
use common::domain::*;
use common::parked::*;
use kolo_core::processor::{ProcessorError, Setup};
use kolo_core::wire::{FailureClass, ParkedKind, Unparked};
use kolo_core::{Aggregate, EventId, Received, Service};

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
