//! Traces: what the log says of a saga, as spans for a trace viewer, by OTLP.
//!
//! A span is an event: from its cause being recorded until it was decided. Its id is the event's and its parent is its cause,
//! so whoever decides for a saga says the same, in whichever process and however often. Beside them stand the calls of ports.
//! Nothing of this waits for the viewer: what it is too slow for is dropped and counted.
//!
//! Without the feature `otlp` there is no value of [`Traces`], and what is done with one is compiled away.
//!
//! | file | idea |
//! |---|---|
//! | `context.rs` | which trace and which span something is, by its ids and its `traceparent` |
//! | `sampler.rs` | which traces are told |
//! | `span.rs` | what is told of an event, and of a call |
//! | `decided.rs` | from what a worker appends to spans |
//! | `call.rs` | a call of a port while it is made |
//! | `export.rs` | the thread that tells |
//! | `off.rs` | in place of all that, without the feature |

#[cfg(feature = "otlp")]
mod call;
#[cfg(feature = "otlp")]
mod context;
#[cfg(feature = "otlp")]
mod decided;
#[cfg(feature = "otlp")]
mod export;
#[cfg(not(feature = "otlp"))]
mod off;
#[cfg(feature = "otlp")]
mod sampler;
#[cfg(feature = "otlp")]
mod span;

use std::sync::Arc;

use kolo_core::Timestamp;

#[cfg(feature = "otlp")]
pub(crate) use self::{call::CallSpan, export::Traces};
#[cfg(not(feature = "otlp"))]
pub(crate) use off::{CallSpan, Traces};

/// Where spans go; without it there are none.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

fn endpoint() -> Option<&'static str> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    ENDPOINTS.into_iter().find(is_set)
}

/// What records that are appended answer.
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "nobody is told"))]
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    /// When it was recorded, or due.
    pub(crate) at: Timestamp,
    /// Whether it comes from outside, where no event caused it that has a span here.
    pub(crate) is_foreign: bool,
    /// The topic and the offset of an input.
    pub(crate) input: Option<(Arc<str>, i64)>,
}
