//! A service whose snapshots are in a folder of one test.

use std::path::PathBuf;

use kolo_core::Service;
use kolo_kafka::{App, Config, Running};

use crate::common::{Publisher, await_that, config, read_all};

use super::{log_of, took_over};

/// A counter of its own for one test, whose state is kept in snapshots of a version.
macro_rules! counter {
    ($name:ident) => {
        mod $name {
            $crate::common::counter_events!(
                concat!("snapshots.", stringify!($name), ".added"),
                concat!("snapshots.", stringify!($name), ".counted")
            );

            #[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
            pub(crate) struct Counter(i64);

            impl State for Counter {
                type Event = CounterEvent;
                fn evolve(&mut self, event: &CounterEvent, _: Timestamp) {
                    let CounterEvent::Counted(event) = event;
                    self.0 = event.amount;
                }
            }

            fn count(counter: &Counter, added: &Received<Added>) -> Counted {
                Counted {
                    key: added.key.clone(),
                    amount: counter.0 + added.amount,
                }
            }

            pub(crate) const NAME: &str = concat!("snapshots-", stringify!($name));
            pub(crate) const INTAKE: &str = Added::TYPE.topic;
            pub(crate) const STREAM: &str = CounterEvent::STREAM;

            pub(crate) fn service(version: u32) -> Service {
                let counter = Aggregate::<Counter>::new("counter").on(count);
                Service::new(NAME).aggregate(counter.snapshots(version))
            }
        }
    };
}
pub(crate) use counter;

pub(crate) const KEYS: usize = 20;
pub(crate) const PARTITIONS: usize = 3;

/// A service whose snapshots are in a folder of this test.
pub(crate) struct Subject {
    pub(crate) service: fn(u32) -> Service,
    pub(crate) name: &'static str,
    pub(crate) intake: &'static str,
    pub(crate) stream: &'static str,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) published: usize,
}

macro_rules! subject {
    ($name:ident) => {
        $crate::told::subject::Subject {
            service: $name::service,
            name: $name::NAME,
            intake: $name::INTAKE,
            stream: $name::STREAM,
            folder: tempfile::tempdir().unwrap(),
            published: 0,
        }
    };
}
pub(crate) use subject;

impl Subject {
    pub(crate) fn config(&self) -> Config {
        let mut config = config();
        config.state_dir = self.folder.path().join("state");
        config.snapshot_interval_ms = 200;
        config.session_timeout_ms = 30_000;
        config
    }

    pub(crate) fn start(&self, version: u32) -> Running {
        crate::told::listen();
        App::new((self.service)(version))
            .start(&self.config())
            .expect("the service starts")
    }

    /// Adds one to every key, `times` over, and waits for the answers.
    pub(crate) fn count(&mut self, times: usize) {
        let publisher = Publisher::new();
        for number in 0..times * KEYS {
            let key = format!("k{}", number % KEYS);
            let id = format!("{} {}", self.name, self.published + number);
            let value = format!("{key} 1");
            publisher.publish(self.intake, "test.Added", &id, &key, value.as_bytes());
        }
        publisher.flush();
        self.published += times * KEYS;
        await_that("all is answered", || self.answers().len() == self.published);
    }

    pub(crate) fn answers(&self) -> Vec<String> {
        let all = read_all(self.stream).into_iter();
        all.filter(|seen| seen.event_type == "test.Counted" && seen.valid)
            .map(|seen| seen.value)
            .collect()
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("state").join(self.name);
        let all = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = all.map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|name| name == "snapshot"));
        files.sort();
        files
    }

    /// Every key was counted up by one, each time.
    pub(crate) fn assert_exact(&self) {
        let mut answers = self.answers();
        let times = i64::try_from(self.published / KEYS).unwrap();
        let keys = (0..KEYS).flat_map(|key| (1..=times).map(move |n| format!("k{key} {n}")));
        let mut expected: Vec<String> = keys.collect();
        answers.sort();
        expected.sort();
        assert_eq!(answers, expected);
    }
}

/// Runs once, so that there is something to keep, and stops.
pub(crate) fn run_once(subject: &mut Subject) {
    let running = subject.start(1);
    subject.count(5);
    running.stop().expect("a graceful stop");
    assert_eq!(subject.files().len(), PARTITIONS, "a snapshot a partition");
    crate::told::forget(subject.name);
}

/// Starts again, and says how many events were found and how many records read to that end, and stops.
pub(crate) fn run_again(subject: &mut Subject, version: u32) -> (usize, usize) {
    let running = subject.start(version);
    await_that("all partitions are taken over", || {
        took_over(subject.name).len() >= PARTITIONS
    });
    let found = took_over(subject.name).into_iter();
    let found = found.fold((0, 0), |sum, one| (sum.0 + one.events, sum.1 + one.read));
    subject.count(1);
    running.stop().expect("a graceful stop");
    subject.assert_exact();
    found
}

pub(crate) fn assert_told(name: &str, what: &str) {
    let log = log_of(name);
    assert!(log.contains(what), "`{what}` is told:\n{log}");
}
