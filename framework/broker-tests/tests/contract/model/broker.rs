//! A script on the broker under test.

use std::thread::JoinHandle;

use kafka_protocol::messages::DeleteTopicsRequest;
use kafka_protocol::messages::create_topics_request::CreatableTopicConfig;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::fetch_response::PartitionData;

use super::producer::Writer;
use super::record::{Draft, Found};
use super::script::{GROUPS, Op, PARTITIONS, PRODUCERS, TOPICS, topic_of};
use super::seen::Seen;
use super::stalled::Stalled;
use crate::common::admin::{await_gone, await_serving};
use crate::common::calls::{records_of, text, topic_name};
use crate::common::errors::{ILLEGAL_GENERATION, NONE, OFFSET_OUT_OF_RANGE, UNKNOWN_MEMBER_ID};
use crate::common::raw::Raw;
use crate::common::raw_member::{RawMember, committed};
use crate::common::{await_that, unique};
use crate::topics::{ask_to_create, creatable};

/// A number that no topic has for a partition.
pub(crate) const NOWHERE: usize = 7;

/// Runs a script on topics and groups of its own; tells what is seen of each operation.
pub(crate) fn run(script: &[Op]) -> Vec<Seen> {
    let mut run = Run {
        raw: Raw::connect(),
        topics: std::array::from_fn(|_| unique("script")),
        writers: std::array::from_fn(|_| None),
        leaving: Vec::new(),
        stalled: None,
        groups: std::array::from_fn(|_| unique("script")),
        members: std::array::from_fn(|_| Members::default()),
    };
    run.topics.iter().for_each(|topic| create(topic));
    let seen = (0..).zip(script).map(|(number, op)| run.op(number, op));
    let seen = seen.collect();
    let writers = run.writers.into_iter().flatten();
    writers.for_each(Writer::give_back);
    seen
}

struct Run {
    raw: Raw,
    topics: [String; TOPICS],
    /// Each from the moment at which it is first used.
    writers: [Option<Writer>; PRODUCERS],
    /// Those that were thrown away.
    leaving: Vec<JoinHandle<()>>,
    stalled: Option<Stalled>,
    groups: [String; GROUPS],
    members: [Members; GROUPS],
}

#[derive(Default)]
struct Members {
    present: Option<RawMember>,
    before: Option<RawMember>,
}

impl Run {
    fn op(&mut self, number: usize, op: &Op) -> Seen {
        match *op {
            Op::Send {
                producer,
                partition,
                ref record,
            } => {
                let sent = self.send(producer, partition, number, record);
                assert!(sent, "the client's queue has room");
                Seen::Nothing
            }
            Op::SendNowhere {
                producer,
                ref record,
            } => {
                let sent = self.send(producer, NOWHERE, number, record);
                // The client may only find out when it has asked the broker.
                Seen::Refused(!sent || self.writer(producer).report_of(number).is_err())
            }
            Op::Await { producer } => {
                let writer = self.writers[producer].as_mut();
                Seen::Reports(writer.map(Writer::reports).unwrap_or_default())
            }
            Op::Replace { producer } => {
                let writer = self.writers[producer].take();
                self.leaving.extend(writer.map(Writer::throw_away));
                Seen::Nothing
            }
            Op::Stall {
                topic,
                partition,
                ref record,
            } => {
                let record = record.found(number, 0);
                let topic = &self.topics[topic];
                self.stalled = Some(Stalled::sending(topic, partition, number, &record));
                Seen::Nothing
            }
            Op::GoOn => {
                let stalled = self.stalled.take().expect("a process that stalled");
                Seen::Reports(vec![stalled.go_on()])
            }
            Op::Read {
                topic,
                partition,
                from,
            } => self.read(topic, partition, from),
            Op::Ends { topic, partition } => {
                let (first, next) = self.raw.watermarks(&self.topics[topic], partition as i32);
                Seen::Ends { first, next }
            }
            Op::Id { topic } => Seen::Id(self.raw.describe_topic(&self.topics[topic]).topic_id),
            Op::Recreate { topic } => {
                self.recreate(topic);
                Seen::Nothing
            }
            Op::Join { group } => {
                self.join(group);
                Seen::Nothing
            }
            Op::Commit {
                group,
                is_present,
                topic,
                partition,
                next,
                ref metadata,
            } => {
                let members = &mut self.members[group];
                let member = if is_present {
                    &mut members.present
                } else {
                    &mut members.before
                };
                let member = member.as_mut().expect("a member");
                let topic = &self.topics[topic];
                match member.commit_with(topic, partition as i32, next, metadata) {
                    NONE => Seen::Refused(false),
                    UNKNOWN_MEMBER_ID | ILLEGAL_GENERATION => Seen::Refused(true),
                    code => panic!("a commit was answered with Kafka's error {code}"),
                }
            }
            Op::Committed {
                group,
                topic,
                partition,
            } => Seen::Committed(self.committed(group, topic, partition)),
        }
    }

    fn writer(&mut self, producer: usize) -> &mut Writer {
        self.writers[producer].get_or_insert_with(Writer::take)
    }

    fn send(&mut self, producer: usize, partition: usize, number: usize, record: &Draft) -> bool {
        let topic = self.topics[topic_of(producer)].clone();
        let record = record.found(number, 0);
        self.writer(producer)
            .send(&topic, partition, number, &record)
    }

    fn read(&mut self, topic: usize, partition: usize, from: i64) -> Seen {
        let topic = &self.topics[topic];
        let mut records = Vec::new();
        let mut next = from;
        loop {
            let answer = self.raw.fetch(topic, partition as i32, next);
            match answer.error_code {
                NONE => {}
                OFFSET_OUT_OF_RANGE if records.is_empty() => return Seen::OutOfRange,
                code => panic!("a fetch was answered with Kafka's error {code}"),
            }
            let found = found_of(&answer, next);
            let Some(last) = found.last() else {
                return Seen::Records(records);
            };
            next = last.offset + 1;
            records.extend(found);
        }
    }

    /// Deletes a topic with all that was committed for it, and creates it again.
    fn recreate(&mut self, topic: usize) {
        // A producer that asks for its topic while it is gone creates it, where a broker does so.
        self.leaving.drain(..).for_each(await_end);
        let name = self.topics[topic].clone();
        let state = DeleteTopicState::default().with_name(Some(topic_name(&name)));
        let request = DeleteTopicsRequest::default()
            .with_topics(vec![state])
            .with_timeout_ms(20_000);
        let answer = self.raw.call(6, &request);
        assert_eq!(answer.responses[0].error_code, NONE, "{answer:?}");
        await_gone(&name);
        for group in (0..GROUPS).filter(|&group| self.members[group].present.is_some()) {
            for partition in 0..PARTITIONS {
                await_that("the end of a deleted topic's commits", || {
                    committed(&mut self.raw, &self.groups[group], &name, partition as i32)
                        .committed_offset
                        == -1
                });
            }
        }
        create(&name);
    }

    fn join(&mut self, group: usize) {
        let members = &mut self.members[group];
        members.before = members.present.take();
        if let Some(member) = &mut members.before {
            member.leave();
        }
        let mut member = RawMember::new(&self.groups[group]);
        // It sends no heartbeats, and a model has no sessions.
        member.session_ms = 600_000;
        member.join_alone();
        members.present = Some(member);
    }

    fn committed(&mut self, group: usize, topic: usize, partition: usize) -> Option<(i64, String)> {
        // A group that nobody ever joined has no coordinator to ask.
        self.members[group].present.as_ref()?;
        let (group, topic) = (&self.groups[group], &self.topics[topic]);
        let told = committed(&mut self.raw, group, topic, partition as i32);
        let metadata = told.metadata.unwrap_or_default().to_string();
        (told.committed_offset != -1).then_some((told.committed_offset, metadata))
    }
}

fn await_end(leaving: JoinHandle<()>) {
    leaving.join().expect("a client that ends");
}

/// Records are as old as a script wants, and stay.
fn create(topic: &str) {
    let forever = CreatableTopicConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("-1")));
    let wanted = creatable(topic, PARTITIONS as i32, 1).with_configs(vec![forever]);
    let created = ask_to_create(vec![wanted], false).remove(0);
    assert_eq!(created.error_code, NONE, "{created:?}");
    await_serving(topic, PARTITIONS as i32);
}

/// The records of an answer from an offset on: a batch comes whole.
fn found_of(answer: &PartitionData, from: i64) -> Vec<Found> {
    let records = records_of(answer).into_iter();
    let records = records.filter(|record| record.offset >= from);
    let found = records.map(|record| Found {
        offset: record.offset,
        at_ms: record.timestamp,
        key: record.key.map(Into::into),
        value: record.value.map(Into::into),
        headers: record
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_string(), value.expect("a value").into()))
            .collect(),
    });
    found.collect()
}
