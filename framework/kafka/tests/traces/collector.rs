//! A collector that listens, and keeps what it is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

/// A span as the collector got it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) service: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) is_error: bool,
    /// What the status says.
    pub(crate) problem: String,
    pub(crate) millis: u64,
    pub(crate) attributes: Vec<String>,
}

pub(crate) type AllSeen = Arc<Mutex<Vec<Seen>>>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(body: &Bytes) -> Vec<Seen> {
    let request = ExportTraceServiceRequest::decode(&body[..]).expect("OTLP");
    let mut seen = Vec::new();
    for resource in request.resource_spans {
        let of = resource.resource.unwrap_or_default().attributes;
        let service = of.into_iter().find(|of| of.key == "service.name").unwrap();
        let Some(Value::StringValue(service)) = service.value.unwrap().value else {
            panic!("a name is a text")
        };
        let spans = resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans);
        seen.extend(spans.map(|span| {
            let status = span.status.unwrap_or_default();
            Seen {
                service: service.clone(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name.trim_start_matches("test.").to_owned(),
                is_error: status.code == StatusCode::Error as i32,
                problem: status.message,
                millis: (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000,
                attributes: span.attributes.into_iter().map(|of| of.key).collect(),
            }
        }));
    }
    seen
}

/// Listens as a collector does; gives where.
pub(crate) async fn collector(seen: AllSeen) -> String {
    let take = move |body: Bytes| {
        let seen = Arc::clone(&seen);
        async move { seen.lock().unwrap().extend(read(&body)) }
    };
    let router = Router::new().route("/v1/traces", post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    at
}
