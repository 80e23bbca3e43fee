//! Deadlines over a broker: answered once, behind what was published before they passed, also after downtime.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{Publisher, Seen, await_that, config, read_all};
use kolo_core::Deadline;
use kolo_kafka::{App, Running};

common::counter_events!("waits.added", "waits.counted");

/// Waits after each positive amount for so many milliseconds, and no more after any other.
#[derive(Default)]
struct Wait {
    until: Option<Timestamp>,
}

impl State for Wait {
    type Event = CounterEvent;

    fn evolve(&mut self, event: &CounterEvent, at: Timestamp) {
        let CounterEvent::Counted(event) = event;
        let until = at.as_millis() + event.amount;
        self.until = (event.amount > 0).then(|| Timestamp::from_millis(until));
    }
}

fn take(_: &Wait, added: &Received<Added>) -> Counted {
    let key = added.key.clone();
    let amount = added.amount;
    Counted { key, amount }
}

fn due(wait: &Wait) -> Option<Timestamp> {
    wait.until
}

/// The answer to a wait that was too long.
const LATE: i64 = -1;

fn expire(_: &Wait, passed: &Received<Deadline<String>>) -> Counted {
    Counted {
        key: passed.key.clone(),
        amount: LATE,
    }
}

fn waiting() -> Service {
    let wait = Aggregate::<Wait>::new("counter").on(take);
    Service::new("waits").aggregate(wait.deadline(due, expire))
}

fn start() -> Running {
    App::new(waiting()).start(&config()).expect("it starts")
}

fn counted() -> Vec<Seen> {
    read_all("waits.counted")
        .into_iter()
        .filter(|seen| seen.valid && seen.event_type == "test.Counted")
        .collect()
}

fn amounts(all: &[Seen], key: &str) -> Vec<i64> {
    let of_key = all.iter().filter(|seen| seen.key == key);
    let amount = |seen: &Seen| seen.value.rsplit(' ').next()?.parse().ok();
    of_key
        .map(|seen| amount(seen).expect("an amount"))
        .collect()
}

fn millis() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_millis()
}

// failure: time | deadlines pass while the service is down, and answers come meanwhile | nothing | answers that
// came first count; the other deadlines are answered once | nobody
#[test]
fn a_deadline_is_answered_once_and_behind_what_came_before_it() {
    const KEYS: usize = 300;
    // Longer than it takes to decide about them all, and to publish the answers.
    const WAIT_MILLIS: u128 = 40_000;
    let publisher = Publisher::new();
    let add = |id: String, key: &str, amount: i64| {
        let value = format!("{key} {amount}");
        publisher.publish("waits.added", "test.Added", &id, key, value.as_bytes());
    };
    let running = start();
    add("now".into(), "now", 200);
    publisher.flush();
    await_that("a running service answers a deadline", || {
        amounts(&counted(), "now") == [200, LATE]
    });

    for key in 0..KEYS {
        let wait = i64::try_from(WAIT_MILLIS).unwrap();
        add(format!("wait {key}"), &format!("key-{key}"), wait);
    }
    publisher.flush();
    await_that("all wait", || counted().len() == 2 + KEYS);
    let passed = millis() + WAIT_MILLIS;
    running.stop().expect("a graceful stop");

    // While nobody runs, the even ones are answered in time; then all deadlines pass.
    for key in (0..KEYS).step_by(2) {
        add(format!("answer {key}"), &format!("key-{key}"), 0);
    }
    publisher.flush();
    while millis() < passed {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let running = start();
    await_that("everybody has an answer or is late", || {
        counted().len() == 2 + 2 * KEYS
    });
    running.stop().expect("a graceful stop");
    // Another owner has nothing to add.
    let running = start();
    add("end".into(), "end", 0);
    publisher.flush();
    await_that("another owner works", || {
        !amounts(&counted(), "end").is_empty()
    });
    running.stop().expect("a graceful stop");
    let all = counted();
    for key in 0..KEYS {
        let wait = i64::try_from(WAIT_MILLIS).unwrap();
        let expected = if key % 2 == 0 { 0 } else { LATE };
        assert_eq!(
            amounts(&all, &format!("key-{key}")),
            [wait, expected],
            "key-{key}"
        );
    }
}
