//! Intake: what a record from outside looks like, whoever publishes it.
//!
//! An event's id comes from its publisher, so that a publish that is tried again is recognised. Its correlation id does not:
//! whoever takes the event in derives it from the saga's field.

use std::time::Duration;

use kolo_core::wire::{CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TYPE, TRACEPARENT};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};

use crate::config::Config;

/// What a producer for intake topics is set up with: every replica acknowledges, a retry of the client's own is no second
/// record, and a key has the partition that kolo's routers and a producer in Java give it.
///
/// `acknowledged_within` is how long a record may stay without acknowledgement, retries included.
///
/// ```
/// use std::time::Duration;
///
/// use kolo_kafka::{Config, intake};
///
/// let client = intake::client(&Config::default(), Duration::from_secs(30));
/// assert_eq!(client.get("acks"), Some("all"));
/// assert_eq!(client.get("message.timeout.ms"), Some("30000"));
/// ```
#[must_use]
pub fn client(config: &Config, acknowledged_within: Duration) -> ClientConfig {
    let mut client = config.client();
    client
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("partitioner", "murmur2_random")
        .set(
            "message.timeout.ms",
            acknowledged_within.as_millis().to_string(),
        )
        .set("allow.auto.create.topics", "false");
    client
}

/// The headers of an event from outside: those that CloudEvents require, and `traceparent` where there is one.
///
/// ```
/// use rdkafka::message::Headers;
///
/// let headers = kolo_kafka::intake::headers("4711", "/shop/till", "shop.OrderCreated", None);
/// assert_eq!(headers.get(1).key, "ce_id");
/// assert_eq!(headers.count(), 4);
/// ```
#[must_use]
pub fn headers(
    id: &str,
    source: &str,
    event_type: &str,
    traceparent: Option<&str>,
) -> OwnedHeaders {
    let header = |key, value| Header {
        key,
        value: Some(value),
    };
    let headers = OwnedHeaders::new_with_capacity(5)
        .insert(header(CE_SPECVERSION, "1.0"))
        .insert(header(CE_ID, id))
        .insert(header(CE_SOURCE, source))
        .insert(header(CE_TYPE, event_type));
    match traceparent {
        Some(traceparent) => headers.insert(header(TRACEPARENT, traceparent)),
        None => headers,
    }
}
