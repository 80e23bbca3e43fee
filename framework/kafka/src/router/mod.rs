//! Routers: forward copies of events to the aggregates that they concern, through the aggregate's inbox.
//!
//! A router reads its sources as a consumer group of its own. It forwards valid records only, commits after the
//! acknowledgement, keeps the fence in force with its offset, and is thrown away whole on any error. So it may repeat,
//! never skip; the aggregate recognises repeats by the origin's position that a copy keeps.
//!
//! - `session`: one life of a router, from joining its group until everything is thrown away
//! - `membership`: how its partitions come and go
//! - `place`: how far one source partition is forwarded
//! - `forward`: from one record to its copies
//! - `measure`: how far its sources are forwarded, for whoever asks

mod forward;
mod measure;
mod membership;
mod place;
mod session;

use std::sync::Arc;

use crate::meters::count;
use crate::wake::Waker;
use crate::worker::{End, RunError, Spec, restart_until_end};

pub use place::routed_until;

use session::Session;

/// The consumer group of an aggregate's router; `aggregate` is `<service>.<aggregate>`.
#[must_use]
pub fn group_of_router(aggregate: &str) -> String {
    format!("{aggregate}.router")
}

/// Routes of one aggregate.
pub(crate) struct Router {
    spec: Arc<Spec>,
    waker: Waker,
}

impl Router {
    pub(crate) fn new(spec: Arc<Spec>) -> Self {
        Router {
            spec,
            waker: Waker::default(),
        }
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Runs until the process stops or cannot go on.
    pub(crate) fn run(self) -> Result<(), RunError> {
        self.waker.bind();
        let name = group_of_router(&self.spec.name());
        let signals = Arc::clone(&self.spec.signals);
        restart_until_end(&name, &signals, || {
            let meters = &self.spec.meters;
            let end = match Session::open(&self.spec, &name, &self.waker) {
                Ok(mut session) => session.work().map_or_else(|end| end, |()| End::Stopped),
                Err(end) => end,
            };
            meters.router.lock().clear();
            if matches!(end, End::Restart(_)) {
                count(&meters.restarts);
            }
            end
        })
    }
}
