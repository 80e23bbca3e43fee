//! Which trace and which span something is.

use kolo_core::{CorrelationId, EventId};
use opentelemetry::{SpanId, TraceId};

/// The trace of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) trace: TraceId,
    /// What the `traceparent` that the saga carries says.
    pub(super) parent: Option<Parent>,
}

/// A span outside of kolo, and whether it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) span: SpanId,
    pub(super) is_sampled: bool,
}

impl Context {
    /// That of a `traceparent`, or else of the saga: whoever works on it finds the same without being told.
    pub(super) fn of(saga: CorrelationId, traceparent: Option<&str>) -> Self {
        traceparent.and_then(read).unwrap_or(Context {
            trace: TraceId::from_bytes(*saga.0.as_bytes()),
            parent: None,
        })
    }
}

/// A `traceparent` of version 0, or of a later one as far as it is the same.
fn read(text: &str) -> Option<Context> {
    let mut parts = text.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (span, flags) = (parts.next()?, parts.next()?);
    let lengths = (version.len(), trace.len(), span.len(), flags.len());
    if lengths != (2, 32, 16, 2) || version == "ff" || version == "00" && parts.next().is_some() {
        return None;
    }
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    let is_valid = trace != TraceId::INVALID && span != SpanId::INVALID;
    is_valid.then_some(Context {
        trace,
        parent: Some(Parent { span, is_sampled }),
    })
}

/// The header that names a span.
pub(super) fn traceparent(trace: TraceId, span: SpanId, is_sampled: bool) -> String {
    format!("00-{trace}-{span}-{:02x}", u8::from(is_sampled))
}

/// An event's span.
pub(super) fn span_of(event: EventId) -> SpanId {
    let [first, _] = halves(event.0.as_bytes());
    SpanId::from_bytes(first.to_be_bytes())
}

/// The span of one call for a request; calls of several owners are told apart by when they begin.
pub(super) fn span_of_call(request: EventId, attempt: u32, nanos: u128) -> SpanId {
    let [first, last] = halves(request.0.as_bytes());
    let began = u64::try_from(nanos & u128::from(u64::MAX)).unwrap_or_default();
    let id = mixed(first ^ mixed(last ^ mixed(began ^ u64::from(attempt))));
    SpanId::from_bytes(id.max(1).to_be_bytes())
}

pub(super) fn halves(id: &[u8; 16]) -> [u64; 2] {
    let whole = u128::from_be_bytes(*id);
    [whole >> 64, whole & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or_default())
}

/// Spreads what is alike over all numbers (the last step of `SplitMix64`).
pub(super) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_traceparent_is_read_and_what_is_none_is_passed_over() {
        let saga = CorrelationId::of_saga("o");
        let read = |text: &str| Context::of(saga, Some(text));
        let whole = format!("00-{TRACE}-{SPAN}-01");
        let context = read(&whole);
        assert_eq!(context.trace.to_string(), TRACE);
        let parent = context.parent.unwrap();
        assert_eq!(
            (parent.span.to_string().as_str(), parent.is_sampled),
            (SPAN, true)
        );
        assert_eq!(traceparent(context.trace, parent.span, true), whole);
        assert!(
            !read(&format!("00-{TRACE}-{SPAN}-00"))
                .parent
                .unwrap()
                .is_sampled
        );
        assert!(read(&format!("cc-{TRACE}-{SPAN}-01-more")).parent.is_some());
        let none = [
            "",
            "00",
            &format!("ff-{TRACE}-{SPAN}-01"),
            &format!("00-{TRACE}-{SPAN}-01-more"),
            &format!("00-{TRACE}-0000000000000000-01"),
            &format!("00-{}-{SPAN}-01", "0".repeat(32)),
            &format!("00-{}-{SPAN}-01", "x".repeat(32)),
        ];
        for text in none {
            assert_eq!(read(text), Context::of(saga, None), "{text}");
        }
        assert_eq!(
            Context::of(saga, None).trace.to_string(),
            saga.0.simple().to_string()
        );
    }

    #[test]
    fn each_call_has_a_span_of_its_own() {
        let request = EventId::foreign("request");
        let one = span_of_call(request, 1, 5);
        assert_ne!(one, span_of_call(request, 2, 5));
        assert_ne!(one, span_of_call(request, 1, 6));
        assert_ne!(one, span_of(request));
    }
}
