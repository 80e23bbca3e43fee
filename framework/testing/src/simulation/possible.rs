//! What is possible next: what happens by itself, and the faults that there are some left of.

use super::faults::Faults;
use super::owner::Phase;
use super::step::{Step, Who};
use super::world::World;

impl World<'_> {
    /// Gathers what can happen without a fault.
    pub(crate) fn steps(&mut self, steps: &mut Vec<Step>) {
        steps.clear();
        for (at, saga) in (0..).zip(&self.sagas) {
            if saga.published < saga.facts.len() {
                steps.push(Step::Publish(at));
            }
        }
        let (now, window, partitions) = (self.clock, self.plan.window, self.plan.cast.partitions);
        for (place, owners) in self.owners.iter_mut().enumerate() {
            for (age, owner) in (0..).zip(owners.iter_mut().rev()) {
                let who = who(place, partitions, age);
                if owner.producer.queued() > 0 {
                    steps.push(Step::Land(who));
                }
                if !owner.alive() {
                    continue;
                }
                if owner.producer.reported() > 0 {
                    steps.push(Step::Report(who));
                }
                if matches!(owner.phase, Phase::Restoring(_)) {
                    steps.push(Step::Restore(who));
                }
                if !owner.works() {
                    continue;
                }
                if owner.has_gap() {
                    steps.push(Step::ReadGap(who));
                }
                for (number, input) in (0..).zip(0..owner.inputs.len()) {
                    if owner.can_handle(input, &self.log, window) {
                        steps.push(Step::Handle(who, number));
                    }
                }
                if !owner.calls.is_empty() {
                    steps.push(Step::Call(who));
                }
                if !owner.replies.is_empty() {
                    steps.push(Step::Reply(who));
                }
                if owner.can_ask(now) {
                    steps.push(Step::Ask(who));
                }
                if owner.can_pass(window) {
                    steps.push(Step::Pass(who));
                }
            }
        }
        for (place, routers) in self.routers.iter().enumerate() {
            for (age, router) in (0..).zip(routers.iter().rev()) {
                let who = who(place, partitions, age);
                for target in router.producer.underway() {
                    let target = u8::try_from(target).unwrap_or(u8::MAX);
                    steps.push(Step::CopyLand(who, target));
                }
                if router.producer.reported() > 0 && router.alive {
                    steps.push(Step::CopyReport(who));
                }
                // A router that was replaced may go on for a while too.
                if router.can_forward(&self.log, window) {
                    steps.push(Step::Forward(who));
                }
            }
        }
    }

    /// Gathers who could go on by themselves for as long as they can.
    pub(crate) fn runs(&self, steps: &mut Vec<Step>) {
        steps.clear();
        let partitions = self.plan.cast.partitions;
        for (place, owners) in self.owners.iter().enumerate() {
            let latest = who(place, partitions, 0);
            let ages = (0..).zip(owners);
            steps.extend(ages.map(|(age, _)| Step::Run(Who { age, ..latest })));
        }
        for (place, routers) in self.routers.iter().enumerate() {
            let latest = who(place, partitions, 0);
            let ages = (0..).zip(routers);
            steps.extend(ages.map(|(age, _)| Step::RouterRun(Who { age, ..latest })));
        }
    }

    /// Gathers what can happen beside that: markers, commits, and faults while there are some left.
    pub(crate) fn disturbances(&mut self, left: &Faults, steps: &mut Vec<Step>) {
        steps.clear();
        for (at, saga) in (0..).zip(&self.sagas) {
            if left.repeats > 0 && saga.published > 0 {
                steps.push(Step::Repeat(at));
            }
        }
        let partitions = self.plan.cast.partitions;
        for (place, owners) in self.owners.iter().enumerate() {
            let latest = who(place, partitions, 0);
            if left.takeovers > 0 {
                steps.push(Step::TakeOver(latest));
            }
            for (age, owner) in (0..).zip(owners.iter().rev()) {
                let who = Who { age, ..latest };
                let mut may = |is_possible: bool, step| {
                    if is_possible {
                        steps.push(step);
                    }
                };
                let queued = owner.producer.queued();
                let marks = !self.plan.broken.markers;
                may(
                    marks && owner.works() && owner.processor.unmarked() > 0,
                    Step::Mark(who),
                );
                may(left.crashes > 0 && owner.alive(), Step::Crash(who));
                may(!owner.alive() && queued > 0, Step::Lose(who));
                may(
                    left.drops > 0 && owner.works() && queued > 1,
                    Step::GiveUp(who),
                );
                may(
                    left.resends > 0 && owner.producer.can_resend(),
                    Step::Resend(who),
                );
                let calls = owner.works() && !owner.calls.is_empty();
                may(calls && left.lost_replies > 0, Step::LoseReply(who));
                may(calls && left.second_replies > 0, Step::ReplyTwice(who));
            }
        }
        for (place, routers) in self.routers.iter().enumerate() {
            let latest = who(place, partitions, 0);
            if left.routers > 0 {
                steps.push(Step::RouterStart(latest));
            }
            for (age, router) in (0..).zip(routers.iter().rev()) {
                let who = Who { age, ..latest };
                if router.can_commit() {
                    steps.push(Step::Commit(who));
                }
                if left.router_crashes > 0 && router.alive {
                    steps.push(Step::RouterCrash(who));
                }
                if left.router_drops > 0 && router.alive && router.producer.queued() > 1 {
                    steps.push(Step::RouterGiveUp(who));
                }
            }
        }
        if left.recreations > 0 {
            let topics = (0..).zip(0..self.plan.cast.topics.len());
            let intakes = topics.filter(|(_, topic)| self.plan.is_intake(*topic));
            steps.extend(intakes.map(|(number, _)| Step::Recreate(number)));
        }
        if left.deploys > 0 && !self.is_deployed && self.plan.has_deploy() {
            steps.push(Step::Deploy);
        }
        if left.waits > 0 && self.earliest_deadline().is_some_and(|due| due > self.clock) {
            steps.push(Step::Wait);
        }
    }
}

impl Faults {
    /// One of these happened.
    pub(crate) fn spend(&mut self, step: Step) {
        let left = match step {
            Step::Repeat(_) => &mut self.repeats,
            Step::TakeOver(_) => &mut self.takeovers,
            Step::Crash(_) => &mut self.crashes,
            Step::GiveUp(_) => &mut self.drops,
            Step::Resend(_) => &mut self.resends,
            Step::LoseReply(_) => &mut self.lost_replies,
            Step::ReplyTwice(_) => &mut self.second_replies,
            Step::RouterStart(_) => &mut self.routers,
            Step::RouterCrash(_) => &mut self.router_crashes,
            Step::RouterGiveUp(_) => &mut self.router_drops,
            Step::Recreate(_) => &mut self.recreations,
            Step::Deploy => &mut self.deploys,
            Step::Wait => &mut self.waits,
            _ => return,
        };
        *left = left.saturating_sub(1);
    }
}

fn who(place: usize, partitions: usize, age: u8) -> Who {
    Who {
        of: u8::try_from(place / partitions).unwrap_or(u8::MAX),
        partition: u8::try_from(place % partitions).unwrap_or(u8::MAX),
        age,
    }
}
