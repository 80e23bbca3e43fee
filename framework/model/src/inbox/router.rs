//! The routers' steps: copy, acknowledge, commit; with zombies, crashes, late copies and late commits.

use super::Inbox;
use super::action::Action;
use super::state::{Copied, Original, Router, SentCopy, State, small};
use crate::explore::Steps;

pub(super) fn start(state: &mut State) -> usize {
    let at = state.committed;
    state.routers.push(Router {
        is_live: true,
        next: at,
        previous: None,
        in_flight: vec![],
        committed: at,
        commit: None,
    });
    state.routers.len() - 1
}

pub(super) fn steps(model: &Inbox, state: &State, steps: &mut Steps<Inbox>) {
    assign(state, steps);
    for (router, it) in state.routers.iter().enumerate() {
        if it.is_live {
            crash(state, router, steps);
            send(model, state, router, steps);
            acknowledge(state, router, steps);
            send_commit(model, state, router, steps);
        } else {
            lose(state, router, steps);
        }
        append(state, router, steps);
        drop_one(model, state, router, steps);
        commit(state, router, steps);
    }
}

fn assign(state: &State, steps: &mut Steps<Inbox>) {
    let from = state.routers.len() - 1;
    let at = state.committed;
    let mut next = state.clone();
    let to = start(&mut next);
    if !state.routers[from].is_live {
        steps.progress(Action::StartRouter { router: to, at }, next);
    } else if state.router_faults > 0 {
        next.router_faults -= 1;
        steps.fault(Action::RebalanceRouter { from, to, at }, next);
    }
}

impl Router {
    fn end(&mut self) {
        self.is_live = false;
        self.in_flight.retain(|sent| !sent.is_appended);
        self.next = 0;
        self.previous = None;
        self.committed = 0;
    }
}

fn crash(state: &State, router: usize, steps: &mut Steps<Inbox>) {
    if state.router_faults > 0 {
        let mut next = state.clone();
        next.router_faults -= 1;
        next.routers[router].end();
        steps.fault(Action::CrashRouter { router }, next);
    }
}

fn send(model: &Inbox, state: &State, router: usize, steps: &mut Steps<Inbox>) {
    let it = &state.routers[router];
    if it.next < model.world.records[0] && it.in_flight.len() < model.world.window {
        let original = Original {
            origin: 0,
            offset: it.next,
        };
        let mut next = state.clone();
        let copy = Copied {
            original,
            previous: it.previous,
        };
        let sender = &mut next.routers[router];
        sender.in_flight.push(SentCopy {
            copy,
            is_appended: false,
        });
        sender.previous = Some(original.offset);
        sender.next += 1;
        steps.progress(Action::SendCopy { router, original }, next);
    }
}

fn under_way(router: &Router) -> Option<usize> {
    router.in_flight.iter().position(|sent| !sent.is_appended)
}

fn append(state: &State, router: usize, steps: &mut Steps<Inbox>) {
    let it = &state.routers[router];
    let Some(index) = under_way(it) else { return };
    let copy = it.in_flight[index].copy;
    let at = small(state.inbox.len());
    let mut next = state.clone();
    next.inbox.push(copy);
    if it.is_live {
        next.routers[router].in_flight[index].is_appended = true;
    } else {
        next.routers[router].in_flight.remove(index);
    }
    steps.progress(
        Action::AppendCopy {
            router,
            at,
            original: copy.original,
        },
        next,
    );
}

/// Fault: a copy fails for good, and its successors go through; the router notices and ends, or does not.
fn drop_one(model: &Inbox, state: &State, router: usize, steps: &mut Steps<Inbox>) {
    let it = &state.routers[router];
    let may_happen = model.world.producer_drops && state.router_faults > 0;
    let Some(index) = under_way(it).filter(|_| may_happen) else {
        return;
    };
    let original = it.in_flight[index].copy.original;
    let mut next = state.clone();
    next.router_faults -= 1;
    next.routers[router].in_flight.remove(index);
    if it.is_live && model.rules.failure_ends_router {
        next.routers[router].end();
    }
    steps.fault(Action::DropCopy { router, original }, next);
}

fn lose(state: &State, router: usize, steps: &mut Steps<Inbox>) {
    if !state.routers[router].in_flight.is_empty() {
        let mut next = state.clone();
        next.routers[router].in_flight.clear();
        steps.progress(Action::Lose { router }, next);
    }
}

fn acknowledge(state: &State, router: usize, steps: &mut Steps<Inbox>) {
    if state.routers[router]
        .in_flight
        .first()
        .is_some_and(|sent| sent.is_appended)
    {
        let mut next = state.clone();
        next.routers[router].in_flight.remove(0);
        steps.progress(Action::Acknowledge { router }, next);
    }
}

fn send_commit(model: &Inbox, state: &State, router: usize, steps: &mut Steps<Inbox>) {
    let it = &state.routers[router];
    let unacknowledged = it
        .in_flight
        .first()
        .filter(|_| model.rules.commits_after_ack);
    let offset = unacknowledged.map_or(it.next, |sent| sent.copy.original.offset);
    if it.commit.is_none() && offset > it.committed {
        let mut next = state.clone();
        next.routers[router].committed = offset;
        next.routers[router].commit = Some(offset);
        steps.progress(Action::SendCommit { router, offset }, next);
    }
}

fn commit(state: &State, router: usize, steps: &mut Steps<Inbox>) {
    let Some(offset) = state.routers[router].commit else {
        return;
    };
    let mut next = state.clone();
    next.routers[router].commit = None;
    if !state.routers[router].is_live {
        steps.progress(Action::LoseCommit { router }, next.clone());
    }
    next.committed = offset;
    steps.progress(Action::Commit { router, offset }, next);
}
