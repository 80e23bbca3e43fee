//! Snapshots: a restart reads the tail of its stream, and whatever is wrong with a snapshot costs a restore only.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;
mod told;

use std::path::Path;

use common::{await_that, config};
use kolo_core::processor::{InputTopic, Outbox, Rules, Setup};
use kolo_core::{Service, Timestamp, TopicId};
use kolo_kafka::topics::TopicAdmin;
use told::log_of;
use told::subject::{
    KEYS, PARTITIONS, Subject, assert_told, counter, run_again, run_once, subject,
};

counter!(restart);

#[test]
fn a_restart_reads_the_tail_only() {
    let mut subject = subject!(restart);
    run_once(&mut subject);
    let (events, read) = run_again(&mut subject, 1);
    assert_eq!(events, 5 * KEYS);
    assert!(read <= PARTITIONS, "what is behind the snapshots: {read}");
    assert!(
        !log_of(subject.name).contains("WARN"),
        "{}",
        log_of(subject.name)
    );
    told::forget(subject.name);
    assert_eq!(
        run_again(&mut subject, 1).0,
        6 * KEYS,
        "events are still counted"
    );
}

counter!(periodic);

#[test]
fn snapshots_are_taken_while_it_works() {
    let mut subject = subject!(periodic);
    let running = subject.start(1);
    subject.count(3);
    await_that("every partition has a snapshot", || {
        subject.files().len() == PARTITIONS
    });
    let sizes = |subject: &Subject| -> u64 {
        let files = subject.files();
        files
            .iter()
            .map(|file| file.metadata().unwrap().len())
            .sum()
    };
    let before = sizes(&subject);
    subject.count(3);
    await_that("they grow by what has changed", || sizes(&subject) > before);
    running.stop().expect("a graceful stop");
    subject.assert_exact();
}

counter!(damaged);

// failure: disk | a snapshot is damaged | a warning says what is wrong | it is deleted, and the whole stream is
// read | nobody
#[test]
fn a_damaged_file_costs_a_restore() {
    let mut subject = subject!(damaged);
    run_once(&mut subject);
    for file in subject.files() {
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[40] ^= 1;
        std::fs::write(&file, bytes).unwrap();
    }
    let (events, read) = run_again(&mut subject, 1);
    assert_eq!(events, 5 * KEYS);
    assert!(read >= events, "{read} of {events}");
    assert_told(
        subject.name,
        "the snapshot is deleted, and the stream is read from its start: the file is damaged: a checksum does not fit",
    );
}

counter!(changed);

// failure: code | a deploy changes the type of a state, and raises its snapshots' version | a warning | the old
// snapshot is deleted, and the whole stream is read | nobody
#[test]
fn a_state_of_another_version_costs_a_restore() {
    let mut subject = subject!(changed);
    run_once(&mut subject);
    let (events, read) = run_again(&mut subject, 2);
    assert!(events == 5 * KEYS && read >= events, "{read} of {events}");
    assert_told(
        subject.name,
        "it is of the snapshots' version `1`, and this is `2`",
    );
    told::forget(subject.name);
    let (_, read) = run_again(&mut subject, 2);
    assert!(read <= PARTITIONS, "the new version was kept: {read}");
}

counter!(recreated);

#[test]
fn the_snapshot_of_a_stream_that_was_created_again_is_not_loaded() {
    let mut subject = subject!(recreated);
    run_once(&mut subject);
    told::delete(subject.stream);
    // It is created by the start. The intake is read from its start, and decided again.
    let running = subject.start(1);
    await_that("all is answered again", || {
        subject.answers().len() == subject.published
    });
    running.stop().expect("a graceful stop");
    subject.assert_exact();
    assert_told(subject.name, "it is of the stream with the topic id");
}

counter!(lost);

// failure: broker | the log has lost acknowledged records, and a snapshot knows them | a warning: the snapshot is
// not of this stream | it is deleted, and the state is what the log holds | an operator looks for the unclean
// election
#[test]
fn a_log_that_lost_what_the_snapshot_was_taken_at_is_noticed() {
    let mut subject = subject!(lost);
    run_once(&mut subject);
    let (service, config) = ((subject.service)(1), subject.config());
    let topics = TopicAdmin::new(&config).unwrap();
    let stream = topics.describe(&[subject.stream]).unwrap()[subject.stream].id;
    // Snapshots of a log in which another owner's fence stood at the start.
    for (partition, file) in (0..).zip(subject.files()) {
        let rest = snapshot_of_another_log(&service, subject.intake, stream, partition);
        std::fs::write(file, file_of(&rest)).unwrap();
    }
    let (events, read) = run_again(&mut subject, 1);
    assert!(events == 5 * KEYS && read >= events, "{read} of {events}");
    assert_told(
        subject.name,
        "the record at which it was taken does not stand in the stream any more",
    );
}

fn snapshot_of_another_log(
    service: &Service,
    intake: &str,
    stream: TopicId,
    partition: i32,
) -> Vec<u8> {
    let intake = InputTopic {
        name: intake.to_owned(),
        id: stream,
    };
    let mut processor = service.aggregates()[0].processor(Setup {
        service: service.name().to_owned(),
        partition,
        partitions: config().partitions,
        nonce: 12_345,
        inputs: vec![intake],
        routed: Vec::new(),
        max_record_bytes: 1_000_000,
        allow_downgrade: false,
        broken: std::collections::HashMap::new(),
        rules: Rules::ALL,
    });
    processor.fenced(0);
    let (mut out, mut rest) = (Outbox::default(), Vec::new());
    processor
        .start(Timestamp::from_millis(0), &mut out)
        .unwrap();
    processor.snapshot_keys(1, &mut |_, _| {}).unwrap();
    processor
        .snapshot(stream, &mut rest)
        .unwrap()
        .expect("nothing is ahead of that log");
    rest
}

/// A file of one frame: a seal.
fn file_of(rest: &[u8]) -> Vec<u8> {
    let body = [&0_u64.to_le_bytes(), rest].concat();
    let length = u32::try_from(body.len()).unwrap();
    let head = [length, 2, crc32c::crc32c_append(2, &body)];
    let head = head.iter().flat_map(|number| number.to_le_bytes());
    b"kolosnap\x01\0\0\0"
        .iter()
        .copied()
        .chain(head)
        .chain(body)
        .collect()
}

counter!(shared);

// failure: set-up | two instances are given one directory for snapshots | the second one warns | it works without
// snapshots | an operator gives it a directory of its own
#[test]
fn two_instances_with_one_directory_both_work_and_the_second_keeps_no_snapshots() {
    let mut subject = subject!(shared);
    let running = [subject.start(1), subject.start(1)];
    assert_told(subject.name, "runs without snapshots");
    assert_told(
        subject.name,
        "another process uses it: give each instance a directory of its own",
    );
    subject.count(3);
    for running in running {
        running.stop().expect("a graceful stop");
    }
    subject.assert_exact();
    told::forget(subject.name);
    run_again(&mut subject, 1);
    assert!(
        !log_of(subject.name).contains("another process"),
        "the directory is free again"
    );
}

counter!(unwritable);

// failure: disk | the directory of snapshots cannot be written | one warning | the service works without snapshots
// | an operator, if restarts take too long
#[test]
fn a_directory_that_cannot_be_written_costs_a_warning() {
    let mut subject = subject!(unwritable);
    std::fs::write(subject.folder.path().join("state"), "a file").unwrap();
    let running = subject.start(1);
    subject.count(2);
    running.stop().expect("a graceful stop");
    subject.assert_exact();
    let log = log_of(subject.name);
    assert_eq!(log.matches("runs without snapshots").count(), 1, "{log}");
}

counter!(full);

// failure: disk | the disk of snapshots is full | one warning | the service works without snapshots | an operator
// makes room
#[test]
fn a_full_disk_costs_a_warning() {
    let mut subject = subject!(full);
    let folder = subject.folder.path().join("state").join(subject.name);
    std::fs::create_dir_all(&folder).unwrap();
    for partition in 0..PARTITIONS {
        let file = folder.join(format!("counter-{partition}.new"));
        std::os::unix::fs::symlink(Path::new("/dev/full"), file).unwrap();
    }
    let running = subject.start(1);
    subject.count(2);
    await_that("it is told", || {
        log_of(subject.name).contains("no more snapshots are taken")
    });
    subject.count(2);
    running.stop().expect("a graceful stop");
    subject.assert_exact();
    let log = log_of(subject.name);
    assert_eq!(
        log.matches("no more snapshots are taken").count(),
        1,
        "{log}"
    );
    assert!(log.contains("No space left on device"), "{log}");
    assert!(subject.files().is_empty());
}
