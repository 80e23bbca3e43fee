//! Backlog: how far the inputs reach at a moment, so that a deadline is behind whatever was published before it.
//!
//! The ends of topics are asked for by a thread with a client of its own: on a worker's client the answer would wait behind
//! a fetch, and the worker with it.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use kolo_core::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::config::Config;
use crate::native::Connected;
use crate::wake::Waker;

use super::Signals;

/// How long the brokers may take to tell where topics end.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a question that was not answered waits before it can come again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What a worker wants to know: where these topics end in one partition, later than `passed`.
pub(crate) struct Question {
    pub(crate) partition: i32,
    pub(crate) generation: u32,
    pub(crate) passed: Timestamp,
    pub(crate) topics: Vec<String>,
    pub(crate) reply_to: Sender<Ends>,
    pub(crate) waker: Waker,
}

/// Where the topics of a question ended.
pub(crate) struct Ends {
    pub(crate) partition: i32,
    /// Tells an answer to an earlier owner of the partition from one to this.
    pub(crate) generation: u32,
    pub(crate) passed: Timestamp,
    /// In the order of the question's topics; `None` if the brokers did not tell.
    pub(crate) offsets: Option<Vec<i64>>,
}

/// What one owner knows of the backlog before the deadlines that are due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Backlog {
    /// No deadline is due.
    #[default]
    Unknown,
    /// The ends are being asked for.
    Asked,
    /// What was due at `passed` is due once the inputs are read up to `ends`.
    Until { passed: Timestamp, ends: Vec<i64> },
}

/// Answers questions until nobody can ask any more, or the process stops.
pub(crate) fn answer_questions(config: &Config, questions: &Receiver<Question>, signals: &Signals) {
    let mut client: Option<Connected<BaseConsumer>> = None;
    while !signals.stopping() {
        let question = match questions.recv_timeout(Duration::from_millis(500)) {
            Ok(question) => question,
            Err(error) if error.is_timeout() => continue,
            Err(_) => return,
        };
        let asked = match client.take() {
            Some(client) => Ok(client),
            None => config.connect(&config.client(), DefaultConsumerContext),
        };
        let asked = asked.and_then(|known: Connected<BaseConsumer>| {
            let offsets = ends(&known, &question)?;
            // One that fails is not asked again: it may have lost its brokers for good.
            client = Some(known);
            Ok(offsets)
        });
        if let Err(error) = &asked {
            tracing::debug!(
                "deadlines of partition {} wait: the ends of {:?} are not known: {error}",
                question.partition,
                question.topics
            );
        }
        if asked.is_err() {
            // It is asked again as soon as it is told.
            std::thread::park_timeout(AFTER_FAILURE);
        }
        // The worker may be gone by now.
        let _ = question.reply_to.send(Ends {
            partition: question.partition,
            generation: question.generation,
            passed: question.passed,
            offsets: asked.ok(),
        });
        question.waker.wake();
    }
}

fn ends(client: &BaseConsumer, question: &Question) -> Result<Vec<i64>, KafkaError> {
    let mut list = TopicPartitionList::new();
    for topic in &question.topics {
        list.add_partition_offset(topic, question.partition, Offset::End)?;
    }
    let told = client.offsets_for_times(list, TIMEOUT)?;
    let mut offsets = Vec::with_capacity(question.topics.len());
    for topic in &question.topics {
        let partition = told.find_partition(topic, question.partition);
        let partition = partition.ok_or(KafkaError::Canceled)?;
        partition.error()?;
        match partition.offset() {
            Offset::Offset(offset) => offsets.push(offset),
            _ => return Err(KafkaError::Canceled),
        }
    }
    Ok(offsets)
}

/// A channel for questions.
pub(crate) fn channel() -> (Sender<Question>, Receiver<Question>) {
    unbounded()
}
