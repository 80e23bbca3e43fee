//! From what a worker appends to spans.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kolo_core::processor::Append;
use kolo_core::wire::{PARKED, Parked, Source, Stamp, is_own_record};
use kolo_core::{Description, Mark, Timestamp};
use opentelemetry::SpanId;

use super::context::{Context, span_of};
use super::span::{Span, What};
use super::{Cause, Traces};

impl Traces {
    /// Tells of records of an aggregate's partition, which all answer this cause.
    ///
    /// The failure of a saga is told also where its trace is not, and so is what is parked.
    pub(crate) fn decided<'a>(
        &self,
        description: &Description,
        partition: i32,
        appends: impl Iterator<Item = Append<'a>>,
        cause: &Cause,
    ) {
        for append in appends {
            let problem = problem(description, &append);
            if is_own_record(append.event_type) && problem.is_none() {
                continue;
            }
            if let Some(span) = self.span(description, partition, &append, cause, problem) {
                self.tell(span);
            }
        }
    }

    fn span(
        &self,
        description: &Description,
        partition: i32,
        append: &Append<'_>,
        cause: &Cause,
        problem: Option<String>,
    ) -> Option<Span> {
        let stamp = std::str::from_utf8(append.stamp).ok()?;
        let stamp = Stamp::read(stamp).ok()?;
        let (saga, causation) = (stamp.correlation?, stamp.causation?);
        let traceparent = append
            .traceparent
            .and_then(|text| std::str::from_utf8(text).ok());
        let context = Context::of(saga, traceparent);
        if problem.is_none() && !self.samples(&context) {
            return None;
        }
        let parent = match context.parent {
            _ if !cause.is_foreign => span_of(causation),
            Some(outside) => outside.span,
            None => SpanId::INVALID,
        };
        let began = match stamp.source {
            Source::Deadline(due) => due,
            _ => cause.at,
        };
        Some(Span {
            trace: context.trace,
            id: span_of(append.id),
            parent,
            name: append.event_type,
            start: time(began),
            end: time(append.at),
            problem,
            saga,
            key: String::from_utf8_lossy(append.key).into(),
            what: What::Event {
                id: append.id,
                cause: causation,
                aggregate: description.aggregate,
                stream: description.stream,
                partition,
                input: cause.input.clone(),
            },
        })
    }
}

/// What an operator should see whichever traces are told.
fn problem(description: &Description, append: &Append<'_>) -> Option<String> {
    if append.event_type == PARKED {
        let parked: Option<Parked> = serde_json::from_slice(append.value).ok();
        let why = parked.map(|parked| parked.failure.message);
        return Some(format!("parked: {}", why.unwrap_or_default()));
    }
    let mut own = description.own_events.iter();
    let fails = own.any(|own| own.mark == Mark::Failure && own.name == append.event_type);
    fails.then(|| "the saga has failed".to_owned())
}

fn time(at: Timestamp) -> SystemTime {
    let millis = u64::try_from(at.as_millis()).unwrap_or_default();
    UNIX_EPOCH + Duration::from_millis(millis)
}
