//! The world: topics, aggregates, routers and the outside.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use kolo_core::wire::{self, Source, Stamp};
use kolo_core::{EffectCall, Event, EventId, Path, Position, Reply, Service};

use crate::member::{Member, Taken, offset, topic_id};
use crate::record::Stored;

pub(crate) type Topics = BTreeMap<String, Vec<Rc<Stored>>>;

/// What the outside replies to a call of this port: the same to the same request, as a port does that honours the
/// idempotency key.
pub type Outside = fn(TypeId, &EffectCall) -> Reply;

/// Something that can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A fact from outside is published, by its place among those that are not yet.
    Publish(usize),
    /// An aggregate takes up the next record of an input.
    Deliver {
        /// The aggregate's place.
        member: usize,
        /// The input's place.
        input: usize,
    },
    /// A port is called, and its reply answers the request.
    Reply {
        /// The aggregate's place.
        member: usize,
        /// The request's place among the pending ones.
        request: usize,
    },
    /// An aggregate's earliest deadline passes.
    Pass {
        /// The aggregate's place.
        member: usize,
    },
}

/// Services, and what has happened to them. A copy goes its own way.
#[derive(Clone)]
pub struct World {
    topics: Topics,
    members: Vec<Member>,
    unpublished: Vec<(&'static str, Rc<Stored>)>,
    /// The calls that reached the outside, by idempotency key.
    calls: BTreeMap<EventId, (TypeId, EffectCall)>,
    outside: Outside,
    copies: usize,
    /// Whether deadlines may pass; time stands still else.
    time_passes: bool,
}

impl World {
    /// A world of these services, all of whose owners have just started.
    #[must_use]
    pub fn new(services: &[Service], outside: Outside) -> Self {
        World::of(services.iter().flat_map(Member::all).collect(), outside)
    }

    /// A world of one aggregate alone: whatever others would tell it comes from outside.
    #[must_use]
    pub fn only(service: &Service, aggregate: &str, outside: Outside) -> Self {
        let mut members = Member::all(service);
        members.retain(|member| member.description.aggregate == aggregate);
        World::of(members, outside)
    }

    fn of(members: Vec<Member>, outside: Outside) -> Self {
        let (topics, unpublished, calls) = (Topics::new(), Vec::new(), BTreeMap::new());
        let mut world = World {
            topics,
            members,
            unpublished,
            calls,
            outside,
            copies: 1,
            time_passes: false,
        };
        for member in 0..world.members.len() {
            world.restart(member);
        }
        world
    }

    /// Makes routers put each copy this many times, as they do that crash before they commit.
    #[must_use]
    pub fn with_copies(mut self, copies: usize) -> Self {
        self.copies = copies;
        self
    }

    /// Lets deadlines pass, at any moment.
    #[must_use]
    pub fn with_deadlines(mut self) -> Self {
        self.time_passes = true;
        self
    }

    /// Adds a fact that may be published at any time, under the id that `name` stands for.
    #[must_use]
    pub fn with<E: Event>(mut self, event: &E, name: &str) -> Self {
        self.unpublished
            .push((E::TYPE.topic, Rc::new(Stored::foreign(event, name))));
        self
    }

    /// Lets a fact from outside arrive, and everything happen that follows from it, requests in their order.
    pub fn arrive<E: Event>(&mut self, event: &E, name: &str) {
        self.put(E::TYPE.topic, &Rc::new(Stored::foreign(event, name)));
        self.pass_over();
        self.rest();
    }

    /// Lets everything happen that can, without what is not published yet and without waiting for a deadline.
    pub fn rest(&mut self) {
        let follows = |step: &Step| !matches!(step, Step::Publish(_) | Step::Pass { .. });
        while let Some(step) = self.steps().into_iter().find(follows) {
            self.take(step);
        }
    }

    /// Everything that can happen next; nothing when all is quiet.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = (0..self.unpublished.len()).map(Step::Publish).collect();
        for (member, of) in self.members.iter().enumerate() {
            let unread = (0..of.inputs.len()).filter(|&input| self.unread(of, input).is_some());
            steps.extend(unread.map(|input| Step::Deliver { member, input }));
            steps.extend((0..of.pending.len()).map(|request| Step::Reply { member, request }));
            let is_due = self.time_passes && of.due.is_some();
            steps.extend(is_due.then_some(Step::Pass { member }));
        }
        steps
    }

    /// Lets one of [`World::steps`] happen.
    pub fn take(&mut self, step: Step) {
        let (member, appended) = self.decide(step);
        if let Some(member) = member {
            self.append(member, appended);
        }
        self.pass_over();
    }

    /// Lets a step of an aggregate happen whose owner crashes after its first `kept` appends have reached the log;
    /// another owner takes over. What the outside was called with has happened.
    pub fn crash_in(&mut self, step: Step, kept: usize) {
        let (member, mut appended) = self.decide(step);
        if let Some(member) = member {
            appended.truncate(kept);
            self.append(member, appended);
            self.restart(member);
        }
        self.pass_over();
    }

    /// All events of a type, as the topic has them.
    #[must_use]
    pub fn events<E: Event>(&self) -> Vec<E> {
        let records = self.topics.get(E::TYPE.topic).into_iter().flatten();
        let records = records.filter(|record| record.event_type == E::TYPE.name);
        records.map(|record| decoded(&record.value)).collect()
    }

    /// The requests with which a port was called, each once.
    #[must_use]
    pub fn calls<E: Event>(&self, port: TypeId) -> Vec<E> {
        let calls = self.calls.values().filter(|(called, _)| *called == port);
        calls.map(|(_, call)| decoded(&call.value)).collect()
    }

    /// What every topic must hold in every state: no event id twice in a stream, and no cause that nobody knows.
    ///
    /// # Panics
    /// When it does not.
    pub fn check_log(&self) {
        let known: BTreeSet<&str> = self
            .topics
            .values()
            .flatten()
            .map(|record| record.id.as_str())
            .collect();
        for member in &self.members {
            let mut seen = BTreeSet::new();
            for record in &self.topics[member.description.stream] {
                assert!(
                    seen.insert(&record.id),
                    "{} twice in {}: {record:?}",
                    record.id,
                    member.name
                );
                let stamp = record
                    .stamp
                    .as_deref()
                    .and_then(|stamp| Stamp::read(stamp).ok());
                if let Some(cause) = stamp.and_then(|stamp| stamp.causation) {
                    assert!(
                        known.contains(cause.to_string().as_str()),
                        "{record:?} has no cause"
                    );
                }
            }
        }
    }

    /// What tells this state from another: topics, positions, pending requests and what is not published yet.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (topic, records) in &self.topics {
            topic.hash(&mut hasher);
            for record in records {
                (&record.id, &record.event_type, &record.value).hash(&mut hasher);
            }
        }
        for member in &self.members {
            member.next.hash(&mut hasher);
            member.pending.len().hash(&mut hasher);
        }
        self.unpublished.hash(&mut hasher);
        hasher.finish()
    }

    /// What each topic holds, for people.
    #[must_use]
    pub fn story(&self) -> String {
        let mut story = String::new();
        for (topic, records) in &self.topics {
            let types = records.iter().map(|record| {
                let name = record.event_type.rsplit('.').next().unwrap_or_default();
                format!("{name}({})", String::from_utf8_lossy(&record.key))
            });
            let types: Vec<String> = types.collect();
            story += &format!("  {topic}: {}\n", types.join(" "));
        }
        story
    }

    /// Another owner takes an aggregate over.
    fn restart(&mut self, member: usize) {
        let appended = self.members[member].take_over(&self.topics);
        self.append(member, appended);
        self.pass_over();
    }

    fn unread(&self, member: &Member, input: usize) -> Option<&Rc<Stored>> {
        self.topics
            .get(&member.inputs[input])?
            .get(member.next[input])
    }

    /// Lets the step happen up to what it appends.
    fn decide(&mut self, step: Step) -> (Option<usize>, Vec<Stored>) {
        let (member, taken) = match step {
            Step::Publish(at) => {
                let (topic, record) = self.unpublished.remove(at);
                self.put(topic, &record);
                return (None, Vec::new());
            }
            Step::Deliver { member, input } => (
                member,
                Taken::Record(input, self.members[member].next[input]),
            ),
            Step::Reply { member, request } => {
                let of = &self.members[member];
                let call = of.pending[request].clone();
                let port = of.description.effects[call.effect].port;
                self.calls.insert(call.request, (port, call.clone()));
                (member, Taken::Reply(call))
            }
            Step::Pass { member } => {
                let due = self.members[member].due.unwrap_or_default();
                (member, Taken::Passed(due))
            }
        };
        (
            Some(member),
            self.members[member].take(taken, &self.topics, self.outside),
        )
    }

    fn append(&mut self, member: usize, records: Vec<Stored>) {
        let stream = self.members[member].description.stream;
        for record in records {
            self.put(stream, &Rc::new(record));
        }
    }

    /// Appends to a topic, and lets the routers do their work at once: when a copy is taken up is another matter.
    fn put(&mut self, topic: &str, record: &Rc<Stored>) {
        let log = self.topics.entry(topic.to_owned()).or_default();
        let at = log.len();
        log.push(Rc::clone(record));
        if wire::is_own_record(&record.event_type) {
            return;
        }
        for member in &self.members {
            let routed = member.description.routed_topics().contains(&topic);
            let Some(inbox) = member.inbox().filter(|_| routed) else {
                continue;
            };
            for copy in copies(member, topic, at, record) {
                let inbox = self.topics.entry(inbox.clone()).or_default();
                inbox.extend(std::iter::repeat_n(Rc::new(copy), self.copies));
            }
        }
    }

    /// Lets the aggregates read over what they do not react to: it changes nothing for anybody else.
    fn pass_over(&mut self) {
        for member in 0..self.members.len() {
            for input in 0..self.members[member].inputs.len() {
                while let of = &self.members[member]
                    && let Some(record) = self.unread(of, input)
                    && !of.handles(&record.event_type)
                {
                    let (_, appended) = self.decide(Step::Deliver { member, input });
                    assert!(
                        appended.is_empty(),
                        "nothing answers a record that is not handled"
                    );
                }
            }
        }
    }
}

fn copies(member: &Member, topic: &str, at: usize, record: &Stored) -> Vec<Stored> {
    let mut keys = Vec::new();
    let routed = member
        .participant
        .route(&record.event_type, &record.value, &mut keys);
    if let Some(Err(problem)) = routed {
        panic!("{record:?} is routed: {problem}");
    }
    let origin = record
        .stamp
        .as_deref()
        .and_then(|stamp| Stamp::read(stamp).ok());
    let copies = keys.into_iter().zip(0..).map(|(key, copy)| {
        let position = Position {
            offset: offset(at),
            copy,
        };
        record.copied(
            key,
            &Stamp {
                correlation: origin.and_then(|stamp| stamp.correlation),
                causation: origin.and_then(|stamp| stamp.causation),
                writer: None,
                source: Source::Copy {
                    path: Path::Route(1),
                    topic: topic_id(topic),
                    partition: 0,
                    position,
                    // No copy is lost here.
                    after: None,
                },
                index: 1,
                count: 1,
            },
        )
    });
    copies.collect()
}

fn decoded<E: Event>(value: &[u8]) -> E {
    E::decode(value).unwrap_or_else(|problem| panic!("{problem}"))
}
