//! Meters: what a process counts of its work and knows of how it stands, for whoever asks from outside.
//!
//! Workers count in plain numbers of their own, and hand them over after each batch; how their partitions stand, they tell
//! once a second. So a record costs an addition, and a scrape costs no worker anything.
//!
//! | file | idea |
//! |---|---|
//! | `tally.rs` | what a worker counts between two handings-over |
//! | `latencies.rs` | how long something took, in buckets |
//! | `standing.rs` | how the partitions of a worker stand |
//! | `text/` | all of it as Prometheus reads it |

mod latencies;
mod standing;
mod tally;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::effects::EffectPool;
use crate::traces::Traces;

pub(crate) use latencies::{Latencies, LatencyTally};
pub(crate) use standing::{
    InputStanding, LifeMeters, PhaseName, RouteStanding, RouterMeters, Standing,
};
pub(crate) use tally::{InputKind, Tally};
pub(crate) use text::text;

/// Whether anything is counted: it is, but where a benchmark asks what that costs.
#[cfg(not(feature = "uncounted"))]
pub(crate) const fn counts() -> bool {
    true
}

/// Whether anything is counted, in a build that can leave it.
#[cfg(feature = "uncounted")]
pub(crate) fn counts() -> bool {
    static COUNTS: std::sync::LazyLock<bool> =
        std::sync::LazyLock::new(|| std::env::var_os("KOLO_UNCOUNTED").is_none());
    *COUNTS
}

/// What is measured of a process.
pub(crate) struct Meters {
    pub(crate) service: &'static str,
    pub(crate) aggregates: Vec<Arc<AggregateMeters>>,
    pub(crate) pool: EffectPool,
    pub(crate) traces: Option<Arc<Traces>>,
}

/// What is measured of one aggregate, all its workers together.
pub(crate) struct AggregateMeters {
    /// `<service>.<aggregate>`
    pub(crate) name: String,
    pub(crate) inputs: [AtomicU64; InputKind::ALL.len()],
    pub(crate) events: AtomicU64,
    pub(crate) barred: AtomicU64,
    pub(crate) replaced: AtomicU64,
    pub(crate) rebalances: AtomicU64,
    pub(crate) restarts: AtomicU64,
    /// From an input's timestamp to its decision.
    pub(crate) answers: Latencies,
    /// From a batch of appends being sent to its last acknowledgement.
    pub(crate) appends: Latencies,
    /// From a request to the answer that its reply leads to.
    pub(crate) replies: Latencies,
    /// From an assignment to the partition's first decision being possible.
    pub(crate) take_overs: Latencies,
    pub(crate) workers: Vec<LifeMeters>,
    /// Only where something is routed.
    pub(crate) router: Option<Arc<RouterMeters>>,
}

/// One more.
pub(crate) fn count(total: &AtomicU64) {
    total.fetch_add(1, Ordering::Relaxed);
}

impl AggregateMeters {
    pub(crate) fn new(name: String, workers: usize, routes: bool) -> Self {
        AggregateMeters {
            name,
            inputs: Default::default(),
            events: AtomicU64::default(),
            barred: AtomicU64::default(),
            replaced: AtomicU64::default(),
            rebalances: AtomicU64::default(),
            restarts: AtomicU64::default(),
            answers: Latencies::default(),
            appends: Latencies::default(),
            replies: Latencies::default(),
            take_overs: Latencies::default(),
            workers: (0..workers).map(|_| LifeMeters::default()).collect(),
            router: routes.then(Arc::default),
        }
    }

    /// Workers and router, by what messages call them.
    pub(crate) fn lives(&self) -> impl Iterator<Item = (String, &LifeMeters)> {
        let workers = self.workers.iter().enumerate();
        let workers = workers.map(|(number, worker)| (format!("worker {number}"), worker));
        let router = self.router.iter();
        workers.chain(router.map(|router| ("the router".to_owned(), &router.life)))
    }

    /// Takes over what a worker has counted.
    pub(crate) fn add(&self, tally: &mut Tally) {
        if tally.is_empty() {
            return;
        }
        let add = |total: &AtomicU64, counted: u64| {
            if counted > 0 {
                total.fetch_add(counted, Ordering::Relaxed);
            }
        };
        for (total, counted) in self.inputs.iter().zip(tally.inputs) {
            add(total, counted);
        }
        add(&self.events, tally.events);
        add(&self.barred, tally.barred);
        self.answers.add(&tally.answers);
        self.appends.add(&tally.appends);
        self.replies.add(&tally.replies);
        self.take_overs.add(&tally.take_overs);
        *tally = Tally::default();
    }
}
