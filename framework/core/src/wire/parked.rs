//! Parking on the wire: what is kept of a record that could not be decided, and what an operator says about it.
//!
//! A parked record is an answer like any other: it stands in the aggregate's own stream, under the fence, so the set of
//! parked keys is a fold and no second topic can disagree.

use serde::{Deserialize, Serialize};

use crate::id::{EventId, TopicId};
use crate::position::Position;
use crate::time::Timestamp;

use super::{Failure, Headers, Record};

/// `kolo.parked`: an input, a request or a deadline that could not be decided, or that waits behind one of its key.
///
/// A second one with the same id, without bytes, says that it was tried again and failed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// What was parked.
    pub kind: ParkedKind,
    /// The event id of the input, or of the request; of a deadline, the id derived from key and due time.
    pub id: EventId,
    /// Full name of the input's or the request's event type, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Where an input stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The input's timestamp, the request's, or the due time.
    pub at: Timestamp,
    /// The input's value, or the request's, in base64.
    #[serde(default, with = "bytes", skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<[u8]>>,
    /// Whether the value was too large to be kept beside the reason: it stands only where the input does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_large: bool,
    /// The input's headers, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, HeaderValue)>,
    /// Why.
    pub failure: Failure,
    /// How often it was tried: decided, or called.
    pub attempts: u32,
}

/// What can be parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParkedKind {
    /// A record of an input topic.
    Input,
    /// A request whose port gave no definitive reply, or whose answer could not be decided.
    Request,
    /// A deadline whose reaction failed.
    Deadline,
    /// A record of a source whose route failed: nobody knows which keys it is for. It stands under its own key.
    Route,
}

/// Where an input stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The topic's name.
    pub topic: String,
    /// Its id.
    pub id: TopicId,
    /// The partition it was read from.
    pub partition: i32,
    /// The offset it was read at.
    pub offset: i64,
    /// Whether it is routed: it stands in the aggregate's inbox, or would, had its route not failed when it came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_inbox: bool,
    /// For a copy that a router made: the origin's partition and position, which recognise it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<(i32, Position)>,
}

/// A header's value: text where it is text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Bytes {
        /// In base64.
        #[serde(with = "bytes")]
        base64: Option<Box<[u8]>>,
    },
}

impl HeaderValue {
    fn of(value: Option<&[u8]>) -> Self {
        match value.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
            Some((_, Ok(text))) => HeaderValue::Text(text.to_owned()),
            other => HeaderValue::Bytes {
                base64: other.map(|(bytes, _)| bytes.into()),
            },
        }
    }

    /// The bytes as they were; `None` for a header without a value.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            HeaderValue::Text(text) => Some(text.as_bytes()),
            HeaderValue::Bytes { base64 } => base64.as_deref(),
        }
    }
}

impl Parked {
    /// A record of a source whose route failed: the value of a `kolo.unrouted` record, which takes at most so many bytes.
    #[must_use]
    pub fn unrouted(
        record: &Record<'_>,
        id: EventId,
        place: Place,
        mut failure: Failure,
        max_bytes: usize,
    ) -> Vec<u8> {
        failure.shorten();
        let mut parked = Parked {
            kind: ParkedKind::Route,
            id,
            event_type: record.headers.event_type.map(str::to_owned),
            place: Some(place),
            at: record.timestamp,
            value: record.value.map(Into::into),
            too_large: false,
            headers: Parked::headers_of(record),
            failure,
            attempts: 1,
        };
        let json = |parked: &Parked| serde_json::to_vec(parked).unwrap_or_default();
        let whole = json(&parked);
        if whole.len() <= max_bytes {
            return whole;
        }
        parked.leave_out_value();
        json(&parked)
    }

    /// The input itself stands where it stood; what a record cannot hold is read there.
    pub(crate) fn leave_out_value(&mut self) {
        self.value = None;
        self.too_large = true;
        self.headers.clear();
    }

    /// The place in the list of headers and the bytes of an input as they came: what is needed to decide it again.
    pub(crate) fn record(&self) -> Record<'_> {
        let mut headers = Headers::default();
        for (name, value) in &self.headers {
            headers.take(name, value.bytes());
        }
        Record {
            offset: self.place.as_ref().map_or(0, |place| place.offset),
            timestamp: self.at,
            value: self.value.as_deref(),
            headers,
            ..Record::default()
        }
    }

    /// The headers of a record to park: all of them where the shell gives all, else those that kolo reads.
    pub(crate) fn headers_of(record: &Record<'_>) -> Vec<(String, HeaderValue)> {
        let mut kept = Vec::new();
        if let Some(all) = record.all_headers {
            all.each(&mut |name, value| kept.push((name.to_owned(), HeaderValue::of(value))));
            return kept;
        }
        let headers = &record.headers;
        let known = [
            (super::CE_ID, headers.id),
            (super::CE_TYPE, headers.event_type),
            (super::KOLO, headers.stamp),
            (super::TRACEPARENT, headers.traceparent),
        ];
        for (name, value) in known {
            kept.extend(value.map(|value| (name.to_owned(), HeaderValue::Text(value.to_owned()))));
        }
        kept
    }
}

/// `kolo.unparked`: something parked is decided, or was dropped. It is the last record of that answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unparked {
    /// The id it was parked under.
    pub id: EventId,
    /// Why it was dropped; absent where it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
}

/// The value of a `kolo.drop` record in an aggregate's inbox: forget one parked record, and run what waits behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drop {
    /// The id it was parked under.
    pub id: EventId,
    /// Why, in the words of who decided it.
    pub reason: String,
}

/// The value of a `kolo.replay` record in an aggregate's inbox: an input to be decided now, if it has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// The input's event id.
    pub id: EventId,
    /// Full name of its event type, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// Its timestamp.
    pub at: Timestamp,
    /// Its value, in base64.
    #[serde(default, with = "bytes", skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<[u8]>>,
    /// Its headers, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, HeaderValue)>,
}

impl Replay {
    /// Something whose route failed, as the input of one of the keys that the route gives today: the copy with this number.
    #[must_use]
    pub fn routed(parked: &Parked, copy: u32) -> Option<Replay> {
        let place = parked.place.clone()?;
        let offset = place.offset;
        let copy_of = Some((place.partition, Position { offset, copy }));
        Some(Replay {
            place: Place {
                is_inbox: true,
                copy_of,
                ..place
            },
            ..Replay::of(parked)?
        })
    }

    /// The input as it is kept where it cannot be decided, for this reason.
    pub(crate) fn parked(self, failure: Failure) -> Parked {
        Parked {
            kind: ParkedKind::Input,
            id: self.id,
            event_type: self.event_type,
            place: Some(self.place),
            at: self.at,
            value: self.value,
            too_large: false,
            headers: self.headers,
            failure,
            attempts: 1,
        }
    }

    /// An input that is kept; `None` for anything else.
    pub(crate) fn of(parked: &Parked) -> Option<Replay> {
        Some(Replay {
            id: parked.id,
            event_type: parked.event_type.clone(),
            place: parked.place.clone()?,
            at: parked.at,
            value: parked.value.clone(),
            headers: parked.headers.clone(),
        })
    }
}

/// Optional bytes as base64 text.
mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Box<[u8]>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Box<[u8]>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| STANDARD.decode(text).map(Into::into))
            .transpose()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FailureClass;

    fn parked() -> Parked {
        Parked {
            kind: ParkedKind::Input,
            id: EventId::foreign("a"),
            event_type: Some("shop.A".into()),
            place: Some(Place {
                topic: "orders".into(),
                id: TopicId(EventId::foreign("orders").0),
                partition: 3,
                offset: 41,
                is_inbox: true,
                copy_of: Some((2, Position { offset: 7, copy: 1 })),
            }),
            at: Timestamp::from_millis(5),
            value: Some((*b"\xc3\x01x").into()),
            too_large: false,
            headers: vec![
                ("ce_type".into(), HeaderValue::Text("shop.A".into())),
                ("odd".into(), HeaderValue::of(Some(&[0xff]))),
                ("none".into(), HeaderValue::of(None)),
            ],
            failure: Failure {
                class: FailureClass::Decode,
                function: None,
                message: "no".into(),
            },
            attempts: 1,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in [None, Some((*b"").into()), parked().value] {
            let parked = Parked { value, ..parked() };
            let text = serde_json::to_string(&parked).unwrap();
            assert_eq!(
                serde_json::from_str::<Parked>(&text).unwrap(),
                parked,
                "{text}"
            );
        }
        assert_eq!(parked().headers[1].1.bytes(), Some(&[0xff][..]));
        assert_eq!(parked().headers[2].1.bytes(), None);
    }
}
