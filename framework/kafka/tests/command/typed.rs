//! Types a command, and puts poison into a service's topics.

use std::process::{Command, Output, Stdio};

use kolo_core::wire;
use kolo_kafka::{App, Running};
use serde_json::Value;

use crate::common::{Publisher, await_that, bootstrap, config, read_all};

/// Which of the services this program is to be.
pub(crate) const SERVICE: &str = "TEST_SERVICE";

/// What a command printed.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Typed {
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.out, self.err
        );
        self
    }

    /// Fails with this code and these words.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) {
        let failed = self.ends(code);
        for word in words {
            assert!(
                failed.err.contains(word),
                "{word:?} is missing in: {}",
                failed.err
            );
        }
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.out).expect(&self.out)
    }

    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.out.contains(word),
                "{word:?} is missing in: {}",
                self.out
            );
        }
        self
    }
}

impl From<Output> for Typed {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Typed {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// The service's binary with these arguments.
pub(crate) fn command(service: &str, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KOLO_")) {
        command.env_remove(name);
    }
    command
        .env(SERVICE, service)
        .env("KOLO_BOOTSTRAP", bootstrap())
        .env("KOLO_PARTITIONS", "3")
        .stdin(Stdio::null())
        .args(args);
    command
}

pub(crate) fn parked(service: &str, args: &[&str]) -> Typed {
    let all: Vec<&str> = ["parked"].into_iter().chain(args.iter().copied()).collect();
    command(service, &all).output().unwrap().into()
}

pub(crate) fn start(service: kolo_core::Service) -> Running {
    App::new(service)
        .start(&config())
        .expect("the service starts")
}

/// Publishes to a counter's intake.
pub(crate) fn add(publisher: &Publisher, topic: &str, id: &str, key: &str, value: &str) {
    publisher.publish(topic, "test.Added", id, key, value.as_bytes());
}

pub(crate) fn parked_events(stream: &str) -> usize {
    of(stream, wire::PARKED)
}

pub(crate) fn of(stream: &str, event_type: &str) -> usize {
    let all = read_all(stream).into_iter();
    all.filter(|seen| seen.valid && seen.event_type == event_type)
        .count()
}

pub(crate) fn await_parked(stream: &str, records: usize) {
    await_that("all is parked", || parked_events(stream) == records);
}
