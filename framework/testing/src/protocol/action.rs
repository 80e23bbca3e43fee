//! What can happen next.

use super::world::{STREAMS, World};

/// Everything that happens by itself or by fault; numbers are places in [`World::owners`] and [`World::routers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Publish,
    Repeat,
    Land(usize),
    Report(usize),
    ReadGap(usize),
    Handle(usize, usize),
    Mark(usize),
    Call(usize),
    Reply(usize),
    Forward(usize),
    RouterLand(usize),
    RouterReport(usize),
    Commit,
    // Faults from here on.
    TakeOver(&'static str),
    Crash(usize),
    Lose(usize),
    Drop(usize),
    Resend(usize),
    RouterStart,
    RouterCrash(usize),
    RouterDrop(usize),
    Recreate,
    Deploy,
}

impl World {
    /// What can happen without a fault.
    pub(super) fn steps(&self) -> Vec<Action> {
        let mut steps = Vec::new();
        if !self.unpublished.is_empty() {
            steps.push(Action::Publish);
        }
        for (at, owner) in self.owners.iter().enumerate() {
            let mut step = |is_possible: bool, action| {
                if is_possible {
                    steps.push(action);
                }
            };
            step(owner.producer.queued() > 0, Action::Land(at));
            step(
                owner.producer.reported() > 0 && owner.alive(),
                Action::Report(at),
            );
            step(owner.has_gap(), Action::ReadGap(at));
            let has_room = owner.works() && owner.in_flight() < self.scenario.window;
            for input in 0..owner.inputs.len() {
                step(
                    has_room && owner.can_handle(input, &self.log),
                    Action::Handle(at, input),
                );
            }
            step(owner.works() && !owner.calls.is_empty(), Action::Call(at));
            step(
                owner.works() && !owner.replies.is_empty(),
                Action::Reply(at),
            );
        }
        for (at, router) in self.routers.iter().enumerate() {
            if router.producer.queued() > 0 {
                steps.push(Action::RouterLand(at));
            }
            if router.producer.reported() > 0 && router.alive {
                steps.push(Action::RouterReport(at));
            }
            // A router that was replaced may go on for a while too.
            if router.can_forward(&self.log, self.scenario.window) {
                steps.push(Action::Forward(at));
            }
        }
        steps
    }

    /// What can happen beside that: markers, commits, repeats, and faults while there are some left.
    pub(super) fn disturbances(&self) -> Vec<Action> {
        let mut all = vec![Action::Commit];
        let mut add = |left: bool, action| {
            if left {
                all.push(action);
            }
        };
        add(
            self.repeats > 0 && !self.published.is_empty(),
            Action::Repeat,
        );
        let faults = &self.faults;
        STREAMS
            .into_iter()
            .for_each(|stream| add(faults.takeovers > 0, Action::TakeOver(stream)));
        for (at, owner) in self.owners.iter().enumerate() {
            let may_mark = owner.works() && owner.unmarked() > 0 && !self.scenario.left.markers;
            add(may_mark, Action::Mark(at));
            add(faults.crashes > 0 && owner.alive(), Action::Crash(at));
            add(
                faults.losses > 0 && !owner.alive() && owner.producer.queued() > 0,
                Action::Lose(at),
            );
            add(
                faults.drops > 0 && owner.works() && owner.producer.queued() > 1,
                Action::Drop(at),
            );
            add(
                faults.resends > 0 && owner.producer.can_resend(),
                Action::Resend(at),
            );
        }
        add(faults.routers > 0, Action::RouterStart);
        for (at, router) in self.routers.iter().enumerate() {
            add(
                faults.router_crashes > 0 && router.alive,
                Action::RouterCrash(at),
            );
            add(
                faults.router_drops > 0 && router.producer.queued() > 1,
                Action::RouterDrop(at),
            );
        }
        add(
            faults.recreations > 0 && !self.published.is_empty(),
            Action::Recreate,
        );
        add(faults.deploys > 0, Action::Deploy);
        all
    }
}
