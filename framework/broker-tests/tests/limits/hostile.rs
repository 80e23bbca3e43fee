//! Clients that lie, or take and do not read: memory stays bounded, and others go on.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kafka_protocol::messages::ApiKey;

use crate::bystander::{Bystander, create};
use crate::common::calls::{UNSTAMPED, batch, fetch_request, produce_request, record};
use crate::common::errors::{NONE, UNKNOWN_TOPIC_OR_PARTITION};
use crate::common::process::Process;
use crate::common::raw::Raw;
use crate::common::{PATIENCE, await_that};
use crate::{ANYWHERE, MB, alone};

/// Just under the largest frame there is.
const FRAME_BYTES: usize = 100 * 1024 * 1024 - 100;

/// What a request of that size may cost: its own bytes, and as much again while its buffer grows.
const MOST_RESIDENT: u64 = 300 * MB;

/// Reserved is memory that may never be used, and yet a machine may refuse it, which ends the process.
const MOST_RESERVED: u64 = 1500 * MB;

/// An answer to a fetch is at most 8 MiB, and what is read along with it little.
const MOST_FETCHED: u64 = 12 * MB;

/// Header of version 1 or 2: API, version, correlation id, no client id.
fn header(api: ApiKey, version: i16) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend((api as i16).to_be_bytes());
    bytes.extend(version.to_be_bytes());
    bytes.extend(1_i32.to_be_bytes());
    bytes.extend((-1_i16).to_be_bytes());
    bytes
}

/// The frame's length, its beginning, and `unit` over and over up to its end.
fn frame(mut begin: Vec<u8>, unit: &[u8]) -> Vec<u8> {
    let mut frame = (FRAME_BYTES as u32).to_be_bytes().to_vec();
    frame.append(&mut begin);
    let missing = FRAME_BYTES + 4 - frame.len();
    frame.extend(unit.repeat(missing / unit.len() + 1));
    frame.truncate(FRAME_BYTES + 4);
    frame
}

/// Frames of nearly 100 MB, each with its lie.
fn lies() -> Vec<(&'static str, Vec<u8>)> {
    let many = 90_000_000_u32;
    // 90,000,000 and the null in front of it, as a varint.
    let varint = [0x81, 0x95, 0xf5, 0x2a];
    let produce = |version, tail: &[&[u8]]| {
        let mut begin = header(ApiKey::Produce, version);
        begin.extend(tail.concat());
        begin
    };
    let old = |tail: &[u8]| produce(7, &[&[0xff, 0xff], &[0xff, 0xff], &[0; 4], tail]);
    let new = |tail: &[u8]| produce(9, &[&[0], &[0], &[0xff, 0xff], &[0; 4], tail]);
    let named = [&varint[..0], &[2, b'a'], &varint].concat();
    let old_named = [&1_u32.to_be_bytes()[..], &[0, 1, b'a'], &many.to_be_bytes()].concat();
    let metadata_old = [header(ApiKey::Metadata, 1), many.to_be_bytes().to_vec()].concat();
    let metadata_new = [header(ApiKey::Metadata, 12), vec![0], varint.to_vec()].concat();
    vec![
        (
            "topics that are not there",
            frame(old(&many.to_be_bytes()), &[0xff]),
        ),
        (
            "topics that are not there, newer",
            frame(new(&varint), &[0xff]),
        ),
        // Names and lists of no length: all of them are there, and each is larger in memory than here.
        (
            "topics that are there",
            frame(old(&16_000_000_u32.to_be_bytes()), &[0]),
        ),
        (
            "topics that are there, newer",
            frame(new(&varint), &[1, 1, 0]),
        ),
        (
            "partitions that are not there",
            frame(old(&old_named), &[0xff]),
        ),
        (
            "partitions that are there, newer",
            frame(new(&[&[2][..], &named].concat()), &[0, 0, 0, 1, 0, 0]),
        ),
        (
            "fields that nobody knows",
            frame(new(&[&[1][..], &varint].concat()), &[7, 0]),
        ),
        (
            "fields that nobody knows in the header",
            frame(
                [header(ApiKey::Produce, 9), varint.to_vec()].concat(),
                &[7, 0],
            ),
        ),
        (
            "a list of topics of another request",
            frame(metadata_old, &[0]),
        ),
        (
            "a list of topics of another request, newer",
            frame(metadata_new, &[0]),
        ),
    ]
}

#[test]
fn frames_of_100_mb_that_lie_cost_their_own_size() {
    let _alone = alone();
    let (broker, address) = Process::start(ANYWHERE, None);
    let mut bystander = Bystander::new(&address);
    bystander.works();
    let reserved_before = broker.most_virtual_bytes();
    for (what, frame) in lies() {
        let mut hostile = TcpStream::connect(&address).unwrap();
        hostile.set_read_timeout(Some(PATIENCE)).unwrap();
        // The broker may close before it has all of it.
        let _ = hostile.write_all(&frame);
        let median = bystander.works();
        let closed = match hostile.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        assert!(closed, "not closed after {what}");
        let resident = broker.most_resident_bytes();
        let reserved = broker.most_virtual_bytes() - reserved_before;
        eprintln!(
            "{what}: {} MB at most, {} MB reserved, others {median:?}",
            resident / MB,
            reserved / MB
        );
        assert!(resident < MOST_RESIDENT, "{what}: {resident} bytes");
        assert!(
            reserved < MOST_RESERVED,
            "{what}: {reserved} bytes reserved"
        );
    }
    bystander.works();
}

/// A frame can be this large in good faith. The connection lives on, and does not keep the room.
#[test]
fn a_large_frame_leaves_nothing_behind() {
    let _alone = alone();
    let (broker, address) = Process::start(ANYWHERE, None);
    let before = broker.resident_bytes();
    let mut raw = Raw::connect_to(&address);
    let value = vec![b'x'; 60_000_000];
    let large = batch(vec![record(None, Some(&value))], UNSTAMPED);
    let answer = raw.call(9, &produce_request("nowhere", 0, large));
    assert_eq!(
        answer.responses[0].partition_responses[0].error_code,
        UNKNOWN_TOPIC_OR_PARTITION
    );
    assert!(broker.most_resident_bytes() > 50 * MB);
    // Read until more comes, so that what was read is let go.
    await_that("the memory to be given back", || {
        broker.resident_bytes() < before + 20 * MB
    });
    raw.describe_topic("nowhere");
}

/// A client that announces much and sends little costs little.
#[test]
fn announced_bytes_are_not_memory() {
    let _alone = alone();
    let (broker, address) = Process::start(ANYWHERE, None);
    let mut bystander = Bystander::new(&address);
    bystander.works();
    let before = broker.resident_bytes();
    let slow: Vec<Raw> = (0..100)
        .map(|_| {
            let mut raw = Raw::connect_to(&address);
            raw.write(&(FRAME_BYTES as u32).to_be_bytes());
            raw.write(&header(ApiKey::Produce, 9));
            raw
        })
        .collect();
    bystander.works();
    let each = broker.resident_bytes().saturating_sub(before) / 100;
    assert!(each < 100_000, "{each} bytes for an announcement");
    drop(slow);
}

/// Clients that ask for everything again and again and read nothing: each costs one answer.
#[test]
fn clients_that_never_read_cost_one_answer_each() {
    const DEAF: u64 = 10;
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let (broker, address) = Process::start(ANYWHERE, Some(dir.path()));
    let mut bystander = Bystander::new(&address);
    let mut raw = Raw::connect_to(&address);
    assert_eq!(create(&mut raw, "large", 2, &[]), NONE);
    let value = vec![b'x'; 1_000_000];
    for number in 0..80 {
        let large = batch(vec![record(None, Some(&value))], UNSTAMPED);
        raw.append("large", number % 2, large);
    }
    let quick = bystander.works();
    let before = broker.resident_bytes();
    let mut everything = fetch_request("large", 0, 0).with_max_bytes(i32::MAX);
    everything.topics[0].partitions[0].partition_max_bytes = i32::MAX;
    let mut deaf: Vec<Raw> = (0..DEAF).map(|_| Raw::connect_to(&address)).collect();
    for raw in &mut deaf {
        for _ in 0..200 {
            raw.send(12, &everything);
        }
    }
    let crowded = bystander.works();
    let each = broker.most_resident_bytes().saturating_sub(before) / DEAF;
    eprintln!(
        "{each} bytes for a client that never reads; {quick:?} a call without them, {crowded:?} with them"
    );
    assert!(
        each < MOST_FETCHED,
        "{each} bytes for a client that never reads"
    );
    // A slow reader is served in the end.
    let mut slow = deaf.remove(0);
    slow.read_frame().expect("an answer");
    std::thread::sleep(Duration::from_millis(200));
    slow.read_frame().expect("another answer");
    drop(deaf);
    bystander.works();
}

/// Garbage on many connections at once; nobody else is hindered.
#[test]
fn a_storm_of_garbage_is_weathered() {
    let _alone = alone();
    let (broker, address) = Process::start(ANYWHERE, None);
    let mut bystander = Bystander::new(&address);
    bystander.works();
    let before = broker.resident_bytes();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..2000 {
        let mut socket = TcpStream::connect(&address).unwrap();
        let mut bytes: Vec<u8> = (0..random.usize(0..200)).map(|_| random.u8(..)).collect();
        if random.bool() && bytes.len() > 8 {
            // A length that fits and an API that exists: the decoder sees the rest.
            let length = (bytes.len() - 4) as u32;
            bytes[..4].copy_from_slice(&length.to_be_bytes());
            bytes[4..8].copy_from_slice(&[0, random.u8(0..62), 0, random.u8(0..14)]);
        }
        // It may be closed already.
        let _ = socket.write_all(&bytes);
    }
    bystander.works();
    let grown = broker.resident_bytes().saturating_sub(before);
    assert!(grown < 30 * MB, "{grown} bytes are left of garbage");
}
