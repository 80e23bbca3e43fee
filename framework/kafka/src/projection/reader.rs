//! The thread that reads: judges each record, decodes what is valid, and hands it over.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use kolo_core::OwnEvents;
use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{PARKED, Record, Stamp, UNPARKED, event_id, is_own_record};
use kolo_registry::Registry;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::client_log;
use crate::config::Config;
use crate::native::Connected;
use crate::topics::{self, Topic};
use crate::worker::record::record_of;

use super::ends::{AFTER_FAILURE, Outage, refusal};
use super::progress::Progress;
use super::{Projected, ProjectionError, Told};

/// What the consumer is called in messages.
const READER: &str = "projection's consumer";
/// How long an idle round waits: as long may it take to notice that it is to end.
const IDLE: Duration = Duration::from_millis(100);
/// After how many records the looks are looked at, at the latest.
const SETTLE_RECORDS: u32 = 256;
/// How long nothing may come where there is more, and the brokers answer others, before the client is replaced.
const STANDSTILL: Duration = Duration::from_secs(20);

/// How long brokers may take to tell where a partition begins.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client_log::line(READER, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client_log::error(READER, &error, reason);
    }
}

impl ConsumerContext for Quiet {}

/// The thread.
pub(super) struct Reader<E, F> {
    pub(super) config: Config,
    pub(super) progress: Arc<Progress>,
    pub(super) registry: Option<Registry>,
    pub(super) project: F,
    pub(super) events: PhantomData<fn() -> E>,
}

impl<E: OwnEvents, F: FnMut(Projected<'_, E>)> Reader<E, F> {
    pub(super) fn consumer(&self) -> Result<Connected<BaseConsumer<Quiet>>, KafkaError> {
        let mut client = self.config.client();
        client
            // Needed by librdkafka to assign partitions; no group is joined and no offset committed.
            .set("group.id", "kolo-projection")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("fetch.queue.backoff.ms", "10")
            .set("queued.max.messages.kbytes", "16384");
        self.config.connect(&client, Quiet)
    }

    /// Reads until it is to end.
    pub(super) fn run(mut self, layout: &Receiver<Topic>) -> Result<(), ProjectionError> {
        // The other thread has ended without an answer, and says why.
        let Ok(topic) = layout.recv() else {
            return Ok(());
        };
        let mut judges: Vec<StreamReader> = (0..topic.partitions)
            .map(|_| StreamReader::from_start())
            .collect();
        let mut outage = Outage::default();
        while !self.progress.stopping() {
            let consumer = match self.consumer() {
                Ok(consumer) => consumer,
                // Its settings were taken before: one of the files that they name may be written anew.
                Err(error) => {
                    outage.tell(self.progress.stream, &refusal(error));
                    std::thread::sleep(AFTER_FAILURE);
                    continue;
                }
            };
            outage.is_over(self.progress.stream);
            self.assign(&consumer, topic.partitions)?;
            self.read(&consumer, &mut judges)?;
        }
        Ok(())
    }

    /// From where it is.
    fn assign(
        &self,
        consumer: &BaseConsumer<Quiet>,
        partitions: i32,
    ) -> Result<(), ProjectionError> {
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            let next = Offset::Offset(self.progress.position(partition));
            list.add_partition_offset(self.progress.stream, partition, next)?;
        }
        Ok(consumer.assign(&list)?)
    }

    /// Reads until it is to end, or the client is to be replaced.
    fn read(
        &mut self,
        consumer: &BaseConsumer<Quiet>,
        judges: &mut [StreamReader],
    ) -> Result<(), ProjectionError> {
        let mut unsettled = 0;
        let mut moved = Instant::now();
        while !self.progress.stopping() {
            // What waits is taken first; only then is there time to look around.
            let waiting = consumer.poll(Duration::ZERO);
            if unsettled >= SETTLE_RECORDS || (unsettled > 0 && waiting.is_none()) {
                self.progress.settle();
                unsettled = 0;
                moved = Instant::now();
            }
            match waiting.or_else(|| consumer.poll(IDLE)) {
                Some(Ok(message)) => {
                    self.take(&message, judges)?;
                    unsettled += 1;
                }
                Some(Err(error)) if !self.goes_on_after(&error)? => {
                    std::thread::sleep(IDLE);
                    return Ok(());
                }
                Some(Err(_)) => {}
                None if !self.progress.has_more() => moved = Instant::now(),
                None if moved.elapsed() > STANDSTILL => {
                    tracing::warn!(
                        "the projection of `{}` has read nothing for {STANDSTILL:?} where there is more: its client is replaced",
                        self.progress.stream
                    );
                    return Ok(());
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Whether the client goes on by itself. Errors that no waiting will mend end the projection.
    fn goes_on_after(&self, error: &KafkaError) -> Result<bool, ProjectionError> {
        let stream = self.progress.stream;
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset) => {
                self.look_at_the_beginning()?;
                Ok(false)
            }
            Some(RDKafkaErrorCode::Fatal) => Err(ProjectionError::Refused {
                stream,
                problem: error.to_string(),
            }),
            // It may be allowed again. librdkafka says it once, and goes on asking.
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                tracing::warn!("the projection of `{stream}` waits: {error}");
                Ok(true)
            }
            _ => {
                tracing::debug!("the projection of `{stream}`: {error}");
                Ok(true)
            }
        }
    }

    /// A position that is out of range is before the beginning, or behind the end. The latter the other thread finds out.
    fn look_at_the_beginning(&self) -> Result<(), ProjectionError> {
        let stream = self.progress.stream;
        let Ok(consumer) = self.consumer() else {
            return Ok(());
        };
        let partitions = self.progress.partitions();
        for partition in 0..partitions {
            let next = self.progress.position(partition);
            match topics::ends(&consumer, stream, partition, ANSWER) {
                Ok((low, _)) if low > next => {
                    return Err(ProjectionError::Trimmed {
                        stream,
                        partition,
                        offset: next,
                    });
                }
                Ok(_) => {}
                Err(error) => tracing::debug!("{stream}[{partition}]: {error}"),
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        message: &BorrowedMessage<'_>,
        judges: &mut [StreamReader],
    ) -> Result<(), ProjectionError> {
        let record = record_of(message);
        let partition = message.partition();
        let judge = usize::try_from(partition)
            .ok()
            .and_then(|at| judges.get_mut(at));
        let Some(judge) = judge else {
            return Ok(());
        };
        let verdict = judge.read(record.offset, &record.headers);
        let verdict = verdict.map_err(|error| ProjectionError::Unreadable {
            place: format!("{}[{partition}]@{}", self.progress.stream, record.offset),
            problem: error.to_string(),
        })?;
        if let Verdict::Valid(stamp) = verdict {
            self.await_registry(&record);
            if self.progress.stopping() {
                return Ok(());
            }
            self.hand_over(&record, partition, &stamp);
        }
        self.progress.moved(partition, record.offset + 1);
        Ok(())
    }

    /// An id that nobody has asked for yet: what it means is waited for, and so is what stands behind it.
    fn await_registry(&self, record: &Record<'_>) {
        let own = record.headers.event_type.is_some_and(is_own_record);
        let (Some(registry), Some(value)) = (&self.registry, record.value) else {
            return;
        };
        while !own
            && !self.progress.stopping()
            && let Some(id) = registry.must_ask(value)
        {
            let (tell, told) = crossbeam_channel::bounded(1);
            registry.ask(
                id,
                Arc::new(move || {
                    let _ = tell.try_send(());
                }),
            );
            while !self.progress.stopping() && told.recv_timeout(IDLE) == TIMED_OUT {}
        }
    }

    fn hand_over(&mut self, record: &Record<'_>, partition: i32, stamp: &Stamp) {
        let Some(told) = told::<E>(record) else {
            return;
        };
        let key = String::from_utf8_lossy(record.key.unwrap_or_default());
        (self.project)(Projected {
            key: &key,
            id: record.headers.id.map(event_id),
            causation: stamp.causation,
            correlation: stamp.correlation,
            at: record.timestamp,
            partition,
            offset: record.offset,
            told,
        });
    }
}

const TIMED_OUT: Result<(), crossbeam_channel::RecvTimeoutError> =
    Err(crossbeam_channel::RecvTimeoutError::Timeout);

/// What a valid record says to a read model; nothing for the owner's own book-keeping.
fn told<E: OwnEvents>(record: &Record<'_>) -> Option<Told<E>> {
    let value = record.value.unwrap_or_default();
    let unreadable = |problem: String| Told::Unreadable(problem);
    Some(match record.headers.event_type {
        Some(PARKED) => match serde_json::from_slice(value) {
            Ok(parked) => Told::Parked(parked),
            Err(error) => unreadable(format!("{PARKED}: {error}")),
        },
        Some(UNPARKED) => match serde_json::from_slice(value) {
            Ok(unparked) => Told::Unparked(unparked),
            Err(error) => unreadable(format!("{UNPARKED}: {error}")),
        },
        Some(name) if is_own_record(name) => return None,
        Some(name) => match E::decode(name, value) {
            Some(Ok(event)) => Told::Event(event),
            Some(Err(error)) => unreadable(error.to_string()),
            None => unreadable(format!(
                "`{name}` is no event of the stream `{}` that this build knows: a newer build may have written it",
                E::STREAM
            )),
        },
        None => unreadable("it has no header `ce_type`".into()),
    })
}
