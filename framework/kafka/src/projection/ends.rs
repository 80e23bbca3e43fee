//! Where the stream ends, and whether it is still the same one. It is asked for by a thread with a client of its own: on the
//! reader's client the answer would wait behind a fetch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use kolo_core::partition_of;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::config::Config;
use crate::native::Connected;
use crate::topics::{Topic, TopicAdmin};

use super::ProjectionError;
use super::progress::{Look, Progress};
use super::reader::Quiet;

/// How often the ends are asked for where nobody wants to know them sooner.
const EVERY: Duration = Duration::from_secs(1);
/// How long brokers may take to answer.
const ANSWER: Duration = Duration::from_secs(3);
/// How long after a failure they are asked again.
pub(super) const AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Where does the partition of this key end now?
pub(super) struct Question {
    pub(super) key: String,
    /// The partition, and its end.
    pub(super) tell: tokio::sync::oneshot::Sender<(i32, i64)>,
}

/// The thread.
pub(super) struct Ends {
    pub(super) config: Config,
    pub(super) progress: Arc<Progress>,
    pub(super) asked: Receiver<Question>,
    /// Tells the reader what there is to read.
    pub(super) tell_layout: Sender<Topic>,
}

impl Ends {
    pub(super) fn run(self) -> Result<(), ProjectionError> {
        let Some(topic) = self.first_look()? else {
            return Ok(());
        };
        self.progress.begin(topic.partitions);
        let mut outage = Outage::default();
        let mut client = None;
        let mut questions: Vec<Question> = Vec::new();
        // At once: what stands there now is what being ready means.
        let mut wait = Duration::ZERO;
        let mut checked = Instant::now();
        let mut told = false;
        while !self.progress.stopping() {
            questions.extend(self.asked.recv_timeout(wait).ok());
            questions.extend(self.asked.try_iter());
            questions.retain(|question| !question.tell.is_closed());
            let (at, read) = (Instant::now(), self.progress.read());
            let ends = self.ends(&mut client, topic);
            let ends = match ends {
                Ok(ends) => ends,
                Err(error) => {
                    outage.tell(self.progress.stream, &error);
                    // It may be the topic that is gone, and not the brokers.
                    self.is_the_same(topic)?;
                    std::thread::sleep(AFTER_FAILURE);
                    wait = Duration::ZERO;
                    continue;
                }
            };
            outage.is_over(self.progress.stream);
            let look = Look {
                at,
                read,
                ends: ends.clone(),
            };
            let short = self.progress.told(look);
            if short.is_some() || checked.elapsed() > self.config.check_interval() {
                self.is_the_same(topic)?;
                checked = Instant::now();
            }
            if let Some((partition, end, read)) = short {
                return Err(ProjectionError::Shortened {
                    stream: self.progress.stream,
                    partition,
                    end,
                    read,
                });
            }
            for Question { key, tell } in questions.drain(..) {
                let partition = partition_of(key.as_bytes(), topic.partitions);
                let end = usize::try_from(partition).ok().and_then(|at| ends.get(at));
                // Nobody may wait any more.
                let _ = tell.send((partition, end.copied().unwrap_or_default()));
            }
            if !told {
                told = true;
                // The reader may have ended.
                let _ = self.tell_layout.send(topic);
            }
            wait = EVERY;
        }
        Ok(())
    }

    /// What there is to read, as soon as the brokers say it.
    fn first_look(&self) -> Result<Option<Topic>, ProjectionError> {
        let mut outage = Outage::default();
        while !self.progress.stopping() {
            match self.describe() {
                Err(problem) => outage.tell(self.progress.stream, &problem),
                Ok(Some(topic)) if topic.partitions > 0 => {
                    outage.is_over(self.progress.stream);
                    return Ok(Some(topic));
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    return Err(ProjectionError::Missing {
                        stream: self.progress.stream,
                        bootstrap: self.config.bootstrap.clone(),
                    });
                }
            }
            std::thread::sleep(AFTER_FAILURE);
        }
        Ok(None)
    }

    /// The stream, if the brokers say that it is there; what they say instead of answering is no news about it. Nor is it that
    /// librdkafka does not take settings that it took before: one of the files that they name may be written anew.
    fn describe(&self) -> Result<Option<Topic>, String> {
        let admin = TopicAdmin::new(&self.config).map_err(refusal)?;
        let stream = self.progress.stream;
        let topics = admin.at_most(ANSWER).describe(&[stream]);
        let topics = topics.map_err(|error| error.to_string())?;
        Ok(topics.get(stream).copied())
    }

    fn is_the_same(&self, before: Topic) -> Result<(), ProjectionError> {
        let stream = self.progress.stream;
        match self.describe() {
            // No answer, or a topic that is not known to all brokers.
            Err(_) => Ok(()),
            Ok(Some(now)) if now.partitions == 0 => Ok(()),
            Ok(None) => Err(ProjectionError::Lost {
                stream,
                recreated: false,
            }),
            Ok(Some(now)) if now.id != before.id => Err(ProjectionError::Lost {
                stream,
                recreated: true,
            }),
            Ok(Some(now)) if now.partitions != before.partitions => {
                Err(ProjectionError::Partitions {
                    stream,
                    before: before.partitions,
                    now: now.partitions,
                })
            }
            Ok(Some(_)) => Ok(()),
        }
    }

    /// One that fails is not asked again: it may have lost its brokers for good.
    fn ends(
        &self,
        client: &mut Option<Connected<BaseConsumer<Quiet>>>,
        topic: Topic,
    ) -> Result<Vec<i64>, String> {
        let known = match client.take() {
            Some(known) => known,
            None => {
                let new = self.config.connect(&self.config.client(), Quiet);
                new.map_err(refusal)?
            }
        };
        let ends = ends(&known, self.progress.stream, topic.partitions);
        let ends = ends.map_err(|error| error.to_string())?;
        *client = Some(known);
        Ok(ends)
    }
}

fn ends(
    client: &BaseConsumer<Quiet>,
    stream: &str,
    partitions: i32,
) -> Result<Vec<i64>, KafkaError> {
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(stream, partition, Offset::End)?;
    }
    let told = client.offsets_for_times(list, ANSWER)?;
    (0..partitions)
        .map(|partition| {
            let partition = told.find_partition(stream, partition);
            let partition = partition.ok_or(KafkaError::Canceled)?;
            partition.error()?;
            match partition.offset() {
                Offset::Offset(offset) => Ok(offset),
                _ => Err(KafkaError::Canceled),
            }
        })
        .collect()
}

/// What librdkafka has against the settings, in words.
pub(super) fn refusal(error: KafkaError) -> String {
    ProjectionError::from(error).to_string()
}

/// An outage is told once, and its end.
#[derive(Default)]
pub(super) struct Outage(bool);

impl Outage {
    pub(super) fn tell(&mut self, stream: &str, problem: &str) {
        if self.0 {
            tracing::debug!("the projection of `{stream}` waits: {problem}");
        } else {
            tracing::warn!("the projection of `{stream}` waits: {problem}");
        }
        self.0 = true;
    }

    pub(super) fn is_over(&mut self, stream: &str) {
        if std::mem::take(&mut self.0) {
            tracing::info!("the projection of `{stream}` goes on");
        }
    }
}
