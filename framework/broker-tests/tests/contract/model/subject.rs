//! The model that a broker is held against: the simulator's own log, or one that is wrong on purpose.

use kolo_core::EventId;
use kolo_core::TopicId;
use kolo_core::processor::Append;
use kolo_core::wire::{CE_ID, CE_TYPE, KOLO, KOLO_REST, Record};
use kolo_testing::simulation::model::{Committed, MemberId, Model, ProducerId, Refused, Report};

use super::record::Found;
use super::script::{GROUPS, PARTITIONS, TOPICS};

/// What a model can have wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Acknowledgements name the offset behind the record.
    AcknowledgesTheNextOffset,
    /// Records stand at the time at which they arrive, not at the client's.
    StampsRecords,
    /// Headers are lost.
    LosesHeaders,
    /// A record for no partition is taken.
    TakesAnyPartition,
    /// A reader out of range is told that there is nothing yet.
    ReadsOutOfRange,
    /// A topic that is created again has the id that it had.
    KeepsIds,
    /// A topic that is created again has the records that it had.
    KeepsRecords,
    /// What is committed beside a position is lost.
    LosesMetadata,
    /// Who is no member any more can commit.
    LetsAnyoneCommit,
}

impl Fault {
    pub(crate) const ALL: [Fault; 9] = [
        Fault::AcknowledgesTheNextOffset,
        Fault::StampsRecords,
        Fault::LosesHeaders,
        Fault::TakesAnyPartition,
        Fault::ReadsOutOfRange,
        Fault::KeepsIds,
        Fault::KeepsRecords,
        Fault::LosesMetadata,
        Fault::LetsAnyoneCommit,
    ];
}

/// A model, and its fault if it has one.
pub(crate) struct Subject {
    model: Model,
    fault: Option<Fault>,
    /// How often each topic was created again.
    recreated: [usize; TOPICS],
    present: [Option<MemberId>; GROUPS],
}

impl Subject {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        let topics: Vec<_> = (0..TOPICS).map(|topic| format!("topic-{topic}")).collect();
        let mut model = Model::new(&topics, PARTITIONS);
        for _ in 0..GROUPS {
            model.group();
        }
        Subject {
            model,
            fault,
            recreated: [0; TOPICS],
            present: [None; GROUPS],
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn producer(&mut self, topic: usize) -> ProducerId {
        self.model.producer(topic)
    }

    pub(crate) fn send(
        &mut self,
        producer: ProducerId,
        partition: usize,
        record: &Append<'_>,
    ) -> Result<usize, Refused> {
        match self.model.send(producer, partition, record) {
            Err(Refused::Partition(_)) if self.has(Fault::TakesAnyPartition) => {
                self.model.send(producer, 0, record)
            }
            sent => sent,
        }
    }

    pub(crate) fn land(&mut self, producer: ProducerId, partition: usize) -> Option<i64> {
        self.model.land(producer, partition)
    }

    pub(crate) fn report(&mut self, producer: ProducerId) -> Option<Report> {
        let report = self.model.report(producer)?;
        Some(match report {
            Report::Acknowledged { number, offset }
                if self.has(Fault::AcknowledgesTheNextOffset) =>
            {
                Report::Acknowledged {
                    number,
                    offset: offset + 1,
                }
            }
            report => report,
        })
    }

    pub(crate) fn end(&self, topic: usize, partition: usize) -> i64 {
        self.model.end(topic, partition)
    }

    pub(crate) fn read(
        &self,
        topic: usize,
        partition: usize,
        from: i64,
    ) -> Result<Vec<Found>, Refused> {
        let records = match self.model.read(topic, partition, from) {
            Err(Refused::OutOfRange { .. }) if self.has(Fault::ReadsOutOfRange) => Vec::new(),
            read => read?,
        };
        let found = records.iter().map(found).map(|mut found| {
            if self.has(Fault::StampsRecords) {
                found.at_ms = 1_700_000_000_000;
            }
            if self.has(Fault::LosesHeaders) {
                found.headers.truncate(2);
            }
            found
        });
        Ok(found.collect())
    }

    pub(crate) fn id(&self, topic: usize) -> TopicId {
        match self.fault {
            Some(Fault::KeepsIds) => TopicId(EventId::foreign(&format!("{topic}")).0),
            Some(Fault::KeepsRecords) => {
                TopicId(EventId::foreign(&format!("{topic} {}", self.recreated[topic])).0)
            }
            _ => self.model.id(topic),
        }
    }

    pub(crate) fn recreate(&mut self, topic: usize) {
        self.recreated[topic] += 1;
        if !self.has(Fault::KeepsRecords) {
            self.model.recreate(topic);
        }
    }

    pub(crate) fn join(&mut self, group: usize) -> MemberId {
        let member = self.model.join(group);
        self.present[group] = Some(member);
        member
    }

    pub(crate) fn commit(
        &mut self,
        group: usize,
        member: MemberId,
        topic: usize,
        partition: usize,
        committed: Committed,
    ) -> bool {
        let present = self.present[group].filter(|_| self.has(Fault::LetsAnyoneCommit));
        let member = present.unwrap_or(member);
        self.model.commit(member, topic, partition, committed)
    }

    pub(crate) fn committed(
        &self,
        group: usize,
        topic: usize,
        partition: usize,
    ) -> Option<Committed> {
        let (next, metadata) = self.model.committed(group, topic, partition)?.clone();
        let is_lost = self.has(Fault::LosesMetadata);
        Some((next, if is_lost { String::new() } else { metadata }))
    }
}

/// A record of the model as a reader finds it, with its headers in the order in which kolo writes them.
fn found(record: &Record<'_>) -> Found {
    let headers = &record.headers;
    let named = [
        (CE_ID, headers.id.map(str::as_bytes)),
        (CE_TYPE, headers.event_type.map(str::as_bytes)),
        (KOLO, headers.stamp.map(str::as_bytes)),
        (KOLO_REST, headers.rest),
    ];
    let named = named.into_iter();
    Found {
        offset: record.offset,
        at_ms: record.timestamp.as_millis(),
        key: record.key.map(Into::into),
        value: record.value.map(Into::into),
        headers: named
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
            .collect(),
    }
}
