use std::sync::mpsc;
use std::time::SystemTime;

use kolo_core::{CorrelationId, EventId};
use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanData;
use parking_lot::Mutex;

use super::super::span::What;
use super::*;

/// A collector that answers when it is let, and takes or refuses what it was sent.
#[derive(Debug)]
struct Slow {
    asked: mpsc::Sender<usize>,
    let_go: Arc<Mutex<mpsc::Receiver<bool>>>,
}

impl SpanExporter for Slow {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let _ = self.asked.send(batch.len());
        match self.let_go.lock().recv() {
            Ok(false) => Err(OTelSdkError::InternalFailure("refused".into())),
            // Whoever holds it has let everything go.
            Ok(true) | Err(_) => Ok(()),
        }
    }
}

fn span() -> Span {
    let request = EventId::foreign("request");
    Span {
        trace: TraceId::INVALID,
        id: SpanId::INVALID,
        parent: SpanId::INVALID,
        name: "name",
        start: SystemTime::UNIX_EPOCH,
        end: SystemTime::UNIX_EPOCH,
        problem: None,
        saga: CorrelationId::of_saga("saga"),
        key: "key".into(),
        what: What::Call {
            request,
            aggregate: "service.aggregate".into(),
            attempt: 1,
        },
    }
}

#[test]
fn what_a_slow_collector_leaves_waiting_is_bounded_and_the_rest_is_counted() {
    const MORE: usize = 100;
    let (asked, asks) = mpsc::channel();
    let (lets_go, let_go) = mpsc::channel();
    let let_go = Arc::new(Mutex::new(let_go));
    let traces = Traces::by("service", Sampler::ALL, Slow { asked, let_go });
    let traces = traces.unwrap_or_else(|problem| panic!("{problem}"));
    (0..BATCH).for_each(|_| traces.tell(span()));
    assert_eq!(asks.recv(), Ok(BATCH), "a batch is on the way");
    (0..MOST + MORE).for_each(|_| traces.tell(span()));
    assert_eq!(traces.dropped(), MORE as u64, "nobody waits for it");

    // What it refuses is lost as well.
    lets_go.send(false).unwrap_or_else(|gone| panic!("{gone}"));
    assert_eq!(asks.recv(), Ok(BATCH));
    assert_eq!(traces.dropped(), (MORE + BATCH) as u64);
    drop(lets_go);
    traces.close();
    let told: usize = asks.iter().sum();
    assert_eq!(told, MOST - BATCH, "all that waited is told at the end");
    assert_eq!(traces.dropped(), (MORE + BATCH) as u64);
}
