//! The log against what a client may expect of it, whatever the disk and the process do.

mod cleaning;
mod crash;
mod model;
mod reading;
mod recovery;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::files::{Faults, Files};
use super::*;
use crate::batch::Batch;
use crate::batch::testing::Sent;

/// One record as a consumer sees it: offset, key, value, timestamp.
type Seen = (i64, String, Option<String>, i64);

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// The tests' own clock.
const NOW: u64 = 1_000_000;

fn append(log: &mut LogWriter, sent: &Sent) -> Appended {
    log.append(vec![sent.batch()], at(NOW)).unwrap()
}

/// One record to a batch, one batch to a value.
fn append_values<'a>(log: &mut LogWriter, records: impl IntoIterator<Item = (&'a str, &'a str)>) {
    for (key, value) in records {
        append(log, &Sent::of([(key, value, NOW as i64)]));
    }
}

fn batches_of(bytes: Bytes) -> Vec<Batch> {
    let mut rest = bytes;
    let mut batches = Vec::new();
    while !rest.is_empty() {
        batches.push(Batch::split_from(&mut rest).unwrap());
    }
    batches
}

/// Everything from `offset` on as a consumer reads it, `max_bytes` at a time.
fn consume_from(reader: &LogReader, offset: i64, max_bytes: usize) -> Vec<Seen> {
    let mut next = offset;
    let mut seen = Vec::new();
    loop {
        let batches = batches_of(reader.read(next, max_bytes, true).unwrap());
        let Some(last) = batches.last() else {
            return seen;
        };
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        for record in batches.iter().flat_map(|batch| batch.records().unwrap()) {
            if record.offset >= next {
                let key = record.key.as_ref().map_or(String::new(), text);
                seen.push((
                    record.offset,
                    key,
                    record.value.as_ref().map(text),
                    record.timestamp,
                ));
            }
        }
        assert!(last.last_offset() >= next, "a read must lead on");
        next = last.last_offset() + 1;
    }
}

fn consume(log: &LogWriter) -> Vec<Seen> {
    let reader = log.reader();
    consume_from(&reader, reader.start_offset(), 1 << 20)
}

fn offsets(log: &LogWriter) -> Vec<i64> {
    consume(log).into_iter().map(|seen| seen.0).collect()
}

fn values(log: &LogWriter) -> BTreeMap<String, Option<String>> {
    consume(log)
        .into_iter()
        .map(|seen| (seen.1, seen.2))
        .collect()
}

fn segment_count(log: &LogWriter) -> usize {
    log.shared.segments().len()
}

fn clean_all(log: &mut LogWriter, now: u64) -> Cleaned {
    let mut total = Cleaned::default();
    loop {
        let step = log.clean(at(now)).unwrap();
        total.removed_segments += step.removed_segments;
        total.compacted_segments += step.compacted_segments;
        total.freed_bytes += step.freed_bytes;
        if !step.more {
            return total;
        }
    }
}

/// Copies a log as kill -9 would leave it.
fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn file_names(dir: &Path, extension: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(extension))
        .collect();
    names.sort();
    names
}

/// A small log: segments of a few batches.
fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 300,
        retention: None,
        min_dirty_ratio: 0.0,
        ..LogConfig::default()
    }
}

fn compacted() -> LogConfig {
    LogConfig {
        cleanup: Cleanup {
            delete: false,
            compact: true,
        },
        ..small()
    }
}

/// A process that dies after some changes to the disk: none of the later ones happens.
#[derive(Debug)]
struct Dying {
    steps_left: AtomicUsize,
    is_dead: std::sync::atomic::AtomicBool,
}

impl Dying {
    fn after(steps: usize) -> Arc<Self> {
        Arc::new(Self {
            steps_left: AtomicUsize::new(steps),
            is_dead: false.into(),
        })
    }

    fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }
}

impl Faults for Dying {
    fn allow(&self, bytes: usize) -> io::Result<usize> {
        let left = self.steps_left.load(Ordering::SeqCst);
        if left == 0 {
            let was_dead = self.is_dead.swap(true, Ordering::SeqCst);
            // It dies in the middle of a write.
            return if was_dead || bytes == 0 {
                Err(io::Error::other("dead"))
            } else {
                Ok(bytes / 2)
            };
        }
        self.steps_left.store(left - 1, Ordering::SeqCst);
        Ok(bytes)
    }
}

/// A disk that takes so many bytes, until somebody makes room.
#[derive(Debug)]
struct Full {
    bytes_left: AtomicI64,
}

impl Full {
    fn after(bytes: i64) -> Arc<Self> {
        Arc::new(Self {
            bytes_left: AtomicI64::new(bytes),
        })
    }
}

impl Faults for Full {
    fn allow(&self, bytes: usize) -> io::Result<usize> {
        let wanted = i64::try_from(bytes).unwrap();
        let left = self.bytes_left.load(Ordering::SeqCst);
        let given = wanted.min(left);
        self.bytes_left.store(left - given, Ordering::SeqCst);
        Ok(usize::try_from(given).unwrap())
    }
}
