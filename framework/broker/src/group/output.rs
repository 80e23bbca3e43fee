//! What a call of the coordinator is told beside the request, and what it hands back.

use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::coordinator::GroupConfig;

/// Names one join or sync that may wait for its answer. The caller picks it, and picks a different one each time.
///
/// A connection that is gone needs no call: as in Kafka its member lives by its session, and the caller drops the answer.
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

/// One call under way: when it came, the settings, and what it has brought about so far.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Instant,
    pub(super) config: &'a GroupConfig,
    pub(super) output: Output,
}

impl<'a> Turn<'a> {
    pub(super) fn new(now: Instant, config: &'a GroupConfig) -> Self {
        Self {
            now,
            config,
            output: Output::default(),
        }
    }

    pub(super) fn answer_join(&mut self, token: Token, response: JoinGroupResponse) {
        self.output.answers.push((token, Answer::Join(response)));
    }

    pub(super) fn answer_sync(&mut self, token: Token, response: SyncGroupResponse) {
        self.output.answers.push((token, Answer::Sync(response)));
    }

    pub(super) fn refuse_join(&mut self, token: Token, member: &str, error: ResponseError) {
        let response = JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_member_id(text(member));
        self.answer_join(token, response);
    }

    pub(super) fn refuse_sync(&mut self, token: Token, error: ResponseError) {
        self.answer_sync(
            token,
            SyncGroupResponse::default().with_error_code(error.code()),
        );
    }
}

/// A string of an answer. What is kept of a request is copied, for its strings are views that hold the whole frame.
pub(super) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}
