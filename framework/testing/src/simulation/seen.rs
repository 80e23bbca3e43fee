//! What is seen of a world: valid events and calls, and nothing that a service believes.

use hashbrown::HashSet;
use std::any::TypeId;
use std::cell::OnceCell;
use std::rc::Rc;

use kolo_core::wire::Stamp;
use kolo_core::{CorrelationId, Event, EventId, Port, TopicId};

use super::cast::Topic;
use super::world::World;
use crate::record::Stored;

/// A valid record of a topic.
#[derive(Debug, Clone)]
pub(crate) struct Valid {
    pub(crate) offset: usize,
    pub(crate) stored: Rc<Stored>,
    pub(crate) stamp: Option<Stamp>,
}

/// What stands in the topics, and what the ports were asked.
pub struct Seen<'w> {
    pub(crate) world: &'w World<'w>,
    valid: Vec<OnceCell<Vec<Valid>>>,
}

impl std::fmt::Debug for Seen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::story::topics(self))
    }
}

impl<'w> Seen<'w> {
    pub(crate) fn of(world: &'w World<'w>) -> Self {
        Seen {
            valid: world
                .plan
                .cast
                .topics
                .iter()
                .map(|_| OnceCell::new())
                .collect(),
            world,
        }
    }

    /// The valid events of a type, each once, in the order of its topic's partitions.
    ///
    /// # Panics
    /// When one cannot be decoded, which no service of kolo writes.
    #[must_use]
    pub fn events<E: Event>(&self) -> Vec<E> {
        self.records_of::<E>()
            .map(|valid| decoded(&valid.stored))
            .collect()
    }

    /// The valid events of a type, each once, with the saga that each belongs to.
    ///
    /// # Panics
    /// When one cannot be decoded, which no service of kolo writes.
    #[must_use]
    pub fn events_of_sagas<E: Event>(&self) -> Vec<(Option<CorrelationId>, E)> {
        let with_saga = |valid: &Valid| {
            let saga = valid.stamp.and_then(|stamp| stamp.correlation);
            (saga, decoded(&valid.stored))
        };
        self.records_of::<E>().map(with_saga).collect()
    }

    fn records_of<E: Event>(&self) -> impl Iterator<Item = &Valid> {
        let topic = self.world.plan.cast.known(E::TYPE.topic);
        let records = topic.map(|topic| self.valid(topic)).unwrap_or_default();
        records
            .iter()
            .filter(|valid| valid.stored.event_type == E::TYPE.name)
    }

    /// What a port was asked, each idempotency key once.
    ///
    /// # Panics
    /// When a request cannot be decoded, which no service of kolo writes.
    #[must_use]
    pub fn calls<P: Port>(&self) -> Vec<P::Request> {
        let asked = self.world.ledger.asked.values();
        let asked = asked.filter(|asked| asked.port == TypeId::of::<P>());
        let asked = asked.map(|asked| match P::Request::decode(&asked.call.value) {
            Ok(request) => request,
            Err(problem) => unreadable(P::Request::TYPE.name, &problem),
        });
        asked.collect()
    }

    /// The valid records of a topic without kolo's own, each id of a topic without an owner once.
    pub(crate) fn valid(&self, topic: Topic) -> &[Valid] {
        self.valid[topic].get_or_init(|| self.read(topic))
    }

    /// The valid records of the topic of this name; none if nobody reads or writes it.
    pub(crate) fn valid_of(&self, topic: &str) -> impl Iterator<Item = &Valid> {
        let topic = self.world.plan.cast.known(topic);
        topic
            .map(|topic| self.valid(topic))
            .unwrap_or_default()
            .iter()
    }

    /// All records of a partition of the topic of this name.
    pub(crate) fn partition(&self, topic: &str, partition: usize) -> &[Rc<Stored>] {
        let topic = self.world.plan.cast.known(topic);
        let records = topic.map(|topic| self.world.log.partition(topic, partition));
        records.map(Vec::as_slice).unwrap_or_default()
    }

    /// The id of the topic of this name.
    pub(crate) fn topic_id(&self, topic: &str) -> TopicId {
        let topic = self.world.plan.cast.known(topic);
        topic.map_or(TopicId(Default::default()), |topic| {
            self.world.log.id(topic)
        })
    }

    /// Whether newer declarations were deployed.
    pub(crate) fn is_deployed(&self) -> bool {
        self.world.is_deployed
    }

    /// The fact with this id: its type and its value.
    pub(crate) fn published(&self, id: EventId) -> Option<(&'static str, &[u8])> {
        let facts = self.world.sagas.iter().flat_map(|saga| &saga.facts);
        let mut facts = facts.filter(|(_, known)| *known == id);
        let (fact, _) = facts.next()?;
        Some((fact.event_type.name, &fact.value))
    }

    fn read(&self, topic: Topic) -> Vec<Valid> {
        let world = self.world;
        let mut all = Vec::new();
        for partition in 0..world.plan.cast.partitions {
            let valid = world.log.valid(topic, partition);
            all.extend(valid.map(|(offset, stored, stamp)| Valid {
                offset,
                stamp,
                stored: Rc::clone(stored),
            }));
        }
        if world.plan.is_intake(topic) {
            // A fact that was published twice is one fact.
            let mut ids = HashSet::new();
            all.retain(|valid| ids.insert(valid.stored.id));
        }
        all
    }
}

fn decoded<E: Event>(stored: &Stored) -> E {
    match E::decode(stored.value()) {
        Ok(event) => event,
        Err(problem) => unreadable(E::TYPE.name, &problem),
    }
}

#[expect(clippy::panic, reason = "a test cannot go on from it")]
fn unreadable(event: &str, problem: &kolo_core::DecodeError) -> ! {
    panic!("a valid `{event}` cannot be read: {problem}")
}
