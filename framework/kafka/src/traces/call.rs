//! A call of a port while it is made.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kolo_core::EffectCall;

use crate::adapter::AdapterError;

use super::Traces;
use super::context::{Context, span_of, span_of_call, traceparent};
use super::span::{Span, What};

/// A call that is being made.
pub(crate) struct CallSpan {
    traces: Arc<Traces>,
    span: Span,
    is_sampled: bool,
    traceparent: String,
}

impl Traces {
    /// A call of this port begins, for an effect of `<service>.<aggregate>`.
    pub(crate) fn begins(
        self: &Arc<Self>,
        aggregate: &Arc<str>,
        port: &'static str,
        call: &EffectCall,
        attempt: u32,
    ) -> CallSpan {
        let context = Context::of(call.correlation, call.traceparent.as_deref());
        let is_sampled = self.samples(&context);
        let now = SystemTime::now();
        let nanos = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = span_of_call(call.request, attempt, nanos.as_nanos());
        CallSpan {
            traceparent: traceparent(context.trace, id, is_sampled),
            traces: Arc::clone(self),
            is_sampled,
            span: Span {
                trace: context.trace,
                id,
                parent: span_of(call.request),
                name: port,
                start: now,
                end: now,
                problem: None,
                saga: call.correlation,
                key: call.key.clone(),
                what: What::Call {
                    request: call.request,
                    aggregate: Arc::clone(aggregate),
                    attempt,
                },
            },
        }
    }
}

impl CallSpan {
    /// What the port is handed, so that its own spans stand below this one.
    pub(crate) fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// The call has ended, with this error or with a reply. One that is not made again is told whichever traces are.
    pub(crate) fn ended(self, error: Option<&AdapterError>) {
        if !self.is_sampled && !error.is_some_and(AdapterError::is_terminal) {
            return;
        }
        self.traces.tell(Span {
            end: SystemTime::now(),
            problem: error.map(ToString::to_string),
            ..self.span
        });
    }
}
