//! More keys than memory: the books balance through restarts, by a snapshot and by the stream, and on a disk that breaks.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;
#[allow(dead_code, reason = "each test takes what it needs")]
mod told;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Publisher, await_that, await_that_within, config, read_all};
use kolo_core::Service;
use kolo_kafka::{App, Config, Running};
use told::log_of;

/// A counter whose state takes 16 KiB more than its events do.
macro_rules! large_counter {
    ($name:ident) => {
        mod $name {
            crate::common::counter_events!(
                concat!("cold.", stringify!($name), ".added"),
                concat!("cold.", stringify!($name), ".counted")
            );

            #[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
            struct Counter {
                amount: i64,
                memo: String,
            }

            impl State for Counter {
                type Event = CounterEvent;
                fn evolve(&mut self, event: &CounterEvent, _: Timestamp) {
                    let CounterEvent::Counted(event) = event;
                    self.amount = event.amount;
                    self.memo = format!("{:>16}", self.amount).repeat(crate::STATE_BYTES / 16);
                }
            }

            fn count(counter: &Counter, added: &Received<Added>) -> Counted {
                Counted {
                    key: added.key.clone(),
                    amount: counter.amount + added.amount,
                }
            }

            pub(crate) fn service() -> Service {
                let counter = Aggregate::<Counter>::new("counter").on(count);
                Service::new(NAME).aggregate(counter.snapshots(1))
            }

            pub(crate) const NAME: &str = concat!("cold-", stringify!($name));
            pub(crate) const INTAKE: &str = Added::TYPE.topic;
            pub(crate) const STREAM: &str = CounterEvent::STREAM;
        }
    };
}

const STATE_BYTES: usize = 16 << 10;
const KEYS: usize = 2_000;
const PARTITIONS: usize = 3;
/// How many keys a mebibyte holds, and some more for what is estimated.
const IN_MEMORY: usize = 64;

struct Subject {
    service: fn() -> Service,
    name: &'static str,
    intake: &'static str,
    stream: &'static str,
    folder: tempfile::TempDir,
    rounds: usize,
}

macro_rules! subject {
    ($name:ident) => {
        Subject {
            service: $name::service,
            name: $name::NAME,
            intake: $name::INTAKE,
            stream: $name::STREAM,
            folder: tempfile::tempdir().unwrap(),
            rounds: 0,
        }
    };
}

impl Subject {
    fn state(&self) -> PathBuf {
        let state = self.folder.path().join("state");
        state.join(self.name)
    }

    fn config(&self) -> Config {
        let mut config = config();
        config.state_dir = self.folder.path().join("state");
        config.snapshot_interval_ms = 200;
        config.state_memory_mb = 1;
        // A debug build takes milliseconds a key of this size.
        config.session_timeout_ms = 60_000;
        config
    }

    fn start(&self) -> Running {
        told::listen();
        told::forget(self.name);
        let running = App::new((self.service)()).start(&self.config());
        running.expect("the service starts")
    }

    /// Adds one to every key, and waits for the answers.
    fn count(&mut self) {
        let publisher = Publisher::new();
        for number in 0..KEYS {
            let (key, round) = (format!("k{number}"), self.rounds);
            let (id, value) = (format!("{key} in {round}"), format!("{key} 1"));
            publisher.publish(self.intake, "test.Added", &id, &key, value.as_bytes());
        }
        publisher.flush();
        self.rounds += 1;
        // A debug build takes milliseconds a key of this size.
        await_that_within(Duration::from_secs(300), "all is answered", || {
            self.answers().len() == self.rounds * KEYS
        });
    }

    fn answers(&self) -> Vec<String> {
        let all = read_all(self.stream).into_iter();
        all.filter(|seen| seen.event_type == "test.Counted" && seen.valid)
            .map(|seen| seen.value)
            .collect()
    }

    fn assert_exact(&self) {
        let mut counted: HashMap<String, Vec<usize>> = HashMap::new();
        for answer in self.answers() {
            let (key, amount) = answer.split_once(' ').unwrap();
            let of_key = counted.entry(key.to_owned()).or_default();
            of_key.push(amount.parse().unwrap());
        }
        assert_eq!(counted.len(), KEYS);
        let expected: Vec<usize> = (1..=self.rounds).collect();
        for (key, amounts) in counted {
            assert_eq!(amounts, expected, "{key}");
        }
    }

    /// How many keys are known and how many of them are out of memory, as the take-overs say.
    fn took_over(&self) -> (usize, usize) {
        let log = || log_of(self.name);
        await_that("all partitions are taken over", || {
            log().matches(" took over in ").count() >= PARTITIONS
        });
        let field = |line: &str, name: &str| -> usize {
            let (_, behind) = line.split_once(&format!(" {name}=")).expect("the field");
            let text = behind.split(' ').next().unwrap_or_default();
            text.parse().expect("a number")
        };
        let log = log();
        let lines = log.lines().filter(|line| line.contains(" took over in "));
        lines.fold((0, 0), |(keys, cold), line| {
            (keys + field(line, "keys"), cold + field(line, "cold_keys"))
        })
    }
}

large_counter!(restarted);

#[test]
fn the_books_balance_and_memory_is_bounded_by_a_snapshot_and_by_the_stream() {
    let mut subject = subject!(restarted);
    let cold = subject.state().join("cold");
    let running = subject.start();
    subject.count();
    subject.count();
    assert!(cold.exists());
    running.stop().expect("a graceful stop");
    assert!(!cold.exists(), "nobody begins with what is left there");
    assert_eq!(snapshots(&subject.state()).len(), PARTITIONS);
    // By the snapshot, and, with none, by the stream.
    for delete in [false, true] {
        if delete {
            let files = snapshots(&subject.state());
            files
                .iter()
                .for_each(|file| std::fs::remove_file(file).unwrap());
        }
        // A killed process leaves its cold keys.
        std::fs::create_dir(&cold).unwrap();
        std::fs::write(cold.join("left"), "by a process that was killed").unwrap();
        let running = subject.start();
        let (keys, out_of_memory) = subject.took_over();
        assert_eq!(keys, KEYS);
        assert!(keys - out_of_memory <= IN_MEMORY, "{out_of_memory}");
        assert!(!cold.join("left").exists());
        subject.count();
        running.stop().expect("a graceful stop");
        assert!(!cold.exists());
    }
    subject.assert_exact();
    let log = log_of(subject.name);
    assert!(!log.contains("WARN kolo"), "{log}");
}

large_counter!(broken);

// failure: disk | keys that were moved out of memory cannot be read back, or are damaged | a warning with the key
// | the partition is restored at once, and keeps its keys in memory | an operator looks at the disk, and restarts
// the service
#[test]
fn a_disk_that_breaks_costs_a_restore_and_the_limit() {
    let mut subject = subject!(broken);
    let running = subject.start();
    subject.count();
    subject.count();
    let mut emptied = 0;
    each_file(&subject.state().join("cold"), &mut |file| {
        if file.components().any(|part| part.as_os_str() == "tables") {
            match std::fs::OpenOptions::new().write(true).open(file) {
                Ok(table) => {
                    table.set_len(0).unwrap();
                    emptied += 1;
                }
                // A compaction in the background has merged it.
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
            }
        }
    });
    assert!(emptied > 0);
    subject.count();
    running.stop().expect("a graceful stop");
    subject.assert_exact();
    let log = log_of(subject.name);
    assert!(
        log.contains("was moved out of memory and cannot be read back"),
        "{log}"
    );
    assert!(log.contains("all its keys stay in memory until"), "{log}");
}

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    each_file(folder, &mut |file| {
        if file.extension().is_some_and(|name| name == "snapshot") {
            files.push(file.to_owned());
        }
    });
    files
}

fn each_file(folder: &Path, take: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            each_file(&path, take);
        } else {
            take(&path);
        }
    }
}
