//! Reading: records of the inputs and of the own stream, batch by batch, up to one that must wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kolo_core::Timestamp;
use kolo_core::processor::Outcome;
use kolo_core::wire::Stamp;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::framing::Unknown;
use crate::native::{Consumed, Message, Taken};
use crate::topics::{TopicAdmin, is_denied};
use crate::traces::Cause;

use super::clients::DataContext;
use super::partition::{Partition, Phase};
use super::record::now;
use super::session::Session;
use super::{End, RunError};

/// A batch of records that is not handled to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// The first that is not handled.
    from: usize,
    /// The latest generation when it was taken: whoever owns a partition by a later one has it read again.
    generation: u32,
    /// What the first waits for.
    waiting: Option<Waiting>,
}

/// That a record waits.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    unknown: Unknown,
    since: Instant,
    /// Whether the log says so.
    is_told: bool,
}

/// How long a record waits before the log says so: what a registry that answers takes is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

impl Session<'_> {
    /// Reads and decides a batch of records. Their answers are produced together, so that they travel together.
    pub(super) fn read(&mut self) -> Result<bool, End> {
        if self.unacknowledged >= self.spec.config.max_in_flight_records {
            return Ok(false);
        }
        let Some(mut consumed) = self.consumed.take() else {
            return Ok(false);
        };
        let batch = self.held.take().unwrap_or_else(|| {
            consumed.take();
            Held {
                from: 0,
                generation: self.generation,
                waiting: None,
            }
        });
        let handled = self.handle(&consumed, batch);
        if self.held.is_none() {
            consumed.clear();
        }
        self.consumed = Some(consumed);
        let handled = handled?;
        self.produce_decided()?;
        Ok(handled > 0)
    }

    /// Handles a batch, up to a record that must wait. Says how many were handled.
    fn handle(&mut self, consumed: &Consumed<DataContext>, batch: Held) -> Result<usize, End> {
        let now = now();
        let mut handled = 0;
        for taken in consumed.iter_from(batch.from) {
            match taken {
                Ok(Taken::Message(message)) => {
                    let waiting = self.waiting(&message, batch.waiting);
                    if waiting.is_some() {
                        self.held = Some(Held {
                            from: batch.from + handled,
                            waiting,
                            ..batch
                        });
                        break;
                    }
                    self.take_message(&message, batch.generation, now)?;
                }
                Ok(Taken::End {
                    topic,
                    partition,
                    offset,
                }) => self.reached_end(topic, partition, batch.generation, offset),
                Err(error) => self.read_failed(&error)?,
            }
            handled += 1;
        }
        Ok(handled)
    }

    /// Whether a record waits until the schema registry has said what its id means. It is asked once for each that waits.
    fn waiting(&self, message: &Message<'_>, before: Option<Waiting>) -> Option<Waiting> {
        let framing = self.spec.framing.as_ref()?;
        let unknown = framing.unknown(message.value())?;
        let before = before.filter(|before| before.unknown == unknown);
        let Some(mut waiting) = before else {
            let event_type = message.record().headers.event_type;
            if !framing.holds_back(unknown, event_type, self.spec) {
                return None;
            }
            framing.ask(unknown, self.waker);
            return Some(Waiting {
                unknown,
                since: Instant::now(),
                is_told: false,
            });
        };
        if !waiting.is_told && waiting.since.elapsed() > WORTH_A_LINE {
            waiting.is_told = true;
            tracing::warn!(
                partition = message.partition(),
                offset = message.offset(),
                "{}: a record of `{}`, and what stands behind it, waits until the schema registry at {} says what its schema id {} means",
                self.name,
                message.topic,
                framing.shown(),
                unknown.id
            );
        }
        Some(waiting)
    }

    /// The partition's owner in this session, if it was there when a batch was taken: a later one reads what it needs itself.
    fn owned_since(&mut self, partition: i32, generation: u32) -> Option<&mut Partition> {
        self.owned(partition)
            .filter(|owned| owned.generation <= generation)
    }

    fn take_message(
        &mut self,
        message: &Message<'_>,
        generation: u32,
        now: Timestamp,
    ) -> Result<(), End> {
        let partition = message.partition();
        if message.topic == self.spec.description.stream {
            self.produce_decided()?;
            let Some(owned) = self.owned_since(partition, generation) else {
                return Ok(());
            };
            let step = owned.read_stream(&message.record());
            return self.step(partition, step);
        }
        if self.deciding != Some(partition) {
            self.produce_decided()?;
        }
        let input = self
            .inputs
            .iter()
            .position(|input| input.name == message.topic);
        let slot = usize::try_from(partition).unwrap_or(usize::MAX);
        let owned = self.partitions.get_mut(slot).and_then(Option::as_mut);
        let owned = owned.filter(|owned| owned.generation <= generation);
        let (Some(input), Some(owned)) = (input, owned) else {
            return Ok(());
        };
        if !matches!(owned.phase, Phase::Working { .. }) {
            return Ok(());
        }
        let record = message.record();
        owned.next[input] = Some(record.offset + 1);
        self.deciding = Some(partition);
        owned.read_at[input] = Some(record.timestamp);
        let before = self.outbox.len();
        let handled = owned
            .processor
            .handle(input, &record, now, &mut self.outbox);
        if let Ok(outcome) = &handled {
            self.tally.input(outcome);
            if matches!(outcome, Outcome::Decided(1..)) {
                let age = now.as_millis() - record.timestamp.as_millis();
                self.tally.answers.took(u64::try_from(age).unwrap_or(0));
            }
        }
        let appends = self.outbox.iter_from(before);
        self.spec.tell(partition, appends, || Cause {
            at: record.timestamp,
            is_foreign: record
                .headers
                .stamp
                .and_then(|stamp| Stamp::read(stamp).ok())
                .is_none_or(|stamp| stamp.causation.is_none()),
            input: Some((Arc::clone(&self.input_names[input]), record.offset)),
        });
        match handled {
            Ok(Outcome::Unchained) => tracing::warn!(
                partition,
                "{}: a routed copy is passed over, since the one before it is missing; the next router repeats both",
                self.name
            ),
            Ok(Outcome::NotUnderstood) => tracing::warn!(
                partition,
                offset = record.offset,
                "{}: a control record in `{}` says nothing that is known here, and is passed over",
                self.name,
                message.topic
            ),
            Ok(Outcome::Parked) => self.tell_parked(partition),
            Ok(_) => {}
            Err(error) => return self.failed(partition, error),
        }
        Ok(())
    }

    /// The end of an input was reached: everything before it was handed out.
    fn reached_end(&mut self, topic: &str, partition: i32, generation: u32, offset: i64) {
        let input = self.inputs.iter().position(|input| input.name == topic);
        if let (Some(input), Some(owned)) = (input, self.owned_since(partition, generation)) {
            owned.next[input] = owned.next[input].max(Some(offset));
        }
    }

    /// Forgets the answers that are not produced yet: their owner is no more.
    pub(super) fn forget_decided(&mut self) {
        self.deciding = None;
        self.outbox.clear();
    }

    /// Produces the answers to the records that were decided since the last call.
    pub(super) fn produce_decided(&mut self) -> Result<(), End> {
        match self.deciding.take() {
            Some(partition) => self.produce(partition),
            None => Ok(()),
        }
    }

    fn read_failed(&self, error: &KafkaError) -> Result<(), End> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                // A topic that was just created again has no such offset either, and nothing of it is lost.
                self.check_topic_ids()?;
                let lost = format!(
                    "{error}; compare the topics' earliest offsets with the lag that the group {} shows",
                    self.name
                );
                Err(RunError::Lost {
                    aggregate: self.name.clone(),
                    lost,
                }
                .into())
            }
            // A topic that is gone, and may come back with another id.
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopicId) => {
                Err(End::Restart(format!("an input is gone: {error}")))
            }
            // What exactly, the next session says before it begins.
            _ if is_denied(error) => Err(End::Restart(format!("it cannot read any more: {error}"))),
            _ => {
                tracing::debug!("{}: {error}", self.name);
                Ok(())
            }
        }
    }

    /// Begins anew if an input is another topic by now, or cannot be asked about.
    pub(super) fn check_topic_ids(&self) -> Result<(), End> {
        let names: Vec<&str> = self
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect();
        let now = TopicAdmin::new(&self.spec.config)
            .map_err(|error| End::refused(&error))?
            .describe(&names)
            .map_err(|error| End::Restart(error.to_string()))?;
        for input in &self.inputs {
            if now
                .get(&input.name)
                .is_none_or(|topic| topic.id != input.id)
            {
                return Err(End::Restart(format!(
                    "the topic `{}` was deleted and created again",
                    input.name
                )));
            }
        }
        Ok(())
    }
}
