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

use crate::meters::RouterMeters;
use crate::wake::Waker;
use crate::worker::{RunError, Spec, one_after_the_other};

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
    meters: Arc<RouterMeters>,
    waker: Waker,
}

impl Router {
    pub(crate) fn new(spec: Arc<Spec>, meters: Arc<RouterMeters>) -> Self {
        Router {
            spec,
            meters,
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
        one_after_the_other(
            &name,
            &self.spec,
            &self.meters.life,
            || Session::open(&self, &name),
            |session| {
                let ended = session.work();
                self.meters.routes.lock().clear();
                ended
            },
        )
    }
}
