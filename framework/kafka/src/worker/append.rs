//! Appends: produced without waiting, acknowledged in order, and what an acknowledgement sets off.

use std::time::{Duration, Instant};

use kolo_core::processor::EpochEnd;
use rdkafka::topic_partition_list::Offset;

use crate::meters::counts;
use crate::native::{Delivery, Outgoing};

use super::End;
use super::partition::{Partition, Phase, generation_of, partition_of, token};
use super::record::Beside;
use super::session::Session;

impl Session<'_> {
    /// Hands the records in the outbox to the producer, in order.
    pub(super) fn produce(&mut self, partition: i32) -> Result<(), End> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let generation = self.owned(partition).map_or(0, |owned| owned.generation);
        let token = token(partition, generation);
        let sent = self.outbox.iter().count();
        let patience = self.spec.config.session_timeout() / 4;
        let mut framed = std::mem::take(&mut self.framed);
        let mut full_since = None;
        for append in self.outbox.iter() {
            self.tally.append(append.event_type);
            let value = match &self.writer {
                None => append.value,
                Some(writer) => writer.frame(append.value, &mut framed).map_err(|fingerprint| {
                    End::Restart(format!(
                        "`{}` was to be written with the schema {fingerprint:016x}, of which the registry was not asked",
                        append.event_type
                    ))
                })?,
            };
            let mut id = uuid::Uuid::encode_buffer();
            let beside = Beside {
                id: append.id.0.hyphenated().encode_lower(&mut id),
                source: Some(self.source.as_bytes()),
                event_type: Some(append.event_type),
                stamp: append.stamp,
                rest: append.rest,
                traceparent: append.traceparent,
            };
            let record = Outgoing {
                partition,
                timestamp_millis: append.at.as_millis(),
                key: (!append.key.is_empty()).then_some(append.key),
                value: Some(value),
                headers: &beside.headers(),
                token,
            };
            // A refused append is a hole: nothing more may be sent in this epoch.
            self.appender
                .send(&record, &mut self.deliveries, patience, &mut full_since)
                .map_err(|error| End::Restart(format!("an append was refused: {error}")))?;
            self.unacknowledged += 1;
        }
        self.outbox.clear();
        self.framed = framed;
        if let Some(owned) = self.owned(partition).filter(|_| counts()) {
            owned.sent.push_back((Instant::now(), sent));
        }
        Ok(())
    }

    /// Takes the delivery reports that wait.
    pub(super) fn take_deliveries(&mut self) -> Result<bool, End> {
        let mut deliveries = std::mem::take(&mut self.deliveries);
        self.appender.drain(&mut deliveries);
        let busy = !deliveries.is_empty();
        if busy {
            self.moved_at = Instant::now();
        }
        for delivery in deliveries.drain(..) {
            self.unacknowledged = self.unacknowledged.saturating_sub(1);
            self.delivered(&delivery)?;
        }
        self.deliveries = deliveries;
        Ok(busy)
    }

    fn delivered(&mut self, delivery: &Delivery) -> Result<(), End> {
        let moved_at = self.moved_at;
        let offset = match &delivery.outcome {
            Ok(offset) if *offset >= 0 => *offset,
            // Where it stands is not known, and so neither is whether it stands alone.
            Ok(_) => {
                return Err(End::Restart(
                    "an append was acknowledged without an offset".into(),
                ));
            }
            Err(error) => return Err(End::Restart(format!("an append failed: {error}"))),
        };
        let partition = i32::try_from(partition_of(delivery.token)).unwrap_or(i32::MAX);
        let generation = generation_of(delivery.token);
        let Some(owned) = self
            .owned(partition)
            .filter(|owned| owned.generation == generation)
        else {
            return Ok(());
        };
        let took = owned.acknowledged_one(moved_at);
        let is_fencing = owned.phase == Phase::Fencing;
        if let Some(took) = took {
            self.tally.appends.took(millis(took));
        }
        if is_fencing {
            return self.fenced(partition, offset);
        }
        let Some(owned) = self.owned(partition) else {
            return Ok(());
        };
        match owned.processor.acknowledged(offset) {
            Ok(()) => {}
            Err(end @ EpochEnd::Replaced { .. }) => return self.epoch_ended(partition, end),
            Err(end) => return Err(End::Restart(end.to_string())),
        }
        self.advance(partition)
    }

    /// Starts the effects whose requests are acknowledged and known to be valid, and has a gap read that stands before
    /// the others.
    pub(super) fn advance(&mut self, partition: i32) -> Result<(), End> {
        let mut calls = std::mem::take(&mut self.calls);
        let mut gap = None;
        if let Some(owned) = self.owned(partition) {
            owned.processor.sound(&mut calls);
            if owned.phase == (Phase::Working { reading_gap: false }) {
                gap = owned.processor.gap();
            }
            if gap.is_some() {
                owned.phase = Phase::Working { reading_gap: true };
            }
        }
        if let Some(owned) = self.owned(partition) {
            owned.effects.call(calls.drain(..));
        }
        self.calls = calls;
        let Some(gap) = gap else { return Ok(()) };
        tracing::debug!(
            partition,
            "{}: reads a gap at {gap:?} in what it appended",
            self.name
        );
        self.read_stream_from(partition, Offset::Offset(gap.start))
    }
}

impl Partition {
    /// One more append is acknowledged. Of the last one of a batch, how long that took.
    fn acknowledged_one(&mut self, at: Instant) -> Option<Duration> {
        let (sent, left) = self.sent.front_mut()?;
        *left = left.saturating_sub(1);
        if *left > 0 {
            return None;
        }
        let took = at.saturating_duration_since(*sent);
        self.sent.pop_front();
        Some(took)
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
