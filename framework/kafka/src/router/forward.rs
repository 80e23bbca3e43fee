//! Forward: from one record of a source to its copies in the inbox, or to what is parked where its route fails.

use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashMap;
use kolo_core::processor::MAX_RECORD_BYTES;
use kolo_core::stream::Verdict;
use kolo_core::wire::{self, Failure, FailureClass, Parked, Record, Source, Stamp, UNROUTED};
use kolo_core::{EventId, Path, Position, TopicId, partition_of};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::topic_partition_list::Offset;

use crate::native::{Delivery, Outgoing};
use crate::topics;
use crate::wake::Waker;
use crate::worker::clients::Appender;
use crate::worker::record::{AllOf, Beside, record_of};
use crate::worker::{End, RunError, Spec};

use super::membership::RouterContext;
use super::place::{Forwarded, Place};

/// Forwards one message: the parts of the session that are free while the consumer lends the message.
pub(super) struct Forward<'a> {
    pub(super) spec: &'a Arc<Spec>,
    pub(super) waker: &'a Waker,
    pub(super) inbox_partitions: i32,
    pub(super) sources: &'a HashMap<String, TopicId>,
    pub(super) appender: &'a Appender,
    pub(super) places: &'a mut HashMap<(String, i32), Place>,
    pub(super) waiting: &'a mut HashMap<usize, (usize, u64)>,
    pub(super) token: &'a mut usize,
    pub(super) in_flight: &'a mut usize,
    pub(super) keys: &'a mut Vec<String>,
    pub(super) deliveries: &'a mut Vec<Delivery>,
    /// Since when the producer's queue is full.
    pub(super) full_since: &'a mut Option<Instant>,
}

impl Forward<'_> {
    pub(super) fn message(
        &mut self,
        message: &BorrowedMessage<'_>,
        consumer: &BaseConsumer<RouterContext>,
    ) -> Result<(), End> {
        let record = record_of(message);
        self.wait_for_registry(message, &record)?;
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
                        self.spec.config.answer_timeout(),
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
        let mut reader = place.reader;
        let verdict = match reader.read(record.offset, &record.headers) {
            Ok(verdict) => Ok(verdict),
            // In a fenced stream it might be a record of a later version, and void would be whatever follows it.
            Err(error) if reader.is_fenced() => {
                let place = format!("{topic}[{}]@{}", message.partition(), record.offset);
                return Err(RunError::Route {
                    aggregate: self.spec.name(),
                    place,
                    problem: error.to_string(),
                }
                .into());
            }
            Err(error) => Err(Failure {
                class: FailureClass::Decode,
                function: None,
                message: error.to_string(),
            }),
        };
        place.reader = reader;
        self.keys.clear();
        let mut stamp = None;
        let routed = verdict.and_then(|verdict| {
            stamp = match verdict {
                Verdict::Valid(stamp) => Some(stamp),
                Verdict::Unfenced(stamp) => stamp,
                Verdict::Fence(_) | Verdict::Void(_) => return Ok(()),
            };
            let event_type = record.headers.event_type.unwrap_or_default();
            let value = record.value.unwrap_or_default();
            let participant = &self.spec.participant;
            let routed = participant.route(event_type, value, self.keys);
            routed.unwrap_or(Ok(()))
        });
        let copies = if routed.is_ok() { self.keys.len() } else { 1 };
        let topic_id = self.sources.get(topic).copied();
        let topic_id = topic_id.unwrap_or(TopicId(uuid::Uuid::nil()));
        let id = match record.headers.id {
            Some(id) => wire::event_id(id),
            None => EventId::of_place(topic_id, message.partition(), record.offset),
        };
        let copied = Copied {
            message,
            record: &record,
            topic: topic_id,
            id,
            id_text: &id.to_string(),
            source: source_of(message),
            stamp,
            of: (place.number, place.read),
        };
        place.read += 1;
        place.read_at = Some(record.timestamp);
        place.open.push_back(Forwarded {
            next: record.offset + 1,
            cursor: place.reader.cursor(),
            copies,
        });
        if copies == 0 {
            place.settle();
            return Ok(());
        }
        let mut sent = std::mem::take(&mut place.sent);
        let forwarded = match routed {
            Ok(()) => self.copies(&copied, &mut sent),
            Err(failure) => self.unrouted(&copied, failure, &mut sent),
        };
        if let Some(place) = self.places.get_mut(&at) {
            place.sent = sent;
        }
        forwarded
    }

    /// Waits until the schema registry has said what the record's id means; if that takes long, the router begins anew at
    /// this record.
    fn wait_for_registry(
        &self,
        message: &BorrowedMessage<'_>,
        record: &Record<'_>,
    ) -> Result<(), End> {
        let Some(framing) = &self.spec.framing else {
            return Ok(());
        };
        let Some(unknown) = framing.unknown(record.value) else {
            return Ok(());
        };
        if !framing.holds_back(unknown, record.headers.event_type, self.spec) {
            return Ok(());
        }
        framing.ask(unknown, self.waker);
        let until = Instant::now() + self.spec.config.session_timeout() / 4;
        while framing.unknown(record.value).is_some() {
            if self.spec.signals.stopping() {
                return Err(End::Stopped);
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return Err(End::Restart(format!(
                    "{}[{}]@{} waits until the schema registry at {} says what its schema id {} means",
                    message.topic(),
                    message.partition(),
                    record.offset,
                    framing.shown(),
                    unknown.id
                )));
            };
            Waker::sleep(left);
        }
        Ok(())
    }

    fn copies(
        &mut self,
        copied: &Copied<'_>,
        sent: &mut HashMap<i32, Position>,
    ) -> Result<(), End> {
        let keys = std::mem::take(self.keys);
        let Record { value, headers, .. } = copied.record;
        let value = value.unwrap_or_default();
        let all = (0u32..).zip(&keys);
        let forwarded = all.into_iter().try_for_each(|(copy, key)| {
            self.copy(
                copied,
                copy,
                Some(key.as_bytes()),
                headers.event_type,
                value,
                sent,
            )
        });
        *self.keys = keys;
        forwarded
    }

    /// What concerns nobody knows whom is parked by the owner of the key that it has here.
    fn unrouted(
        &mut self,
        copied: &Copied<'_>,
        failure: Failure,
        sent: &mut HashMap<i32, Position>,
    ) -> Result<(), End> {
        let all_headers = AllOf(copied.message);
        let record = Record {
            all_headers: Some(&all_headers),
            ..*copied.record
        };
        let place = wire::Place {
            topic: copied.message.topic().to_owned(),
            id: copied.topic,
            partition: copied.message.partition(),
            offset: record.offset,
            is_inbox: false,
            copy_of: None,
        };
        let value = Parked::unrouted(&record, copied.id, place, failure, MAX_RECORD_BYTES);
        // The owner keeps what comes without a key under none, and so what has no text for one.
        let key = record.key.filter(|key| std::str::from_utf8(key).is_ok());
        self.copy(copied, 0, key, Some(UNROUTED), &value, sent)
    }

    fn copy(
        &mut self,
        copied: &Copied<'_>,
        copy: u32,
        key: Option<&[u8]>,
        event_type: Option<&str>,
        value: &[u8],
        sent: &mut HashMap<i32, Position>,
    ) -> Result<(), End> {
        let target = partition_of(key.unwrap_or_default(), self.inbox_partitions);
        let position = Position {
            offset: copied.record.offset,
            copy,
        };
        let stamp = Stamp {
            // A fact from outside has none yet: the aggregate that decides derives it.
            correlation: copied.stamp.and_then(|stamp| stamp.correlation),
            causation: copied.stamp.and_then(|stamp| stamp.causation),
            writer: None,
            source: Source::Copy {
                path: Path::CURRENT_ROUTE,
                topic: copied.topic,
                partition: copied.message.partition(),
                position,
                // A copy that was lost with a router is missed by its successors, which are passed over then.
                after: sent.insert(target, position),
            },
            index: 1,
            count: 1,
        }
        .to_string();
        *self.token += 1;
        let traceparent = copied.record.headers.traceparent;
        let beside = Beside {
            id: copied.id_text,
            source: copied.source,
            event_type,
            stamp: stamp.as_bytes(),
            rest: None,
            traceparent: traceparent.map(str::as_bytes),
        };
        let copy = Outgoing {
            partition: target,
            timestamp_millis: copied.record.timestamp.as_millis(),
            key,
            value: Some(value),
            headers: &beside.headers(),
            token: *self.token,
        };
        let patience = self.spec.config.session_timeout() / 4;
        self.appender
            .send(&copy, self.deliveries, patience, self.full_since)
            .map_err(|error| End::Restart(format!("a copy was refused: {error}")))?;
        self.waiting.insert(*self.token, copied.of);
        *self.in_flight += 1;
        Ok(())
    }
}

/// What is copied, and what the copies keep of it.
struct Copied<'a> {
    message: &'a BorrowedMessage<'a>,
    record: &'a Record<'a>,
    topic: TopicId,
    id: EventId,
    id_text: &'a str,
    source: Option<&'a [u8]>,
    stamp: Option<Stamp>,
    /// The place's number, and which of its records this is.
    of: (usize, u64),
}

fn source_of<'a>(message: &'a BorrowedMessage<'_>) -> Option<&'a [u8]> {
    let headers = message.headers()?;
    let source = headers.iter().find(|header| header.key == wire::CE_SOURCE);
    source?.value
}

/// An offset may have no record, since transactions leave such behind; a record that was due must not be gone.
fn still_there(
    consumer: &BaseConsumer<RouterContext>,
    topic: &str,
    partition: i32,
    due: i64,
    spec: &Spec,
) -> Result<(), End> {
    let (low, _) = topics::ends(consumer, topic, partition, spec.config.answer_timeout()).map_err(
        |error| End::Restart(format!("{topic} cannot be asked for its offsets: {error}")),
    )?;
    if low <= due {
        return Ok(());
    }
    Err(RunError::Lost {
        aggregate: format!("{}.router", spec.name()),
        lost: format!("{topic} partition {partition} begins at offset {low}, and {due} is due"),
    }
    .into())
}
