//! Taking a partition over: fence, restore, begin to work; and giving it up.

use std::collections::VecDeque;
use std::time::Instant;

use kolo_core::processor::{
    EpochEnd, MAX_RECORD_BYTES, Processor, ProcessorError, ResumeAt, Setup,
};
use kolo_core::wire::Record;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::meters::count;
use crate::topics;

use super::append::millis;
use super::backlog::Backlog;
use super::partition::{Partition, Phase};
use super::record::now;
use super::session::{Session, StreamStep};
use super::snapshots::Kept;
use super::{End, RunError};

impl Partition {
    /// Takes up a record of the own stream: to restore, or to see what stands in a gap.
    pub(super) fn read_stream(
        &mut self,
        record: &Record<'_>,
    ) -> Result<StreamStep, ProcessorError> {
        match self.phase {
            Phase::Restoring(fence) if record.offset < fence => {
                if let Some(snapshot) = self.kept.loaded.take() {
                    return Ok(if snapshot.is_of(record) {
                        StreamStep::More
                    } else {
                        StreamStep::NotOfSnapshot
                    });
                }
                self.processor.restore(record)?;
                self.read += 1;
                self.restored = record.offset + 1;
                Ok(StreamStep::More)
            }
            Phase::Restoring(_) if self.kept.loaded.take().is_some() => {
                Ok(StreamStep::NotOfSnapshot)
            }
            Phase::Restoring(_) => Ok(StreamStep::Restored),
            Phase::Working { reading_gap: true } => {
                self.processor.read_gap(record)?;
                Ok(if self.processor.gap().is_none() {
                    StreamStep::GapRead
                } else {
                    StreamStep::More
                })
            }
            Phase::Working { .. } | Phase::Fencing | Phase::Loading(_) | Phase::Rejected(_) => {
                Ok(StreamStep::Nothing)
            }
        }
    }
}

impl Session<'_> {
    /// Appends the fence; everything else follows its acknowledgement.
    pub(super) fn take_over(&mut self, partition: i32) -> Result<(), End> {
        self.drop_partition(partition)?;
        let Ok(slot) = usize::try_from(partition) else {
            return Ok(());
        };
        if slot >= self.partitions.len() {
            return Err(End::Restart(format!(
                "partition {partition} was added to the stream"
            )));
        }
        self.generation += 1;
        let (nonce, _) = uuid::Uuid::new_v4().as_u64_pair();
        let processor = self.processor(partition, nonce);
        processor.fence(now(), &mut self.outbox);
        self.partitions[slot] = Some(Partition {
            generation: self.generation,
            nonce,
            processor,
            phase: Phase::Fencing,
            effects: self.spec.effects.own(partition, self.reply_to.clone()),
            since: Instant::now(),
            next: vec![None; self.inputs.len()],
            resumed: vec![None; self.inputs.len()],
            read_at: vec![None; self.inputs.len()],
            sent: VecDeque::new(),
            backlog: Backlog::default(),
            read: 0,
            restored: 0,
            kept: Kept::default(),
        });
        self.produce(partition)?;
        self.open_snapshot(partition);
        Ok(())
    }

    pub(super) fn processor(&self, partition: i32, nonce: u64) -> Box<dyn Processor> {
        let mut processor = self.spec.participant.processor(Setup {
            service: self.spec.service.name().to_owned(),
            partition,
            partitions: self.partition_count,
            nonce,
            inputs: self.inputs.clone(),
            routed: self.routed.clone(),
            max_record_bytes: MAX_RECORD_BYTES,
            allow_downgrade: self.spec.config.allow_downgrade,
            broken: self.spec.broken.lock().clone(),
            rules: self.spec.rules,
        });
        if let Some(cold) = &self.spec.cold
            && !self.spec.without_cold.lock().contains(&partition)
        {
            match cold.store(self.spec.description.aggregate, partition) {
                Ok(store) => processor.keep_cold(Box::new(store), cold.share_bytes()),
                Err(error) => tracing::warn!(
                    partition,
                    "{}: all keys stay in memory, whatever `state_memory_mb` says: {error}",
                    self.name
                ),
            }
        }
        processor
    }

    /// The fence stands at this offset: reads the stream up to it, from where a snapshot ends if there is one.
    pub(super) fn fenced(&mut self, partition: i32, offset: i64) -> Result<(), End> {
        if let Some(owned) = self.owned(partition) {
            owned.processor.fenced(offset);
            owned.phase = Phase::Loading(offset);
        }
        if self.go_on_loading(partition, offset)? {
            return Ok(());
        }
        self.restore_from_start(partition, offset)
    }

    pub(super) fn restore_from_start(&mut self, partition: i32, fence: i64) -> Result<(), End> {
        if let Some(owned) = self.owned(partition) {
            owned.phase = Phase::Restoring(fence);
            owned.restored = 0;
        }
        self.read_stream_from(partition, Offset::Beginning)
    }

    pub(super) fn step(
        &mut self,
        partition: i32,
        step: Result<StreamStep, ProcessorError>,
    ) -> Result<(), End> {
        match step {
            Ok(StreamStep::More | StreamStep::Nothing) => Ok(()),
            Ok(StreamStep::Restored) => {
                self.stop_reading_stream(partition)?;
                self.begin(partition)
            }
            Ok(StreamStep::NotOfSnapshot) => {
                self.stop_reading_stream(partition)?;
                self.is_not_of_snapshot(partition);
                Ok(())
            }
            Ok(StreamStep::GapRead) => {
                self.stop_reading_stream(partition)?;
                if let Some(owned) = self.owned(partition) {
                    owned.phase = Phase::Working { reading_gap: false };
                }
                self.advance(partition)
            }
            Err(ProcessorError::EpochEnd(end)) => self.epoch_ended(partition, end),
            Err(error) => self.failed(partition, error),
        }
    }

    /// Everything before the fence is folded: resumes the inputs, and the effects without an answer.
    fn begin(&mut self, partition: i32) -> Result<(), End> {
        let mut outbox = std::mem::take(&mut self.outbox);
        let started = self.owned(partition).map(|owned| {
            owned.phase = Phase::Working { reading_gap: false };
            (
                owned.processor.start(now(), &mut outbox),
                owned.processor.keys(),
                owned.processor.keys_in_memory().1,
                owned.read,
                owned.since.elapsed(),
            )
        });
        self.outbox = outbox;
        let Some((start, keys, cold_keys, read, took)) = started else {
            return Ok(());
        };
        let start = match start {
            Ok(start) => start,
            Err(error) => return self.failed(partition, error),
        };
        self.produce(partition)?;
        let mut list = TopicPartitionList::new();
        let mut resumed = Vec::with_capacity(self.inputs.len());
        for (input, at) in self.inputs.iter().zip(&start.resume) {
            let offset = match at {
                ResumeAt::Beginning => Offset::Beginning,
                ResumeAt::Decided(offset) => {
                    self.resume_at_decided(&input.name, partition, *offset)?
                }
                ResumeAt::Next(offset) => Offset::Offset(*offset),
            };
            resumed.push(offset.to_raw().filter(|offset| *offset >= 0));
            list.add_partition_offset(&input.name, partition, offset)
                .map_err(|error| self.client_error(error))?;
        }
        if let Some(owned) = self.owned(partition) {
            owned.resumed = resumed;
        }
        self.tally.take_overs.took(millis(took));
        self.data
            .incremental_assign(&list)
            .map_err(|error| self.client_error(error))?;
        tracing::info!(
            partition,
            events = start.events,
            keys,
            cold_keys,
            read,
            pending_effects = start.effects.len(),
            "{} took over in {took:.1?}",
            self.name
        );
        if let Some(owned) = self.owned(partition) {
            owned.effects.call(start.effects);
        }
        Ok(())
    }

    /// Retention may have removed the record that was decided last; what came after it must still be there.
    fn resume_at_decided(&self, topic: &str, partition: i32, decided: i64) -> Result<Offset, End> {
        let answered = self.spec.config.answer_timeout();
        let (low, _) = topics::ends(&self.data, topic, partition, answered).map_err(|error| {
            End::Restart(format!("{topic} cannot be asked for its offsets: {error}"))
        })?;
        if low > decided + 1 {
            let lost = format!(
                "{topic} partition {partition} begins at offset {low}, and {} is due",
                decided + 1
            );
            return Err(RunError::Lost {
                aggregate: self.name.clone(),
                lost,
            }
            .into());
        }
        Ok(Offset::Offset(decided.max(low)))
    }

    /// Another owner was found. Whoever is still assigned takes over again, after a pause.
    pub(super) fn epoch_ended(&mut self, partition: i32, end: EpochEnd) -> Result<(), End> {
        self.drop_partition(partition)?;
        count(&self.spec.meters.replaced);
        let replacements = self.replacements.entry(partition).or_default();
        *replacements += 1;
        let heartbeat = self.spec.config.session_timeout() / 4;
        let pause = heartbeat * (1 << (*replacements).min(6)) / 2;
        tracing::warn!(
            partition,
            "{}: {end}. Its state is dropped; if the partition is still assigned in {pause:?}, it is taken over again",
            self.name
        );
        // By then a lost membership has shown, and revoked the partition.
        let at = Instant::now() + pause;
        let place = self.to_take.partition_point(|(other, _)| *other <= at);
        self.to_take.insert(place, (at, partition));
        Ok(())
    }

    pub(super) fn read_stream_from(&mut self, partition: i32, offset: Offset) -> Result<(), End> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(self.spec.description.stream, partition, offset)
            .and_then(|()| self.data.incremental_assign(&list))
            .map_err(|error| self.client_error(error))
    }

    fn stop_reading_stream(&mut self, partition: i32) -> Result<(), End> {
        let mut list = TopicPartitionList::new();
        list.add_partition(self.spec.description.stream, partition);
        self.data
            .incremental_unassign(&list)
            .map_err(|error| self.client_error(error))
    }

    pub(super) fn drop_partition(&mut self, partition: i32) -> Result<(), End> {
        let slot = usize::try_from(partition)
            .ok()
            .and_then(|slot| self.partitions.get_mut(slot));
        let Some(dropped) = slot.and_then(Option::take) else {
            return Ok(());
        };
        let mut list = TopicPartitionList::new();
        match dropped.phase {
            Phase::Fencing | Phase::Loading(_) | Phase::Rejected(_) => return Ok(()),
            Phase::Restoring(_) => {
                list.add_partition(self.spec.description.stream, partition);
            }
            Phase::Working { reading_gap } => {
                if reading_gap {
                    list.add_partition(self.spec.description.stream, partition);
                }
                for input in &self.inputs {
                    list.add_partition(&input.name, partition);
                }
            }
        }
        self.data
            .incremental_unassign(&list)
            .map_err(|error| self.client_error(error))
    }

    pub(super) fn client_error(&self, source: KafkaError) -> End {
        RunError::Client {
            aggregate: self.name.clone(),
            source,
        }
        .into()
    }
}
