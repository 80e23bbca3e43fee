//! Deadlines: a fold of the state, answered once each, the earliest first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact, participant, saga, setup};
use common::domain::*;
use kolo_core::processor::ResumeAt;
use kolo_core::wire::{FailureClass, REDRIVE, Source};
use kolo_core::{Aggregate, Deadline, EventId, Received, Service, State, Timestamp};

/// Waits from a hold until its amount of milliseconds later, unless it is closed.
#[derive(Default)]
struct Wait {
    until: Option<(String, Timestamp)>,
}

impl State for Wait {
    type Event = HoldEvent;

    fn evolve(&mut self, event: &HoldEvent, at: Timestamp) {
        match event {
            HoldEvent::Held(held) => {
                let due = Timestamp::from_millis(at.as_millis() + held.amount);
                self.until = Some((held.order.clone(), due));
            }
            HoldEvent::Closed(_) | HoldEvent::Freed(_) => self.until = None,
            _ => {}
        }
    }
}

fn due(wait: &Wait) -> Option<Timestamp> {
    wait.until.as_ref().map(|(_, due)| *due)
}

fn start(_: &Wait, placed: &Received<OrderPlaced>) -> Held {
    Held {
        order: placed.order.clone(),
        amount: placed.amount,
        part: 0,
    }
}

fn close(_: &Wait, closed: &Received<OrderClosed>) -> Closed {
    Closed {
        order: closed.order.clone(),
    }
}

fn expire(wait: &Wait, passed: &Received<Deadline<String>>) -> Freed {
    let (order, due) = wait.until.as_ref().expect("it waits");
    assert_eq!((passed.at(), &passed.key), (*due, order));
    Freed {
        order: passed.key.clone(),
        amount: passed.at().as_millis(),
        part: 0,
    }
}

/// Says that it saw the time pass, and goes on waiting for it.
fn ignore(wait: &Wait, _: &Received<Deadline<String>>) -> Seen {
    let (order, _) = wait.until.as_ref().expect("it waits");
    Seen {
        order: order.clone(),
        state: "late".into(),
    }
}

fn fails(_: &Wait, _: &Received<Deadline<String>>) -> Freed {
    panic!("it is not late")
}

fn waits() -> Aggregate<Wait> {
    Aggregate::<Wait>::new("hold").on(start).on(close)
}

fn expiring() -> Service {
    Service::new("test").aggregate(waits().deadline(due, expire))
}

const INBOX: usize = 1;

fn bench_of(service: &Service, log: Vec<Stored>, nonce: u64) -> Bench {
    let aggregate = participant(service, "hold");
    Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log).expect("a log")
}

fn placed(offset: i64, order: &str, amount: i64) -> Stored {
    let order = order.to_owned();
    let placed = OrderPlaced {
        order,
        amount,
        parts: 1,
    };
    fact(offset, &format!("placed {offset}"), &placed)
}

/// Lets time pass; gives the short types of what was appended.
fn pass(bench: &mut Bench, passed: Timestamp, limit: usize) -> Vec<String> {
    let from = bench.log.len();
    let now = Timestamp::from_millis(passed.as_millis() + 5);
    let answered = bench
        .processor
        .pass_deadlines(passed, limit, now, &mut bench.out);
    assert!(answered.expect("no state is broken") <= limit);
    bench.flush();
    bench.types_from(from)
}

const ALWAYS: Timestamp = Timestamp::from_millis(1_000_000_000);

#[test]
fn a_deadline_is_answered_once_with_the_event_that_set_it_as_its_cause() {
    let mut bench = bench_of(&expiring(), Vec::new(), 1);
    bench.handle(0, &placed(0, "o", 500));
    let held = bench.log.last().unwrap().clone();
    let due = Timestamp::from_millis(held.at.as_millis() + 500);
    assert_eq!(bench.processor.next_deadline(), Some(due));
    let before = Timestamp::from_millis(due.as_millis() - 1);
    assert_eq!(pass(&mut bench, before, 10), [""; 0]);
    assert_eq!(pass(&mut bench, due, 10), ["Freed"]);
    let freed = bench.log.last().unwrap();
    let stamp = freed.stamp();
    assert_eq!(stamp.source, Source::Deadline(due));
    assert_eq!(stamp.correlation, Some(saga("o")));
    assert_eq!(
        stamp.causation.map(|id| id.to_string()).as_deref(),
        held.id.as_deref()
    );
    assert_eq!(bench.processor.next_deadline(), None);
    assert_eq!(pass(&mut bench, ALWAYS, 10), [""; 0]);
}

#[test]
fn what_a_deadline_leads_to_carries_the_trace_of_the_event_that_set_it_on() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut first = bench_of(&expiring(), Vec::new(), 1);
    let traced = Stored {
        traceparent: Some(TRACE.into()),
        ..placed(0, "o", 500)
    };
    first.handle(0, &traced);
    let mut next = bench_of(&expiring(), first.log.clone(), 2);
    for bench in [&mut first, &mut next] {
        assert_eq!(pass(bench, ALWAYS, 10), ["Freed"]);
        let freed = bench.log.last().unwrap();
        assert_eq!(freed.traceparent.as_deref(), Some(TRACE));
    }
}

// failure: time | two owners answer the same deadline | one answer is void, or recognised | both have the same ids
// | nobody
#[test]
fn whoever_answers_a_deadline_gives_the_same_answer() {
    let mut bench = bench_of(&expiring(), Vec::new(), 1);
    bench.handle(0, &placed(0, "o", 500));
    // Another owner, after any downtime: what was not answered is, by the same event.
    let mut other = bench_of(&expiring(), bench.log.clone(), 2);
    assert_eq!(
        other.processor.next_deadline(),
        bench.processor.next_deadline()
    );
    pass(&mut bench, ALWAYS, 10);
    pass(&mut other, ALWAYS, 10);
    let identity = |stored: &Stored| (stored.id.clone(), stored.value.clone(), stored.key.clone());
    assert_eq!(
        identity(bench.log.last().unwrap()),
        identity(other.log.last().unwrap())
    );
    // And what was answered is not.
    let mut third = bench_of(&expiring(), other.log.clone(), 3);
    assert_eq!(third.processor.next_deadline(), None);
    assert_eq!(pass(&mut third, ALWAYS, 10), [""; 0]);
}

#[test]
fn what_is_due_is_counted_by_keys_and_no_further_than_asked_for() {
    let mut bench = bench_of(&expiring(), Vec::new(), 1);
    let due = |bench: &Bench, at: i64| {
        let due = |limit| {
            bench
                .processor
                .due_deadlines(Timestamp::from_millis(at), limit)
        };
        [due(10), due(2)]
    };
    for (offset, amount) in (0..).zip([900, 100, 500, 100]) {
        bench.handle(0, &placed(offset, &format!("o{offset}"), amount));
    }
    let set = bench.log.last().unwrap().at.as_millis();
    assert_eq!(due(&bench, set), [0, 0]);
    assert_eq!(due(&bench, set + 100), [2, 2]);
    assert_eq!(due(&bench, set + 900), [4, 2]);
    let order = "o1".to_owned();
    bench.handle(0, &fact(4, "closed", &OrderClosed { order }));
    assert_eq!(due(&bench, set + 100), [1, 1], "it waits no more");
    let poison = Stored {
        value: Some(b"garbage".to_vec()),
        ..placed(5, "o3", 0)
    };
    bench.handle(0, &poison);
    assert_eq!(
        due(&bench, set + 100),
        [0, 0],
        "it is behind what is parked"
    );
    pass(&mut bench, ALWAYS, 10);
    assert_eq!(due(&bench, set + 900), [0, 0]);
}

#[test]
fn a_state_that_waits_no_more_has_no_deadline() {
    let mut bench = bench_of(&expiring(), Vec::new(), 1);
    bench.handle(0, &placed(0, "o", 500));
    let closed = OrderClosed { order: "o".into() };
    bench.handle(0, &fact(1, "closed", &closed));
    assert_eq!(bench.processor.next_deadline(), None);
    // Another wait is another deadline.
    bench.handle(0, &placed(2, "o", 700));
    assert_eq!(pass(&mut bench, ALWAYS, 10), ["Freed"]);
}

#[test]
fn the_earliest_comes_first_and_no_more_than_asked_for() {
    let mut bench = bench_of(&expiring(), Vec::new(), 1);
    for (offset, amount) in [900, 100, 500].into_iter().enumerate() {
        let offset = offset.try_into().unwrap();
        bench.handle(0, &placed(offset, &format!("o{amount}"), amount));
    }
    let mut order = Vec::new();
    for count in [2, 1, 0] {
        let types = pass(&mut bench, ALWAYS, 2);
        assert_eq!(types.len(), count);
        let freed = &bench.log[bench.log.len() - types.len()..];
        order.extend(freed.iter().map(|stored| stored.key.clone().unwrap()));
    }
    assert_eq!(
        order,
        [b"o100".to_vec(), b"o500".to_vec(), b"o900".to_vec()]
    );
}

#[test]
fn a_state_that_keeps_its_deadline_is_not_asked_again() {
    fn note(_: &Wait, dropped: &Received<OrderDropped>) -> Seen {
        Seen {
            order: dropped.order.clone(),
            state: "dropped".into(),
        }
    }
    let service = Service::new("test").aggregate(waits().on(note).deadline(due, ignore));
    let mut bench = bench_of(&service, Vec::new(), 1);
    bench.handle(0, &placed(0, "o", 500));
    assert_eq!(pass(&mut bench, ALWAYS, 10), ["Seen"]);
    assert_eq!(pass(&mut bench, ALWAYS, 10), [""; 0]);
    let mut next = bench_of(&service, bench.log.clone(), 2);
    assert_eq!(pass(&mut next, ALWAYS, 10), [""; 0]);
    // However much the key answers after that.
    for offset in 1..200 {
        let dropped = OrderDropped { order: "o".into() };
        let said = next.handle(0, &fact(offset, &format!("dropped {offset}"), &dropped));
        assert_eq!(said, ["Seen"]);
    }
    let mut third = bench_of(&service, next.log.clone(), 3);
    assert_eq!(third.processor.next_deadline(), None);
    assert_eq!(pass(&mut third, ALWAYS, 10), [""; 0]);
}

#[test]
fn a_deadline_whose_step_is_barred_appends_nothing_whoever_looks_at_it() {
    fn hold_on(_: &Wait, passed: &Received<Deadline<String>>) -> Held {
        Held {
            order: passed.key.clone(),
            amount: 1,
            part: 1,
        }
    }
    fn back(_: &Wait, _: &Received<OrderDropped>, held: &Held) -> Seen {
        Seen {
            order: held.order.clone(),
            state: "dropped".into(),
        }
    }
    let service = Service::new("test").aggregate(waits().undo(back).deadline(due, hold_on));
    let mut bench = bench_of(&service, Vec::new(), 1);
    bench.handle(0, &placed(0, "o", 500));
    let dropped = OrderDropped { order: "o".into() };
    let undone = bench.handle(0, &fact(1, "dropped", &dropped));
    assert_eq!(undone, ["Seen", "kolo.barred"]);
    for nonce in 2..4 {
        assert_eq!(pass(&mut bench, ALWAYS, 10), [""; 0]);
        assert_eq!(
            bench.processor.next_deadline(),
            None,
            "it is looked at once"
        );
        bench = bench_of(&service, bench.log.clone(), nonce);
        assert!(bench.processor.next_deadline().is_some());
    }
}

// failure: time | the owner dies after a deadline, with inputs before it decided without an event | a marker
// before the answer | they are not decided again behind the deadline | nobody
#[test]
fn what_was_decided_with_no_event_before_a_deadline_is_durable_before_its_answer() {
    fn nothing(_: &Wait, _: &Received<OrderDropped>) {}
    let service = Service::new("test").aggregate(waits().on(nothing).deadline(due, expire));
    let mut bench = bench_of(&service, Vec::new(), 1);
    bench.handle(0, &placed(0, "o", 500));
    let dropped = OrderDropped { order: "p".into() };
    assert_eq!(bench.handle(0, &fact(1, "dropped", &dropped)), [""; 0]);
    assert_eq!(pass(&mut bench, ALWAYS, 10), ["kolo.marker", "Freed"]);
    let next = bench_of(&service, bench.log.clone(), 2);
    assert_eq!(next.resumes(), [ResumeAt::Next(2)]);
}

// failure: time | a deadline passes while its key is parked | the key stays parked, with its alert | the deadline
// is answered when the key is free | an operator frees the key
#[test]
fn a_deadline_is_behind_what_is_parked_under_its_key() {
    let mut bench = bench_of(&expiring(), Vec::new(), 1);
    bench.handle(0, &placed(0, "o", 500));
    let poison = Stored {
        value: Some(b"garbage".to_vec()),
        ..placed(1, "o", 0)
    };
    bench.handle(0, &poison);
    assert_eq!(bench.processor.next_deadline(), None);
    assert_eq!(pass(&mut bench, ALWAYS, 10), [""; 0]);
    let mut bench = bench_of(&expiring(), bench.log.clone(), 2);
    assert_eq!(pass(&mut bench, ALWAYS, 10), [""; 0]);
    let id = EventId::foreign("placed 1");
    let reason = "poison".into();
    let drop = serde_json::to_vec(&kolo_core::wire::Drop { id, reason }).unwrap();
    let control = Stored {
        value: Some(drop),
        event_type: Some("kolo.drop".into()),
        id: Some(EventId::foreign("drop").to_string()),
        ..placed(0, "o", 0)
    };
    assert_eq!(bench.handle(INBOX, &control), ["kolo.unparked"]);
    assert_eq!(pass(&mut bench, ALWAYS, 10), ["kolo.marker", "Freed"]);
}

// failure: code | the reaction to a deadline panics | the key is parked | redriven, it is answered once | a
// developer mends the code, an operator redrives
#[test]
fn a_deadline_that_fails_is_parked_and_redriven() {
    let service = Service::new("test").aggregate(waits().deadline(due, fails));
    let mut bench = bench_of(&service, Vec::new(), 1);
    bench.handle(0, &placed(0, "o", 500));
    assert_eq!(pass(&mut bench, ALWAYS, 10), ["kolo.parked"]);
    let mut class = None;
    bench
        .processor
        .parked(&mut |_, parked| class = Some(parked.failure.class));
    assert_eq!(class, Some(FailureClass::Panic));
    let control = Stored {
        value: None,
        event_type: Some(REDRIVE.into()),
        id: Some(EventId::foreign("redrive").to_string()),
        ..placed(0, "o", 0)
    };
    let mut mended = bench_of(&expiring(), bench.log.clone(), 2);
    assert_eq!(mended.handle(INBOX, &control), ["Freed", "kolo.unparked"]);
    assert_eq!(pass(&mut mended, ALWAYS, 10), [""; 0]);
    let mut next = bench_of(&expiring(), mended.log.clone(), 3);
    assert_eq!(next.processor.parked_keys(), 0);
    assert_eq!(pass(&mut next, ALWAYS, 10), [""; 0]);
}

#[test]
#[should_panic(expected = "declares a deadline twice")]
fn a_second_deadline_is_refused_where_it_is_declared() {
    let _ = waits().deadline(due, expire).deadline(due, ignore);
}
