//! Values of versions that were not published to this build, which a schema registry knows.
//!
//! What such a value means follows from its bytes, the schema that its id stands for, and the reader's schema: none of
//! them ever changes, so the same value is decoded to the same event at any time, by any process of the build. Without an id
//! nothing is known of the writer but a fingerprint, and nothing is resolved.

use std::sync::{Arc, LazyLock};

use dashmap::DashMap;

use super::fault::Fault;
use super::frame::{self, REGISTRY_FRAME_BYTES};
use super::ids::{self, Meaning};
use crate::schema::Document;
use crate::transcode::Transcoder;

/// What becomes of a value whose version the generated code does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// The body, as the reader's own schema would have written it.
    Resolved(Vec<u8>),
    /// Nothing is known of the version: the value has no id.
    Unknown,
    /// The id is of another event.
    OtherEvent {
        /// The id.
        id: u32,
        /// Full name of the event that it is of.
        actual: String,
    },
    /// By Avro's rules the reader does not read the version, and why.
    Unreadable {
        /// The reasons, in words.
        problem: String,
    },
    /// The bytes are not what the writer's schema says.
    Malformed(Fault),
}

/// Planned once for each id, and each schema that it is read with: texts are part of the program, so their place names them.
type Plans = DashMap<(u32, usize, usize), Arc<Result<Transcoder, String>>>;

static PLANS: LazyLock<Plans> = LazyLock::new(DashMap::new);

/// Resolves a value to the schema `schema` of the event `event`.
#[must_use]
#[cold]
pub fn resolve(event: &str, schema: &'static str, value: &[u8]) -> Foreign {
    let known = frame::registry_id(value).and_then(|id| Some((id, ids::meaning(id)?)));
    let Some((id, Meaning::Schema { name, text, .. })) = known else {
        return Foreign::Unknown;
    };
    if *name != *event {
        let actual = name.into();
        return Foreign::OtherEvent { id, actual };
    }
    let key = (id, schema.as_ptr() as usize, schema.len());
    let plan = PLANS.get(&key).map(|plan| Arc::clone(&plan));
    let plan = plan.unwrap_or_else(|| {
        let made = Arc::new(plan_for(schema, &text));
        PLANS.insert(key, Arc::clone(&made));
        made
    });
    match &*plan {
        Err(problem) => Foreign::Unreadable {
            problem: problem.clone(),
        },
        Ok(transcoder) => {
            let mut out = Vec::with_capacity(value.len());
            match transcoder.run(value, REGISTRY_FRAME_BYTES, &mut out) {
                Ok(()) => Foreign::Resolved(out),
                Err(fault) => Foreign::Malformed(fault),
            }
        }
    }
}

fn plan_for(reader: &str, writer: &str) -> Result<Transcoder, String> {
    let parse = |text: &str| Document::parse(text).map_err(|errors| errors.to_string());
    Transcoder::new(&parse(reader)?, &parse(writer)?)
}
