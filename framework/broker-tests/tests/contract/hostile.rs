//! Bytes that no good client sends: answered or closed cleanly, and other clients unharmed.

use std::time::Duration;

use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, MetadataRequest};

use crate::common::admin::topic;
use crate::common::calls::{METADATA, PRODUCE, UNSTAMPED, batch, produce_request, values};
use crate::common::errors::NONE;
use crate::common::raw::{Raw, frame, framed};

/// A client that works before, while and after something bad happens on another connection.
struct Bystander {
    raw: Raw,
    topic: String,
    appended: i64,
}

impl Bystander {
    fn new(what: &str) -> Self {
        Bystander {
            raw: Raw::connect(),
            topic: topic(what, 1),
            appended: 0,
        }
    }

    fn works(&mut self) {
        let records = batch(values(&["v"]), UNSTAMPED);
        assert_eq!(self.raw.append(&self.topic, 0, records), self.appended);
        self.appended += 1;
        let mut newcomer = Raw::connect();
        assert_eq!(
            newcomer.call(0, &ApiVersionsRequest::default()).error_code,
            NONE
        );
        assert_eq!(
            newcomer.read_from(&self.topic, 0, 0).len() as i64,
            self.appended
        );
    }
}

/// Sends bytes and sees the connection closed without an answer.
fn closes(what: &str, bytes: &[u8]) {
    let mut bystander = Bystander::new(what);
    bystander.works();
    let mut raw = Raw::connect();
    raw.write(bytes);
    bystander.works();
    assert!(raw.read_frame().is_none(), "an answer to {what}");
    bystander.works();
}

/// The header of a request: API, version, correlation id, client id.
fn header(api: i16, version: i16) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(api.to_be_bytes());
    bytes.extend(version.to_be_bytes());
    bytes.extend(1_i32.to_be_bytes());
    bytes.extend(4_i16.to_be_bytes());
    bytes.extend(b"evil");
    bytes
}

/// A frame of garbage closes its connection.
#[test]
fn garbage_closes_its_connection() {
    let garbage: Vec<u8> = (0..300_u32)
        .map(|at| (at * 31 % 253) as u8 | 0x80)
        .collect();
    closes("garbage", &framed(&garbage));
}

/// What speaks another protocol is closed: the first bytes of HTTP are a length of over a gigabyte.
#[test]
fn another_protocol_closes_its_connection() {
    closes("http", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

/// A length that nobody can mean closes the connection before anything is allocated for it.
#[test]
fn a_huge_length_closes_its_connection() {
    closes("huge", &i32::MAX.to_be_bytes());
}

/// A negative length closes the connection.
#[test]
fn a_negative_length_closes_its_connection() {
    closes("negative", &(-1_i32).to_be_bytes());
}

/// An empty frame closes its connection.
#[test]
fn an_empty_frame_closes_its_connection() {
    closes("empty", &0_i32.to_be_bytes());
}

/// An API that does not exist closes the connection.
#[test]
fn an_unknown_api_closes_its_connection() {
    closes("unknown-api", &framed(&header(9_999, 0)));
    closes("negative-api", &framed(&header(-1, 0)));
}

/// A version that the broker does not tell of closes the connection.
#[test]
fn an_unknown_version_closes_its_connection() {
    closes(
        "unknown-version",
        &framed(&header(ApiKey::Metadata as i16, 99)),
    );
    closes(
        "negative-version",
        &framed(&header(ApiKey::Produce as i16, -3)),
    );
}

/// A request that ends too early closes the connection, wherever it ends, and nothing of it is done.
#[test]
fn a_truncated_request_closes_its_connection() {
    let mut bystander = Bystander::new("truncated");
    let mut watcher = Raw::connect();
    let victim = topic("truncated-victim", 1);
    let request = produce_request(&victim, 0, batch(values(&["v"]), UNSTAMPED));
    let whole = frame(1, PRODUCE, &request);
    let mut length = 1;
    while length + 4 < whole.len() - 1 {
        let mut raw = Raw::connect();
        raw.write(&framed(&whole[4..4 + length]));
        assert!(raw.read_frame().is_none(), "an answer to {length} bytes");
        length += 7;
    }
    bystander.works();
    assert_eq!(watcher.watermarks(&victim, 0), (0, 0));
}

/// A list that claims to be longer than its frame closes the connection before anything is allocated for it.
#[test]
fn a_list_longer_than_its_frame_closes_its_connection() {
    let mut bytes = header(ApiKey::Metadata as i16, 1);
    bytes.extend(i32::MAX.to_be_bytes());
    closes("long-list", &framed(&bytes));
}

/// A text that claims to be longer than its frame closes the connection.
#[test]
fn a_text_longer_than_its_frame_closes_its_connection() {
    let mut bytes = header(ApiKey::Metadata as i16, 1);
    bytes.extend(1_i32.to_be_bytes());
    bytes.extend(i16::MAX.to_be_bytes());
    bytes.extend(b"short");
    closes("long-text", &framed(&bytes));
}

/// A client that goes away in the midst of a frame leaves nothing behind.
#[test]
fn half_a_frame_leaves_nothing_behind() {
    let mut bystander = Bystander::new("half");
    let victim = topic("half-victim", 1);
    let request = produce_request(&victim, 0, batch(values(&["v"]), UNSTAMPED));
    let whole = frame(1, PRODUCE, &request);
    for length in [1, 3, 4, 20, whole.len() - 1] {
        let mut raw = Raw::connect();
        raw.write(&whole[..length]);
        drop(raw);
        bystander.works();
    }
    assert_eq!(Raw::connect().watermarks(&victim, 0), (0, 0));
}

/// A request that arrives byte by byte is served.
#[test]
fn a_request_byte_by_byte_is_served() {
    let topic = topic("drips", 1);
    let mut raw = Raw::connect();
    let request = produce_request(&topic, 0, batch(values(&["v"]), UNSTAMPED));
    for byte in frame(1, PRODUCE, &request) {
        raw.write(&[byte]);
        std::thread::park_timeout(Duration::from_micros(200));
    }
    let answer = raw.receive::<kafka_protocol::messages::ProduceRequest>(PRODUCE, 1);
    assert_eq!(answer.responses[0].partition_responses[0].error_code, NONE);
}

/// Hundreds of connections that say nothing disturb nobody.
#[test]
fn idle_connections_disturb_nobody() {
    let mut bystander = Bystander::new("idle");
    let mut idle: Vec<_> = (0..300).map(|_| Raw::connect()).collect();
    bystander.works();
    for raw in idle.iter_mut().step_by(50) {
        assert_eq!(raw.call(0, &ApiVersionsRequest::default()).error_code, NONE);
    }
}

/// A client that asks and asks and never reads holds up nobody but itself.
#[test]
fn a_client_that_never_reads_holds_up_nobody() {
    let mut bystander = Bystander::new("deaf");
    let topic = bystander.topic.clone();
    let records = batch(
        vec![crate::common::calls::record(None, Some(&[b'x'; 500_000]))],
        UNSTAMPED,
    );
    bystander.raw.append(&topic, 0, records);
    bystander.appended += 1;
    let mut deaf = Raw::connect();
    // Answers of 200 MB, which no socket's buffers hold.
    for _ in 0..400 {
        deaf.send(12, &crate::common::calls::fetch_request(&topic, 0, 0));
    }
    bystander.works();
    bystander.works();
    let metadata = Raw::connect().call(METADATA, &MetadataRequest::default().with_topics(None));
    assert!(!metadata.topics.is_empty());
}
