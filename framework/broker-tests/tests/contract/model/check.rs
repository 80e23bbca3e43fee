//! Whether the model could have done what a broker was seen to do.
//!
//! The model leaves open when a record in flight arrives, and of those of a producer that is gone, how many do. Everything
//! else it promises. So the arrivals are taken from what was seen: before an operation showed that a partition had some
//! end, so many records had arrived there, and which ones is seen sooner or later. The model lets exactly those arrive,
//! which it only can in the order in which their producers sent them, and then must show the same.

use std::collections::HashMap;
use std::fmt;

use kolo_core::TopicId;
use kolo_testing::simulation::model::{MemberId, ProducerId, Refused, Report};
use uuid::Uuid;

use super::arrivals::{Part, arrivals};
use super::broker::NOWHERE;
use super::record::Draft;
use super::script::{GROUPS, Op, PRODUCERS, TOPICS, topic_of};
use super::seen::Seen;
use super::subject::Subject;

/// Something that was seen, and that the model cannot do.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The number of the operation, and the operation.
    at: usize,
    op: String,
    what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { at, op, what } = self;
        write!(f, "operation {at}, {op}:\n{what}")
    }
}

/// Looks for an order of arrivals with which the model does what was seen.
pub(crate) fn check(script: &[Op], seen: &[Seen], subject: Subject) -> Result<(), Difference> {
    let mut check = Check::new(script, seen, subject);
    for (at, (op, seen)) in script.iter().zip(seen).enumerate() {
        check.op(at, op, seen).map_err(|what| Difference {
            at,
            op: format!("{op:?}"),
            what,
        })?;
    }
    Ok(())
}

/// A record that was sent.
#[derive(Clone, Copy)]
struct Sent {
    producer: ProducerId,
    topic: usize,
    partition: usize,
}

struct Check {
    subject: Subject,
    arrivals: HashMap<(Part, i64), usize>,
    created: [usize; TOPICS],
    producers: [ProducerId; PRODUCERS],
    stalled: Option<ProducerId>,
    /// What was sent so far.
    sent: HashMap<usize, Sent>,
    /// Which record each number of a producer is.
    numbers: HashMap<(ProducerId, usize), usize>,
    /// The model's ids of topics and the broker's, as they go together.
    ids: HashMap<TopicId, Uuid>,
    members: [Vec<MemberId>; GROUPS],
}

impl Check {
    fn new(script: &[Op], seen: &[Seen], mut subject: Subject) -> Self {
        Check {
            arrivals: arrivals(script, seen),
            created: [0; TOPICS],
            producers: std::array::from_fn(|producer| subject.producer(topic_of(producer))),
            stalled: None,
            sent: HashMap::new(),
            numbers: HashMap::new(),
            ids: HashMap::new(),
            members: [const { Vec::new() }; GROUPS],
            subject,
        }
    }

    /// What a producer of the script sends, to its own topic.
    fn sent_by(&self, producer: usize, partition: usize) -> Sent {
        Sent {
            producer: self.producers[producer],
            topic: topic_of(producer),
            partition,
        }
    }

    fn op(&mut self, at: usize, op: &Op, seen: &Seen) -> Result<(), String> {
        let could = match *op {
            Op::Send {
                producer,
                partition,
                ref record,
            } => {
                let sent = self.sent_by(producer, partition);
                self.send(sent, at, record)
                    .map_err(|refused| refused.to_string())?;
                Seen::Nothing
            }
            Op::SendNowhere {
                producer,
                ref record,
            } => {
                let sent = self.sent_by(producer, NOWHERE);
                Seen::Refused(self.send(sent, at, record).is_err())
            }
            Op::Await { producer } => self.reports(self.producers[producer], seen)?,
            Op::Replace { producer } => {
                // What it had in flight stays on its way: it arrives if it is seen to.
                self.producers[producer] = self.subject.producer(topic_of(producer));
                Seen::Nothing
            }
            Op::Stall {
                topic,
                partition,
                ref record,
            } => {
                let producer = self.subject.producer(topic);
                self.stalled = Some(producer);
                let sent = Sent {
                    producer,
                    topic,
                    partition,
                };
                self.send(sent, at, record)
                    .map_err(|refused| refused.to_string())?;
                Seen::Nothing
            }
            Op::GoOn => {
                let producer = self.stalled.take().ok_or("no process has stalled")?;
                self.reports(producer, seen)?
            }
            Op::Read {
                topic,
                partition,
                from,
            } => self.read(topic, partition, from, seen)?,
            Op::Ends { topic, partition } => {
                if let Seen::Ends { next, .. } = *seen {
                    self.arrive_until(topic, partition, next)?;
                }
                let next = self.subject.end(topic, partition);
                Seen::Ends { first: 0, next }
            }
            Op::Id { topic } => return self.id(topic, seen),
            Op::Recreate { topic } => {
                self.subject.recreate(topic);
                self.created[topic] += 1;
                Seen::Nothing
            }
            Op::Join { group } => {
                let member = self.subject.join(group);
                self.members[group].push(member);
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
                let mut members = self.members[group].iter().rev();
                let member = members.nth(usize::from(!is_present));
                let member = *member.ok_or("the group has no such member")?;
                let committed = (next, metadata.clone());
                let counts = self
                    .subject
                    .commit(group, member, topic, partition, committed);
                Seen::Refused(!counts)
            }
            Op::Committed {
                group,
                topic,
                partition,
            } => Seen::Committed(self.subject.committed(group, topic, partition)),
        };
        if could == *seen {
            Ok(())
        } else {
            Err(format!("the model: {could:?}\n the broker: {seen:?}"))
        }
    }

    fn send(&mut self, sent: Sent, at: usize, record: &Draft) -> Result<(), Refused> {
        let Sent {
            producer,
            partition,
            ..
        } = sent;
        let number = self.subject.send(producer, partition, &record.append(at))?;
        self.sent.insert(at, sent);
        self.numbers.insert((producer, number), at);
        Ok(())
    }

    /// Everything that is acknowledged has arrived.
    fn reports(&mut self, producer: ProducerId, seen: &Seen) -> Result<Seen, String> {
        if let Seen::Reports(reports) = seen {
            for (number, outcome) in reports {
                let offset = outcome.clone().map_err(|error| {
                    format!("the model lets every record arrive in time; record {number}: {error}")
                })?;
                if let Some(&Sent {
                    topic, partition, ..
                }) = self.sent.get(number)
                {
                    self.arrive_until(topic, partition, offset + 1)?;
                }
            }
        }
        let mut could = Vec::new();
        while let Some(report) = self.subject.report(producer) {
            could.push(match report {
                Report::Acknowledged { number, offset } => {
                    (self.numbers[&(producer, number)], Ok(offset))
                }
                Report::Failed => return Err("the model gave a record up".to_owned()),
            });
        }
        could.sort();
        Ok(Seen::Reports(could))
    }

    fn read(
        &mut self,
        topic: usize,
        partition: usize,
        from: i64,
        seen: &Seen,
    ) -> Result<Seen, String> {
        if let Seen::Records(records) = seen {
            let end = records.last().map_or(from, |last| last.offset + 1);
            self.arrive_until(topic, partition, end)?;
        }
        Ok(match self.subject.read(topic, partition, from) {
            Ok(records) => Seen::Records(records),
            Err(Refused::OutOfRange { .. }) => Seen::OutOfRange,
            Err(refused) => return Err(refused.to_string()),
        })
    }

    /// A broker's ids are other numbers than the model's; what must agree is which of them are the same.
    fn id(&mut self, topic: usize, seen: &Seen) -> Result<(), String> {
        let &Seen::Id(theirs) = seen else {
            return Err(format!("no id: {seen:?}"));
        };
        let ours = self.subject.id(topic);
        match self.ids.get(&ours) {
            Some(&known) if known == theirs => Ok(()),
            Some(known) => Err(format!(
                "the model: topic {topic} has the id that was {known}\nthe broker: it is {theirs}"
            )),
            None if self.ids.values().any(|known| *known == theirs) => Err(format!(
                "the model: topic {topic} has a new id\nthe broker: it is {theirs}, which was seen before"
            )),
            None => {
                self.ids.insert(ours, theirs);
                Ok(())
            }
        }
    }

    /// Lets the records arrive that stood in a partition when it was seen to have this end.
    fn arrive_until(&mut self, topic: usize, partition: usize, end: i64) -> Result<(), String> {
        let part = (topic, self.created[topic], partition);
        loop {
            let offset = self.subject.end(topic, partition);
            if offset >= end {
                return Ok(());
            }
            let number = self.arrivals.get(&(part, offset)).ok_or_else(|| {
                format!("nobody sent what stands at offset {offset}, or it is never read")
            })?;
            let landed = self
                .sent
                .get(number)
                .and_then(|sent| self.subject.land(sent.producer, partition));
            if landed.is_none() {
                return Err(format!(
                    "record {number} stands at offset {offset}; in the model it is not on its way"
                ));
            }
        }
    }
}
