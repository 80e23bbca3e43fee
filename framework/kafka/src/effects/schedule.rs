//! The schedule: who is called next. One lock holds all of it, for as long as it takes to say so.

use std::sync::Arc;

use hashbrown::HashMap;
use kolo_core::{CallFailure, EffectCall, Reply};
use slab::Slab;
use tokio::time::Instant;

use crate::adapter::AdapterError;

use super::job::{Job, Now, Phase};
use super::keys::{Owner, OwnerId, Slot};
use super::lane::{Lane, Next};
use super::ownership::{Ended, ReplyTo};

/// A call that begins.
pub(super) struct Begun {
    slot: Slot,
    pub(super) call: Arc<EffectCall>,
    pub(super) lane: usize,
    pub(super) attempt: u32,
    /// Whether a breaker tries with it.
    tries: bool,
}

/// All requests of a process that have no answer yet.
pub(super) struct Schedule {
    pub(super) lanes: Vec<Lane>,
    pub(super) owners: HashMap<OwnerId, Owner>,
    pub(super) jobs: Slab<Job>,
    next_owner: u64,
    /// How many calls are being made, and how many may be.
    calling: usize,
    most: usize,
    /// The lane that is asked first next time.
    turn: usize,
}

impl Schedule {
    pub(super) fn new(most: usize) -> Self {
        Schedule {
            lanes: Vec::new(),
            owners: HashMap::new(),
            jobs: Slab::new(),
            next_owner: 0,
            calling: 0,
            most: most.max(1),
            turn: 0,
        }
    }

    /// A partition has a new owner.
    pub(super) fn own(&mut self, partition: i32, first_lane: usize, reply_to: ReplyTo) -> OwnerId {
        let id = OwnerId(self.next_owner);
        self.next_owner += 1;
        self.owners
            .insert(id, Owner::new(partition, first_lane, reply_to));
        id
    }

    /// The partition is owned no more. A call in flight is left to finish; its reply goes nowhere.
    pub(super) fn disown(&mut self, id: OwnerId) {
        let Some(owner) = self.owners.remove(&id) else {
            return;
        };
        for (slot, _) in owner.turns() {
            self.jobs.remove(slot);
        }
        for lane in &mut self.lanes {
            lane.forget_gone(&self.jobs);
        }
        self.jobs.shrink_to_fit();
        self.owners.shrink_to_fit();
    }

    /// A request is to be called, once those before it at its key have ended. One that was given up, and is asked for
    /// again, is called anew.
    pub(super) fn ask(&mut self, id: OwnerId, call: EffectCall, now: Now) {
        let Some(owner) = self.owners.get_mut(&id) else {
            return;
        };
        match owner.turn(&call.key, &self.jobs) {
            None => {
                let lane = owner.first_lane + call.effect;
                let retries = self.lanes[lane].policy.retries;
                let slot = self.jobs.insert(Job::new(id, lane, call, retries, now));
                owner.begin(slot, &self.jobs);
                self.lanes[lane].ready(slot);
            }
            Some(slot) if self.jobs[slot].call.request == call.request => {
                if self.jobs[slot].phase == Phase::GivenUp {
                    self.begin_anew(slot, call, now);
                }
            }
            Some(_) => owner.push(call, &self.jobs),
        }
    }

    /// Begins the calls that may be made now, and says when to look again if nothing else happens.
    pub(super) fn begin(&mut self, now: Now, begun: &mut Vec<Begun>) -> Option<Instant> {
        let mut look_again: Option<Instant> = None;
        let mut idle = 0;
        while idle < self.lanes.len() && self.calling < self.most {
            self.turn = (self.turn + 1) % self.lanes.len();
            let lane = &mut self.lanes[self.turn];
            match lane.next(now.instant, &mut self.jobs) {
                Next::Call(slot, tries) => {
                    idle = 0;
                    self.calling += 1;
                    let job = &mut self.jobs[slot];
                    job.phase = Phase::Calling;
                    job.attempts += 1;
                    begun.push(Begun {
                        slot,
                        call: Arc::clone(&job.call),
                        lane: self.turn,
                        attempt: job.attempts,
                        tries,
                    });
                }
                Next::At(at) => {
                    idle += 1;
                    look_again = Some(look_again.map_or(at, |known| known.min(at)));
                }
                Next::Nothing => idle += 1,
            }
        }
        look_again
    }

    /// A call has ended.
    pub(super) fn ended(&mut self, begun: &Begun, outcome: Result<Reply, AdapterError>, now: Now) {
        self.calling -= 1;
        let lane = &mut self.lanes[begun.lane];
        // Of a terminal error the port knows that it is one: it works.
        let works = outcome
            .as_ref()
            .map_or_else(AdapterError::is_terminal, |_| true);
        let opened = lane.ended(works, begun.tries, now.instant);
        if let Err(error) = &outcome {
            lane.failures += 1;
            lane.problem = error.to_string();
        }
        let is_known = |job: &Job| Arc::ptr_eq(&job.call, &begun.call);
        // Otherwise its partition is owned no more, and the place may be another's.
        if self.jobs.get(begun.slot).is_some_and(is_known) {
            match outcome {
                Ok(reply) => {
                    self.tell(begun.slot, Ok(reply));
                    self.finish(begun.slot, now);
                }
                Err(error) => self.failed(begun.slot, &error, now),
            }
        }
        if opened {
            for slot in self.lanes[begun.lane].take_overdue(now.instant, &self.jobs) {
                self.give_up(slot, false);
            }
        }
    }

    fn failed(&mut self, slot: Slot, error: &AdapterError, now: Now) {
        let job = &mut self.jobs[slot];
        let lane = &mut self.lanes[job.lane];
        let policy = &lane.policy;
        let due = job.fail(error.to_string(), policy.pauses, now.instant);
        let terminal = error.is_terminal();
        if terminal || job.is_over(policy.retries, now.instant) {
            self.give_up(slot, terminal);
        } else {
            lane.report
                .failed(&lane.name, job, due - now.instant, now.instant);
            job.phase = Phase::Paused(due);
            lane.pause(slot, due);
        }
    }

    /// No more call is made: the worker says what follows. Until then the key waits.
    fn give_up(&mut self, slot: Slot, terminal: bool) {
        let job = &mut self.jobs[slot];
        job.phase = Phase::GivenUp;
        let problem = job.failing.as_ref().map_or_else(
            || {
                "it was not called: the breaker is open since calls for other requests failed"
                    .into()
            },
            |failing| failing.problem.clone(),
        );
        let attempts = job.attempts;
        let failure = CallFailure {
            problem,
            attempts,
            terminal,
        };
        self.tell(slot, Err(failure));
    }

    fn tell(&self, slot: Slot, outcome: Result<Reply, CallFailure>) {
        let job = &self.jobs[slot];
        if let Some(owner) = self.owners.get(&job.owner) {
            owner.reply_to.tell(Ended {
                partition: owner.partition,
                owner: job.owner,
                call: Arc::clone(&job.call),
                outcome,
            });
        }
    }

    /// A request has its answer: the next one of its key is called.
    fn finish(&mut self, slot: Slot, now: Now) {
        let job = &self.jobs[slot];
        let Some(owner) = self.owners.get_mut(&job.owner) else {
            return;
        };
        match owner.end(&job.call.key, &self.jobs) {
            Some(next) => self.begin_anew(slot, next, now),
            None => {
                self.jobs.remove(slot);
            }
        }
    }

    /// A place is taken by the next request of its key.
    fn begin_anew(&mut self, slot: Slot, call: EffectCall, now: Now) {
        let owner_id = self.jobs[slot].owner;
        let Some(owner) = self.owners.get(&owner_id) else {
            return;
        };
        let lane = owner.first_lane + call.effect;
        let retries = self.lanes[lane].policy.retries;
        self.jobs[slot] = Job::new(owner_id, lane, call, retries, now);
        self.lanes[lane].ready(slot);
    }

    /// A request that was given up has its answer, or is parked.
    pub(super) fn release(&mut self, call: &Arc<EffectCall>, owner: OwnerId, now: Now) {
        if let Some(slot) = self.given_up(call, owner) {
            self.finish(slot, now);
        }
    }

    fn given_up(&self, call: &Arc<EffectCall>, owner: OwnerId) -> Option<Slot> {
        let slot = self.owners.get(&owner)?.turn(&call.key, &self.jobs)?;
        let job = &self.jobs[slot];
        (job.phase == Phase::GivenUp && Arc::ptr_eq(&job.call, call)).then_some(slot)
    }
}
