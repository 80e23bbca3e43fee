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
use kolo_core::wire::{FailureClass, Parked, ParkedKind, REDRIVE, Source, Stamp, Writer};
use kolo_core::{CallFailure, CallPolicy, CorrelationId, EventId, Retries, Service, Timestamp};

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
fn a_call_and_its_answer_carry_the_trace_of_the_request_on() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut bench = Bench::holds();
    let traced = Stored {
        traceparent: Some(TRACE.into()),
        ..wanted(0, "w")
    };
    bench.handle(0, &traced);
    assert_eq!(bench.effects[0].traceparent.as_deref(), Some(TRACE));
    let mut bench = bench.restored(2);
    let call = bench.start.effects[0].clone();
    assert_eq!(call.traceparent.as_deref(), Some(TRACE));
    bench.answer(call.request, verdict(true));
    let granted = bench.log.last().unwrap();
    assert_eq!(granted.traceparent.as_deref(), Some(TRACE));
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

// failure: process | the owner dies after a call and before its answer is in the log | a request without an answer
// | the next owner calls again under the same idempotency key | nobody; the port must honour the key
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

// failure: broker | an append is acknowledged behind another owner's fence | the gap is read | the epoch is over,
// and no effect starts | nobody
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

/// The bank has not told: what is true whether or not it has granted.
fn unheard(_: &Hold, asked: &Asked) -> Denied {
    Denied {
        order: asked.order.clone(),
    }
}

fn patient() -> Bench {
    let service = Service::new("test").aggregate(holds().exhausted(unheard));
    let aggregate = participant(&service, "hold");
    Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new()).unwrap()
}

fn exhausted(bench: &mut Bench, request: EventId) -> (Outcome, Vec<String>) {
    let from = bench.log.len();
    let failure = CallFailure {
        problem: "no line".into(),
        attempts: 3,
        terminal: false,
    };
    let now = Timestamp::from_millis(bench.now);
    let outcome = bench
        .processor
        .exhausted(request, &failure, now, &mut bench.out)
        .unwrap();
    bench.flush();
    (outcome, bench.types_from(from))
}

// failure: outside | a port gives no definitive reply, and the declaration says what is answered then | the
// declared event | a reply that comes later is a repeat | nobody
#[test]
fn a_request_without_a_reply_is_answered_as_declared_and_a_late_reply_is_a_repeat() {
    let mut bench = patient();
    bench.handle(0, &wanted(0, "w"));
    let request = bench.effects[0].request;
    let (outcome, answer) = exhausted(&mut bench, request);
    assert_eq!(
        (outcome, &answer[..]),
        (Outcome::Decided(1), &["Denied".to_owned()][..])
    );
    let given = bench.log.last().unwrap().clone();
    assert_eq!(
        (given.stamp().causation, given.stamp().source),
        (Some(request), Source::None)
    );
    assert!(bench.answer(request, verdict(true)).is_empty());
    assert_eq!(
        exhausted(&mut bench, request),
        (Outcome::Repeat, Vec::new())
    );
    assert!(bench.restored(2).start.effects.is_empty());

    // One request has one answer: a reply would have had this id.
    let mut replied = patient();
    replied.handle(0, &wanted(0, "w"));
    replied.answer(request, verdict(false));
    assert_eq!(replied.log.last().unwrap().id, given.id);
    assert_eq!(
        exhausted(&mut replied, request),
        (Outcome::Repeat, Vec::new())
    );
}

#[test]
fn the_declared_answer_runs_the_undo_that_waited_for_it() {
    let mut bench = patient();
    bench.handle(0, &wanted(0, "w"));
    let request = bench.effects[0].request;
    bench.handle(0, &fact(1, "d", &OrderDropped { order: "o".into() }));
    let (_, answer) = exhausted(&mut bench, request);
    // Nothing was granted, so there is nothing to give back.
    assert_eq!(answer[0], "Denied");
    assert!(!answer.contains(&"GaveBack".to_owned()), "{answer:?}");
}

// failure: outside | a port gives no definitive reply until its policy allows no more calls | the key is parked
// with class `effect`, and the last error | redriven, it is called again under the same key | an operator redrives
// when the port is back, or finds out what happened and drops
#[test]
fn where_no_answer_is_declared_the_key_is_parked_until_the_request_is_called_again() {
    let mut bench = Bench::holds();
    bench.handle(0, &wanted(0, "w"));
    let request = bench.effects[0].request;
    let (outcome, appended) = exhausted(&mut bench, request);
    assert_eq!(
        (outcome, &appended[..]),
        (Outcome::Parked, &["kolo.parked".to_owned()][..])
    );
    let parked: Parked = serde_json::from_str(bench.log.last().unwrap().text()).unwrap();
    assert_eq!((parked.kind, parked.id), (ParkedKind::Request, request));
    assert_eq!(parked.failure.class, FailureClass::Effect);
    assert_eq!(bench.processor.pending(), []);
    let mut bench = bench.restored(2);
    assert_eq!(bench.effects, []);
    let redrive = Stored {
        event_type: Some(REDRIVE.into()),
        ..wanted(0, "redrive")
    };
    assert_eq!(bench.handle(2, &redrive), ["kolo.unparked"]);
    let call = bench.effects.pop().expect("it is called again");
    assert_eq!(call.request, request);
    let unparked = bench.log.last().unwrap().at;
    assert_eq!(call.at, unparked, "what its policy bounds begins anew");
    assert_eq!(bench.restored(3).effects[0].at, unparked);
    assert_eq!(
        bench.answer(request, verdict(true)),
        ["kolo.marker", "Granted"]
    );
}

#[test]
fn pending_requests_are_called_in_the_order_of_the_log_and_know_when_they_were_recorded() {
    let mut bench = Bench::holds();
    for at in 0..20 {
        bench.handle(0, &wanted(at, &format!("w{at}")));
    }
    let requests: Vec<_> = bench
        .log
        .iter()
        .filter(|stored| stored.short_type() == "Asked")
        .collect();
    let asked: Vec<_> = requests
        .iter()
        .map(|stored| (stored.id.clone(), stored.at))
        .collect();
    let calls = |calls: &[kolo_core::EffectCall]| -> Vec<_> {
        calls
            .iter()
            .map(|call| (Some(call.request.to_string()), call.at))
            .collect()
    };
    assert_eq!(calls(&bench.effects), asked);
    assert_eq!(calls(&bench.restored(2).start.effects), asked);
}

#[test]
fn what_is_declared_about_an_effect_shows_in_its_description() {
    const POLICY: CallPolicy = CallPolicy::new().retries(Retries::at_most(3));
    let service = Service::new("test").aggregate(holds().policy(POLICY).exhausted(unheard));
    let description = participant(&service, "hold").description();
    let [bank] = &description.effects[..] else {
        panic!("one effect")
    };
    assert_eq!(bank.policy, POLICY);
    assert_eq!(bank.exhausted.unwrap().name, "unheard");
    // As a refusal of the bank, and as the answer without a reply.
    let denied = bank
        .emits
        .iter()
        .filter(|edge| edge.event.short_name() == "Denied");
    assert_eq!(
        denied.map(|edge| edge.failure).collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
#[should_panic(expected = "the effect declared last is requested by `test.Asked`")]
fn an_answer_belongs_to_the_effect_declared_last() {
    fn other(_: &Hold, held: &Held) -> Freed {
        Freed {
            order: held.order.clone(),
            amount: 0,
            part: 0,
        }
    }
    let _ = holds().exhausted(other);
}

#[test]
#[should_panic(expected = "declares `.policy` before any effect")]
fn a_policy_comes_after_its_effect() {
    let _ = kolo_core::Aggregate::<Hold>::new("hold").policy(CallPolicy::new());
}
