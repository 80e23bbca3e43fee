//! The publisher: events from outside, by a service's edge.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | publishes, and resolves when it is acknowledged |
//! | `builder.rs` | what is looked at before the first event |
//! | `problem.rs` | what can go wrong, and what is then known of the event |
//! | `producer.rs` | librdkafka's producer, replaced when it may have lost the brokers |

mod builder;
mod problem;
mod producer;

use std::sync::Arc;
use std::time::Duration;

use kolo_core::{Event, EventId, EventType, Key};
use kolo_registry::Writer;
use tokio::sync::oneshot;

use crate::intake;

use producer::{Producers, Record};

pub use builder::PublisherBuilder;
pub use problem::PublishError;

/// Publishes events from outside on their intake topics: what an HTTP API, or any other edge, says to the services.
///
/// An event has the id that the caller gives it. A publish that was not acknowledged may have arrived all the same, so it is
/// tried again *under the same id*: then it is the same event, and whoever reads it recognises the repeat. Derive ids
/// from what the client sent, such as its idempotency key, and do not draw them.
///
/// Clones share one producer. It is async, and needs a tokio runtime.
///
/// ```
/// use std::time::Duration;
///
/// use kolo_core::EventId;
/// use kolo_kafka::{Config, PublishError, Publisher};
/// # use std::borrow::Cow;
/// # use kolo_core::{DecodeError, Event, EventType};
/// # #[derive(Debug, Clone, PartialEq)]
/// # struct OrderCreated { order_id: String }
/// # impl Event for OrderCreated {
/// #     type Key = String;
/// #     const TYPE: &'static EventType = &EventType { name: "shop.OrderCreated", topic: "orders", key_field: "order_id",
/// #         saga_field: Some("order_id"), public: true, mark: kolo_core::Mark::Intake, key_type: "String", schema: "" };
/// #     fn key(&self) -> &String { &self.order_id }
/// #     fn saga(&self) -> Option<Cow<'_, str>> { None }
/// #     fn encode(&self, out: &mut Vec<u8>) { out.extend(self.order_id.bytes()) }
/// #     fn decode(_: &[u8]) -> Result<Self, DecodeError> { unimplemented!() }
/// # }
///
/// async fn place(config: &Config, order: OrderCreated, idempotency_key: &str) -> Result<(), PublishError> {
///     let publisher = Publisher::builder("/till/http")
///         .event::<OrderCreated>()
///         .acknowledged_within(Duration::from_secs(5))
///         .connect(config)
///         .await?;
///     let published = publisher.publish(&order, EventId::foreign(idempotency_key)).await?;
///     println!("{}[{}]@{}", published.topic, published.partition, published.offset);
///     publisher.close().await;
///     Ok(())
/// }
/// # let _ = place;
/// ```
#[derive(Clone)]
pub struct Publisher(Arc<Inside>);

struct Inside {
    source: String,
    events: Vec<&'static EventType>,
    within: Duration,
    /// Where there is a schema registry: the ids that values name their schemas by.
    writer: Option<Writer>,
    producers: Producers,
}

/// Where an event stands that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The intake topic.
    pub topic: &'static str,
    /// The partition.
    pub partition: i32,
    /// The offset there.
    pub offset: i64,
}

impl Publisher {
    /// A publisher that says it is this `source`, such as `/order/http`: it stands in the header `ce_source`.
    pub fn builder(source: impl Into<String>) -> PublisherBuilder {
        PublisherBuilder::new(source.into())
    }

    /// Publishes an event under this id, and waits until every replica that must has it.
    ///
    /// It takes no longer than [`PublisherBuilder::acknowledged_within`], and a moment. Events of one key keep the order in
    /// which they are published one after the other. Who stops waiting takes nothing back.
    ///
    /// # Errors
    /// [`PublishError::may_be_published`] says what is known of the event then.
    pub async fn publish<E: Event>(
        &self,
        event: &E,
        id: EventId,
    ) -> Result<Published, PublishError> {
        self.send(event, id, None).await
    }

    /// As [`publish`](Self::publish), for a request that has a W3C trace context: the events that it leads to carry it on.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn publish_traced<E: Event>(
        &self,
        event: &E,
        id: EventId,
        traceparent: &str,
    ) -> Result<Published, PublishError> {
        self.send(event, id, Some(traceparent)).await
    }

    async fn send<E: Event>(
        &self,
        event: &E,
        id: EventId,
        traceparent: Option<&str>,
    ) -> Result<Published, PublishError> {
        let kind = E::TYPE;
        if !self.0.events.iter().any(|known| known.name == kind.name) {
            return Err(PublishError::Undeclared { event: kind.name });
        }
        let place = || (kind.topic, event.key().text(), id);
        let mut value = Vec::new();
        event.encode(&mut value);
        let value = self.framed(value, kind.name)?;
        let key = event.key().text();
        let text = id.to_string();
        let headers = intake::headers(&text, &self.0.source, kind.name, traceparent);
        let (tell, told) = oneshot::channel();
        let record = Record {
            topic: kind.topic,
            key: &key,
            value: &value,
            headers,
        };
        let producer = self
            .0
            .producers
            .send(record, tell)
            .map_err(|error| error.at(place()))?;
        match told.await {
            Ok(Ok((partition, offset))) => Ok(Published {
                topic: kind.topic,
                partition,
                offset,
            }),
            Ok(Err(error)) => {
                self.0.producers.failed(&producer, &error);
                Err(PublishError::of_report(&error, self.0.within, place()))
            }
            Err(_) => Err(PublishError::gone(self.0.within, place())),
        }
    }

    fn framed(&self, value: Vec<u8>, event: &'static str) -> Result<Vec<u8>, PublishError> {
        let Some(writer) = &self.0.writer else {
            return Ok(value);
        };
        let mut framed = Vec::with_capacity(value.len());
        match writer.frame(&value, &mut framed) {
            Ok(framed) => Ok(framed.to_vec()),
            Err(_) => Err(PublishError::Undeclared { event }),
        }
    }

    /// Takes no more events, and waits until each that was published is acknowledged, or given up.
    pub async fn close(&self) {
        self.0.producers.close().await;
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}
