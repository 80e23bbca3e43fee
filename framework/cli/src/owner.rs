//! Whose a topic is, as the topic itself says.

use std::fmt;

use kolo_core::wire::{FENCE, Fence, Source, Stamp};
use rdkafka::message::Message;

use crate::cluster::{Reader, Topic, ends};
use crate::failure::Failure;
use crate::scan::{Range, headers, scan};

/// Records at the beginning of each partition that are looked at. A stream begins with a fence; something else may
/// stand before it only if it was written before the aggregate's first start.
const HEAD_RECORDS: i64 = 20;

/// What a topic is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An aggregate's own events. The owner is unknown only where retention has deleted the fence.
    Stream {
        owner: Option<Fence>,
        partition: i32,
    },
    /// Copies that a router made.
    Inbox,
    /// A topic of kolo's own.
    Own,
    /// Anybody may publish to it.
    Open,
}

impl Kind {
    /// One word for lists and JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Kind::Stream { .. } => "stream",
            Kind::Inbox => "inbox",
            Kind::Own => "kolo",
            Kind::Open => "open",
        }
    }

    /// The owner as `service.aggregate`.
    pub(crate) fn owner(&self) -> Option<String> {
        match self {
            Kind::Stream {
                owner: Some(fence), ..
            } => Some(format!("{}.{}", fence.service, fence.aggregate)),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.owner()) {
            (Kind::Stream { .. }, Some(owner)) => write!(f, "stream of {owner}"),
            (Kind::Stream { .. }, None) => {
                f.write_str("stream (its first fence is gone, so its owner is not known)")
            }
            (Kind::Inbox, _) => f.write_str("inbox"),
            (Kind::Own, _) => f.write_str("kolo's own"),
            (Kind::Open, _) => f.write_str("open"),
        }
    }
}

/// Finds out what a topic is, from its name and the first records of its partitions.
pub(crate) fn kind_of(reader: &Reader, topic: &Topic) -> Result<Kind, Failure> {
    if topic.name.ends_with(".inbox") {
        return Ok(Kind::Inbox);
    }
    if topic.name.starts_with("kolo.") {
        return Ok(Kind::Own);
    }
    let mut heads = Vec::new();
    for partition in &topic.partitions {
        let (low, high) = ends(reader, &topic.name, partition.number)?;
        heads.push(Range {
            partition: partition.number,
            from: low,
            until: high.min(low + HEAD_RECORDS),
        });
    }
    let mut found: Option<Kind> = None;
    scan(reader, &topic.name, &heads, |message| {
        if matches!(found, Some(Kind::Stream { owner: Some(_), .. })) {
            return false;
        }
        let headers = headers(message);
        let partition = message.partition();
        if headers.event_type == Some(FENCE) {
            let owner = message
                .payload()
                .and_then(|value| serde_json::from_slice(value).ok());
            found = Some(Kind::Stream { owner, partition });
        } else if let Some(stamp) = headers.stamp.and_then(|text| Stamp::read(text).ok()) {
            if stamp.writer.is_some() {
                found.get_or_insert(Kind::Stream {
                    owner: None,
                    partition,
                });
            } else if matches!(stamp.source, Source::Copy { .. }) {
                found.get_or_insert(Kind::Inbox);
            }
        }
        true
    })?;
    Ok(found.unwrap_or(Kind::Open))
}
