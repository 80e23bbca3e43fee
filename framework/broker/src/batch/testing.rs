//! Batches as a client would send them, encoded by kafka-protocol.

use bytes::{Bytes, BytesMut};
use kafka_protocol::records::{
    Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use super::Batch;

/// What a test wants in a batch.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) records: Vec<Record>,
    pub(crate) compression: Compression,
}

impl Sent {
    /// Records of key, value and timestamp; an empty key or value is none.
    pub(crate) fn of<'a>(records: impl IntoIterator<Item = (&'a str, &'a str, i64)>) -> Self {
        let text = |text: &str| (!text.is_empty()).then(|| Bytes::copy_from_slice(text.as_bytes()));
        let record = |(index, (key, value, timestamp)): (usize, (&str, &str, i64))| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: -1,
            producer_id: -1,
            producer_epoch: -1,
            timestamp_type: TimestampType::Creation,
            offset: i64::try_from(index).unwrap(),
            // The encoder begins a new batch where the distance between offset and sequence changes.
            sequence: i32::try_from(index).unwrap() - 1,
            timestamp,
            key: text(key),
            value: text(value),
            headers: [("trace".into(), Some(Bytes::from_static(b"1")))].into(),
        };
        let records = records.into_iter().enumerate().map(record).collect();
        Self {
            records,
            compression: Compression::None,
        }
    }

    /// `count` small records of one timestamp.
    pub(crate) fn some(count: usize, timestamp: i64) -> Self {
        Self::of((0..count).map(|_| ("key", "value", timestamp)))
    }

    pub(crate) fn by(mut self, producer_id: i64, epoch: i16, first_sequence: i32) -> Self {
        for (record, index) in self.records.iter_mut().zip(0..) {
            record.producer_id = producer_id;
            record.producer_epoch = epoch;
            record.sequence = first_sequence.wrapping_add(index);
        }
        self
    }

    pub(crate) fn compressed(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    pub(crate) fn bytes(&self) -> Bytes {
        let options = RecordEncodeOptions {
            version: 2,
            compression: self.compression,
        };
        let mut out = BytesMut::new();
        RecordBatchEncoder::encode(&mut out, &self.records, &options).unwrap();
        out.freeze()
    }

    pub(crate) fn batch(&self) -> Batch {
        let mut batches = Batch::parse_all(self.bytes()).unwrap();
        assert_eq!(batches.len(), 1);
        batches.remove(0)
    }
}
