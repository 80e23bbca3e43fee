//! The fuzz targets with the stable toolchain: the stored corpus, and inputs made from it.
//!
//! `KOLO_FUZZ_SECONDS` says how long each target gets mutated inputs, 2 if it does not; the corpus is replayed in any case.
//! An input that fails is written to `framework/broker/fuzz/artifacts`, and belongs into the corpus once it is mended.
//! cargo-fuzz runs the same targets with an eye on coverage: see `framework/broker/fuzz/Cargo.toml`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    reason = "a test ends where something is not as it should be, and prints what it did"
)]

mod mutate;
mod seeds;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kolo_broker::fuzzing;

const SECONDS: u64 = 2;

/// No target may take more memory than this, whatever the input.
const MOST_BYTES: u64 = 400_000_000;

#[test]
fn requests() {
    fuzz("request", fuzzing::request);
}

#[test]
fn records() {
    fuzz("records", fuzzing::records);
}

#[test]
fn recovery() {
    fuzz("recovery", fuzzing::recovery);
}

#[test]
fn directories() {
    // In memory where there is such a thing: the disk would be all that is waited for.
    let dir = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    fuzz("directory", |data| {
        fuzzing::directory(data, &dir.path().join("log"));
    });
}

/// Writes what the corpus begins with; what fuzzing finds is added beside it. Run it when a format gains something new.
#[test]
#[ignore = "changes the corpus"]
fn seed_the_corpus() {
    for (target, name, data) in seeds::all() {
        let dir = fuzz_dir().join("corpus").join(target);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(name), data).unwrap();
    }
}

fn fuzz_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let dir = fuzz_dir().join("corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn fuzz(target: &str, run: impl Fn(&[u8])) {
    let corpus = corpus(target);
    assert!(corpus.len() > 5, "{target} has {} inputs", corpus.len());
    for data in &corpus {
        try_one(target, data, &run);
    }
    let seconds = std::env::var("KOLO_FUZZ_SECONDS").map_or(SECONDS, |text| {
        text.parse().expect("KOLO_FUZZ_SECONDS is a number")
    });
    let until = Instant::now() + Duration::from_secs(seconds);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut inputs = 0_u64;
    while Instant::now() < until {
        let data = mutate::one(&corpus, &mut random);
        try_one(target, &data, &run);
        inputs += 1;
    }
    let held = most_resident_bytes();
    eprintln!(
        "{target}: {} stored inputs and {inputs} made of them with seed {seed}, {} MB at most",
        corpus.len(),
        held / 1_000_000
    );
    assert!(held < MOST_BYTES, "{held} bytes were held");
}

/// Keeps an input that fails.
fn try_one(target: &str, data: &[u8], run: &impl Fn(&[u8])) {
    let began = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| run(data)));
    let is_slow = began.elapsed() > Duration::from_secs(10);
    if ended.is_ok() && !is_slow {
        return;
    }
    let dir = fuzz_dir().join("artifacts").join(target);
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{:08x}", crc32c::crc32c(data)));
    fs::write(&path, data).unwrap();
    eprintln!("{target} fails with {}", path.display());
    assert!(!is_slow, "one input took {:?}", began.elapsed());
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
}

/// The most that this process ever held.
fn most_resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}
