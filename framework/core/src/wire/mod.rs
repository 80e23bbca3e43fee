//! What stands on the wire beside the value: header names, the `kolo` header, and kolo's own records.
//! `docs/protocol.md` gives every layout.

mod base64;
mod failure;
mod parked;
mod parse;
mod queues;
mod record;
mod rest;
mod stamp;

pub use failure::{Failure, FailureClass};
pub use parked::{Drop, HeaderValue, Parked, ParkedKind, Place, Replay, Unparked};
pub use queues::{ParkedChange, ParkedQueues, Queued};
pub use record::{Barred, Fence, Marker, Read, Trigger};
pub use rest::{RestEvent, read_rest, write_rest};
pub use stamp::{Source, Stamp, StampError, Writer};

use crate::id::EventId;
use crate::time::Timestamp;

/// CloudEvents version, always `1.0`.
pub const CE_SPECVERSION: &str = "ce_specversion";
/// The event id.
pub const CE_ID: &str = "ce_id";
/// The service and aggregate that wrote the record, as `/service/aggregate`.
pub const CE_SOURCE: &str = "ce_source";
/// The event type: the schema's full name, or the name of one of kolo's own records.
pub const CE_TYPE: &str = "ce_type";
/// The packed header, see [`Stamp`].
pub const KOLO: &str = "kolo";
/// The other events of an answer of several, on its first record only.
pub const KOLO_REST: &str = "kolo_rest";
/// W3C trace context, passed from cause to event when there is one.
pub const TRACEPARENT: &str = "traceparent";

/// Type of the record with which an owner opens its epoch.
pub const FENCE: &str = "kolo.fence";
/// Type of the record that makes positions durable.
pub const MARKER: &str = "kolo.marker";
/// Type of the record that bars a step of a saga.
pub const BARRED: &str = "kolo.barred";
/// Type of the record that keeps what could not be decided, and whatever came behind it under the same key.
pub const PARKED: &str = "kolo.parked";
/// Type of the record that ends the parking of one record.
pub const UNPARKED: &str = "kolo.unparked";

/// Type of the control record in an inbox that has a key's parked records run again, in order.
pub const REDRIVE: &str = "kolo.redrive";
/// Type of the control record in an inbox that drops one parked record, with a reason.
pub const DROP: &str = "kolo.drop";
/// Type of the control record in an inbox that has an input decided that was decided with nothing before.
pub const REPLAY: &str = "kolo.replay";

/// Type of the control record in an inbox that brings what a router could not forward, to be parked.
pub const UNROUTED: &str = "kolo.unrouted";

/// Whether the type names one of kolo's own records, which hold no business fact.
#[must_use]
pub fn is_own_record(event_type: &str) -> bool {
    matches!(
        event_type,
        FENCE | MARKER | BARRED | PARKED | UNPARKED | REDRIVE | DROP | REPLAY | UNROUTED
    )
}

/// All headers of a record, as the client library holds them. Parking keeps also those that kolo does not read.
pub trait AllHeaders: std::fmt::Debug {
    /// Hands out each header, in order.
    fn each(&self, take: &mut dyn FnMut(&str, Option<&[u8]>));
}

/// A record as it was read from a topic, borrowed from the client library's buffer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record<'a> {
    /// Offset in its partition.
    pub offset: i64,
    /// The record's timestamp.
    pub timestamp: Timestamp,
    /// The record's key.
    pub key: Option<&'a [u8]>,
    /// The record's value.
    pub value: Option<&'a [u8]>,
    /// The headers that matter.
    pub headers: Headers<'a>,
    /// All of them, if the shell can give them.
    pub all_headers: Option<&'a dyn AllHeaders>,
}

/// The headers of a record that kolo reads. Headers that are not UTF-8 count as absent, but for `kolo_rest`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a> {
    /// `ce_id`
    pub id: Option<&'a str>,
    /// `ce_type`
    pub event_type: Option<&'a str>,
    /// `kolo`
    pub stamp: Option<&'a str>,
    /// `kolo_rest`
    pub rest: Option<&'a [u8]>,
    /// `traceparent`
    pub traceparent: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// Takes up one header if it is one that kolo reads.
    pub fn take(&mut self, name: impl AsRef<[u8]>, value: Option<&'a [u8]>) {
        const ID: &[u8] = CE_ID.as_bytes();
        const TYPE: &[u8] = CE_TYPE.as_bytes();
        const STAMP: &[u8] = KOLO.as_bytes();
        const REST: &[u8] = KOLO_REST.as_bytes();
        const TRACE: &[u8] = TRACEPARENT.as_bytes();
        let Some(value) = value else { return };
        let text = || std::str::from_utf8(value).ok();
        match name.as_ref() {
            ID => self.id = text(),
            TYPE => self.event_type = text(),
            STAMP => self.stamp = text(),
            REST => self.rest = Some(value),
            TRACE => self.traceparent = text(),
            _ => {}
        }
    }
}

/// The event id that a `ce_id` header stands for: a uuid as it is, any other text by derivation.
#[must_use]
pub fn event_id(text: &str) -> EventId {
    text.parse().unwrap_or_else(|_| EventId::foreign(text))
}
