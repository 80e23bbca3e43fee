//! The loop: reads all topics in turn, and makes what was read durable at intervals.

use std::time::{Duration, Instant};

use kolo_kafka::ends_reading;
use kolo_kafka::topics::TopicAdmin;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;

use super::lost::lost;
use super::show::Show;
use super::source::{Source, deleted};
use super::writing::Lane;
use crate::args::Export;
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::scan::cannot_read;
use crate::terminal::{Interrupt, note};

/// What was read longer ago than this is durable, if the disk keeps up.
const SYNC: Duration = Duration::from_secs(1);
/// How long an idle round waits for the next record.
const IDLE: Duration = Duration::from_millis(20);
/// Records that one topic may deliver before the others have their turn.
const TURN_RECORDS: usize = 1_000;
/// How long an export that is to end may stand still.
const STANDSTILL: Duration = Duration::from_secs(30);

/// An export at work.
pub(super) struct Follow<'a> {
    pub(super) args: &'a Export,
    pub(super) cluster: &'a Cluster<'a>,
    pub(super) admin: TopicAdmin<'a>,
    pub(super) interrupt: Interrupt,
    pub(super) show: Show,
}

impl Follow<'_> {
    pub(super) fn run(mut self, sources: &mut [Source]) -> Result<(), Failure> {
        let mut synced = Instant::now();
        let mut moved = Instant::now();
        let mut turn = 0;
        while !self.interrupt.came() && !self.is_through(sources) {
            let mut idle = true;
            for source in sources.iter_mut() {
                for _ in 0..TURN_RECORDS {
                    if !self.poll(source, Duration::ZERO)? {
                        break;
                    }
                    idle = false;
                }
            }
            if synced.elapsed() >= SYNC || self.is_full(sources) {
                match self.are_the_same(sources, false) {
                    Ok(()) => self.sync(sources, self.args.segment_bytes)?,
                    // What was read is made durable when they answer again.
                    Err(Asked::NoAnswer(_)) => {}
                    Err(another) => return Err(another.into()),
                }
                synced = Instant::now();
            }
            self.show.progress(sources);
            if idle {
                turn = (turn + 1) % sources.len().max(1);
                idle = !self.poll(&mut sources[turn], IDLE)?;
            }
            if !idle {
                moved = Instant::now();
            } else if !self.args.follow && moved.elapsed() > STANDSTILL {
                return Err(stands_still(sources, moved.elapsed()));
            }
        }
        self.are_the_same(sources, false)?;
        self.sync(sources, 0)?;
        let through = self.args.follow || self.is_through(sources);
        self.show.done(sources)?;
        if through {
            return Ok(());
        }
        Err(Failure::run(
            "interrupted: what was read is in the backup. Type the same command again: it goes on where the files end.",
        ))
    }

    fn is_through(&self, sources: &[Source]) -> bool {
        !self.args.follow && lanes(sources).all(Lane::is_through)
    }

    /// Whether a segment is to be closed.
    fn is_full(&self, sources: &[Source]) -> bool {
        lanes(sources).any(|lane| lane.open_bytes() >= self.args.segment_bytes)
    }

    /// Takes one event of a source; false if there was none that gets it on.
    fn poll(&self, source: &mut Source, wait: Duration) -> Result<bool, Failure> {
        let Source {
            topic,
            reader,
            writing,
            told,
        } = source;
        match reader.poll(wait) {
            None => return Ok(false),
            Some(Ok(message)) => {
                *told = None;
                writing.take(&message, self.args.follow)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => writing.caught_up(partition),
            Some(Err(error)) if ends_reading(&error) => return self.explain(source, &error),
            Some(Err(error)) => {
                let complaint = reader
                    .context()
                    .complaint()
                    .unwrap_or_else(|| error.to_string());
                if told.is_none() {
                    note(&format!(
                        "{topic}: {complaint}; waiting for the brokers. Ctrl-C ends this."
                    ));
                    *told = Some(complaint);
                }
                // A complaint is no progress: an export that is to end does not wait for ever.
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reading cannot go on: because the topic is another one, or lost what was to be read, or for the reason it says.
    fn explain(&self, source: &mut Source, error: &KafkaError) -> Result<bool, Failure> {
        match self.are_the_same(std::slice::from_ref(source), true) {
            // Brokers that start know nothing of their topics for a while.
            Err(Asked::NoAnswer(problem)) if self.args.follow => {
                if source.told.is_none() {
                    note(&format!(
                        "{}: {error}, and {problem}; waiting for the brokers. Ctrl-C ends this.",
                        source.topic
                    ));
                    source.told = Some(problem);
                }
                source.assign()?;
                return Ok(false);
            }
            asked => asked?,
        }
        if lost(source, self.cluster, self.args.accept_holes)? {
            source.assign()?;
            return Ok(true);
        }
        Err(cannot_read(&source.topic, error))
    }

    /// Whether the topics are still those that were there at the start. It is asked *behind* the reading and before what
    /// was read is made durable: so nothing of a recreated topic gets into the backup of the old one.
    fn are_the_same(&self, sources: &[Source], all: bool) -> Result<(), Asked> {
        let asked = sources
            .iter()
            .filter(|source| all || source.writing.is_dirty());
        let asked: Vec<&Source> = asked.collect();
        if asked.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = asked.iter().map(|source| source.topic.as_str()).collect();
        let known = self.admin.describe(&names);
        let known = known.map_err(|error| Asked::NoAnswer(error.to_string()))?;
        for source in asked {
            let topic = known
                .get(&source.topic)
                .ok_or_else(|| Asked::Another(deleted(&source.topic)))?;
            if topic.id != source.writing.manifest.topic_id {
                return Err(Asked::Another(Failure::run(format!(
                    "the topic `{}` was deleted and created again while it was exported. The backup holds the old one, and is whole; for the new one, take another directory.",
                    source.topic
                ))));
            }
            let lanes = source.writing.lanes.len();
            if self.args.follow && usize::try_from(topic.partitions).is_ok_and(|now| now > lanes) {
                return Err(Asked::Another(Failure::run(format!(
                    "the topic `{}` was given partitions: it has {} now, and had {lanes}. What was read before the last second is durable. Type the same command again: it goes on where the files end, with all of them.",
                    source.topic, topic.partitions
                ))));
            }
        }
        Ok(())
    }

    fn sync(&mut self, sources: &mut [Source], full_bytes: u64) -> Result<(), Failure> {
        let mut news = false;
        for source in sources.iter_mut() {
            if source.writing.is_dirty() || full_bytes == 0 {
                source.writing.sync(full_bytes)?;
                news = true;
            }
        }
        if news {
            self.show.durable(sources)?;
        }
        Ok(())
    }
}

/// Why it is not known that the topics are the same.
enum Asked {
    NoAnswer(String),
    Another(Failure),
}

impl From<Asked> for Failure {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::NoAnswer(problem) => Failure::run(format!(
                "{problem}. What was read last may be of a topic that was recreated, so it is not kept; everything before is durable. Type the same command again to go on."
            )),
            Asked::Another(failure) => failure,
        }
    }
}

fn lanes(sources: &[Source]) -> impl Iterator<Item = &Lane> {
    sources.iter().flat_map(|source| &source.writing.lanes)
}

fn stands_still(sources: &[Source], since: Duration) -> Failure {
    let waiting = sources.iter().find_map(|source| {
        let lane = source.writing.lanes.iter().find(|lane| !lane.is_through());
        lane.map(|lane| (source, lane))
    });
    let Some((source, lane)) = waiting else {
        return Failure::run("the brokers do not answer");
    };
    let complaint = source.reader.context().complaint();
    let complaint = complaint.map_or_else(String::new, |text| format!(" ({text})"));
    Failure::run(format!(
        "no record of {}[{}] arrived for {} s, though offset {} is not its end{complaint}. `kolo topics describe {}` shows whether the partition has a leader. What stands before offset {} is durable: type the same command again to go on.",
        source.topic,
        lane.partition,
        since.as_secs(),
        lane.next,
        source.topic,
        lane.durable
    ))
}
