//! What is missing for a process to be live, and to be ready, in words.

use std::time::{Duration, Instant};

use crate::config::Config;
use crate::meters::{AggregateMeters, LifeMeters, Meters, PhaseName, RouterMeters, Standing};

/// How long a worker's loop may stand still at least before the process is better started anew: its longest call asks a
/// broker something, and has a limit of ten seconds.
const STANDSTILL: Duration = Duration::from_secs(60);

/// Which workers and routers hang. One without a session waits for something outside, which a restart would not bring.
pub(super) fn not_live(meters: &Meters, config: &Config) -> Vec<String> {
    let limit = STANDSTILL.max(Duration::from_millis(config.append_timeout_ms));
    let mut hang = Vec::new();
    for aggregate in &meters.aggregates {
        for (which, life) in aggregate.lives() {
            let still = life.stands_still();
            if life.session().is_some() && still > limit {
                let name = &aggregate.name;
                hang.push(format!(
                    "{name}: the loop of {which} has not turned for {still:.0?}"
                ));
            }
        }
    }
    hang
}

/// What is not owned, not restored, or too far behind.
pub(super) fn not_ready(meters: &Meters, config: &Config) -> Vec<String> {
    let mut waits = Vec::new();
    for aggregate in &meters.aggregates {
        let mut opened: Option<Instant> = None;
        let mut owned = 0;
        let without_session = |which: &str, life: &LifeMeters| {
            let why = life.why().unwrap_or_else(|| {
                "it waits for brokers, topics or the schema registry; the log says for which"
                    .to_owned()
            });
            format!("{}: {which} has no session: {why}", aggregate.name)
        };
        if let Some(RouterMeters { life, .. }) = aggregate.router.as_deref()
            && life.session().is_none()
        {
            waits.push(without_session("the router", life));
        }
        for (number, worker) in aggregate.workers.iter().enumerate() {
            let Some((since, partitions)) = worker.session() else {
                waits.push(without_session(&format!("worker {number}"), worker));
                continue;
            };
            opened = opened.max(Some(since));
            owned += partitions.len();
            for standing in partitions.iter() {
                waits.extend(behind(aggregate, standing, config));
            }
        }
        // With more instances than partitions, some of them own none for good; until then they may be on their way.
        let settles = config.session_timeout() * 2;
        if owned == 0 && opened.is_some_and(|opened| opened.elapsed() < settles) {
            waits.push(format!("{}: owns no partition yet", aggregate.name));
        }
    }
    waits
}

fn behind(aggregate: &AggregateMeters, standing: &Standing, config: &Config) -> Vec<String> {
    let place = format!("{}[{}]", aggregate.name, standing.partition);
    match standing.phase {
        PhaseName::Fencing => return vec![format!("{place}: its fence is not acknowledged yet")],
        PhaseName::Restoring => {
            let at = standing.restored;
            let of = standing.fence.unwrap_or_default();
            return vec![format!(
                "{place}: is restored up to offset {at} of its stream, which reaches to {of}"
            )];
        }
        PhaseName::Working => {}
    }
    if config.ready_lag_ms == 0 {
        return Vec::new();
    }
    let bound = Duration::from_millis(config.ready_lag_ms);
    if standing.inputs.iter().any(|input| input.lag.is_none()) {
        return vec![format!("{place}: how far it is behind is not known yet")];
    }
    let inputs = standing.inputs.iter();
    let behind = inputs.filter_map(|input| {
        let lag = input.lag.filter(|lag| *lag > 0 && input.age > bound)?;
        Some(format!(
            "{place}: is {lag} records behind in `{}`, and read one of {:.0?} ago last",
            input.topic, input.age
        ))
    });
    behind.collect()
}
