//! Records that go: by hand, by size, by age.

use crate::common::admin::{topic, topic_with};
use crate::common::await_that;
use crate::common::calls::{LATEST, UNSTAMPED, batch, record, values};
use crate::common::delete::{ask_to_delete, delete_records};
use crate::common::errors::{
    NONE, OFFSET_OUT_OF_RANGE, POLICY_VIOLATION, UNKNOWN_TOPIC_OR_PARTITION,
};
use crate::common::raw::Raw;
use kafka_protocol::records::Record;
use rdkafka::admin::AdminOptions;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// Records of 2023.
fn old(texts: &[&str]) -> Vec<Record> {
    let of_2023 = |one| Record {
        timestamp: 1_700_000_000_000,
        ..one
    };
    values(texts).into_iter().map(of_2023).collect()
}

/// Records before an offset are deleted by hand, never brought back by a smaller one; -1 deletes all.
#[test]
fn records_are_deleted_by_hand() {
    let topic = topic("by-hand", 1);
    let mut raw = Raw::connect();
    raw.append(&topic, 0, batch(values(&["a", "b", "c", "d"]), UNSTAMPED));
    delete_records(&mut raw, &topic, 0, 3);
    assert_eq!(raw.watermarks(&topic, 0), (3, 4));
    let answer = ask_to_delete(&mut raw, &topic, 0, 1);
    assert_eq!((answer.error_code, answer.low_watermark), (NONE, 3));
    // Inside a batch too: its other records are still in the fetched bytes, and readers leave them out.
    let read = raw.read_from(&topic, 0, 3);
    assert_eq!((read.len(), read[0].offset), (1, 3));
    let answer = ask_to_delete(&mut raw, &topic, 0, LATEST);
    assert_eq!((answer.error_code, answer.low_watermark), (NONE, 4));
    assert_eq!(raw.append(&topic, 0, batch(values(&["e"]), UNSTAMPED)), 4);
    assert_eq!(raw.watermarks(&topic, 0), (4, 5));
}

/// librdkafka deletes records, and is told the new low watermark.
#[test]
fn librdkafka_deletes_records() {
    use crate::common::admin::{admin, block_on};
    let topic = topic("by-client", 2);
    let mut raw = Raw::connect();
    raw.append(&topic, 1, batch(values(&["a", "b", "c"]), UNSTAMPED));
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 1, Offset::Offset(2))
        .expect("an offset");
    let answer = block_on(admin().delete_records(&list, &AdminOptions::new())).expect("an answer");
    assert_eq!(answer.elements()[0].offset(), Offset::Offset(2));
    assert_eq!(raw.watermarks(&topic, 1), (2, 3));
}

/// Records that are not there yet are not deleted, nor those of an unknown partition or of a compacted topic.
#[test]
fn deletions_that_cannot_be_are_refused() {
    let topic = topic("cannot", 1);
    let compacted = topic_with("cannot", 1, &[("cleanup.policy", "compact")]);
    let mut raw = Raw::connect();
    raw.append(&topic, 0, batch(values(&["a"]), UNSTAMPED));
    raw.append(
        &compacted,
        0,
        batch(vec![record(Some("k"), Some(b"a"))], UNSTAMPED),
    );
    let mut code = |topic: &str, partition, before| {
        ask_to_delete(&mut raw, topic, partition, before).error_code
    };
    assert_eq!(code(&topic, 0, 2), OFFSET_OUT_OF_RANGE);
    assert_eq!(code(&topic, 0, -7), OFFSET_OUT_OF_RANGE);
    assert_eq!(code(&topic, 8, 0), UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(code(&compacted, 0, 1), POLICY_VIOLATION);
    assert_eq!(raw.watermarks(&topic, 0), (0, 1));
}

/// The oldest segments go when a partition holds more than its `retention.bytes`; the newest records stay.
#[test]
fn the_oldest_records_go_by_size() {
    let settings = [("segment.bytes", "1048576"), ("retention.bytes", "1500000")];
    let topic = topic_with("by-size", 1, &settings);
    let mut raw = Raw::connect();
    let of = || batch(vec![record(None, Some(&[b'x'; 100_000]))], UNSTAMPED);
    for _ in 0..50 {
        raw.append(&topic, 0, of());
    }
    await_that("retention", || raw.watermarks(&topic, 0).0 > 0);
    // Whole segments go, and only as long as enough stays: from 15 records to 15 and a segment of 10.
    await_that("the end of retention", || raw.watermarks(&topic, 0).0 >= 24);
    let (low, high) = raw.watermarks(&topic, 0);
    assert!(low <= 35 && high == 50, "{low}..{high}");
    let read = raw.read_from(&topic, 0, low);
    assert_eq!(read.len() as i64, high - low);
    assert_eq!(
        raw.fetch(&topic, 0, low - 1).error_code,
        OFFSET_OUT_OF_RANGE
    );
}

/// Records older than their topic's `retention.ms` go, all of them if need be, and offsets go on.
#[test]
fn old_records_go_by_their_age() {
    let topic = topic_with("by-age", 1, &[("retention.ms", "3600000")]);
    let kept = topic_with("by-age-kept", 1, &[("retention.ms", "-1")]);
    let mut raw = Raw::connect();
    for topic in [&kept, &topic] {
        raw.append(topic, 0, batch(old(&["a", "b"]), UNSTAMPED));
    }
    await_that("retention", || raw.watermarks(&topic, 0) == (2, 2));
    let young = record(None, Some(b"young"));
    assert_eq!(raw.append(&topic, 0, batch(vec![young], UNSTAMPED)), 2);
    assert_eq!(raw.watermarks(&topic, 0), (2, 3));
    assert_eq!(raw.watermarks(&kept, 0), (0, 2));
}

/// Records become old when their topic's `retention.ms` is lowered.
#[test]
fn a_lowered_age_takes_effect() {
    use crate::common::admin::{admin, block_on, options};
    use rdkafka::admin::{AlterConfig, ResourceSpecifier};
    let topic = topic_with("lowered", 1, &[("retention.ms", "-1")]);
    let mut raw = Raw::connect();
    raw.append(&topic, 0, batch(old(&["a", "b"]), UNSTAMPED));
    let change = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("retention.ms", "1000");
    let altered = block_on(admin().alter_configs([&change], &options())).expect("an answer");
    assert!(altered[0].is_ok(), "{altered:?}");
    await_that("retention", || raw.watermarks(&topic, 0) == (2, 2));
}
