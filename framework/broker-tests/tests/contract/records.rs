//! What a record carries comes back as it was given.

use rdkafka::Message;
use rdkafka::message::{Header, Headers, OwnedHeaders, Timestamp};
use rdkafka::producer::BaseRecord;
use rdkafka::topic_partition_list::Offset;

use crate::common::admin::{topic, topic_with};
use crate::common::calls::{UNSTAMPED, batch, values};
use crate::common::errors::NONE;
use crate::common::now_ms;
use crate::common::raw::Raw;
use crate::common::reader::Reader;
use crate::common::sender::Sender;

/// Keys and values that are missing, empty, or any bytes come back so; missing and empty are not the same.
#[test]
fn keys_and_values_come_back_as_they_were() {
    let topic = topic("bytes", 1);
    let sender = Sender::new();
    let every_byte: Vec<u8> = (0..=255).collect();
    let parts: [Option<&[u8]>; 3] = [None, Some(b""), Some(&every_byte)];
    let mut sent = Vec::new();
    for key in parts {
        for value in parts {
            sender.queue(&topic, 0, key, value, 0);
            sender.report().1.expect("an acknowledged record");
            sent.push((key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec)));
        }
    }
    let read = Reader::at(&topic, 0, Offset::Beginning).take(sent.len());
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let read: Vec<_> = read
        .iter()
        .map(|one| (owned(one.key()), owned(one.payload())))
        .collect();
    assert_eq!(read, sent);
}

/// Headers come back in their order, also twice under one name, missing, and empty.
#[test]
fn headers_come_back_in_their_order() {
    let topic = topic("headers", 1);
    let sent: [(&str, Option<&[u8]>); 5] = [
        ("z", Some(b"1")),
        ("a", None),
        ("z", Some(b"2")),
        ("", Some(b"nameless")),
        ("empty", Some(b"")),
    ];
    let mut headers = OwnedHeaders::new();
    for (key, value) in sent {
        headers = headers.insert(Header { key, value });
    }
    let sender = Sender::new();
    let record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(&topic, 0);
    sender.queue_record(record.payload(b"v").headers(headers));
    sender.report().1.expect("an acknowledged record");
    let read = Reader::at(&topic, 0, Offset::Beginning).take(1);
    let headers = read[0].headers().expect("headers");
    let read: Vec<_> = headers
        .iter()
        .map(|header| (header.key, header.value))
        .collect();
    assert_eq!(read, sent);
}

/// The time at which a record was created is kept, whatever the broker's clock says.
#[test]
fn a_creation_time_is_kept() {
    let topic = topic_with("created", 1, &[("retention.ms", "-1")]);
    let sender = Sender::new();
    for timestamp in [1, 1_600_000_000_123] {
        let record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(&topic, 0);
        sender.queue_record(record.payload(b"v").timestamp(timestamp));
        sender.report().1.expect("an acknowledged record");
    }
    let read = Reader::at(&topic, 0, Offset::Beginning).take(2);
    assert_eq!(read[0].timestamp(), Timestamp::CreateTime(1));
    assert_eq!(
        read[1].timestamp(),
        Timestamp::CreateTime(1_600_000_000_123)
    );
}

/// A topic with `LogAppendTime` stamps records with the broker's clock, tells the producer so, and the reader too.
#[test]
fn a_topic_may_stamp_records_itself() {
    let topic = topic_with("stamped", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let mut raw = Raw::connect();
    let before = now_ms();
    let answer = raw.produce(&topic, 0, batch(values(&["a", "b"]), UNSTAMPED));
    let after = now_ms();
    assert_eq!(answer.error_code, NONE);
    let stamp = answer.log_append_time_ms;
    assert!(
        (before..=after).contains(&stamp),
        "{before} <= {stamp} <= {after}"
    );
    for one in Reader::at(&topic, 0, Offset::Beginning).take(2) {
        assert_eq!(one.timestamp(), Timestamp::LogAppendTime(stamp));
    }
}

/// A producer of a topic that keeps creation times is not told a time.
#[test]
fn a_kept_creation_time_is_answered_with_no_time() {
    let topic = topic("created", 1);
    let answer = Raw::connect().produce(&topic, 0, batch(values(&["a"]), UNSTAMPED));
    assert_eq!((answer.error_code, answer.log_append_time_ms), (NONE, -1));
    assert_eq!(answer.log_start_offset, 0);
}
