//! Subjects: under which name the versions of one schema stand in a registry.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// How the subject of an event's schema is called; Confluent's strategies for values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subjects {
    /// The event's full name: `shop.order.OrderCreated`. A topic holds many types, each with a history of its own.
    #[default]
    Record,
    /// `<topic>-value`. Fits topics that hold one type: a registry compares all schemas of a subject.
    Topic,
    /// `<topic>-<full name>`.
    TopicRecord,
}

impl Subjects {
    /// The subject of the event of this full name in this topic.
    ///
    /// ```
    /// use kolo_registry::Subjects;
    ///
    /// assert_eq!(Subjects::Record.of("orders", "shop.OrderCreated"), "shop.OrderCreated");
    /// assert_eq!(Subjects::Topic.of("orders", "shop.OrderCreated"), "orders-value");
    /// assert_eq!(Subjects::TopicRecord.of("orders", "shop.OrderCreated"), "orders-shop.OrderCreated");
    /// ```
    #[must_use]
    pub fn of(self, topic: &str, event: &str) -> String {
        match self {
            Subjects::Record => event.to_owned(),
            Subjects::Topic => format!("{topic}-value"),
            Subjects::TopicRecord => format!("{topic}-{event}"),
        }
    }
}

impl FromStr for Subjects {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "record" => Ok(Subjects::Record),
            "topic" => Ok(Subjects::Topic),
            "topic-record" => Ok(Subjects::TopicRecord),
            _ => Err("it is one of record, topic and topic-record".to_owned()),
        }
    }
}

/// What may stand in a path as it is.
const PLAIN: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A subject as a part of a path. The client writes it into the URL as it is, but for slashes, of which none are left.
pub(crate) fn in_path(subject: &str) -> String {
    utf8_percent_encode(subject, &PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::in_path;

    #[test]
    fn a_subject_is_one_part_of_a_path() {
        assert_eq!(in_path("shop.order-Created_1"), "shop.order-Created_1");
        assert_eq!(in_path("a%b/c d?e#f"), "a%25b%2Fc%20d%3Fe%23f");
    }
}
