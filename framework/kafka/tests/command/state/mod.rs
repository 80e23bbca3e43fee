//! `state`: a service with one aggregate that keeps snapshots and one that does not, whose request nobody answers.

pub(crate) mod mistyped;
pub(crate) mod show;
pub(crate) mod snapshots;

use std::path::Path;

use kolo_core::Deadline;
use kolo_kafka::{App, Running};

use crate::common::{self, Publisher, Seen, await_that, read_all};
use crate::typed::{Typed, add, command};

/// They share a service.
pub(crate) fn in_order() {
    mistyped::what_cannot_be_meant_is_refused();
    show::what_a_key_is_or_was_is_shown();
    snapshots::snapshots_are_held_against_the_stream_and_deleted();
}

/// How the code of this process folds: `changed`, `panics`, or as it always did.
const FOLDS: &str = "TEST_FOLDS";
/// The version of its snapshots.
const VERSION: &str = "TEST_VERSION";

const INTAKE: &str = "state.added";
const STREAM: &str = "state.counted";
const PLAIN_INTAKE: &str = "state.plain.added";
const PLAIN_STREAM: &str = "state.plain.counted";

common::counter_events!("state.added", "state.counted");

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tally {
    total: i64,
    /// Hands its entries out in another order in each process.
    by_total: std::collections::HashMap<String, i64>,
}

impl State for Tally {
    type Event = CounterEvent;

    fn evolve(&mut self, event: &CounterEvent, _: Timestamp) {
        let CounterEvent::Counted(event) = event;
        let is_changed = event.key == "changed" && event.amount > 1;
        self.total = match std::env::var(FOLDS).as_deref() {
            Ok("changed") if is_changed => event.amount * 100,
            Ok("panics") if is_changed => panic!("no fold for {}", event.amount),
            _ => event.amount,
        };
        self.by_total.insert(format!("total {}", event.amount), 1);
    }
}

fn count(tally: &Tally, added: &Received<Added>) -> Counted {
    Counted {
        key: added.key.clone(),
        amount: tally.total + added.amount,
    }
}

/// Two wait until the end of the century for a third.
fn due(tally: &Tally) -> Option<Timestamp> {
    (tally.total == 2).then(|| Timestamp::from_millis(4_102_444_800_000))
}

fn late(tally: &Tally, passed: &Received<Deadline<String>>) -> Counted {
    Counted {
        key: passed.key.clone(),
        amount: tally.total,
    }
}

mod plain {
    use kolo_core::Port;
    use kolo_kafka::{Adapter, AdapterError, Call};

    use crate::common;

    common::counter_events!("state.plain.added", "state.plain.counted");

    #[derive(Debug, Default)]
    pub(crate) struct Plain;

    impl State for Plain {
        type Event = CounterEvent;
        fn evolve(&mut self, _: &CounterEvent, _: Timestamp) {}
    }

    pub(crate) struct Bell;

    impl Port for Bell {
        type Request = Counted;
        type Reply = ();
    }

    pub(crate) struct Broken;

    impl Adapter<Bell> for Broken {
        async fn call(&self, _: Call<'_, Counted>) -> Result<(), AdapterError> {
            Err(AdapterError::new("no bell"))
        }
    }

    fn ring(_: &Plain, added: &Received<Added>) -> Counted {
        Counted {
            key: added.key.clone(),
            amount: added.amount,
        }
    }

    fn rung(_: &Plain, request: &Counted, (): ()) -> Counted {
        request.clone()
    }

    pub(crate) fn on(service: Service) -> Service {
        let plain = Aggregate::<Plain>::new("plain").on(ring);
        service.aggregate(plain.effect::<Bell, _>(rung))
    }
}

pub(crate) fn app() -> App {
    let version = std::env::var(VERSION).ok().map(|text| text.parse());
    let version = version.map_or(1, |version| version.expect("a number"));
    let tally = Aggregate::<Tally>::new("tally").on(count);
    let tally = tally.deadline(due, late).snapshots(version);
    let service = Service::new("state").aggregate(tally);
    App::new(plain::on(service)).bind::<plain::Bell>(plain::Broken)
}

fn start(state_dir: &Path) -> Running {
    let mut config = common::config();
    config.state_dir = state_dir.to_owned();
    config.snapshot_interval_ms = 200;
    app().start(&config).expect("the service starts")
}

/// `state …`, typed where the snapshots are in this folder.
fn typed(state_dir: &Path, args: &[&str]) -> Typed {
    let folds = std::env::var(FOLDS).unwrap_or_default();
    typed_by(state_dir, (FOLDS, &folds), args)
}

/// The same, by another build.
fn typed_by(state_dir: &Path, (name, value): (&str, &str), args: &[&str]) -> Typed {
    let all: Vec<&str> = ["state"].into_iter().chain(args.iter().copied()).collect();
    let mut command = command("state", &all);
    command.env("KOLO_STATE_DIR", state_dir).env(name, value);
    command.output().unwrap().into()
}

/// The own events of a key, in order.
fn events(stream: &str, key: &str) -> Vec<Seen> {
    let all = read_all(stream).into_iter();
    all.filter(|seen| seen.valid && seen.key == key && seen.event_type == "test.Counted")
        .collect()
}

/// Adds one to a key, and waits until that is the latest of its events.
fn add_one(publisher: &Publisher, key: &str, nth: usize) {
    add(
        publisher,
        INTAKE,
        &format!("{key} {nth}"),
        key,
        &format!("{key} 1"),
    );
    publisher.flush();
    await_that("it is counted", || events(STREAM, key).len() == nth);
}
