//! A log on disk, however large, costs neither the start nor the memory anything.
//!
//! `KOLO_LARGE_LOG_MB` says how large, 64 if it does not.

use std::time::Instant;

use crate::bystander::create;
use crate::common::calls::{UNSTAMPED, batch, record};
use crate::common::errors::NONE;
use crate::common::process::Process;
use crate::common::raw::Raw;
use crate::{ANYWHERE, MB, alone};

/// What a start may read beside what has to be scanned: programs, settings, checkpoints.
const READ_ALWAYS: u64 = MB;

/// Of each of the two logs, what may be appended after its last checkpoint.
const MOST_SCANNED: u64 = 2 * (17 << 20);

#[test]
fn a_start_reads_the_end_of_the_log_alone() {
    let _alone = alone();
    let megabytes = std::env::var("KOLO_LARGE_LOG_MB").map_or(64, |text| {
        text.parse().expect("KOLO_LARGE_LOG_MB is a number")
    });
    let dir = tempfile::tempdir().unwrap();
    let (broker, address) = Process::start(ANYWHERE, Some(dir.path()));
    let mut raw = Raw::connect_to(&address);
    // One log that has rolled some 30 times, and one that never has.
    let segment = (megabytes * 1_000_000 / 60).max(2 << 20).to_string();
    assert_eq!(
        create(&mut raw, "rolled", 1, &[("segment.bytes", &segment)]),
        NONE
    );
    assert_eq!(create(&mut raw, "whole", 1, &[]), NONE);
    let value = vec![b'x'; 1_000_000];
    for number in 0..megabytes {
        let topic = ["rolled", "whole"][number as usize % 2];
        raw.append(topic, 0, batch(vec![record(None, Some(&value))], UNSTAMPED));
    }
    let grown = broker.resident_bytes();
    assert!(grown < 30 * MB, "{grown} bytes are held of a log on disk");
    broker.end();
    let half = (megabytes / 2) as i64;
    let ended = start_and_look(dir.path(), "ended in order", half);
    assert!(ended < READ_ALWAYS, "{ended} bytes were read");
    // Killed: what came after the last checkpoint is read, of one segment alone.
    let (broker, address) = Process::start(ANYWHERE, Some(dir.path()));
    let mut raw = Raw::connect_to(&address);
    for topic in ["rolled", "whole"] {
        for _ in 0..3 {
            raw.append(topic, 0, batch(vec![record(None, Some(&value))], UNSTAMPED));
        }
    }
    broker.kill();
    let killed = start_and_look(dir.path(), "killed", half + 3);
    assert!(
        killed > 3 * MB,
        "{killed} bytes were read: what was appended is not judged"
    );
    assert!(
        killed < READ_ALWAYS + MOST_SCANNED,
        "{killed} bytes were read"
    );
}

/// Starts, looks, kills; answers how much was read before the first request.
fn start_and_look(dir: &std::path::Path, after: &str, end: i64) -> u64 {
    let began = Instant::now();
    let (broker, address) = Process::start(ANYWHERE, Some(dir));
    let took = began.elapsed();
    let (read, files, held) = (
        broker.read_bytes(),
        broker.open_files(),
        broker.resident_bytes(),
    );
    eprintln!(
        "{after}, two logs of {end} MB: started in {took:?}, read {read} bytes, {files} files open, holds {held} bytes"
    );
    assert!(files < 24, "{files} files are open");
    assert!(held < 20 * MB, "{held} bytes are held");
    let mut raw = Raw::connect_to(&address);
    for topic in ["rolled", "whole"] {
        assert_eq!(raw.watermarks(topic, 0), (0, end));
        let found = raw.fetch(topic, 0, end - 1);
        assert_eq!((found.error_code, found.high_watermark), (NONE, end));
    }
    broker.kill();
    read
}
