//! The log, its owners, routers and port together, and the actions that are possible next.

use std::collections::BTreeMap;

use kolo_core::{Event, EventId, Service, Timestamp};

use super::action::Action;
use super::domain::{self, FACTS, FIRST, INBOX, SECOND, Told};
use super::explore::Choices;
use super::invariants::Violation;
use super::log::{Log, Stored};
use super::owner::{Owner, Surprise};
use super::port::Port;
use super::router::{Committed, Router};
use super::scenario::{Faults, Scenario};

/// The two streams, in the order of their aggregates.
pub(super) const STREAMS: [&str; 2] = [FIRST, SECOND];

pub(super) struct World {
    pub(super) scenario: Scenario,
    pub(super) log: Log,
    pub(super) port: Port,
    pub(super) owners: Vec<Owner>,
    /// The owner of each stream that the group has assigned it to.
    pub(super) assigned: BTreeMap<&'static str, usize>,
    pub(super) routers: Vec<Router>,
    committed: Committed,
    /// Offsets of facts that the group has committed, where positions do not come from the stream.
    committed_facts: i64,
    service: Service,
    pub(super) version: u32,
    pub(super) published: Vec<u64>,
    pub(super) unpublished: std::collections::VecDeque<u64>,
    pub(super) repeats: u64,
    pub(super) faults: Faults,
    clock: i64,
    nonce: u64,
}

impl World {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let left = scenario.left;
        let mut world = World {
            log: Log::new(
                &[FACTS, FIRST, SECOND, INBOX],
                !left.numbers,
                !left.topic_ids,
            ),
            port: Port::default(),
            owners: Vec::new(),
            assigned: BTreeMap::new(),
            routers: vec![Router::start(Committed::default(), left)],
            committed: Committed::default(),
            committed_facts: 0,
            service: domain::service(1),
            version: 1,
            published: Vec::new(),
            unpublished: (0..scenario.facts).collect(),
            repeats: scenario.repeats,
            faults: scenario.faults,
            clock: 0,
            nonce: 0,
            scenario: scenario.clone(),
        };
        STREAMS
            .into_iter()
            .for_each(|stream| world.take_over(stream));
        world
    }

    pub(super) fn now(&mut self) -> Timestamp {
        self.clock += 1;
        Timestamp::from_millis(self.clock)
    }

    /// Another owner starts; the one before goes on until it finds out.
    pub(super) fn take_over(&mut self, stream: &'static str) {
        self.nonce += 1;
        let now = self.now();
        let owner = Owner::start(
            &self.log,
            &self.service,
            stream,
            self.nonce,
            now,
            self.scenario.left,
        );
        self.assigned.insert(stream, self.owners.len());
        self.owners.push(owner);
    }

    pub(super) fn router_start(&mut self) {
        self.routers
            .push(Router::start(self.committed, self.scenario.left));
    }

    /// Lets it happen.
    pub(super) fn apply(&mut self, action: Action, choices: &mut Choices) -> Result<(), Violation> {
        let now = self.now();
        let surprise = |surprise: Surprise| Violation::Surprise(surprise);
        match action {
            Action::Publish => {
                if let Some(n) = self.unpublished.pop_front() {
                    self.publish(n);
                    self.published.push(n);
                }
            }
            Action::Repeat => {
                self.repeats -= 1;
                let n = self.published[choices.pick(self.published.len())];
                self.publish(n);
            }
            Action::Land(at) => self.owners[at].producer.land(&mut self.log),
            Action::Report(at) => {
                let was_fencing = !self.owners[at].works();
                self.owners[at]
                    .take_report(&self.log, now)
                    .map_err(surprise)?;
                if was_fencing
                    && self.scenario.left.positions_from_stream
                    && self.owners[at].stream == FIRST
                {
                    self.owners[at].inputs[0].next = self.committed_facts;
                }
                self.commit_facts(at);
            }
            Action::ReadGap(at) => self.owners[at].read_gap(&self.log).map_err(surprise)?,
            Action::Handle(at, input) => {
                self.owners[at]
                    .handle(input, &self.log, now)
                    .map_err(surprise)?;
                self.commit_facts(at);
            }
            Action::Mark(at) => self.owners[at].mark(now),
            Action::Call(at) => return self.call(at),
            Action::Reply(at) => {
                let (request, reply) = self.owners[at].replies.remove(0);
                self.owners[at]
                    .answer(request, reply, now)
                    .map_err(surprise)?;
            }
            Action::Forward(at) => {
                self.routers[at].forward(&self.log, &*self.service.aggregates()[1]);
            }
            Action::RouterLand(at) => self.routers[at].producer.land(&mut self.log),
            Action::RouterReport(at) => self.routers[at].take_report(),
            Action::Commit => {
                if let Some(place) = self
                    .routers
                    .last_mut()
                    .filter(|router| router.alive)
                    .and_then(Router::commit)
                {
                    self.committed = place;
                }
            }
            Action::TakeOver(stream) => {
                self.faults.takeovers -= 1;
                self.take_over(stream);
            }
            Action::Crash(at) => {
                self.faults.crashes -= 1;
                self.owners[at].end("crashed");
            }
            Action::Lose(at) => {
                self.faults.losses -= 1;
                self.owners[at].producer.purge();
            }
            Action::Drop(at) => {
                self.faults.drops -= 1;
                self.owners[at].producer.drop_one();
            }
            Action::Resend(at) => {
                self.faults.resends -= 1;
                self.owners[at].producer.resend(&mut self.log);
            }
            Action::RouterStart => {
                self.faults.routers -= 1;
                self.router_start();
            }
            Action::RouterCrash(at) => {
                self.faults.router_crashes -= 1;
                self.routers[at].crash();
            }
            Action::RouterDrop(at) => {
                self.faults.router_drops -= 1;
                self.routers[at].producer.drop_one();
            }
            Action::Recreate => self.recreate(),
            Action::Deploy => {
                self.faults.deploys -= 1;
                self.version = 2;
                self.service = domain::service(2);
            }
        }
        Ok(())
    }

    fn publish(&mut self, n: u64) {
        let (key, value) = domain::fact(n);
        let stored = Stored::event(
            EventId::foreign(&format!("fact {n}")),
            Told::TYPE.name,
            &key,
            value,
            None,
        );
        self.log.append(FACTS, stored);
    }

    /// The topic of facts is deleted and created again; its publisher starts over.
    fn recreate(&mut self) {
        self.faults.recreations -= 1;
        self.log.recreate(FACTS);
        for n in std::mem::take(&mut self.published).into_iter().rev() {
            self.unpublished.push_front(n);
        }
    }

    /// What a consumer group would do: commit what was read and decided.
    fn commit_facts(&mut self, at: usize) {
        let owner = &self.owners[at];
        if owner.stream == FIRST && owner.works() {
            self.committed_facts = self.committed_facts.max(owner.inputs[0].next);
        }
    }

    /// The port is called; the request must be valid by now.
    fn call(&mut self, at: usize) -> Result<(), Violation> {
        let call = self.owners[at].calls.remove(0);
        let is_valid = self
            .log
            .valid(self.owners[at].stream)
            .any(|stored| stored.id == call.request);
        if !is_valid {
            return Err(Violation::VoidEffect);
        }
        let reply = self.port.call(call.request);
        self.owners[at].replies.push((call.request, reply));
        Ok(())
    }
}
