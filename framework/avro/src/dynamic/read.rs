//! Values, read by the schema that wrote them.

use std::sync::Arc;

use serde_json::Value;

use super::{DynamicError, SchemaSet, Shown, decode_json};
use crate::codec::frame::{Closed, Opened};
use crate::codec::{Meaning, Reader, frame, ids};
use crate::schema::{Document, Kind, Schema, Types};

/// Which text of a schema wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaVersion {
    /// The schema as it stands in the folder.
    Working,
    /// The published version of this number, which differs from the working one.
    Published(u32),
    /// A version that is not in the folder, which a schema registry knows by this id.
    Registered(u32),
}

/// The event's full name, and its schema, or why it cannot be used.
pub(super) type Registered = Arc<Result<(String, Document), String>>;

/// A value, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Full name of the event.
    pub event: String,
    /// The version that it was written with.
    pub version: SchemaVersion,
    /// Its fields; those that are sensitive are hidden, unless the set is [`revealed`](SchemaSet::revealed).
    pub json: Value,
}

impl SchemaSet {
    /// Reads a framed value, whichever event it is.
    ///
    /// # Errors
    /// When it is not framed, its schema is unknown, or its body is malformed.
    pub fn decode(&self, value: &[u8]) -> Result<Decoded, DynamicError> {
        let Opened { fingerprint, body } = frame::open(value).map_err(|closed| match closed {
            Closed::Unframed => DynamicError::Framing {
                start: frame::start_in_hex(value),
            },
            Closed::NotLearnt(id) => DynamicError::NoRegistry { id },
            Closed::NoSchema(id, problem) => DynamicError::NoSchema { id, problem },
        })?;
        let Some((name, version, document)) = self.versions.get(&fingerprint) else {
            return self.decode_registered(value, body, fingerprint);
        };
        let types = document
            .as_ref()
            .map_or(self.tree.types(), |document| &document.types);
        decode_body((value, body), name, types, *version, self.shown())
    }

    /// Reads a value whose version is not in the folder: with an id, the registry's schema says all that is needed.
    fn decode_registered(
        &self,
        value: &[u8],
        body: usize,
        fingerprint: u64,
    ) -> Result<Decoded, DynamicError> {
        let known = frame::registry_id(value).and_then(|id| Some((id, ids::meaning(id)?)));
        let Some((id, Meaning::Schema { name, text, .. })) = known else {
            return Err(DynamicError::UnknownVersion { fingerprint });
        };
        let known = self.registered.entry(id).or_insert_with(|| {
            let parsed = Document::parse(&text)
                .and_then(|document| document.check_supported().map(|()| document));
            let parsed = parsed.map_err(|errors| errors.to_string());
            Arc::new(parsed.map(|document| (name.into(), document)))
        });
        let known = Arc::clone(&known);
        match &*known {
            Ok((name, document)) => {
                let version = SchemaVersion::Registered(id);
                decode_body((value, body), name, &document.types, version, self.shown())
            }
            Err(problem) => Err(DynamicError::NoSchema {
                id,
                problem: format!("its schema cannot be used: {problem}"),
            }),
        }
    }

    /// Reads the framed value of a record that says which event it is, as its header `ce_type` does.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and when the value is of another event.
    pub fn decode_named(&self, name: &str, value: &[u8]) -> Result<Decoded, DynamicError> {
        let decoded = self.decode(value)?;
        if decoded.event == name {
            return Ok(decoded);
        }
        Err(DynamicError::OtherEvent {
            name: name.to_owned(),
            actual: decoded.event,
        })
    }
}

/// The body of a value of the event `event`, of whose schema these are the types.
fn decode_body(
    (value, body): (&[u8], usize),
    event: &str,
    types: &Types,
    version: SchemaVersion,
    shown: Shown<'_>,
) -> Result<Decoded, DynamicError> {
    let root = Schema::plain(Kind::Named(event.to_owned()));
    let mut reader = Reader::new(value, body);
    let json = decode_json(&mut reader, &root, types, shown)
        .and_then(|json| reader.finish().map(|()| json))
        .map_err(|fault| DynamicError::Malformed {
            event: event.to_owned(),
            at: fault.at(),
            problem: fault.to_string(),
        })?;
    Ok(Decoded {
        event: event.to_owned(),
        version,
        json,
    })
}
