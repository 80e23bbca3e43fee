use bytes::{Bytes, BytesMut};
use kafka_protocol::records::Compression;
use proptest::prelude::*;

use super::testing::Sent;
use super::*;

const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

/// Changes bytes that the checksum covers, and makes it right again.
fn forged(sent: &Sent, change: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut bytes = BytesMut::from(&sent.bytes()[..]);
    change(&mut bytes);
    seal(&mut bytes);
    bytes.freeze()
}

#[test]
fn header_and_records_are_what_was_sent_whatever_the_codec() {
    for codec in CODECS {
        let sent = Sent::of([("a", "1", 10), ("b", "", 30), ("", "3", 20)])
            .by(7, 2, i32::MAX - 1)
            .compressed(codec);
        let batch = sent.batch();
        assert_eq!(batch.compression(), Ok(codec));
        assert_eq!((batch.base_timestamp(), batch.max_timestamp()), (10, 30));
        assert_eq!((batch.producer_id(), batch.producer_epoch()), (7, 2));
        assert_eq!(
            (batch.base_sequence(), batch.last_sequence()),
            (i32::MAX - 1, 0)
        );
        assert_eq!((batch.record_count(), batch.last_offset()), (3, 2));
        let mut expected = sent.records.clone();
        for record in &mut expected {
            record.partition_leader_epoch = -1;
        }
        assert_eq!(batch.records().unwrap(), expected, "{codec:?}");
    }
}

#[test]
fn a_stamped_batch_keeps_its_checksum_and_tells_its_offset() {
    let sent = Sent::some(3, 5);
    let mut bytes = BytesMut::from(&sent.bytes()[..]);
    stamp(&mut bytes, 41, None);
    assert_eq!(bytes[16..], sent.bytes()[16..]);
    let batch = Batch::split_from(&mut bytes.freeze()).unwrap();
    assert_eq!((batch.base_offset(), batch.last_offset()), (41, 43));
    assert_eq!(batch.leader_epoch(), LEADER_EPOCH);
}

#[test]
fn log_append_time_replaces_every_records_own() {
    let mut bytes = BytesMut::from(&Sent::of([("a", "1", 10), ("b", "2", 20)]).bytes()[..]);
    stamp(&mut bytes, 41, Some(99));
    let batch = Batch::split_from(&mut bytes.freeze()).unwrap();
    assert!(batch.is_log_append_time());
    let seen: Vec<_> = batch
        .records()
        .unwrap()
        .iter()
        .map(|r| (r.offset, r.timestamp))
        .collect();
    assert_eq!(seen, [(41, 99), (42, 99)]);
}

#[test]
fn what_no_producer_may_send_is_refused_with_its_code() {
    let sent = Sent::some(2, 5);
    let attribute = |bit: u8| forged(&sent, |bytes| bytes[22] |= bit);
    let cases = [
        (attribute(1 << 5), ResponseError::InvalidRecord),
        (attribute(1 << 4), ResponseError::InvalidTxnState),
        (attribute(1 << 3), ResponseError::InvalidTimestamp),
        (attribute(7), ResponseError::InvalidRecord),
        // A count that is not the last offset's, and one that is not the records'.
        (
            forged(&sent, |bytes| bytes[60] = 3),
            ResponseError::InvalidRecord,
        ),
        (
            forged(&sent, |bytes| {
                bytes[60] = 3;
                bytes[26] = 2;
            }),
            ResponseError::InvalidRecord,
        ),
        // A producer id without a sequence.
        (
            forged(&sent, |bytes| bytes[43..51].fill(0)),
            ResponseError::InvalidRecord,
        ),
        (
            forged(&sent, |bytes| bytes[16] = 1),
            ResponseError::UnsupportedForMessageFormat,
        ),
        (sent.bytes().slice(..70), ResponseError::CorruptMessage),
        (sent.bytes().slice(..20), ResponseError::CorruptMessage),
    ];
    for (index, (bytes, code)) in cases.into_iter().enumerate() {
        let refused = Batch::parse_all(bytes).map_err(|error| error.code());
        assert_eq!(refused, Err(code), "case {index}");
    }
    assert_eq!(Batch::parse_all(Bytes::new()), Ok(Vec::new()));
}

#[test]
fn every_flipped_bit_behind_the_magic_is_noticed() {
    let bytes = Sent::some(2, 5).bytes();
    for bit in 17 * 8..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let refused = Batch::parse_all(flipped.into());
        assert_eq!(
            refused,
            Err(BatchError::Corrupt("wrong checksum")),
            "bit {bit}"
        );
    }
}

#[test]
fn several_batches_are_split_and_one_bad_one_refuses_all() {
    let (one, two) = (Sent::some(1, 5).bytes(), Sent::some(2, 6).bytes());
    let both: Bytes = [&one[..], &two[..]].concat().into();
    let counts: Vec<_> = Batch::parse_all(both.clone())
        .unwrap()
        .iter()
        .map(Batch::record_count)
        .collect();
    assert_eq!(counts, [1, 2]);
    let torn = both.slice(..both.len() - 1);
    assert_eq!(Batch::parse_all(torn), Err(BatchError::Corrupt("cut off")));
}

#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = vec![0; compression::MAX_RECORDS_BYTES + 1];
    for codec in &CODECS[1..] {
        let packed = compress(&zeros, *codec).unwrap();
        let refused = compression::decompress(packed, *codec);
        let expected = BatchError::Invalid("its records decompress to more than 64 MiB");
        assert_eq!(refused, Err(expected), "{codec:?}");
    }
    // Four gigabytes claimed by six bytes.
    let claim = Bytes::from_static(b"\xff\xff\xff\xff\x0f\0");
    assert!(compression::decompress(claim, Compression::Snappy).is_err());
}

#[test]
fn only_keyed_records_fit_into_a_compacted_topic() {
    for codec in CODECS {
        let keyed = Sent::of([("a", "1", 1), ("b", "2", 2)]).compressed(codec);
        assert_eq!(keyed.batch().check_keyed(), Ok(()));
        let keyless = Sent::of([("a", "1", 1), ("", "2", 2)]).compressed(codec);
        let refused = keyless.batch().check_keyed().map_err(|error| error.code());
        assert_eq!(refused, Err(ResponseError::InvalidRecord), "{codec:?}");
    }
}

#[test]
fn a_record_moved_to_another_base_timestamp_keeps_its_own() {
    let batch = Sent::of([("a", "1", 1_000), ("b", "2", 5_000_000)]).batch();
    let data = batch.decompressed().unwrap();
    let horizon = 1_700_000_000_000;
    let mut out = Vec::new();
    for record in Walk::new(&data, 2) {
        let record = record.unwrap();
        record.write_with_delta(batch.timestamp_of(&record) - horizon, &mut out);
    }
    let moved = rebuild(&batch, &out, 2, 5_000_000, Some(horizon)).unwrap();
    assert_eq!(moved.delete_horizon(), Some(horizon));
    let times: Vec<_> = moved
        .records()
        .unwrap()
        .iter()
        .map(|r| r.timestamp)
        .collect();
    assert_eq!(times, [1_000, 5_000_000]);
}

proptest! {
    #[test]
    fn no_bytes_behind_a_right_checksum_panic_or_allocate_for_a_lie(
        at in 21_usize..200,
        with in proptest::collection::vec(any::<u8>(), 1..12),
        codec in 0_usize..5,
    ) {
        let sent = Sent::of([("a", "1", 10), ("bb", "", 30)]).compressed(CODECS[codec]);
        let bytes = forged(&sent, |bytes| {
            let at = at % bytes.len();
            let end = (at + with.len()).min(bytes.len());
            bytes[at.max(21)..end.max(21)].copy_from_slice(&with[..end.max(21) - at.max(21)]);
        });
        let mut rest = bytes.clone();
        if let Ok(batch) = Batch::split_from(&mut rest) {
            drop(batch.records());
            drop(batch.check_keyed());
        }
        drop(Batch::parse_all(bytes));
    }

    #[test]
    fn any_bytes_are_a_batch_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(Batch::parse_all(bytes.into()));
    }

    #[test]
    fn a_walk_over_any_bytes_ends(bytes in proptest::collection::vec(any::<u8>(), 0..100), count in any::<i32>()) {
        let seen = Walk::new(&bytes, count).count();
        prop_assert!(seen <= bytes.len() + 1);
    }
}
