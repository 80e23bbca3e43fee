//! The loop: reads all topics in turn, and writes what is shown.

use std::io::{BufWriter, Write};
use std::time::Duration;

use kolo_core::TopicId;
use kolo_kafka::ends_reading;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};

use super::filter::Filter;
use super::merge::Merge;
use super::row::{Knowledge, Raw, Row};
use super::source::{Part, Source};
use crate::args::Tail;
use crate::failure::Failure;
use crate::scan::{cannot_read, headers};
use crate::terminal::{Interrupt, note};

/// How long an idle round waits for the next record.
const IDLE: Duration = Duration::from_millis(20);
/// Records that one topic may deliver before the others have their turn.
const TURN_RECORDS: usize = 1_000;

/// What is shown, and when it ends.
pub(super) struct Follow<'a> {
    pub(super) args: &'a Tail,
    pub(super) filter: Filter,
    pub(super) knowledge: Knowledge<'a>,
    pub(super) shown: u64,
    pub(super) interrupt: Interrupt,
}

impl Follow<'_> {
    pub(super) fn run(mut self, sources: &mut [Source], mut merge: Merge) -> Result<(), Failure> {
        let mut out = BufWriter::new(anstream::stdout().lock());
        let mut turn = 0;
        loop {
            let mut idle = true;
            for source in sources.iter_mut() {
                for _ in 0..TURN_RECORDS {
                    if !self.poll(source, Duration::ZERO, &mut merge)? {
                        break;
                    }
                    idle = false;
                }
                source.hold_back(&mut merge)?;
            }
            while let Some(text) = merge.next() {
                if self.args.limit.is_some_and(|limit| self.shown >= limit) {
                    break;
                }
                writeln!(out, "{text}")?;
                self.shown += 1;
            }
            let enough = self.args.limit.is_some_and(|limit| self.shown >= limit);
            if enough || self.interrupt.came() || (self.args.no_follow && merge.is_through()) {
                out.flush()?;
                return Ok(());
            }
            if idle {
                out.flush()?;
                turn = (turn + 1) % sources.len().max(1);
                self.poll(&mut sources[turn], IDLE, &mut merge)?;
            }
        }
    }

    /// Takes one event of a source; false if there was none.
    fn poll(
        &self,
        source: &mut Source,
        wait: Duration,
        merge: &mut Merge,
    ) -> Result<bool, Failure> {
        let Source {
            topic,
            id,
            reader,
            parts,
            told,
        } = source;
        match reader.poll(wait) {
            None => return Ok(false),
            Some(Ok(message)) => {
                *told = None;
                if let Some(part) = parts
                    .iter_mut()
                    .find(|part| part.number == message.partition())
                {
                    self.take(&message, topic, *id, part, merge);
                }
            }
            Some(Err(KafkaError::PartitionEOF(number))) => {
                if let Some(part) = parts.iter().find(|part| part.number == number) {
                    merge.caught_up(part.lane);
                }
            }
            Some(Err(error)) if ends_reading(&error) => return Err(cannot_read(topic, &error)),
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
            }
        }
        Ok(true)
    }

    fn take(
        &self,
        message: &BorrowedMessage<'_>,
        topic: &str,
        id: Option<TopicId>,
        part: &mut Part,
        merge: &mut Merge,
    ) {
        let offset = message.offset();
        let is_new = offset >= part.end;
        if is_new {
            merge.caught_up(part.lane);
        }
        if !(is_new && self.args.no_follow) {
            let headers = headers(message);
            let standing = part.judge.read(offset, &headers, message.payload());
            if offset >= part.show_from {
                let raw = Raw {
                    topic,
                    id,
                    partition: part.number,
                    offset,
                    millis: message.timestamp().to_millis(),
                    key: message.key(),
                    value: message.payload(),
                    headers,
                };
                let row = Row::new(&raw, standing, &part.judge, &self.knowledge);
                if self.filter.lets_through(&row) {
                    let text = if self.args.json {
                        row.json().to_string()
                    } else {
                        row.text(self.args.long)
                    };
                    merge.push(part.lane, row.millis.unwrap_or(0), text);
                }
            }
        }
        if offset + 1 >= part.end {
            merge.caught_up(part.lane);
        }
    }
}
