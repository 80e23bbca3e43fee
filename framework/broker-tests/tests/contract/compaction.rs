//! Compaction: what stays of a key.

use std::collections::BTreeMap;

use kafka_protocol::records::{Compression, Record};
use rdkafka::topic_partition_list::Offset;

use crate::common::admin::topic_with;
use crate::common::await_some;
use crate::common::calls::{UNSTAMPED, batch, compressed, record};
use crate::common::raw::Raw;
use crate::common::reader::{Reader, texts};

/// Segments end by the time of their records, so a case makes one by writing a record of a later time.
const SETTINGS: [(&str, &str); 5] = [
    ("cleanup.policy", "compact"),
    ("segment.ms", "1000"),
    ("min.cleanable.dirty.ratio", "0.01"),
    ("min.compaction.lag.ms", "0"),
    ("delete.retention.ms", "0"),
];

/// Writes records of ever later times.
struct Log {
    raw: Raw,
    topic: String,
    time: i64,
}

impl Log {
    fn new(what: &str, settings: &[(&str, &str)]) -> Self {
        Log {
            raw: Raw::connect(),
            topic: topic_with(what, 1, settings),
            time: 1_700_000_000_000,
        }
    }

    fn stamped(&self, key: &str, value: Option<&str>) -> Record {
        Record {
            timestamp: self.time,
            ..record(Some(key), value.map(str::as_bytes))
        }
    }

    fn put(&mut self, key: &str, value: Option<&str>) -> i64 {
        let records = batch(vec![self.stamped(key, value)], UNSTAMPED);
        self.raw.append(&self.topic, 0, records)
    }

    /// Ends the segment: what was written before can be compacted.
    fn tick(&mut self) {
        self.time += 60_000;
        self.put("tick", Some("tick"));
    }

    /// What is there of keys that are not ticks: offset, and value or none.
    fn read(&mut self) -> BTreeMap<i64, (String, Option<String>)> {
        let text = |bytes: &bytes::Bytes| String::from_utf8_lossy(bytes).into_owned();
        let low = self.raw.watermarks(&self.topic, 0).0;
        let all = self.raw.read_from(&self.topic, 0, low);
        all.into_iter()
            .map(|one| {
                (
                    one.offset,
                    (
                        one.key.as_ref().map(text).unwrap_or_default(),
                        one.value.as_ref().map(text),
                    ),
                )
            })
            .filter(|(_, (key, _))| key != "tick")
            .collect()
    }

    /// Ticks until what is there is as expected.
    fn await_left(&mut self, what: &str, expected: &BTreeMap<i64, (String, Option<String>)>) {
        await_some(what, || {
            self.tick();
            // Each look may find what another pass of the cleaner has left.
            (0..10).find_map(|_| {
                std::thread::park_timeout(std::time::Duration::from_millis(50));
                (self.read() == *expected).then_some(())
            })
        });
    }
}

fn left(records: &[(i64, &str, Option<&str>)]) -> BTreeMap<i64, (String, Option<String>)> {
    let of = |(offset, key, value): &(i64, &str, Option<&str>)| {
        (*offset, ((*key).to_owned(), value.map(str::to_owned)))
    };
    records.iter().map(of).collect()
}

/// The last value of each key stays, under its old offset and in its old order; earlier ones go.
#[test]
fn the_last_value_of_each_key_stays() {
    let mut log = Log::new("last-value", &SETTINGS);
    for (key, value) in [
        ("a", "1"),
        ("b", "1"),
        ("a", "2"),
        ("c", "1"),
        ("b", "2"),
        ("a", "3"),
    ] {
        log.put(key, Some(value));
    }
    let expected = left(&[
        (3, "c", Some("1")),
        (4, "b", Some("2")),
        (5, "a", Some("3")),
    ]);
    log.await_left("compaction", &expected);
    let reader = Reader::at(&log.topic, 0, Offset::Beginning);
    assert_eq!(texts(&reader.take(3)), ["1", "2", "3"]);
}

/// A record without a value deletes its key, and goes itself when its topic's `delete.retention.ms` is over.
#[test]
fn a_deleted_key_goes_whole() {
    let mut log = Log::new("tombstone", &SETTINGS);
    log.put("gone", Some("1"));
    log.put("stays", Some("1"));
    log.put("gone", None);
    log.await_left("the end of the key", &left(&[(1, "stays", Some("1"))]));
}

/// Until then the record without a value is there for readers that come late.
#[test]
fn a_deletion_stays_for_late_readers() {
    let mut settings = SETTINGS;
    settings[4] = ("delete.retention.ms", "86400000");
    let mut log = Log::new("late", &settings);
    log.put("gone", Some("1"));
    log.put("gone", None);
    let expected = left(&[(1, "gone", None)]);
    log.await_left("compaction", &expected);
    // Further passes do not take it away: they show by what they take.
    let mut last = 0;
    for value in ["1", "2", "3"] {
        last = log.put("other", Some(value));
    }
    let expected = left(&[(1, "gone", None), (last, "other", Some("3"))]);
    log.await_left("another compaction", &expected);
}

/// Batches are compacted inside, compressed ones too.
#[test]
fn batches_are_compacted_inside() {
    let mut log = Log::new("inside", &SETTINGS);
    for codec in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let records = [("a", "old"), ("b", "old"), ("own", "kept"), ("a", "new")];
        let mut records: Vec<_> = records
            .iter()
            .map(|(key, value)| log.stamped(key, Some(value)))
            .collect();
        let own = format!("own-{codec:?}");
        records[2].key = Some(own.into());
        log.raw
            .append(&log.topic, 0, compressed(records, UNSTAMPED, codec));
    }
    let expected = left(&[
        (2, "own-Gzip", Some("kept")),
        (6, "own-Snappy", Some("kept")),
        (10, "own-Lz4", Some("kept")),
        (13, "b", Some("old")),
        (14, "own-Zstd", Some("kept")),
        (15, "a", Some("new")),
    ]);
    log.await_left("compaction", &expected);
    let reader = Reader::at(&log.topic, 0, Offset::Offset(10));
    assert_eq!(texts(&reader.take(4)), ["kept", "old", "kept", "new"]);
    let reader = Reader::at(&log.topic, 0, Offset::Offset(4));
    assert_eq!(texts(&reader.take(1)), ["kept"]);
}

/// The newest segment is not touched: readers of the present see every record.
#[test]
fn the_newest_segment_is_not_touched() {
    let mut log = Log::new("newest", &SETTINGS);
    log.put("a", Some("1"));
    log.put("a", Some("2"));
    log.await_left("compaction", &left(&[(1, "a", Some("2"))]));
    let newest: Vec<_> = ["3", "4", "5"]
        .iter()
        .map(|value| log.put("a", Some(value)))
        .collect();
    let all = log.read();
    for (offset, value) in newest.into_iter().zip(["3", "4", "5"]) {
        assert_eq!(
            all.get(&offset),
            Some(&("a".to_owned(), Some(value.to_owned())))
        );
    }
}
