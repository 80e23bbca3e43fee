//! The thread that tells, and what waits for it: so much and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use futures_executor::block_on;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter;

use super::context::Context;
use super::endpoint;
use super::sampler::Sampler;
use super::span::Span;

#[cfg(test)]
mod tests;

/// How many spans may wait, how many travel together, and how long the first of them waits for the others.
const MOST: usize = 16 * 1024;
const BATCH: usize = 512;
const TOGETHER: Duration = Duration::from_secs(1);
/// How long a stop waits for what is not told yet.
const FAREWELL: Duration = Duration::from_secs(2);

enum Message {
    Span(Box<Span>),
    Close,
}

/// Tells what a service does for its sagas.
pub(crate) struct Traces {
    sampler: Sampler,
    spans: Sender<Message>,
    closed: Receiver<()>,
    dropped: Arc<AtomicU64>,
}

impl Traces {
    /// Begins to tell of a service, where the environment says where to. What is wrong with it is told in the log, and the
    /// service runs without.
    pub(crate) fn start(service: &'static str) -> Option<Arc<Self>> {
        let is_disabled = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value == "true");
        let endpoint = endpoint().filter(|_| !is_disabled)?;
        let sampler = Sampler::from_env().unwrap_or_else(|problem| {
            tracing::warn!("{service}: {problem}; all traces are told");
            Sampler::ALL
        });
        match Traces::open(service, sampler) {
            Ok(traces) => Some(Arc::new(traces)),
            Err(problem) => {
                tracing::warn!(
                    "{service}: no traces are told: {problem}. Look at {endpoint} and the other variables OTEL_EXPORTER_OTLP_…"
                );
                None
            }
        }
    }

    fn open(service: &'static str, sampler: Sampler) -> Result<Self, Box<dyn std::error::Error>> {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .build()?;
        Traces::by(service, sampler, exporter)
    }

    /// Tells by this exporter.
    fn by<E: SpanExporter + 'static>(
        service: &'static str,
        sampler: Sampler,
        mut exporter: E,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        exporter.set_resource(&Resource::builder().with_service_name(service).build());
        let dropped = Arc::new(AtomicU64::default());
        let lost = Arc::clone(&dropped);
        let (spans, waiting) = bounded(MOST);
        let (tell_closed, closed) = bounded::<()>(0);
        let thread = std::thread::Builder::new().name(format!("{service}-traces"));
        thread.spawn(move || {
            // Dropped at the end, in whatever way, which is what is waited for.
            let _closed = tell_closed;
            tell_all(service, &waiting, &exporter, &lost);
        })?;
        Ok(Traces {
            sampler,
            spans,
            closed,
            dropped,
        })
    }

    pub(super) fn samples(&self, context: &Context) -> bool {
        self.sampler.samples(context)
    }

    /// Has a span told, or counts it where too many wait.
    pub(super) fn tell(&self, span: Span) {
        if self.spans.try_send(Message::Span(Box::new(span))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many spans nobody was told of: too many waited, or the collector did not take them.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Tells what waits, and waits for that a little while. What comes later is not told.
    pub(crate) fn close(&self) {
        if self.spans.send_timeout(Message::Close, FAREWELL).is_ok() {
            let _ = self.closed.recv_timeout(FAREWELL);
        }
    }
}

fn tell_all(
    service: &str,
    waiting: &Receiver<Message>,
    exporter: &impl SpanExporter,
    dropped: &AtomicU64,
) {
    let scope = InstrumentationScope::builder("kolo")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let mut has_warned = false;
    let mut is_open = true;
    while is_open {
        let (batch, goes_on) = next(waiting);
        is_open = goes_on;
        if batch.is_empty() {
            continue;
        }
        let count = batch.len() as u64;
        let batch = batch.into_iter().map(|span| span.data(&scope)).collect();
        let Err(problem) = block_on(exporter.export(batch)) else {
            has_warned = false;
            continue;
        };
        dropped.fetch_add(count, Ordering::Relaxed);
        if !has_warned {
            has_warned = true;
            tracing::warn!(
                "{service}: spans cannot be told and are lost: {problem}. Look whether a collector listens where OTEL_EXPORTER_OTLP_ENDPOINT says"
            );
        }
    }
}

/// The spans that travel together, and whether more may come.
fn next(waiting: &Receiver<Message>) -> (Vec<Span>, bool) {
    let mut batch = Vec::new();
    let Ok(Message::Span(first)) = waiting.recv() else {
        return (batch, false);
    };
    batch.push(*first);
    let until = Instant::now() + TOGETHER;
    while batch.len() < BATCH {
        match waiting.recv_deadline(until) {
            Ok(Message::Span(span)) => batch.push(*span),
            Err(RecvTimeoutError::Timeout) => break,
            Ok(Message::Close) | Err(_) => return (batch, false),
        }
    }
    (batch, true)
}
