//! Effects: started for sound requests, answered once, kept through restores.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, append, fact, participant, setup};
use common::domain::*;
use kolo_core::processor::{EpochEnd, Outcome};
use kolo_core::wire::{Source, Stamp, Writer};
use kolo_core::{CorrelationId, EventId, Timestamp};

fn wanted(offset: i64, id: &str) -> Stored {
    fact(
        offset,
        id,
        &MoneyWanted {
            order: "o".into(),
            cents: 7,
        },
    )
}

fn verdict(granted: bool) -> Box<Verdict> {
    Box::new(Verdict(granted))
}

#[test]
fn a_request_is_called_with_its_own_id_once_its_append_is_acknowledged() {
    let mut bench = Bench::holds();
    bench.decide(0, &wanted(0, "w")).unwrap();
    bench.processor.sound(&mut bench.effects);
    assert!(bench.effects.is_empty(), "not acknowledged yet");
    bench.flush();
    let asked = bench.log.last().unwrap();
    let [call] = &bench.effects[..] else {
        panic!("one call, not {:?}", bench.effects)
    };
    assert_eq!(Some(call.request.to_string()), asked.id);
    assert_eq!(
        (&*call.key, &*call.value, call.effect),
        ("o", &b"Asked|o|7"[..], 0)
    );
    assert_eq!(call.correlation, CorrelationId::of_saga("o"));
}

#[test]
fn a_second_reply_is_ignored() {
    let mut bench = Bench::holds();
    bench.handle(0, &wanted(0, "w"));
    let request = bench.effects[0].request;
    assert_eq!(bench.answer(request, verdict(true)), ["Granted"]);
    let stamp = bench.log.last().unwrap().stamp();
    assert_eq!(
        (stamp.causation, stamp.source),
        (Some(request), Source::None)
    );
    assert!(bench.answer(request, verdict(false)).is_empty());
    let mut bench = bench.restored(2);
    assert!(bench.start.effects.is_empty());
    assert!(bench.answer(request, verdict(false)).is_empty());
    assert!(
        bench
            .answer(EventId::foreign("never asked"), verdict(true))
            .is_empty()
    );
}

#[test]
fn a_pending_request_is_started_again_after_a_restore_with_the_same_key() {
    let mut bench = Bench::holds();
    bench.handle(0, &wanted(0, "w"));
    let calls = bench.effects.clone();
    let mut bench = bench.restored(2);
    assert_eq!(bench.start.effects, calls);
    assert_eq!(bench.processor.pending(), calls);
    assert_eq!(bench.answer(calls[0].request, verdict(true)), ["Granted"]);
    assert!(bench.restored(3).start.effects.is_empty());
}

#[test]
fn a_request_behind_a_gap_is_not_called_before_the_gap_is_read() {
    let mut bench = Bench::holds();
    bench.decide(0, &wanted(0, "w")).unwrap();
    // Somebody else's leftover lands first.
    let leftover = Stamp::own(Writer {
        epoch: Some(0),
        nonce: 99,
        number: 5,
    })
    .to_string();
    bench.log.push(Stored {
        offset: 1,
        stamp: Some(leftover),
        ..wanted(1, "x")
    });
    let offsets = append(&mut bench.log, &mut bench.out);
    assert_eq!(offsets, [2]);
    bench.processor.acknowledged(2).unwrap();
    bench.processor.sound(&mut bench.effects);
    assert_eq!(
        (bench.effects.len(), bench.processor.gap()),
        (0, Some(1..2))
    );
    let leftover = bench.log[1].clone();
    bench.processor.read_gap(&leftover.record()).unwrap();
    bench.processor.sound(&mut bench.effects);
    assert_eq!(
        (
            bench.effects.len(),
            bench.processor.gap(),
            bench.processor.in_flight()
        ),
        (1, None, 0)
    );
}

#[test]
fn a_fence_in_the_gap_ends_the_epoch_and_no_effect_starts() {
    let mut bench = Bench::holds();
    bench.decide(0, &wanted(0, "w")).unwrap();
    let mut successor = bench.restored(2);
    append(&mut successor.log, &mut bench.out);
    bench.processor.acknowledged(2).unwrap();
    let fence = successor.log[1].clone();
    assert_eq!(
        bench.processor.read_gap(&fence.record()),
        Err(EpochEnd::Replaced { fence: 1 })
    );
    bench.processor.sound(&mut bench.effects);
    assert!(bench.effects.is_empty());
    assert!(
        successor.valid_events().is_empty(),
        "the late request is void"
    );
}

#[test]
fn a_reply_behind_inputs_is_decided_on_the_state_that_they_left() {
    let mut bench = Bench::holds();
    bench.handle(0, &wanted(0, "w"));
    let request = bench.effects[0].request;
    assert_eq!(bench.answer(request, verdict(true)), ["Granted"]);
    assert_eq!(
        bench
            .handle(0, &fact(1, "d", &OrderDropped { order: "o".into() }))
            .first()
            .unwrap(),
        "GaveBack"
    );
    let aggregate = participant(&service(), "hold");
    let mut restored =
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 5), bench.log).unwrap();
    let now = Timestamp::from_millis(1);
    assert_eq!(
        restored
            .processor
            .answer(request, verdict(true), now, &mut restored.out)
            .unwrap(),
        Outcome::Repeat
    );
}
