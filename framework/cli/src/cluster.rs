//! The connection to Kafka that everything is read through: plain consumers with assigned partitions, in no group.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kolo_kafka::{CLI_GROUP, Config, Connected};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::failure::Failure;
use crate::near::suggestion;

/// How long a broker may hold a request for records when there are none. A consumer that is given other partitions has
/// to wait for it, so it is short for one that looks here and there, and long for one that follows.
const LOOKING_MS: &str = "5";
const FOLLOWING_MS: &str = "500";
/// How long brokers that are there may take to answer.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);
/// How long brokers may take to answer at all before they count as unreachable.
const REACHED: Duration = Duration::from_secs(5);
/// The pause between two questions to a partition whose leader is on its way.
const AGAIN: Duration = Duration::from_millis(100);
/// How much of [`at_once`] is under way at a time.
const AT_ONCE: usize = 8;

/// A consumer in no group.
pub(crate) struct Reader {
    consumer: Arc<Connected<BaseConsumer<Quiet>>>,
    // Declared last, so that nobody but it has the consumer when it is dropped.
    _farewell: Farewell,
}

/// One that is dropped waits a tenth of a second for what its group has to say. It has no group, so others do not wait with it.
struct Farewell(Option<Arc<Connected<BaseConsumer<Quiet>>>>);

impl Reader {
    fn new(consumer: Connected<BaseConsumer<Quiet>>) -> Self {
        let consumer = Arc::new(consumer);
        Reader {
            _farewell: Farewell(Some(Arc::clone(&consumer))),
            consumer,
        }
    }

    /// The consumer itself, for a queue that takes from it in bulk, and is dropped before this is.
    pub(crate) fn shared(&self) -> Arc<Connected<BaseConsumer<Quiet>>> {
        Arc::clone(&self.consumer)
    }
}

impl Deref for Reader {
    type Target = BaseConsumer<Quiet>;

    fn deref(&self) -> &BaseConsumer<Quiet> {
        &self.consumer
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let consumer = self.0.take();
        std::thread::spawn(move || drop(consumer));
    }
}

/// Keeps what librdkafka complains about for our own message, instead of printing it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quiet(Arc<Mutex<Option<String>>>);

impl Quiet {
    fn last(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest complaint, for the end of a sentence.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.last().clone()
    }
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, _facility: &str, message: &str) {
        // "[thrd:main]: 127.0.0.1:1/bootstrap: Connect to … failed: …"
        if (level as i32) <= RDKafkaLogLevel::Error as i32 {
            let text = message.split_once("]: ").map_or(message, |(_, text)| text);
            let known = self.complaint();
            if !text.contains("brokers are down") || known.is_none() {
                *self.last() = Some(text.to_owned());
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition comes this way as well, and is nothing to complain about.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        let all_down = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if !all_down || self.complaint().is_none() {
            *self.last() = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Quiet {}

/// A topic as the brokers know it.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partitions: Vec<Partition>,
}

/// A partition and who holds it.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    pub(crate) number: i32,
    pub(crate) leader: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) in_sync: Vec<i32>,
}

impl Topic {
    pub(crate) fn is_internal(&self) -> bool {
        self.name.starts_with("__")
    }

    pub(crate) fn replicas(&self) -> usize {
        self.partitions
            .iter()
            .map(|partition| partition.replicas.len())
            .max()
            .unwrap_or(0)
    }
}

/// Brokers that have answered.
pub(crate) struct Cluster<'a> {
    pub(crate) config: &'a Config,
    pub(crate) reader: Reader,
    pub(crate) topics: Vec<Topic>,
}

impl<'a> Cluster<'a> {
    /// Asks the brokers for their topics.
    pub(crate) fn connect(config: &'a Config) -> Result<Self, Failure> {
        let reader = new_reader(config, LOOKING_MS)?;
        let topics = topics_of(config, &reader)?;
        Ok(Cluster {
            config,
            reader,
            topics,
        })
    }

    /// The topic of this name.
    pub(crate) fn topic(&self, name: &str) -> Result<&Topic, Failure> {
        self.topics.iter().find(|topic| topic.name == name).ok_or_else(|| {
            let names: Vec<&str> =
                self.topics.iter().filter(|topic| !topic.is_internal()).map(|topic| topic.name.as_str()).collect();
            let guess = suggestion(name, "topics", &names);
            let next = if guess.is_empty() { " There are no topics yet." } else { guess.as_str() };
            Failure::run(format!(
                "the brokers at {} have no topic `{name}`.{next} A service creates its topics when it starts; `kolo topics list` shows those that exist.",
                self.config.bootstrap
            ))
        })
    }

    /// Another consumer on the same brokers, for parts of partitions, beside the others.
    pub(crate) fn looker(&self) -> Result<Reader, Failure> {
        new_reader(self.config, LOOKING_MS)
    }

    /// What a group has committed for these partitions. It is not joined.
    pub(crate) fn committed(
        &self,
        group: &str,
        partitions: &[(&str, &[i32])],
    ) -> Result<TopicPartitionList, Failure> {
        let mut list = TopicPartitionList::new();
        for (topic, numbers) in partitions {
            for &number in *numbers {
                list.add_partition(topic, number);
            }
        }
        let reader = reader_in(self.config, LOOKING_MS, Some(group))?;
        reader.committed_offsets(list, ANSWER).map_err(|error| {
            let topics: Vec<&str> = partitions.iter().map(|(topic, _)| *topic).collect();
            Failure::run(format!(
                "the brokers do not say what the group `{group}` has committed for {}: {error}",
                topics.join(", ")
            ))
        })
    }

    /// Another consumer on the same brokers, for partitions that it keeps.
    pub(crate) fn follower(&self) -> Result<Reader, Failure> {
        new_reader(self.config, FOLLOWING_MS)
    }
}

fn new_reader(config: &Config, wait_ms: &str) -> Result<Reader, Failure> {
    reader_in(config, wait_ms, None)
}

fn reader_in(config: &Config, wait_ms: &str, group: Option<&str>) -> Result<Reader, Failure> {
    let mut client = config.client();
    let defaults = [
        // Needed by librdkafka to assign partitions; no group is joined and no offset committed.
        ("group.id", CLI_GROUP),
        ("fetch.wait.max.ms", wait_ms),
        ("fetch.queue.backoff.ms", "10"),
        ("queued.min.messages", "10000"),
    ];
    for (property, value) in defaults {
        if client.get(property).is_none() {
            client.set(property, value);
        }
    }
    if let Some(group) = group {
        client.set("group.id", group);
    }
    client
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        .set_log_level(RDKafkaLogLevel::Error);
    let consumer = config.connect(&client, Quiet::default());
    let consumer = consumer.map_err(|error| refused(&error))?;
    Ok(Reader::new(consumer))
}

/// librdkafka does not take the settings. The value is left out: it may be a secret under a mistyped name.
pub(crate) fn refused(error: &KafkaError) -> Failure {
    let problem = match error {
        KafkaError::ClientConfig(_, problem, property, _) => format!("`{property}`: {problem}"),
        other => other.to_string(),
    };
    Failure::input(format!(
        "librdkafka refuses the settings: {problem}. They come from the table [kafka] of the configuration file and from variables KOLO_KAFKA_…"
    ))
}

fn topics_of(config: &Config, reader: &Reader) -> Result<Vec<Topic>, Failure> {
    let begun = Instant::now();
    loop {
        let error = match reader.fetch_metadata(None, Duration::from_secs(1)) {
            Ok(metadata) => {
                let mut topics: Vec<Topic> = metadata.topics().iter().map(topic).collect();
                topics.sort_by(|one, other| one.name.cmp(&other.name));
                return Ok(topics);
            }
            Err(error) => error,
        };
        let unreached = kolo_kafka::unreached(config);
        // Whoever types a command does not wait for brokers to start.
        let is_final = unreached.as_ref().is_some_and(|unreached| {
            let nobody = ["refused", "resolve"];
            unreached.is_final() || nobody.iter().any(|word| unreached.problem.contains(word))
        });
        let patience = if unreached.is_some() { REACHED } else { ANSWER };
        if is_final || begun.elapsed() >= patience {
            let why = unreached.map(|unreached| unreached.to_string());
            return Err(Failure::run(why.unwrap_or_else(|| {
                format!(
                    "the brokers at {} do not tell their topics: {error}",
                    config.bootstrap
                )
            })));
        }
    }
}

fn topic(metadata: &rdkafka::metadata::MetadataTopic) -> Topic {
    let mut partitions: Vec<Partition> = metadata
        .partitions()
        .iter()
        .map(|partition| Partition {
            number: partition.id(),
            leader: partition.leader(),
            replicas: partition.replicas().to_vec(),
            in_sync: partition.isr().to_vec(),
        })
        .collect();
    partitions.sort_by_key(|partition| partition.number);
    Topic {
        name: metadata.name().to_owned(),
        partitions,
    }
}

/// Asks again while a leader is on its way: to a topic that has just been created, or from one broker to another.
fn led<T>(mut ask: impl FnMut(Duration) -> Result<T, KafkaError>) -> Result<T, KafkaError> {
    let until = Instant::now() + ANSWER;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match ask(left) {
            Err(error) if is_on_its_way(&error) && left > AGAIN => std::thread::sleep(AGAIN),
            answer => return answer,
        }
    }
}

fn is_on_its_way(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::OffsetNotAvailable
        )
    )
}

/// The first offset of a partition, and the next one to be written.
pub(crate) fn ends(reader: &Reader, topic: &str, partition: i32) -> Result<(i64, i64), Failure> {
    let ends = led(|left| kolo_kafka::topics::ends(reader, topic, partition, left));
    ends.map_err(|error| {
        Failure::run(format!(
            "the offsets of {topic}[{partition}] cannot be read: {error}. `kolo topics describe {topic}` shows whether the partition has a leader."
        ))
    })
}

/// The first offset and the next one of each partition, as of one moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ends(BTreeMap<(String, i32), (i64, i64)>);

impl Ends {
    /// Those of one partition.
    pub(crate) fn of(&self, topic: &str, partition: i32) -> Result<(i64, i64), Failure> {
        let known = self.0.get(&(topic.to_owned(), partition));
        known.copied().ok_or_else(|| {
            Failure::run(format!(
                "the brokers do not say where {topic}[{partition}] ends. `kolo topics describe {topic}` shows whether the partition has a leader."
            ))
        })
    }
}

/// Asks for all partitions at once.
pub(crate) fn ends_of(reader: &Reader, partitions: &[(&str, &[i32])]) -> Result<Ends, Failure> {
    if partitions.is_empty() {
        return Ok(Ends(BTreeMap::new()));
    }
    let ask = |at: Offset, left: Duration| -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        for (topic, numbers) in partitions {
            for &number in *numbers {
                list.add_partition_offset(topic, number, at)?;
            }
        }
        // The ends are times to Kafka, before and behind all others.
        let found = reader.offsets_for_times(list, left)?;
        let of_each = found.elements();
        let mut errors = of_each.iter().filter_map(|one| one.error().err());
        match errors.find(is_on_its_way) {
            Some(error) => Err(error),
            None => Ok(found),
        }
    };
    let of_all = |at: Offset| led(|left| ask(at, left));
    let both = of_all(Offset::Beginning).and_then(|low| Ok((low, of_all(Offset::End)?)));
    let (low, high) = both.map_err(|error| {
        Failure::run(format!(
            "the brokers do not say how far the topics reach: {error}. `kolo topics list` shows whether they answer."
        ))
    })?;
    let offset = |at: Offset| match at {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    };
    let ends = low.elements().into_iter().filter_map(|first| {
        let next = high.find_partition(first.topic(), first.partition())?;
        let place = (first.topic().to_owned(), first.partition());
        Some((place, (offset(first.offset())?, offset(next.offset())?)))
    });
    Ok(Ends(ends.collect()))
}

/// Does `work` for each, several at once, since most of the time goes into waiting for brokers; gives the results in the same order.
pub(crate) fn at_once<T: Sync, R: Send>(
    all: &[T],
    work: impl Fn(&T) -> Result<R, Failure> + Sync,
) -> Result<Vec<R>, Failure> {
    let work = &work;
    let mut results = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = some
                .iter()
                .map(|one| scope.spawn(move || work(one)))
                .collect();
            for thread in threads {
                let result = thread.join();
                results.push(result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok::<_, Failure>(())
        })?;
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use kolo_broker::Broker;
    use kolo_broker::faults::{Action, Api, Plan, ResponseError};
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

    use super::*;

    // failure: broker | partitions have no leader yet, or another one, while a command asks how far they reach | nothing | it
    // asks again, for ten seconds | nobody
    #[test]
    fn a_leader_that_is_on_its_way_is_awaited() {
        let broker = Broker::builder().partitions(1).start_blocking().unwrap();
        let config = Config::new(broker.bootstrap());
        let producer: BaseProducer = config.client().create().unwrap();
        let record = BaseRecord::<str, str>::to("moves").payload("value");
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(ANSWER).unwrap();
        let moves = || {
            let not_here = Action::Fail(ResponseError::NotLeaderOrFollower);
            let asked = Plan::new().on(Api::ListOffsets).topic("moves").times(3);
            broker.faults().add(asked.then(not_here));
        };
        let reader = new_reader(&config, LOOKING_MS).unwrap();
        moves();
        assert_eq!(ends(&reader, "moves", 0).unwrap(), (0, 1));
        assert_eq!(broker.faults().fired().len(), 3);
        moves();
        let all = ends_of(&reader, &[("moves", &[0])]).unwrap();
        assert_eq!(all.of("moves", 0).unwrap(), (0, 1));
        assert_eq!(broker.faults().fired().len(), 6);
    }
}
