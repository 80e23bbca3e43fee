//! Compressed batches: kept as they arrive, and read from the middle.

use kafka_protocol::records::Compression;
use rdkafka::topic_partition_list::Offset;

use crate::common::admin::topic;
use crate::common::calls::{UNSTAMPED, compressed, values};
use crate::common::raw::Raw;
use crate::common::reader::{Reader, texts};
use crate::common::sender::Sender;

fn numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("record number {number:04}"))
        .collect()
}

/// Reads from the middle of a batch that librdkafka compressed.
fn seek_inside(codec: &str) {
    let topic = topic(&format!("seek-{codec}"), 1);
    // Long enough that all records are in one batch.
    let sender = Sender::with(&[("compression.codec", codec), ("linger.ms", "500")]);
    let sent = numbered(300);
    assert_eq!(
        sender.send_all(&topic, 0, &sent),
        (0..300).collect::<Vec<i64>>()
    );

    let mut raw = Raw::connect();
    let stored = raw.fetch(&topic, 0, 0).records.expect("records");
    let plain: usize = sent.iter().map(String::len).sum();
    assert!(
        stored.len() < plain,
        "{codec} made {plain} bytes {}",
        stored.len()
    );
    let bits = i16::from_be_bytes([stored[21], stored[22]]) & 7;
    let expected = ["none", "gzip", "snappy", "lz4", "zstd"];
    assert_eq!(expected[bits as usize], codec);

    let reader = Reader::at(&topic, 0, Offset::Offset(157));
    assert_eq!(texts(&reader.take(143)), sent[157..]);
    reader.seek(299);
    assert_eq!(texts(&reader.take(1)), sent[299..]);
    reader.seek(3);
    assert_eq!(texts(&reader.take(297)), sent[3..]);
}

/// A reader that seeks into a batch compressed with gzip gets exactly the records from there on.
#[test]
fn a_seek_into_a_gzip_batch() {
    seek_inside("gzip");
}

/// A reader that seeks into a batch compressed with snappy gets exactly the records from there on.
#[test]
fn a_seek_into_a_snappy_batch() {
    seek_inside("snappy");
}

/// A reader that seeks into a batch compressed with lz4 gets exactly the records from there on.
#[test]
fn a_seek_into_an_lz4_batch() {
    seek_inside("lz4");
}

/// A reader that seeks into a batch compressed with zstd gets exactly the records from there on.
#[test]
fn a_seek_into_a_zstd_batch() {
    seek_inside("zstd");
}

/// A batch is kept byte for byte as its producer compressed it; only its offset and leader epoch are the broker's.
#[test]
fn a_batch_is_kept_as_it_arrives() {
    let topic = topic("as-it-arrives", 1);
    let mut raw = Raw::connect();
    let codecs = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    for (round, codec) in codecs.into_iter().enumerate() {
        let sent = compressed(values(&numbered(20)), UNSTAMPED, codec);
        let offset = raw.append(&topic, 0, sent.clone());
        assert_eq!(offset, 20 * round as i64);
        // From the middle, and whole nevertheless.
        let stored = raw.fetch(&topic, 0, offset + 11).records.expect("records");
        assert_eq!(stored[..8], offset.to_be_bytes());
        assert_eq!(stored[16..], sent[16..], "{codec:?}");
    }
    let read = texts(&Reader::at(&topic, 0, Offset::Beginning).take(100));
    let five: Vec<_> = std::iter::repeat_n(numbered(20), 5).flatten().collect();
    assert_eq!(read, five);
}
