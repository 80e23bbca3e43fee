//! kill -9 under load, again and again: nothing that was acknowledged is lost, nothing is there twice.
//!
//! The broker is a process with a directory. While producers and a group member work on, it is killed at moments that a
//! seed decides (some of them while it is still starting) and started again. In the end a client of plain messages, which
//! shares no code with the log, compares what is there with what was acknowledged.
//!
//! `KOLO_CRASH_KILLS` says how many kills, 50 if it does not; `KOLO_CRASH_SEED` repeats the moments of an earlier run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    reason = "a test ends where something is not as it should be, and says how to repeat it"
)]

#[path = "../common/mod.rs"]
mod common;

mod ledger;
mod member;
mod producer;
mod verdict;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::process::{Process, lasting_address};
use common::raw::Raw;
use common::{await_some, await_that};
use ledger::Ledger;
use member::Member;
use producer::Producer;
use rdkafka::ClientConfig;
use verdict::Topics;

const KILLS: usize = 50;

/// Every so many kills one meets the broker while it starts.
const KILLED_AT_START: usize = 5;

const SETTLED: &str = "all records to be acknowledged";

// failure: broker | the embedded broker is killed with -9 under load, again and again | connections end | what was
// acknowledged is there, once, at its offset | nobody
#[test]
fn nothing_acknowledged_is_lost_or_doubled() {
    let kills = from_environment("KOLO_CRASH_KILLS").unwrap_or(KILLS as u64);
    let seed = from_environment("KOLO_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("{kills} kills at the moments of KOLO_CRASH_SEED={seed}");
    let mut moments = fastrand::Rng::with_seed(seed);

    let dir = tempfile::tempdir().unwrap();
    let address = lasting_address();
    let (mut broker, _) = Process::start(&address, Some(dir.path()));
    let topics = Topics::create(&mut Raw::connect_to(&address));
    let ledger = Arc::new(Ledger::default());
    let producers = Producer::start_all(&address, &ledger);
    let member = Member::start(&address, &ledger);

    for kill in 0..kills as usize {
        if kill % KILLED_AT_START == KILLED_AT_START - 1 {
            // Somewhere between nothing, the recovery and the first requests.
            pause(moments.u64(0..40));
        } else {
            topics.are_as_created(&mut connect(&address));
            let before = ledger.acknowledged();
            await_that("an acknowledgement", || ledger.acknowledged() > before);
            pause(moments.u64(0..400));
        }
        ledger.note_kill();
        broker.kill();
        broker = Process::spawn(&address, Some(dir.path()));
    }
    await_that("a commit", || ledger.commits_since_kill() > 0);
    for producer in producers {
        producer.finish();
    }
    await_that(SETTLED, || ledger.unanswered() == 0);
    member.finish();

    // Once more, with nobody at work: what is judged is what a recovery found.
    broker.kill();
    let (broker, _) = Process::start(&address, Some(dir.path()));
    let mut reader = Raw::connect_to(&address);
    topics.are_as_created(&mut reader);
    verdict::judge(&ledger, &mut reader);
    eprintln!("{}, {} on disk", ledger.summary(), Megabytes(dir.path()));
    broker.end();
}

fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is to be a number, not {text:?}")),
    )
}

/// The moment of a kill; nothing is waited for.
fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Connects as soon as the broker is there.
fn connect(address: &str) -> Raw {
    await_some("the broker", || {
        std::net::TcpStream::connect(address).ok()?;
        Some(Raw::connect_to(address))
    })
}

/// Settings of a librdkafka client that comes back quickly and says nothing about it.
fn client(address: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", address)
        .set("reconnect.backoff.ms", "10")
        .set("reconnect.backoff.max.ms", "50")
        .set("retry.backoff.ms", "20")
        .set("retry.backoff.max.ms", "50")
        .set("socket.timeout.ms", "10000")
        .set("allow.auto.create.topics", "false")
        // A cluster that is all gone is what is asked for here.
        .set("log_level", "0");
    client
}

/// The size of a directory.
struct Megabytes<'a>(&'a Path);

impl std::fmt::Display for Megabytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn size(dir: &Path) -> u64 {
            let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
            entries
                .map(|entry| match entry.file_type().unwrap().is_dir() {
                    true => size(&entry.path()),
                    false => entry.metadata().unwrap().len(),
                })
                .sum()
        }
        write!(f, "{} MB", size(self.0) / 1_000_000)
    }
}
