//! What a call of the coordinator is told beside the request, and what it hands back.

use bytes::Bytes;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

/// Names one join or sync that may wait for its answer. The caller picks it, and picks a different one each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token(pub(crate) u64);

/// Where a request came from.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The version of this API that the request was sent in.
    pub(crate) version: i16,
    /// The client id of the request's header; empty if it had none.
    pub(crate) client_id: StrBytes,
    /// The client's address as Kafka writes it, such as `/127.0.0.1`.
    pub(crate) client_host: StrBytes,
}

/// The answer to a join or a sync, which are the requests that wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// To [`Coordinator::join`](super::Coordinator::join).
    Join(JoinGroupResponse),
    /// To [`Coordinator::sync`](super::Coordinator::sync).
    Sync(SyncGroupResponse),
}

/// One record of the compacted log in which groups survive a restart: the last value of a key counts.
///
/// The layout is described in [`entry`](super::entry), and means nothing to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What this entry replaces.
    pub(crate) key: Bytes,
    /// `None` deletes the key.
    pub(crate) value: Option<Bytes>,
}

/// What a call brought about.
#[derive(Debug, Default)]
#[must_use = "entries are to be stored, and members wait for their answers"]
pub(crate) struct Output {
    /// The waiting requests that are answered now, the caller's own among them if it need not wait.
    pub(crate) answers: Vec<(Token, Answer)>,
    /// To be stored, in this order, before any answer of this call goes out.
    pub(crate) entries: Vec<Entry>,
}
