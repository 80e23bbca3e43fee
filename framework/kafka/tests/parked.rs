//! What cannot be decided holds back its key and nothing else, over a broker.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Publisher, Seen, await_that, config, read_all};
use kolo_core::wire;
use kolo_kafka::{App, Running};

common::counter_events!("parked.added", "parked.counted");
common::counter!("parked");

const INBOX: &str = "parked.counter.inbox";

/// Cannot bear the amount 666; the next version can.
fn count_with_a_bug(counter: &Counter, added: &Received<Added>) -> Counted {
    assert!(added.amount != 666, "no amount {} for me", added.amount);
    count(counter, added)
}

fn start(service: Service) -> Running {
    App::new(service)
        .start(&config())
        .expect("the service starts")
}

fn of(event_type: &str, key: &str) -> Vec<Seen> {
    read_all("parked.counted")
        .into_iter()
        .filter(|seen| seen.valid && seen.event_type == event_type && seen.key == key)
        .collect()
}

fn counted(key: &str) -> Vec<String> {
    let of_key = of("test.Counted", key).into_iter();
    of_key.map(|seen| seen.value).collect()
}

fn parked(key: &str) -> Vec<wire::Parked> {
    let of_key = of(wire::PARKED, key).into_iter();
    of_key
        .map(|seen| serde_json::from_str(&seen.value).expect("JSON"))
        .collect()
}

// failure: code | a decision panics | the key is parked, with message and function; other keys flow | after the
// deploy of mended code a redrive decides all that waited, in order, with the ids it would have had | a developer
// deploys, an operator redrives
#[test]
fn a_poison_record_and_a_panic_hold_back_their_keys_until_they_are_dropped_or_redriven() {
    let publisher = Publisher::new();
    let add = |id: &str, key: &str, value: &str| {
        publisher.publish("parked.added", "test.Added", id, key, value.as_bytes());
    };
    let buggy = || {
        let counter = Aggregate::<Counter>::new("counter").on(count_with_a_bug);
        Service::new("parked").aggregate(counter)
    };
    let running = start(buggy());
    add("p0", "poisoned", "poison");
    add("b0", "bug", "bug 666");
    for number in 1..=3 {
        add(&format!("p{number}"), "poisoned", "poisoned 1");
        add(&format!("b{number}"), "bug", "bug 1");
        add(&format!("o{number}"), "other", "other 1");
    }
    publisher.flush();
    await_that("the other key is counted, and two are parked", || {
        counted("other").len() == 3 && parked("poisoned").len() == 4 && parked("bug").len() == 4
    });
    let poison = parked("poisoned").remove(0);
    let place = poison.place.as_ref().expect("its place");
    assert_eq!(place.topic, "parked.added");
    assert_eq!(poison.value.as_deref(), Some(&b"poison"[..]));
    let names: Vec<&str> = poison
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["ce_id", "ce_type"], "all headers are kept");
    running.stop().expect("a parked key stops nobody");

    // Another process finds the same keys parked, and so does one that is started again.
    let running = start(buggy());
    add("p4", "poisoned", "poisoned 1");
    publisher.publish(INBOX, wire::REDRIVE, "r0", "bug", b"{}");
    publisher.flush();
    await_that("a fourth one waits, and the bug is met again", || {
        parked("poisoned").len() == 5 && parked("bug").len() == 5
    });
    assert_eq!(parked("bug")[4].attempts, 2);
    running.stop().expect("a graceful stop");

    let running = start(service());
    publisher.publish(INBOX, wire::REDRIVE, "r1", "bug", b"{}");
    let drop = wire::Drop {
        id: poison.id,
        reason: "nobody can read it".into(),
    };
    let drop = serde_json::to_vec(&drop).expect("JSON");
    publisher.publish(INBOX, wire::DROP, "d0", "poisoned", &drop);
    publisher.flush();
    let totals = |key: &str, from: i64| -> Vec<String> {
        (0..4)
            .map(|more| format!("{key} {}", from + more))
            .collect()
    };
    await_that("both keys are free, in their order", || {
        counted("bug") == totals("bug", 666) && counted("poisoned") == totals("poisoned", 1)
    });
    add("o9", "bug", "bug 1");
    publisher.flush();
    await_that("what comes then is decided at once", || {
        counted("bug").len() == 5 && parked("bug").len() == 5
    });
    running.stop().expect("a graceful stop");
}

mod broken {
    super::common::counter_events!("broken.added", "broken.counted");

    /// A counter whose fold fails half-way.
    #[derive(Default)]
    pub(crate) struct Fragile(i64);

    impl State for Fragile {
        type Event = CounterEvent;
        fn evolve(&mut self, event: &CounterEvent, _: Timestamp) {
            let CounterEvent::Counted(event) = event;
            self.0 += 1;
            assert!(event.amount != 666, "a fold must be total");
        }
    }

    pub(crate) fn take(fragile: &Fragile, added: &Received<Added>) -> Counted {
        let amount = if added.amount == 666 { 666 } else { fragile.0 };
        let key = added.key.clone();
        Counted { key, amount }
    }

    pub(crate) fn fragile() -> Service {
        Service::new("broken").aggregate(Aggregate::<Fragile>::new("counter").on(take))
    }
}

// failure: code | a fold panics after the state has begun to change | an error names key and input; the partition
// is restored | the input is parked, the state is as before it, other keys go on | a developer mends the code and
// redrives, or drops the input
#[test]
fn a_state_that_was_left_half_changed_is_restored_while_the_service_runs() {
    let publisher = Publisher::new();
    let add = |id: &str, value: &str| {
        publisher.publish("broken.added", "test.Added", id, "key", value.as_bytes());
    };
    let running = start(broken::fragile());
    add("1", "key 1");
    add("2", "key 1");
    add("3", "key 666");
    add("4", "key 1");
    publisher.flush();
    let seen = |event_type: &str| -> Vec<String> {
        read_all("broken.counted")
            .into_iter()
            .filter(|seen| seen.valid && seen.event_type == event_type)
            .map(|seen| seen.value)
            .collect()
    };
    await_that("the input and what follows it are parked", || {
        seen(wire::PARKED).len() == 2
    });
    let parked: wire::Parked = serde_json::from_str(&seen(wire::PARKED)[0]).expect("JSON");
    assert_eq!(parked.failure.message, "it panicked: a fold must be total");
    let drop = wire::Drop {
        id: parked.id,
        reason: "the number of the beast".into(),
    };
    let drop = serde_json::to_vec(&drop).expect("JSON");
    publisher.publish("broken.counter.inbox", wire::DROP, "d", "key", &drop);
    publisher.flush();
    // Each saw as many events as there are before it: nothing of what failed is left in the state.
    await_that("what waited is decided on a sound state", || {
        seen("test.Counted") == ["key 0", "key 1", "key 2"]
    });
    running.stop().expect("a graceful stop");
}

mod unroutable {
    super::common::counter_events!("unroutable.added", "unroutable.counted");
    super::common::counter_state!();

    fn whom(added: &Added) -> [String; 1] {
        assert!(added.amount != 666, "for whom is {}?", added.amount);
        [format!("for-{}", added.key)]
    }

    fn count(counter: &Counter, added: &Received<Added>) -> Counted {
        let key = added.key().to_owned();
        let amount = counter.0 + added.amount;
        Counted { key, amount }
    }

    pub(crate) fn service() -> Service {
        let counter = Aggregate::<Counter>::new("counter").routed(whom, count);
        Service::new("unroutable").aggregate(counter)
    }
}

// failure: code | a route panics, or cannot decode what it is given | the record is parked under its own key, in the stream
// of the aggregate that it was to be routed to; the router goes on | a redrive by the mended binary finds its keys, and their
// owners decide it once | a developer deploys, an operator redrives
#[test]
fn what_a_route_cannot_bear_is_parked_and_holds_nothing_up() {
    let publisher = Publisher::new();
    let add = |id: &str, key: &str, value: &str| {
        publisher.publish("unroutable.added", "test.Added", id, key, value.as_bytes());
    };
    let running = start(unroutable::service());
    let large = "x".repeat(800_000);
    add("poison", "a", "poison");
    add("bug", "a", "a 666");
    add("large", "a", &large);
    for number in 0..5 {
        add(&format!("a{number}"), "a", "a 1");
    }
    publisher.flush();
    let seen = |event_type: &str| -> Vec<Seen> {
        let all = read_all("unroutable.counted").into_iter();
        all.filter(|seen| seen.valid && seen.event_type == event_type)
            .collect()
    };
    await_that("all others are counted", || {
        seen("test.Counted").len() == 5 && seen(wire::PARKED).len() == 3
    });
    running.stop().expect("a route that fails stops nobody");
    let parked: Vec<wire::Parked> = seen(wire::PARKED)
        .iter()
        .map(|seen| serde_json::from_str(&seen.value).expect("JSON"))
        .collect();
    let classes: Vec<wire::FailureClass> = parked.iter().map(|one| one.failure.class).collect();
    use wire::FailureClass::{Decode, Panic};
    assert_eq!(classes, [Decode, Panic, Decode]);
    assert_eq!(parked[1].failure.message, "it panicked: for whom is 666?");
    assert_eq!(parked[0].value.as_deref(), Some(&b"poison"[..]));
    assert!(parked[2].too_large, "its place is kept");
    for one in &parked {
        assert_eq!(one.kind, wire::ParkedKind::Route);
        let place = one.place.as_ref().expect("its place");
        assert_eq!(place.topic, "unroutable.added", "where it stands");
    }
    // The next router repeats nothing of it.
    let running = start(unroutable::service());
    add("a5", "a", "a 1");
    publisher.flush();
    await_that("what comes then is counted", || {
        seen("test.Counted").len() == 6
    });
    running.stop().expect("a graceful stop");
    assert_eq!(seen(wire::PARKED).len(), 3);
}
