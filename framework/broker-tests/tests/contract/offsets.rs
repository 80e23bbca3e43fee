//! Offsets: the first, the last, and by time.

use kafka_protocol::records::{Compression, Record};
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::common::PATIENCE;
use crate::common::admin::{topic, topic_with};
use crate::common::calls::{
    EARLIEST, LATEST, MAX_TIMESTAMP, UNSTAMPED, batch, compressed, record, values,
};
use crate::common::delete::delete_records;
use crate::common::errors::{NONE, UNKNOWN_TOPIC_OR_PARTITION};
use crate::common::raw::Raw;
use crate::common::reader::Reader;
use crate::common::unique;

/// A record of each of these times.
fn at(times: &[i64]) -> Vec<Record> {
    let of = |timestamp: &i64| Record {
        timestamp: *timestamp,
        ..record(None, Some(b"v"))
    };
    times.iter().map(of).collect()
}

/// A topic that keeps records whatever their age.
fn keeping(what: &str) -> String {
    topic_with(what, 1, &[("retention.ms", "-1")])
}

/// What librdkafka finds for a time.
fn found(reader: &Reader, topic: &str, time: i64) -> Offset {
    let mut asked = TopicPartitionList::new();
    asked
        .add_partition_offset(topic, 0, Offset::Offset(time))
        .expect("an offset");
    let answer = reader
        .consumer()
        .offsets_for_times(asked, PATIENCE)
        .expect("an answer");
    answer.elements()[0].offset()
}

/// The low watermark is the first offset, the high one the offset of the next record; deleting moves the low one.
#[test]
fn watermarks_are_the_ends_of_the_log() {
    let topic = topic("watermarks", 2);
    let mut raw = Raw::connect();
    let reader = Reader::at(&topic, 0, Offset::Beginning);
    let mut both = || {
        let of_librdkafka = reader
            .consumer()
            .fetch_watermarks(&topic, 0, PATIENCE)
            .expect("watermarks");
        assert_eq!(of_librdkafka, raw.watermarks(&topic, 0));
        of_librdkafka
    };
    assert_eq!(both(), (0, 0));
    let mut writer = Raw::connect();
    writer.append(&topic, 0, batch(values(&["a", "b", "c"]), UNSTAMPED));
    assert_eq!(both(), (0, 3));
    delete_records(&mut writer, &topic, 0, 2);
    assert_eq!(both(), (2, 3));
    assert_eq!(writer.watermarks(&topic, 1), (0, 0));
}

/// The offset for a time is that of the first record of that time or later, also inside a batch and between records.
#[test]
fn the_offset_for_a_time_is_the_first_record_not_before_it() {
    let topic = keeping("times");
    let mut raw = Raw::connect();
    raw.append(&topic, 0, batch(at(&[1_000, 2_000, 3_000]), UNSTAMPED));
    raw.append(
        &topic,
        0,
        compressed(at(&[4_000, 5_000, 6_000]), UNSTAMPED, Compression::Zstd),
    );
    raw.append(&topic, 0, batch(at(&[7_000]), UNSTAMPED));
    let reader = Reader::at(&topic, 0, Offset::Beginning);
    let cases = [
        (0, 0, 1_000),
        (1_000, 0, 1_000),
        (1_001, 1, 2_000),
        (3_000, 2, 3_000),
        (3_500, 3, 4_000),
        (4_001, 4, 5_000),
        (6_000, 5, 6_000),
        (6_001, 6, 7_000),
    ];
    for (time, offset, stamp) in cases {
        assert_eq!(
            found(&reader, &topic, time),
            Offset::Offset(offset),
            "{time}"
        );
        let answer = raw.list_offset(&topic, 0, time);
        assert_eq!(
            (answer.error_code, answer.offset, answer.timestamp),
            (NONE, offset, stamp)
        );
    }
}

/// Where no record is of that time or later, the answer is none, which librdkafka calls the end.
#[test]
fn a_time_beyond_the_end_has_no_offset() {
    let topic = keeping("beyond");
    let mut raw = Raw::connect();
    let reader = Reader::at(&topic, 0, Offset::Beginning);
    assert_eq!(found(&reader, &topic, 5), Offset::End);
    raw.append(&topic, 0, batch(at(&[1_000]), UNSTAMPED));
    assert_eq!(found(&reader, &topic, 1_001), Offset::End);
    let answer = raw.list_offset(&topic, 0, 1_001);
    assert_eq!(
        (answer.error_code, answer.offset, answer.timestamp),
        (NONE, -1, -1)
    );
}

/// Records need not be in the order of their times: the first one that is late enough counts, by its offset.
#[test]
fn times_out_of_order_are_searched_by_offset() {
    let topic = keeping("disorder");
    let mut raw = Raw::connect();
    for time in [5_000, 1_000, 9_000, 2_000] {
        raw.append(&topic, 0, batch(at(&[time]), UNSTAMPED));
    }
    let mut offset = |time| raw.list_offset(&topic, 0, time).offset;
    assert_eq!(
        (offset(1), offset(2_000), offset(5_001), offset(9_001)),
        (0, 0, 2, -1)
    );
}

/// A time before deleted records finds the first record that is still there.
#[test]
fn deleted_records_are_not_found_by_their_time() {
    let topic = keeping("times-deleted");
    let mut raw = Raw::connect();
    for time in [1_000, 2_000, 3_000] {
        raw.append(&topic, 0, batch(at(&[time]), UNSTAMPED));
    }
    delete_records(&mut raw, &topic, 0, 2);
    assert_eq!(raw.list_offset(&topic, 0, 1).offset, 2);
}

/// The greatest time of a partition is told with the first record that has it.
#[test]
fn the_greatest_time_is_told_with_its_offset() {
    let topic = keeping("greatest");
    let mut raw = Raw::connect();
    let empty = raw.list_offset(&topic, 0, MAX_TIMESTAMP);
    assert_eq!(
        (empty.error_code, empty.offset, empty.timestamp),
        (NONE, -1, -1)
    );
    raw.append(&topic, 0, batch(at(&[1_000, 8_000, 2_000]), UNSTAMPED));
    raw.append(&topic, 0, batch(at(&[3_000]), UNSTAMPED));
    let greatest = raw.list_offset(&topic, 0, MAX_TIMESTAMP);
    assert_eq!(
        (greatest.error_code, greatest.offset, greatest.timestamp),
        (NONE, 1, 8_000)
    );
}

/// A topic that stamps records itself is searched by those stamps, not by the producers'.
#[test]
fn a_topic_that_stamps_records_is_searched_by_its_stamps() {
    let topic = topic_with("stamps", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let mut raw = Raw::connect();
    let mut stamps = Vec::new();
    for _ in 0..2 {
        // The creation time is long past.
        let answer = raw.produce(&topic, 0, batch(at(&[1_000, 2_000]), UNSTAMPED));
        assert_eq!(answer.error_code, NONE);
        stamps.push(answer.log_append_time_ms);
        let next = answer.log_append_time_ms;
        crate::common::await_that("the next millisecond", || crate::common::now_ms() > next);
    }
    let reader = Reader::at(&topic, 0, Offset::Beginning);
    assert_eq!(found(&reader, &topic, 2_000), Offset::Offset(0));
    assert_eq!(found(&reader, &topic, stamps[0]), Offset::Offset(0));
    assert_eq!(found(&reader, &topic, stamps[0] + 1), Offset::Offset(2));
    assert_eq!(found(&reader, &topic, stamps[1]), Offset::Offset(2));
    assert_eq!(found(&reader, &topic, stamps[1] + 1), Offset::End);
}

/// Offsets of a partition that does not exist are refused.
#[test]
fn offsets_of_an_unknown_partition_are_refused() {
    let topic = topic("no-offsets", 1);
    let mut raw = Raw::connect();
    for time in [EARLIEST, LATEST, 1_000] {
        let unknown = raw.list_offset(&topic, 3, time);
        assert_eq!(unknown.error_code, UNKNOWN_TOPIC_OR_PARTITION);
        let unknown = raw.list_offset(&unique("nobody"), 0, time);
        assert_eq!(unknown.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    }
}
