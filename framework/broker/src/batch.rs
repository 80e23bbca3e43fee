//! A v2 record batch as it arrived: a view of its header, checked once, and its records where somebody needs them.
//!
//! A batch is kept in the bytes that the producer sent. What a broker fills in, the base offset and the leader epoch, stands
//! before the checksum and is written without touching it; only log append time changes what the checksum covers.

mod compression;
mod records;
#[cfg(test)]
pub(crate) mod testing;

use bytes::{Buf, Bytes};
use kafka_protocol::ResponseError;
use kafka_protocol::records::{Compression, Record, RecordBatchDecoder};

pub(crate) use compression::compress;
pub(crate) use records::{RawRecord, Walk};

/// Bytes of a batch's header: a shorter batch does not exist.
pub const HEADER_BYTES: usize = 61;
/// Bytes before the part that the batch's length field counts: base offset and that field.
pub(crate) const PREFIX_BYTES: usize = 12;
/// The leader epoch of every batch: one node leads everything, and never loses it.
pub const LEADER_EPOCH: i32 = 0;

const ATTRIBUTE_LOG_APPEND_TIME: i16 = 1 << 3;
const ATTRIBUTE_TRANSACTIONAL: i16 = 1 << 4;
const ATTRIBUTE_CONTROL: i16 = 1 << 5;
const ATTRIBUTE_DELETE_HORIZON: i16 = 1 << 6;

/// Why bytes are no batch that may be appended. The producer is answered; nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Lengths or the checksum do not fit: the bytes were damaged, and the producer may send them again.
    #[error("the batch is damaged: {0}")]
    Corrupt(&'static str),
    /// Not magic 2, the only format since Kafka 4.
    #[error("message format {0} is not supported, only 2 is")]
    Format(i8),
    /// Whole, but no producer may send this; sending it again changes nothing.
    #[error("the batch is invalid: {0}")]
    Invalid(&'static str),
    /// A producer may not claim that its timestamps are the broker's.
    #[error("the batch claims to carry the broker's time of append")]
    TimestampType,
    /// Part of a transaction, which this broker does not have.
    #[error("the batch is part of a transaction, and this broker has no transactions")]
    Transactional,
}

impl BatchError {
    /// The error code that answers the producer.
    #[must_use]
    pub fn code(&self) -> ResponseError {
        match self {
            Self::Corrupt(_) => ResponseError::CorruptMessage,
            Self::Format(_) => ResponseError::UnsupportedForMessageFormat,
            Self::Invalid(_) => ResponseError::InvalidRecord,
            Self::TimestampType => ResponseError::InvalidTimestamp,
            Self::Transactional => ResponseError::InvalidTxnState,
        }
    }
}

/// One v2 record batch whose header, length and checksum hold. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    bytes: Bytes,
}

pub(crate) fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// The whole length of the batch that `header` begins, if its length field is possible at all.
pub(crate) fn whole_len(header: &[u8]) -> Option<usize> {
    let length = usize::try_from(i32::from_be_bytes(field(header, 8))).ok()?;
    (length >= HEADER_BYTES - PREFIX_BYTES).then_some(length + PREFIX_BYTES)
}

impl Batch {
    /// Splits the records field of a produce request into batches that may be appended.
    ///
    /// Checked are magic, lengths, checksum, counts, and every record of an uncompressed batch. Compressed records are
    /// not looked into: see [`Batch::records`].
    ///
    /// # Errors
    ///
    /// The first batch that does not hold refuses them all.
    pub fn parse_all(mut records: Bytes) -> Result<Vec<Self>, BatchError> {
        let mut batches = Vec::with_capacity(1);
        while !records.is_empty() {
            let batch = Self::split_from(&mut records)?;
            batch.check_sent()?;
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Takes the first batch off `bytes`: whole, magic 2, checksum right. Nothing is allocated.
    ///
    /// # Errors
    ///
    /// [`BatchError::Corrupt`] and [`BatchError::Format`]; `bytes` then stays as it was.
    pub fn split_from(bytes: &mut Bytes) -> Result<Self, BatchError> {
        if bytes.len() < HEADER_BYTES {
            // The magic byte stands at the same place in every format, and an old message may be shorter than our header.
            return match bytes.get(16) {
                Some(0 | 1) => Err(BatchError::Format(i8::from_be_bytes([bytes[16]]))),
                _ => Err(BatchError::Corrupt("shorter than a header")),
            };
        }
        let magic = i8::from_be_bytes([bytes[16]]);
        if magic != 2 {
            return Err(BatchError::Format(magic));
        }
        let length = whole_len(bytes).ok_or(BatchError::Corrupt("impossible length"))?;
        if length > bytes.len() {
            return Err(BatchError::Corrupt("cut off"));
        }
        if crc32c::crc32c(&bytes[21..length]) != u32::from_be_bytes(field(bytes, 17)) {
            return Err(BatchError::Corrupt("wrong checksum"));
        }
        Ok(Self {
            bytes: bytes.split_to(length),
        })
    }

    /// A batch out of the log, whose checksum was right when it was appended.
    pub(crate) fn trusted(bytes: Bytes) -> Self {
        debug_assert!(whole_len(&bytes) == Some(bytes.len()));
        Self { bytes }
    }

    /// What a producer may not send, though its checksum is right.
    fn check_sent(&self) -> Result<(), BatchError> {
        if self.is_control() {
            return Err(BatchError::Invalid(
                "a client may not write control records",
            ));
        }
        if self.is_transactional() {
            return Err(BatchError::Transactional);
        }
        if self.is_log_append_time() {
            return Err(BatchError::TimestampType);
        }
        if self.record_count() <= 0 || self.last_offset_delta() != self.record_count() - 1 {
            return Err(BatchError::Invalid(
                "its record count and last offset differ",
            ));
        }
        if self.producer_id() >= 0 && (self.base_sequence() < 0 || self.producer_epoch() < 0) {
            return Err(BatchError::Invalid(
                "a producer id without epoch and sequence",
            ));
        }
        if self.compression()? == Compression::None {
            self.check_records(&self.bytes[HEADER_BYTES..])?;
        }
        Ok(())
    }

    fn check_records(&self, data: &[u8]) -> Result<(), BatchError> {
        for (record, expected) in Walk::new(data, self.record_count()).zip(0..) {
            if record?.offset_delta != expected {
                return Err(BatchError::Invalid("its records' offsets have gaps"));
            }
        }
        Ok(())
    }

    /// Refuses a batch that a compacted topic cannot take: each of its records needs a key.
    ///
    /// # Errors
    ///
    /// [`BatchError::Invalid`] for a record without key, and for records that cannot be read.
    pub fn check_keyed(&self) -> Result<(), BatchError> {
        let data = self.decompressed()?;
        self.check_records(&data)?;
        for record in Walk::new(&data, self.record_count()) {
            if record?.key.is_none() {
                return Err(BatchError::Invalid(
                    "a compacted topic takes no record without key",
                ));
            }
        }
        Ok(())
    }

    /// Offset of the first record; as the producer sent it until the batch is appended.
    #[must_use]
    pub fn base_offset(&self) -> i64 {
        i64::from_be_bytes(field(&self.bytes, 0))
    }

    /// The leader epoch it was appended in.
    #[must_use]
    pub fn leader_epoch(&self) -> i32 {
        i32::from_be_bytes(field(&self.bytes, 12))
    }

    fn attributes(&self) -> i16 {
        i16::from_be_bytes(field(&self.bytes, 21))
    }

    /// How far the last offset lies from the base offset; compaction keeps it when it removes records.
    #[must_use]
    pub fn last_offset_delta(&self) -> i32 {
        i32::from_be_bytes(field(&self.bytes, 23))
    }

    /// Offset of the last record.
    #[must_use]
    pub fn last_offset(&self) -> i64 {
        self.base_offset()
            .saturating_add(i64::from(self.last_offset_delta()))
    }

    /// Milliseconds since 1970 from which the records' timestamps count; the delete horizon, where one is set.
    #[must_use]
    pub fn base_timestamp(&self) -> i64 {
        i64::from_be_bytes(field(&self.bytes, 27))
    }

    /// The largest timestamp of its records, in milliseconds since 1970.
    #[must_use]
    pub fn max_timestamp(&self) -> i64 {
        i64::from_be_bytes(field(&self.bytes, 35))
    }

    /// The idempotent producer's id, or -1.
    #[must_use]
    pub fn producer_id(&self) -> i64 {
        i64::from_be_bytes(field(&self.bytes, 43))
    }

    /// The idempotent producer's epoch, or -1.
    #[must_use]
    pub fn producer_epoch(&self) -> i16 {
        i16::from_be_bytes(field(&self.bytes, 51))
    }

    /// Sequence of the first record, or -1.
    #[must_use]
    pub fn base_sequence(&self) -> i32 {
        i32::from_be_bytes(field(&self.bytes, 53))
    }

    /// Sequence of the last record; sequences begin again at 0 behind `i32::MAX`.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        match self.base_sequence() {
            -1 => -1,
            base => base.wrapping_add(self.last_offset_delta()) & i32::MAX,
        }
    }

    /// How many records it holds.
    #[must_use]
    pub fn record_count(&self) -> i32 {
        i32::from_be_bytes(field(&self.bytes, 57))
    }

    /// Whether its records carry the broker's time of append instead of their own.
    #[must_use]
    pub fn is_log_append_time(&self) -> bool {
        self.attributes() & ATTRIBUTE_LOG_APPEND_TIME != 0
    }

    /// Whether it belongs to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.attributes() & ATTRIBUTE_TRANSACTIONAL != 0
    }

    /// Whether it holds a broker's markers instead of records.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.attributes() & ATTRIBUTE_CONTROL != 0
    }

    /// When its tombstones may go, in milliseconds since 1970; compaction sets it.
    #[must_use]
    pub fn delete_horizon(&self) -> Option<i64> {
        (self.attributes() & ATTRIBUTE_DELETE_HORIZON != 0).then(|| self.base_timestamp())
    }

    /// How its records are compressed.
    ///
    /// # Errors
    ///
    /// [`BatchError::Invalid`] for a codec that does not exist.
    pub fn compression(&self) -> Result<Compression, BatchError> {
        match self.attributes() & 7 {
            0 => Ok(Compression::None),
            1 => Ok(Compression::Gzip),
            2 => Ok(Compression::Snappy),
            3 => Ok(Compression::Lz4),
            4 => Ok(Compression::Zstd),
            _ => Err(BatchError::Invalid("an unknown compression codec")),
        }
    }

    /// Bytes of the whole batch, header included.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The batch as it stands on the wire and in the log.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The records field, decompressed; at most [`compression::MAX_RECORDS_BYTES`].
    pub(crate) fn decompressed(&self) -> Result<Bytes, BatchError> {
        let data = self.bytes.slice(HEADER_BYTES..);
        compression::decompress(data, self.compression()?)
    }

    pub(crate) fn offset_of(&self, record: &RawRecord<'_>) -> i64 {
        self.base_offset()
            .saturating_add(i64::from(record.offset_delta))
    }

    /// The record's own timestamp, or the batch's under log append time.
    pub(crate) fn timestamp_of(&self, record: &RawRecord<'_>) -> i64 {
        if self.is_log_append_time() {
            return self.max_timestamp();
        }
        self.base_timestamp().saturating_add(record.timestamp_delta)
    }

    /// Its records, decompressed, with the offsets and timestamps that a consumer sees.
    ///
    /// # Errors
    ///
    /// [`BatchError::Invalid`] where the records field is none, or decompresses to more than 64 MiB.
    pub fn records(&self) -> Result<Vec<Record>, BatchError> {
        let data = self.decompressed()?;
        // The decoder below trusts every count that it reads, and would allocate for it.
        for record in Walk::new(&data, self.record_count()) {
            let record = record?;
            let timestamp = self.base_timestamp().checked_add(record.timestamp_delta);
            let offset = self
                .base_offset()
                .checked_add(i64::from(record.offset_delta));
            if timestamp.is_none() || offset.is_none() {
                return Err(BatchError::Invalid(
                    "a timestamp or an offset beyond all numbers",
                ));
            }
        }
        let mut whole = self.bytes.clone();
        let mut records = RecordBatchDecoder::decode_with_custom_compression(
            &mut whole,
            Some(|rest: &mut Bytes, _| {
                rest.advance(rest.remaining());
                Ok(data.clone())
            }),
        )
        .map_err(|_| BatchError::Invalid("its records cannot be decoded"))?
        .records;
        if self.is_log_append_time() {
            for record in &mut records {
                record.timestamp = self.max_timestamp();
            }
        }
        Ok(records)
    }
}

/// Writes what the broker fills in into the batch that begins at `batch[0]`.
pub(crate) fn stamp(batch: &mut [u8], base_offset: i64, log_append_time: Option<i64>) {
    batch[..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[12..16].copy_from_slice(&LEADER_EPOCH.to_be_bytes());
    if let Some(now) = log_append_time {
        let attributes = i16::from_be_bytes(field(batch, 21)) | ATTRIBUTE_LOG_APPEND_TIME;
        batch[21..23].copy_from_slice(&attributes.to_be_bytes());
        batch[35..43].copy_from_slice(&now.to_be_bytes());
        seal(batch);
    }
}

/// Computes the checksum anew.
pub(crate) fn seal(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}

/// Rebuilds `batch` around fewer records: its offsets and sequences stay, so that nothing around it moves.
///
/// `data` is the records field, compressed as the batch says.
pub(crate) fn rebuild(
    batch: &Batch,
    data: &[u8],
    record_count: i32,
    max_timestamp: i64,
    delete_horizon: Option<i64>,
) -> Result<Batch, BatchError> {
    let total = HEADER_BYTES + data.len();
    let length = i32::try_from(total - PREFIX_BYTES)
        .map_err(|_| BatchError::Invalid("larger than a batch can be"))?;
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(&batch.bytes[..HEADER_BYTES]);
    out.extend_from_slice(data);
    out[8..12].copy_from_slice(&length.to_be_bytes());
    if let Some(horizon) = delete_horizon {
        let attributes = batch.attributes() | ATTRIBUTE_DELETE_HORIZON;
        out[21..23].copy_from_slice(&attributes.to_be_bytes());
        out[27..35].copy_from_slice(&horizon.to_be_bytes());
    }
    out[35..43].copy_from_slice(&max_timestamp.to_be_bytes());
    out[57..61].copy_from_slice(&record_count.to_be_bytes());
    seal(&mut out);
    Ok(Batch::trusted(out.into()))
}

#[cfg(test)]
mod tests;
