//! Appends that are refused, and leave nothing behind.

use crate::common::admin::{topic, topic_with};
use crate::common::calls::{PRODUCE, UNSTAMPED, batch, produce_request, record, values};
use crate::common::errors::{
    CORRUPT_MESSAGE, INVALID_RECORD, INVALID_REQUIRED_ACKS, MESSAGE_TOO_LARGE,
};
use crate::common::raw::Raw;
use crate::common::sender::Sender;
use crate::common::unique;
use crate::topics::creates_topics;
use bytes::BytesMut;
use rdkafka::types::RDKafkaErrorCode;

/// A number of acknowledgements other than 0, 1 and all is refused.
#[test]
fn other_acknowledgements_are_refused() {
    let topic = topic("acks-2", 1);
    let mut raw = Raw::connect();
    let request = produce_request(&topic, 0, batch(values(&["a"]), UNSTAMPED)).with_acks(2);
    let answer = raw.call(PRODUCE, &request);
    assert_eq!(
        answer.responses[0].partition_responses[0].error_code,
        INVALID_REQUIRED_ACKS
    );
    assert_eq!(raw.watermarks(&topic, 0), (0, 0));
}

/// A record for a topic that does not exist, and is not created, or for a partition that does not, is undeliverable.
#[test]
fn a_record_for_an_unknown_topic_is_reported() {
    // How long an unknown topic may still be on its way.
    let patience = if creates_topics() { "30000" } else { "0" };
    let sender = Sender::with(&[("topic.metadata.propagation.max.ms", patience)]);
    let outcome = sender.send(&unique("nobody"), 0, b"a");
    // A producer of librdkafka always lets the broker create topics.
    if creates_topics() {
        assert_eq!(outcome, Ok((0, 0)));
    } else {
        let expected = [
            RDKafkaErrorCode::UnknownTopic,
            RDKafkaErrorCode::UnknownTopicOrPartition,
        ];
        assert!(
            expected.contains(&outcome.expect_err("refused")),
            "{outcome:?}"
        );
    }
    let small = topic("small", 1);
    let refused = Err(RDKafkaErrorCode::UnknownPartition);
    assert_eq!(sender.send(&small, 7, b"a"), refused);
    assert_eq!(sender.send(&small, 0, b"a"), Ok((0, 0)));
    // What the producer knows of the topic by now refuses it at once.
    assert_eq!(sender.send(&small, 7, b"a"), refused);
}

/// A batch above the topic's `max.message.bytes` is refused as too large and not appended; one below goes through.
#[test]
fn a_record_that_is_too_large_is_refused() {
    let default = topic("too-large", 1);
    let small = topic_with("too-large", 1, &[("max.message.bytes", "1000")]);
    let large = topic_with("too-large", 1, &[("max.message.bytes", "3000000")]);
    let two_megabytes = vec![b'x'; 2_000_000];
    let sender = Sender::with(&[("message.max.bytes", "4000000")]);
    let refused = Err(RDKafkaErrorCode::MessageSizeTooLarge);
    assert_eq!(sender.send(&default, 0, &two_megabytes), refused);
    assert_eq!(sender.send(&large, 0, &two_megabytes), Ok((0, 0)));

    let mut raw = Raw::connect();
    let of = |bytes: usize| batch(vec![record(None, Some(&vec![b'x'; bytes]))], UNSTAMPED);
    assert_eq!(
        raw.produce(&small, 0, of(1_000)).error_code,
        MESSAGE_TOO_LARGE
    );
    assert_eq!(raw.append(&small, 0, of(900)), 0);
    assert_eq!(raw.watermarks(&default, 0), (0, 0));
    assert_eq!(raw.watermarks(&small, 0), (0, 1));
}

/// A batch whose checksum does not fit its bytes is refused as corrupt, and nothing is appended.
#[test]
fn a_batch_with_a_wrong_checksum_is_refused() {
    let topic = topic("checksum", 1);
    let mut raw = Raw::connect();
    let whole = batch(values(&["whole"]), UNSTAMPED);
    let mut broken = whole.to_vec();
    *broken.last_mut().expect("a byte") ^= 1;
    assert_eq!(
        raw.produce(&topic, 0, broken.into()).error_code,
        CORRUPT_MESSAGE
    );
    assert_eq!(raw.watermarks(&topic, 0), (0, 0));
    assert_eq!(raw.append(&topic, 0, whole), 0);
}

/// A batch that declares another number of records than it holds is refused.
#[test]
fn a_batch_with_a_wrong_count_is_refused() {
    let topic = topic("count", 1);
    let mut raw = Raw::connect();
    let mut wrong = batch(values(&["a", "b"]), UNSTAMPED).to_vec();
    // The last offset delta stands at 23, the number of records at 57; the checksum is made to fit.
    wrong[23..27].copy_from_slice(&2_i32.to_be_bytes());
    wrong[57..61].copy_from_slice(&3_i32.to_be_bytes());
    let checksum = crc32c::crc32c(&wrong[21..]);
    wrong[17..21].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(
        raw.produce(&topic, 0, wrong.into()).error_code,
        INVALID_RECORD
    );
    assert_eq!(raw.watermarks(&topic, 0), (0, 0));
}

/// Two batches for one partition in one request, and message sets of before 2017, are refused.
#[test]
fn what_is_not_one_batch_of_today_is_refused() {
    let topic = topic("one-batch", 1);
    let mut raw = Raw::connect();
    let mut two = BytesMut::new();
    two.extend_from_slice(&batch(values(&["a"]), UNSTAMPED));
    two.extend_from_slice(&batch(values(&["b"]), UNSTAMPED));
    assert_eq!(
        raw.produce(&topic, 0, two.freeze()).error_code,
        INVALID_RECORD
    );

    let mut old = batch(values(&["a"]), UNSTAMPED).to_vec();
    // The magic byte.
    old[16] = 1;
    assert_eq!(
        raw.produce(&topic, 0, old.into()).error_code,
        INVALID_RECORD
    );
    assert_eq!(raw.watermarks(&topic, 0), (0, 0));
}

/// A compacted topic refuses a record without a key.
#[test]
fn a_compacted_topic_refuses_a_record_without_a_key() {
    let topic = topic_with("keyless", 1, &[("cleanup.policy", "compact")]);
    let mut raw = Raw::connect();
    let keyless = batch(values(&["a"]), UNSTAMPED);
    assert_eq!(raw.produce(&topic, 0, keyless).error_code, INVALID_RECORD);
    let keyed = batch(vec![record(Some("k"), Some(b"a"))], UNSTAMPED);
    assert_eq!(raw.append(&topic, 0, keyed), 0);
}
