//! What is told of an event, and of a call: small, since workers fill it in; its words are put by the thread that tells.

use std::sync::Arc;
use std::time::SystemTime;

use kolo_core::{CorrelationId, EventId};
use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, SpanId, TraceId};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// One span.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) trace: TraceId,
    pub(super) id: SpanId,
    /// Invalid for the first of a trace.
    pub(super) parent: SpanId,
    pub(super) name: &'static str,
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
    pub(super) problem: Option<String>,
    pub(super) saga: CorrelationId,
    pub(super) key: Box<str>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Event {
        id: EventId,
        cause: EventId,
        aggregate: &'static str,
        stream: &'static str,
        partition: i32,
        input: Option<(Arc<str>, i64)>,
    },
    Call {
        request: EventId,
        /// `<service>.<aggregate>`
        aggregate: Arc<str>,
        attempt: u32,
    },
}

impl Span {
    /// As the exporter takes it.
    pub(super) fn data(self, scope: &InstrumentationScope) -> SpanData {
        let mut attributes = vec![
            KeyValue::new("kolo.saga", self.saga.to_string()),
            KeyValue::new("kolo.key", self.key.into_string()),
        ];
        let kind = match self.what {
            What::Event {
                id,
                cause,
                aggregate,
                stream,
                partition,
                input,
            } => {
                attributes.extend([
                    KeyValue::new("kolo.aggregate", aggregate),
                    KeyValue::new("kolo.event", id.to_string()),
                    KeyValue::new("kolo.cause", cause.to_string()),
                    KeyValue::new("messaging.system", "kafka"),
                    KeyValue::new("messaging.destination.name", stream),
                    KeyValue::new("messaging.destination.partition.id", partition.to_string()),
                ]);
                if let Some((topic, offset)) = input {
                    let place = format!("{topic}[{partition}]@{offset}");
                    attributes.push(KeyValue::new("kolo.input", place));
                }
                SpanKind::Consumer
            }
            What::Call {
                request,
                aggregate,
                attempt,
            } => {
                attributes.extend([
                    KeyValue::new("kolo.aggregate", aggregate),
                    KeyValue::new("kolo.event", request.to_string()),
                    KeyValue::new("kolo.attempt", i64::from(attempt)),
                ]);
                SpanKind::Client
            }
        };
        let state = TraceState::default();
        SpanData {
            span_context: SpanContext::new(self.trace, self.id, TraceFlags::SAMPLED, false, state),
            parent_span_id: self.parent,
            parent_span_is_remote: kind == SpanKind::Consumer,
            span_kind: kind,
            name: self.name.into(),
            start_time: self.start,
            end_time: self.end.max(self.start),
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.problem.map_or(Status::Unset, Status::error),
            instrumentation_scope: scope.clone(),
        }
    }
}
