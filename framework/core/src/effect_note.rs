//! What is known of effects that fail, told beside the log: a topic of notes, which tools read when they are asked what a
//! saga waits for. Nothing is decided from a note, and a note that is missing or late changes nothing: the request without an
//! answer stands in the stream, and only that counts.

use serde::{Deserialize, Serialize};

use crate::id::{CorrelationId, EventId};
use crate::time::Timestamp;

/// The topic of the notes: compacted, and what is older than a day goes, since its author may be gone as well.
pub const TOPIC: &str = "kolo.effects";

/// One note, as JSON. Its key is [`Note::key`]; a record without value under the key takes the note back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// One request whose calls have failed so far.
    Request(RequestNote),
    /// One kind of request, while calls of it fail.
    Effect(EffectNote),
}

/// A request without an answer, whose calls have failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestNote {
    /// `<service>.<aggregate>`
    pub aggregate: String,
    /// The partition of its stream.
    pub partition: i32,
    /// The full name of the event that asks.
    pub request: String,
    /// That event's id.
    pub id: EventId,
    /// The saga.
    pub saga: CorrelationId,
    /// The aggregate's key.
    pub key: String,
    /// When the request was recorded.
    pub since: Timestamp,
    /// How many calls the present owner has made.
    pub attempts: u32,
    /// What went wrong last.
    pub problem: String,
    /// When the next call is due, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// When the note was written.
    pub at: Timestamp,
}

/// One kind of request of one process, while calls fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectNote {
    /// `<service>.<aggregate>`
    pub aggregate: String,
    /// The full name of the event that asks.
    pub request: String,
    /// The process that says so: an instance's name.
    pub instance: String,
    /// Requests without an answer, in that process.
    pub pending: u64,
    /// When the breaker lets the next call try, if it is open now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<Timestamp>,
    /// What went wrong last.
    pub problem: String,
    /// When the note was written.
    pub at: Timestamp,
}

impl Note {
    /// The key of its record.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Note::Request(note) => format!("{}/{}", note.aggregate, note.id),
            Note::Effect(note) => format!("{}/{}@{}", note.aggregate, note.request, note.instance),
        }
    }

    /// The value of its record.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts, numbers and ids: nothing in a note can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the value of a record; `None` if it is not a note that this build knows.
    #[must_use]
    pub fn from_json(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_one_of_another_kind_is_left_alone() {
        let note = Note::Request(RequestNote {
            aggregate: "payment.payment".into(),
            partition: 3,
            request: "shop.payment.PaymentRequested".into(),
            id: EventId::foreign("request"),
            saga: CorrelationId(EventId::foreign("o-1").0),
            key: "o-1".into(),
            since: Timestamp::from_millis(5),
            attempts: 4,
            problem: "503".into(),
            next: Some(Timestamp::from_millis(9)),
            at: Timestamp::from_millis(7),
        });
        assert_eq!(Note::from_json(note.to_json().as_bytes()), Some(note));
        assert_eq!(Note::from_json(br#"{"note":"weather"}"#), None);
    }
}
