//! The headers that Kafka Connect gives a dead letter, which foreign tools know.
//!
//! Names and encodings are those of Connect's `DeadLetterQueueReporter`: text in UTF-8, numbers in decimal, and a header
//! that the record has already is left as it is. There is no stack to trace.

use kolo_core::wire::{FailureClass, Parked};
use rdkafka::message::{Header, OwnedHeaders};

/// Tells a dead letter whose value stands only where its record does.
const TOO_LARGE: &str = "kolo.too_large";

/// The original headers, and what is known of the failure.
pub(super) fn headers(
    parked: &Parked,
    aggregate: &str,
    stream: &str,
    partition: i32,
) -> OwnedHeaders {
    let mut all = OwnedHeaders::new();
    for (name, value) in &parked.headers {
        all = all.insert(Header {
            key: name,
            value: value.bytes(),
        });
    }
    let failure = &parked.failure;
    // A request stands in the stream itself, and a deadline nowhere.
    let (topic, from, offset) = match &parked.place {
        Some(place) => (place.topic.as_str(), place.partition, place.offset),
        None => (stream, partition, -1),
    };
    let known = [
        ("topic", topic.to_owned()),
        ("partition", from.to_string()),
        ("offset", offset.to_string()),
        ("connector.name", aggregate.to_owned()),
        ("task.id", partition.to_string()),
        ("stage", stage(failure.class).to_owned()),
        (
            "class.name",
            failure.function.clone().unwrap_or_else(|| "kolo".into()),
        ),
        ("exception.class.name", format!("kolo.{}", failure.class)),
        ("exception.message", failure.message.clone()),
    ];
    for (name, value) in known {
        let name = format!("__connect.errors.{name}");
        if !parked.headers.iter().any(|(taken, _)| *taken == name) {
            all = all.insert(Header {
                key: &name,
                value: Some(&value),
            });
        }
    }
    if parked.too_large {
        all = all.insert(Header {
            key: TOO_LARGE,
            value: Some("true"),
        });
    }
    all
}

/// The stage of Connect's pipeline that comes nearest.
const fn stage(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Decode => "VALUE_CONVERTER",
        FailureClass::Key => "KEY_CONVERTER",
        FailureClass::Type | FailureClass::Origin => "HEADER_CONVERTER",
        _ => "TASK_PUT",
    }
}
