//! Forward: from one record of a source to its copies in the inbox.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use kolo_core::stream::Verdict;
use kolo_core::wire::{self, Record, Source, Stamp};
use kolo_core::{EventId, Path, Position, TopicId, partition_of};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::topic_partition_list::Offset;

use crate::native::{Delivery, Outgoing};
use crate::worker::clients::Appender;
use crate::worker::record::{Beside, record_of};
use crate::worker::{End, RunError, Spec};

use super::membership::RouterContext;
use super::place::{Forwarded, Place};

/// Forwards one message: the parts of the session that are free while the consumer lends the message.
pub(super) struct Forward<'a> {
    pub(super) spec: &'a Arc<Spec>,
    pub(super) inbox_partitions: i32,
    pub(super) sources: &'a HashMap<String, TopicId>,
    pub(super) appender: &'a Appender,
    pub(super) places: &'a mut HashMap<(String, i32), Place>,
    pub(super) waiting: &'a mut HashMap<usize, (usize, u64)>,
    pub(super) token: &'a mut usize,
    pub(super) in_flight: &'a mut usize,
    pub(super) keys: &'a mut Vec<String>,
    pub(super) deliveries: &'a mut Vec<Delivery>,
}

impl Forward<'_> {
    pub(super) fn message(
        &mut self,
        message: &BorrowedMessage<'_>,
        consumer: &BaseConsumer<RouterContext>,
    ) -> Result<(), End> {
        let record = record_of(message);
        let topic = message.topic();
        let at = (topic.to_owned(), message.partition());
        let Some(place) = self.places.get_mut(&at) else {
            return Ok(());
        };
        if let Some(due) = place.resumes_at {
            // The fence in force was kept with `due`: what is read must begin there. Somebody committed in between, or
            // no record stands at `due`: then the reader is sent back once, and what comes is behind it.
            if record.offset != due && !place.sought {
                place.sought = true;
                return consumer
                    .seek(
                        topic,
                        message.partition(),
                        Offset::Offset(due),
                        Duration::from_secs(10),
                    )
                    .map_err(|error| {
                        End::Restart(format!("{topic} cannot be read at offset {due}: {error}"))
                    });
            }
            if record.offset > due && due > 0 {
                still_there(consumer, topic, message.partition(), due, self.spec)?;
            }
            place.resumes_at = None;
        }
        let wrong = |problem: String| -> End {
            RunError::Route {
                aggregate: self.spec.name(),
                place: format!(
                    "{topic} partition {} offset {}, key {}",
                    message.partition(),
                    record.offset,
                    record.key.map_or_else(
                        || "(none)".into(),
                        |key| String::from_utf8_lossy(key).into_owned()
                    )
                ),
                problem,
            }
            .into()
        };
        let verdict = place
            .reader
            .read(record.offset, &record.headers)
            .map_err(|error| wrong(error.to_string()))?;
        let stamp = match verdict {
            Verdict::Valid(stamp) | Verdict::Unfenced(Some(stamp)) => Some(Some(stamp)),
            Verdict::Unfenced(None) => Some(None),
            Verdict::Fence(_) | Verdict::Void(_) => None,
        };
        self.keys.clear();
        let event_type = record.headers.event_type.unwrap_or_default();
        if stamp.is_some()
            && let Some(routed) =
                self.spec
                    .participant
                    .route(event_type, record.value.unwrap_or_default(), self.keys)
        {
            routed.map_err(|error| wrong(error.to_string()))?;
        }
        let (number, sequence) = (place.number, place.read);
        place.read += 1;
        place.open.push_back(Forwarded {
            next: record.offset + 1,
            cursor: place.reader.cursor(),
            copies: self.keys.len(),
        });
        if self.keys.is_empty() {
            place.settle();
            return Ok(());
        }
        let topic_id = self
            .sources
            .get(topic)
            .copied()
            .unwrap_or(TopicId(uuid::Uuid::nil()));
        let mut sent = std::mem::take(&mut place.sent);
        let copied = self.copies(
            message,
            &record,
            topic_id,
            stamp.flatten(),
            (number, sequence),
            &mut sent,
        );
        if let Some(place) = self.places.get_mut(&at) {
            place.sent = sent;
        }
        copied
    }

    fn copies(
        &mut self,
        message: &BorrowedMessage<'_>,
        record: &Record<'_>,
        topic: TopicId,
        stamp: Option<Stamp>,
        (number, sequence): (usize, u64),
        sent: &mut HashMap<i32, Position>,
    ) -> Result<(), End> {
        let id = match record.headers.id {
            Some(id) => wire::event_id(id),
            None => EventId::of_place(topic, message.partition(), record.offset),
        };
        let id = id.to_string();
        let source = message.headers().and_then(|all| {
            all.iter()
                .find(|header| header.key == wire::CE_SOURCE)
                .and_then(|header| header.value)
        });
        let keys = std::mem::take(self.keys);
        for (copy, key) in (0u32..).zip(&keys) {
            let target = partition_of(key.as_bytes(), self.inbox_partitions);
            let position = Position {
                offset: record.offset,
                copy,
            };
            let copied = Stamp {
                // A fact from outside has none yet: the aggregate that decides derives it.
                correlation: stamp.and_then(|stamp| stamp.correlation),
                causation: stamp.and_then(|stamp| stamp.causation),
                writer: None,
                source: Source::Copy {
                    path: Path::CURRENT_ROUTE,
                    topic,
                    partition: message.partition(),
                    position,
                    // A copy that was lost with a router is missed by its successors, which are passed over then.
                    after: sent.insert(target, position),
                },
                index: 1,
                count: 1,
            };
            let stamp = copied.to_string();
            *self.token += 1;
            let beside = Beside {
                id: &id,
                source,
                event_type: record.headers.event_type,
                stamp: stamp.as_bytes(),
                rest: None,
                traceparent: record.headers.traceparent.map(str::as_bytes),
            };
            let copy = Outgoing {
                partition: target,
                timestamp_millis: record.timestamp.as_millis(),
                key: Some(key.as_bytes()),
                value: Some(record.value.unwrap_or_default()),
                headers: &beside.headers(),
                token: *self.token,
            };
            let patience = self.spec.config.session_timeout() / 4;
            self.appender
                .send(&copy, self.deliveries, patience, &mut None)
                .map_err(|error| End::Restart(format!("a copy was refused: {error}")))?;
            self.waiting.insert(*self.token, (number, sequence));
            *self.in_flight += 1;
        }
        *self.keys = keys;
        Ok(())
    }
}

/// An offset may have no record, since transactions leave such behind; a record that was due must not be gone.
fn still_there(
    consumer: &BaseConsumer<RouterContext>,
    topic: &str,
    partition: i32,
    due: i64,
    spec: &Spec,
) -> Result<(), End> {
    let (low, _) = consumer
        .fetch_watermarks(topic, partition, Duration::from_secs(10))
        .map_err(|error| {
            End::Restart(format!("{topic} cannot be asked for its offsets: {error}"))
        })?;
    if low <= due {
        return Ok(());
    }
    Err(RunError::Lost {
        aggregate: format!("{}.router", spec.name()),
        lost: format!("{topic} partition {partition} begins at offset {low}, and {due} is due"),
    }
    .into())
}
