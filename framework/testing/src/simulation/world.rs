//! A world: the log, its owners, routers and ports together, and what a step does to them.

use std::collections::VecDeque;
use std::rc::Rc;

use kolo_core::processor::Outcome;
use kolo_core::{EventId, Timestamp};

use super::cast::Topic;
use super::commits::Commits;
use super::fact::{Fact, Saga};
use super::log::Log;
use super::outside::Ledger;
use super::owner::{Owner, Starting, Surprise};
use super::plan::Plan;
use super::router::{Committed, Router};
use super::step::Who;
use crate::record::Stored;

/// When a simulated world begins: some day, so that a state can look back from it.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) struct World<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) log: Log,
    pub(crate) ledger: Ledger,
    pub(crate) sagas: Vec<Saga>,
    pub(crate) clock: Timestamp,
    /// For each aggregate and partition: its owners, the latest last. Those that can do nothing any more are left out.
    pub(crate) owners: Vec<Vec<Owner>>,
    /// For each route and partition: its routers, the latest last.
    pub(crate) routers: Vec<Vec<Router>>,
    /// What its group has committed.
    pub(crate) committed: Commits<Committed>,
    /// What a group has committed for each aggregate, partition and input, where positions do not come from the stream.
    pub(crate) committed_inputs: Vec<Vec<usize>>,
    pub(crate) is_deployed: bool,
    /// Facts stood in topics that are deleted.
    pub(crate) is_recreated: bool,
    nonce: u64,
    /// The last moments at which time passed, and where every topic ended then.
    pub(crate) moments: VecDeque<Moment>,
}

/// A moment at which time passed.
pub(crate) struct Moment {
    at: Timestamp,
    /// Where each partition of each topic ended.
    ends: Vec<Vec<usize>>,
}

/// How many moments are kept: owners that lag further behind are not looked at.
const MOMENTS: usize = 16;

impl<'p> World<'p> {
    /// The world before anything is published but what is given; every partition has an owner that is about to start.
    pub(crate) fn new(plan: &'p Plan, sagas: Vec<Saga>) -> Self {
        let cast = &plan.cast;
        let broken = plan.broken;
        let (members, partitions) = (cast.members.len(), cast.partitions);
        let mut world = World {
            log: Log::new(&cast.topics, partitions, !broken.numbers, !broken.topic_ids),
            ledger: Ledger::default(),
            sagas,
            clock: BEGINNING,
            owners: (0..members * partitions).map(|_| Vec::new()).collect(),
            routers: Vec::new(),
            committed: Commits::new(cast.routes.len() * partitions),
            committed_inputs: vec![Vec::new(); members * partitions],
            is_deployed: false,
            is_recreated: false,
            nonce: 0,
            moments: VecDeque::new(),
            plan,
        };
        for (fact, id) in &plan.given {
            world.publish(fact, *id);
        }
        for place in 0..members * partitions {
            world.take_over(place);
        }
        for place in 0..cast.routes.len() * partitions {
            world.routers.push(Vec::new());
            world.router_start(place);
        }
        world
    }

    /// Publishes a fact.
    pub(crate) fn publish(&mut self, fact: &Fact, id: EventId) {
        // A topic that nobody reads is none of this world's.
        let Some(topic) = self.plan.cast.known(fact.event_type.topic) else {
            return;
        };
        let event_type = fact.event_type.name;
        let stored = Stored::event(id, event_type, &fact.key, &fact.value, self.clock, None);
        let partition = self.plan.cast.partition_of(&fact.key);
        self.log.append(topic, partition, Rc::new(stored));
    }

    pub(crate) fn place(&self, who: Who) -> usize {
        usize::from(who.of) * self.plan.cast.partitions + usize::from(who.partition)
    }

    /// Another owner starts; the one before goes on until it finds out.
    pub(crate) fn take_over(&mut self, place: usize) {
        self.nonce += 1;
        let cast = &self.plan.cast;
        let (member, partition) = (place / cast.partitions, place % cast.partitions);
        let owner = Owner::start(&Starting {
            cast,
            log: &self.log,
            participant: &**cast.members[member].version(self.is_deployed),
            member,
            partition,
            nonce: self.nonce,
            now: self.clock,
            broken: self.plan.broken,
        });
        let owners = &mut self.owners[place];
        owners.retain(|owner| owner.alive() || owner.producer.queued() > 0);
        owners.push(owner);
    }

    pub(crate) fn router_start(&mut self, place: usize) {
        let cast = &self.plan.cast;
        let route = cast.routes[place / cast.partitions];
        let partition = place % cast.partitions;
        let source = self.log.id(route.source);
        let from = *self.committed.at(place);
        let router = Router::start(route, partition, source, from, self.plan.broken);
        let routers = &mut self.routers[place];
        routers.retain(|router| router.alive || router.producer.queued() > 0);
        routers.push(router);
    }

    /// The owner that is meant, if there is one.
    pub(crate) fn owner(&mut self, who: Who) -> Option<&mut Owner> {
        let place = self.place(who);
        find(&mut self.owners, place, who.age)
    }

    pub(crate) fn router(&mut self, who: Who) -> Option<&mut Router> {
        let place = self.place(who);
        find(&mut self.routers, place, who.age)
    }

    /// An owner answers the deadlines that were due, if it may.
    pub(crate) fn pass(
        &mut self,
        place: usize,
        at: usize,
        window: usize,
    ) -> Result<bool, Surprise> {
        let owner = &mut self.owners[place][at];
        if !owner.can_pass(window) {
            return Ok(false);
        }
        let passed = owner.passed();
        let outcome = owner.pass(self.clock)?;
        if matches!(outcome, Outcome::Decided(1..)) {
            let mut moments = self.moments.iter().rev();
            let moment = moments.find(|moment| Some(moment.at) <= passed);
            let partition = owner.partition;
            let unread = moment.and_then(|moment| {
                let mut inputs = owner.inputs.iter();
                inputs.find(|input| input.next < moment.ends[input.topic][partition])
            });
            if let Some(input) = unread {
                let topic = &self.plan.cast.topics[input.topic];
                let early = format!("a deadline was answered before what stood in {topic} then");
                return Err(Surprise::Early(early));
            }
        }
        Ok(true)
    }

    pub(crate) fn publish_next(&mut self, at: usize) -> bool {
        let Some(saga) = self.sagas.get_mut(at) else {
            return false;
        };
        let Some((fact, id)) = saga.facts.get(saga.published).cloned() else {
            return false;
        };
        saga.published += 1;
        self.publish(&fact, id);
        true
    }

    pub(crate) fn repeat(&mut self, at: usize) -> bool {
        let Some(saga) = self.sagas.get(at) else {
            return false;
        };
        let last = saga.published.checked_sub(1);
        let Some((fact, id)) = last.map(|last| saga.facts[last].clone()) else {
            return false;
        };
        self.publish(&fact, id);
        true
    }

    /// An owner calls the port of its next request, if it has one; the reply comes so often.
    pub(crate) fn call(
        &mut self,
        place: usize,
        at: usize,
        replies: usize,
    ) -> Result<bool, Surprise> {
        let plan = self.plan;
        let owner = &mut self.owners[place][at];
        if !owner.works() {
            return Ok(false);
        }
        let Some(call) = owner.calls.pop_front() else {
            return Ok(false);
        };
        let effect = &plan.cast.members[owner.member].description.effects[call.effect];
        for _ in 0..replies {
            let reply = plan.ports.reply(effect.port, &call);
            let reply = reply.map_err(|problem| format!("{}: {problem}", effect.port_name))?;
            owner.replies.push_back((call.request, reply));
        }
        self.ledger.enter(effect.port, &call);
        if replies == 0 {
            owner.calls.push_back(call);
        }
        Ok(true)
    }

    /// Time passes up to the earliest deadline of a working owner; false if there is none.
    pub(crate) fn wait(&mut self) -> bool {
        match self.earliest_deadline() {
            Some(due) if due > self.clock => {
                self.clock = due;
                let topics = 0..self.plan.cast.topics.len();
                let ends = topics.map(|topic| {
                    let partitions = self.log.partitions(topic).iter();
                    partitions.map(Vec::len).collect()
                });
                if self.moments.len() == MOMENTS {
                    self.moments.pop_front();
                }
                self.moments.push_back(Moment {
                    at: due,
                    ends: ends.collect(),
                });
                true
            }
            _ => false,
        }
    }

    pub(crate) fn earliest_deadline(&mut self) -> Option<Timestamp> {
        let latest = self
            .owners
            .iter_mut()
            .filter_map(|owners| owners.last_mut());
        let working = latest.filter(|owner| owner.works());
        working
            .filter_map(|owner| owner.processor.next_deadline())
            .min()
    }

    /// A topic of facts is deleted and created again, and what was published there is published anew.
    pub(crate) fn recreate(&mut self, topic: Topic) -> bool {
        if !self.plan.is_intake(topic) {
            return false;
        }
        self.log.recreate(topic);
        self.is_recreated = true;
        let partitions = self.plan.cast.partitions;
        for (at, route) in self.plan.cast.routes.iter().enumerate() {
            if route.source == topic {
                (at * partitions..(at + 1) * partitions)
                    .for_each(|place| self.committed.forget(place));
            }
        }
        let published = self.sagas.iter();
        let published = published.flat_map(|saga| &saga.facts[..saga.published]);
        let anew = self.plan.given.iter().chain(published);
        let name = &self.plan.cast.topics[topic];
        let anew = anew.filter(|(fact, _)| fact.event_type.topic == name);
        for (fact, id) in anew.cloned().collect::<Vec<_>>() {
            self.publish(&fact, id);
        }
        true
    }

    /// A group commits what it has decided, where that is what a new owner goes by.
    pub(crate) fn commit_inputs(&mut self, who: Who) {
        if self.plan.broken.positions_from_stream && who.age == 0 {
            let place = self.place(who);
            let owner = self.owners[place].last();
            let next = owner.filter(|owner| owner.works()).map(|owner| {
                let next = owner.inputs.iter().map(|input| input.next);
                next.collect::<Vec<_>>()
            });
            if let Some(next) = next {
                self.committed_inputs[place] = next;
            }
        }
    }
}

/// Which of those at a place so many have started after.
pub(crate) fn at_place<T>(of: &[Vec<T>], place: usize, age: u8) -> Option<usize> {
    of.get(place)?.len().checked_sub(1 + usize::from(age))
}

/// The one at a place that so many have started after.
pub(crate) fn find<T>(of: &mut [Vec<T>], place: usize, age: u8) -> Option<&mut T> {
    let at = at_place(of, place, age)?;
    of[place].get_mut(at)
}
