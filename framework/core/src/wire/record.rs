//! The values of kolo's own records in a stream: JSON, so that any UI shows them.

use serde::{Deserialize, Serialize};

use crate::id::{CorrelationId, EventId, TopicId};
use crate::position::{Origin, OriginNumber, Position};
use crate::stream::Cursor;
use crate::time::Timestamp;

/// `kolo.fence`: the record with which a new owner opens its epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The service that owns the stream.
    pub service: String,
    /// The aggregate whose stream this is.
    pub aggregate: String,
    /// The partition count it was started with.
    pub partitions: i32,
    /// The version of the declaration; a lower one does not take over.
    pub version: u32,
    /// The origins, by the numbers that this epoch's records use.
    pub origins: Vec<Origin>,
}

/// `kolo.marker`: positions, made durable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// How far each input topic was read, in the partition of the stream's own number.
    pub reads: Vec<Read>,
    /// The last decided position of each origin's partition, by the origin's number in the fence.
    pub decided: Vec<(OriginNumber, i32, Position)>,
    /// The same for origins that the fence does not list: of topics that were recreated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<(Origin, i32, Position)>,
}

/// How far one input topic was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Kafka's id of the topic.
    pub topic: TopicId,
    /// The next offset to read.
    pub next: i64,
    /// The fence in force there, if the input is itself a fenced stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// `kolo.barred`: from here on, the step is refused to this record's saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barred {
    /// Full name of the event that the step's compensation undoes.
    pub step: String,
    /// Full name of the event that triggered the compensation.
    pub by: String,
    /// The trigger itself, where the undo waits for the answer of a pending effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Trigger>,
}

/// The event that triggered a compensation, kept until the undo can be decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its event id.
    pub id: EventId,
    /// Its cause.
    pub causation: Option<EventId>,
    /// Its saga.
    pub correlation: CorrelationId,
    /// Its timestamp.
    pub at: Timestamp,
    /// Its framed value.
    #[serde(with = "hex")]
    pub value: Box<[u8]>,
}

/// Bytes as lower-case hex text.
mod hex {
    use std::fmt::Write as _;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Box<[u8]>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |byte: &u8| {
            (*byte as char)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let pairs = text.as_bytes().chunks(2);
        let bytes = pairs.map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        });
        bytes
            .collect::<Option<_>>()
            .ok_or_else(|| de::Error::custom("not hex"))
    }
}
