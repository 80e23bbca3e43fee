//! What a service tells of effects whose calls fail: notes in a topic, which are taken back in the end.

#![allow(
    dead_code,
    clippy::expect_used,
    reason = "a test fails by panicking, and counts nothing"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Publisher, await_that, config, read_all, read_all_from};
use kolo_broker::Broker;
use kolo_core::effect_note::{EffectNote, Note, RequestNote, TOPIC};
use kolo_core::{Breaker, CallPolicy, Pauses};
use kolo_kafka::{Adapter, AdapterError, App, Call, Config, Running};

common::counter_events!("notes.added", "notes.counted");
common::asker!("notes.asks");

struct Replies(Arc<AtomicBool>);

impl Adapter<Bank> for Replies {
    async fn call(&self, _: Call<'_, Asked>) -> Result<(), AdapterError> {
        match self.0.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(AdapterError::new("nobody is there")),
        }
    }
}

fn start(config: &Config, replies: &Arc<AtomicBool>) -> Running {
    const SOON: Pauses = Pauses::between(Duration::from_millis(20), Duration::from_millis(50));
    const BREAKER: Breaker = Breaker::after(5).pause(Duration::from_secs(1));
    let asker = Aggregate::<Asker>::new("asker")
        .on(ask)
        .effect::<Bank, _>(told)
        .policy(CallPolicy::new().pauses(SOON).breaker(BREAKER));
    App::new(Service::new("notes").aggregate(asker))
        .bind::<Bank>(Replies(Arc::clone(replies)))
        .start(config)
        .expect("the service starts")
}

/// The notes of this test's service that stand now, and how many were ever taken back.
fn notes() -> (Vec<RequestNote>, Vec<EffectNote>, usize) {
    let mut standing = BTreeMap::new();
    let mut taken_back = 0;
    let own = |key: &str| key.starts_with("notes.asker/");
    for seen in read_all(TOPIC).into_iter().filter(|seen| own(&seen.key)) {
        if seen.value.is_empty() {
            standing.remove(&seen.key);
            taken_back += 1;
        } else {
            let note = Note::from_json(seen.value.as_bytes()).expect("a note");
            assert_eq!(note.key(), seen.key);
            standing.insert(seen.key, note);
        }
    }
    let (mut requests, mut effects) = (Vec::new(), Vec::new());
    for note in standing.into_values() {
        match note {
            Note::Request(note) => requests.push(note),
            Note::Effect(note) => effects.push(note),
        }
    }
    (requests, effects, taken_back)
}

#[test]
fn a_request_whose_calls_fail_has_a_note_until_it_is_answered_whoever_owns_it() {
    let replies = Arc::new(AtomicBool::new(false));
    let mut config = config();
    // A session that begins anew takes its note back, too.
    config.session_timeout_ms = 60_000;
    let first = start(&config, &replies);
    let publisher = Publisher::new();
    publisher.publish("notes.added", "test.Added", "one", "k", b"k 1");
    publisher.flush();
    await_that("the request and the open breaker are told", || {
        let (requests, effects, _) = notes();
        requests.len() == 1 && effects.iter().any(|effect| effect.open_until.is_some())
    });
    let (requests, effects, taken_back) = notes();
    let before = &requests[0];
    assert_eq!(
        (
            before.request.as_str(),
            before.key.as_str(),
            before.problem.as_str()
        ),
        ("test.Asked", "k", "nobody is there")
    );
    assert!(before.attempts > 0 && before.at >= before.since);
    assert_eq!((effects[0].pending, taken_back), (1, 0));

    // Who ends takes back what it said of itself, and leaves the request's.
    let begun = Instant::now();
    first.stop().expect("a graceful stop");
    let is_waited_for = begun.elapsed() < Duration::from_secs(2);
    let taken_back = || {
        let (left, effects, taken_back) = notes();
        (left.len(), effects.len(), taken_back) == (1, 0, 1)
    };
    assert!(
        taken_back() || !is_waited_for,
        "a stop waits two seconds for it"
    );
    await_that("what it said of itself is taken back", taken_back);
    let (left, ..) = notes();

    let second = start(&config, &replies);
    await_that("the next owner's note replaces the first's", || {
        let (requests, _, _) = notes();
        requests.len() == 1 && requests[0].at > left[0].at
    });
    assert_eq!(notes().0[0].id, before.id);
    replies.store(true, Ordering::Relaxed);
    await_that("both notes are taken back", || {
        let (requests, effects, _) = notes();
        requests.is_empty() && effects.is_empty()
    });
    second.stop().expect("a graceful stop");
}

#[test]
fn where_nothing_fails_there_is_no_topic() {
    let broker = Broker::builder().start_blocking().expect("a broker");
    let at = broker.bootstrap();
    let running = start(&Config::new(at.clone()), &Arc::new(AtomicBool::new(true)));
    let publisher = Publisher::to(&at);
    publisher.publish("notes.added", "test.Added", "one", "k", b"k 1");
    publisher.flush();
    await_that("it is answered", || {
        let seen = read_all_from(&at, "notes.asks");
        seen.iter().any(|seen| seen.event_type == "test.Told")
    });
    running.stop().expect("a graceful stop");
    assert!(read_all_from(&at, TOPIC).is_empty());
}
