//! How one partition's log rolls, keeps and cleans; Kafka's topic settings under the house's names.

use std::time::Duration;

/// Which time a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The broker's, at the append.
    LogAppendTime,
}

/// Kafka's `cleanup.policy`: either or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleanup {
    /// Segments go once they are too old or too many.
    pub delete: bool,
    /// Of the records of one key only the last stays.
    pub compact: bool,
}

/// How one partition's log behaves; the defaults are Kafka's.
#[derive(Debug, Clone, PartialEq)]
pub struct LogConfig {
    /// A segment closes before it grows beyond this (`segment.bytes`).
    pub segment_bytes: u64,
    /// A segment closes once its records span more than this (`segment.ms`).
    pub segment_age: Duration,
    /// Segments whose newest record is older than this go; `None` keeps them (`retention.ms`).
    pub retention: Option<Duration>,
    /// The oldest segments go while the log is larger than this; `None` keeps them (`retention.bytes`).
    pub retention_bytes: Option<u64>,
    /// What `clean` does (`cleanup.policy`).
    pub cleanup: Cleanup,
    /// How long a tombstone stays after compaction has first seen it (`delete.retention.ms`).
    pub delete_retention: Duration,
    /// Records younger than this are not compacted (`min.compaction.lag.ms`).
    pub min_compaction_lag: Duration,
    /// The part of the log that must be uncompacted before it is worth a pass (`min.cleanable.dirty.ratio`).
    pub min_dirty_ratio: f64,
    /// Which time the records carry (`message.timestamp.type`).
    pub timestamp_type: TimestampType,
    /// How far a record's own time may lie ahead of the clock (`message.timestamp.after.max.ms`).
    pub max_timestamp_ahead: Duration,
    /// The largest batch that is taken (`max.message.bytes`).
    pub max_batch_bytes: usize,
    /// An idempotent producer that is silent for this long is forgotten (`producer.id.expiration.ms`).
    pub producer_expiry: Duration,
    /// How many keys one pass of compaction remembers, at about 40 bytes each; a log of more takes several passes.
    pub compaction_keys: usize,
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_age: DAY * 7,
            retention: Some(DAY * 7),
            retention_bytes: None,
            cleanup: Cleanup {
                delete: true,
                compact: false,
            },
            delete_retention: DAY,
            min_compaction_lag: Duration::ZERO,
            min_dirty_ratio: 0.5,
            timestamp_type: TimestampType::CreateTime,
            max_timestamp_ahead: HOUR,
            max_batch_bytes: 1_048_588,
            producer_expiry: DAY,
            compaction_keys: 500_000,
        }
    }
}
