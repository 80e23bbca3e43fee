//! Judges the records of one partition: valid, void, or not to be told.
//!
//! A stream's record is valid only under the fence in force, and that may stand long before the place where showing
//! starts. So the reading starts at a fence, and what comes before the place is judged and not shown. Any fence will do:
//! it opens its epoch whatever came before it, and later fences are then read on the way.

use kolo_core::Origin;
use kolo_core::stream::{Cursor, StreamReader, Verdict, Void};
use kolo_core::wire::{FENCE, Fence, Headers, Stamp};
use rdkafka::message::Message;
use serde::{Deserialize, Serialize};

use crate::cluster::Reader;
use crate::failure::Failure;
use crate::scan::{Range, headers, scan};

/// How far back a fence is looked for first.
const WINDOW_RECORDS: i64 = 500;

/// What a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    Fence,
    Valid(Stamp),
    /// In a topic without fences everything is valid. A routed copy has a stamp.
    Unfenced(Option<Stamp>),
    Void(Void),
    /// Nobody can tell, for this reason.
    Unknown(String),
}

/// Judges records in the order of their offsets. What is kept of it goes on where it ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub(crate) struct Judge {
    reader: StreamReader,
    /// False in a stream whose first fence has not been read yet: retention has deleted it.
    knows: bool,
    /// The origins by number, as the fence in force lists them.
    origins: Vec<Origin>,
    /// Who wrote that fence, as `<service>.<aggregate>`.
    owner: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    cursor: Option<Cursor>,
    knows: bool,
    origins: Vec<Origin>,
    owner: Option<String>,
}

impl From<Kept> for Judge {
    fn from(kept: Kept) -> Self {
        Judge {
            reader: StreamReader::resume(kept.cursor),
            knows: kept.knows,
            origins: kept.origins,
            owner: kept.owner,
        }
    }
}

impl From<Judge> for Kept {
    fn from(judge: Judge) -> Self {
        Kept {
            cursor: judge.reader.cursor(),
            knows: judge.knows,
            origins: judge.origins,
            owner: judge.owner,
        }
    }
}

impl Judge {
    /// `knows`: no fence stands before the place where the reading starts, or the topic has none.
    pub(crate) fn new(knows: bool) -> Self {
        Judge {
            reader: StreamReader::from_start(),
            knows,
            origins: Vec::new(),
            owner: None,
        }
    }

    /// Judges the next record.
    pub(crate) fn read(
        &mut self,
        offset: i64,
        headers: &Headers<'_>,
        value: Option<&[u8]>,
    ) -> Standing {
        match self.reader.read(offset, headers) {
            Ok(Verdict::Fence(_)) => {
                self.knows = true;
                let fence: Option<Fence> =
                    value.and_then(|value| serde_json::from_slice(value).ok());
                self.owner = fence
                    .as_ref()
                    .map(|fence| format!("{}.{}", fence.service, fence.aggregate));
                self.origins = fence.map(|fence| fence.origins).unwrap_or_default();
                Standing::Fence
            }
            Err(error) => Standing::Unknown(error.to_string()),
            _ if !self.knows => Standing::Unknown(
                "no fence stands before it: retention has deleted the beginning of this stream"
                    .to_owned(),
            ),
            Ok(Verdict::Valid(stamp)) => Standing::Valid(stamp),
            Ok(Verdict::Unfenced(stamp)) => Standing::Unfenced(stamp),
            Ok(Verdict::Void(why)) => Standing::Void(why),
        }
    }

    /// The fence in force, and the number of the last valid record; none where no fence was read.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.reader.cursor()
    }

    /// Goes on in the middle of an epoch whose fence it has read.
    pub(crate) fn goes_on_behind(&mut self, cursor: Cursor) {
        self.reader = StreamReader::resume(Some(cursor));
    }

    /// Who wrote the fence in force, as `<service>.<aggregate>`; none where there is no fence.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The origin with this number in the fence in force.
    pub(crate) fn origin(&self, number: u16) -> Option<&Origin> {
        self.origins.get(usize::from(number))
    }
}

/// Where to start reading a partition so that what stands from `from` on can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) partition: i32,
    pub(crate) read_from: i64,
    pub(crate) knows: bool,
}

/// Where each partition is to be shown from, and its first offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) partition: i32,
    pub(crate) low: i64,
    pub(crate) from: i64,
}

/// Finds a fence before each place.
pub(crate) fn starts(
    reader: &Reader,
    topic: &str,
    is_stream: bool,
    places: &[Place],
) -> Result<Vec<Start>, Failure> {
    let mut found: Vec<Clue> = places.iter().map(|_| Clue::default()).collect();
    let at = |partition: i32| places.iter().position(|place| place.partition == partition);
    let windows: Vec<Range> = places
        .iter()
        .map(|place| Range {
            partition: place.partition,
            from: place.low.max(place.from - WINDOW_RECORDS),
            until: place.from,
        })
        .collect();
    scan(reader, topic, &windows, |message| {
        if let Some(at) = at(message.partition()) {
            found[at].take(message.offset(), &headers(message));
        }
        true
    })?;
    // A record names the offset of its owner's fence. It may be a late one of a replaced owner: then the newer fence
    // stands behind that one, and is read on the way. But it must be a fence.
    let named: Vec<Range> = places
        .iter()
        .zip(&found)
        .filter(|(_, clue)| clue.fence.is_none())
        .filter_map(|(place, clue)| {
            let epoch = clue
                .epoch
                .filter(|&epoch| epoch >= place.low && epoch < place.from)?;
            Some(Range {
                partition: place.partition,
                from: epoch,
                until: epoch + 1,
            })
        })
        .collect();
    scan(reader, topic, &named, |message| {
        let is_named = named
            .iter()
            .any(|range| range.partition == message.partition() && range.from == message.offset());
        if let Some(at) = at(message.partition())
            && is_named
        {
            found[at].take(message.offset(), &headers(message));
        }
        false
    })?;
    let start = |(place, clue): (&Place, &Clue)| {
        let is_stream = is_stream || clue.epoch.is_some();
        let (read_from, knows) = match clue.fence {
            Some(fence) => (fence, true),
            None if is_stream => (place.low, place.low == 0),
            None => (place.from, true),
        };
        Start {
            partition: place.partition,
            read_from,
            knows,
        }
    };
    Ok(places.iter().zip(&found).map(start).collect())
}

/// What the records before a place tell of the fence in force.
#[derive(Debug, Default)]
struct Clue {
    /// The last fence that was seen.
    fence: Option<i64>,
    /// The highest epoch that a record claims.
    epoch: Option<i64>,
}

impl Clue {
    fn take(&mut self, offset: i64, headers: &Headers<'_>) {
        let Some(writer) = headers
            .stamp
            .and_then(|text| Stamp::read(text).ok())
            .and_then(|stamp| stamp.writer)
        else {
            return;
        };
        match writer.epoch {
            None if headers.event_type == Some(FENCE) => self.fence = self.fence.max(Some(offset)),
            epoch => self.epoch = self.epoch.max(epoch),
        }
    }
}

#[cfg(test)]
mod tests {
    use kolo_core::wire::Writer;

    use super::*;

    fn headers_of(stamp: &str, fence: bool) -> Headers<'_> {
        let event_type = Some(if fence { FENCE } else { "shop.E" });
        Headers {
            stamp: Some(stamp),
            event_type,
            ..Headers::default()
        }
    }

    fn stamp(epoch: Option<i64>, number: u64) -> String {
        Stamp::own(Writer {
            epoch,
            nonce: 7,
            number,
        })
        .to_string()
    }

    #[test]
    fn without_any_fence_before_it_a_record_is_neither_valid_nor_void() {
        let mut judge = Judge::new(false);
        let record = stamp(Some(3), 4);
        assert!(matches!(
            judge.read(9, &headers_of(&record, false), None),
            Standing::Unknown(_)
        ));
        assert_eq!(
            judge.read(10, &headers_of(&stamp(None, 0), true), None),
            Standing::Fence
        );
        assert_eq!(
            judge.read(11, &headers_of(&record, false), None),
            Standing::Void(Void::Replaced)
        );
        assert!(matches!(
            judge.read(12, &headers_of(&stamp(Some(10), 1), false), None),
            Standing::Valid(_)
        ));
    }

    #[test]
    fn a_header_that_cannot_be_read_is_told_and_not_taken_for_void() {
        let mut judge = Judge::new(true);
        let Standing::Unknown(reason) = judge.read(0, &headers_of("9 ?", false), None) else {
            panic!()
        };
        assert!(reason.contains("9 ?"), "{reason}");
    }
}
