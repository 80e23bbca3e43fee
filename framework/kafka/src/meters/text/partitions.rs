//! How owned partitions stand.

use std::fmt;
use std::sync::Arc;

use prometheus_client::registry::Unit;

use super::super::{AggregateMeters, PhaseName, Standing};
use super::family::{Family, Labels};
use super::{Owned, aggregate};

pub(super) fn labels(of: &AggregateMeters, partition: i32) -> Labels<2> {
    [aggregate(of), ("partition", partition.to_string())]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a number that people read"
)]
pub(super) fn encode(
    family: &mut Family<'_, '_>,
    all: &[Arc<AggregateMeters>],
    standings: &[Owned<'_>],
) -> fmt::Result {
    let phases = all.iter().flat_map(|meters| {
        let of = standings
            .iter()
            .filter(|(of, _)| std::ptr::eq(*of, &**meters));
        let phases: Vec<PhaseName> = of.map(|(_, standing)| standing.phase).collect();
        PhaseName::ALL.map(|phase| {
            let count = phases.iter().filter(|known| **known == phase).count();
            let labels = [aggregate(meters), ("phase", phase.name().to_owned())];
            (labels, count as f64)
        })
    });
    let help = "Owned partitions, by what their owner is at";
    family.gauges("kolo_partitions", help, None, phases)?;
    let mut gauge =
        |name: &str, help: &str, unit: Option<&Unit>, get: fn(&Standing) -> Option<f64>| {
            let samples = standings.iter().filter_map(|(of, standing)| {
                Some((labels(of, standing.partition), get(standing)?))
            });
            family.gauges(name, help, unit, samples)
        };
    gauge(
        "kolo_keys",
        "Keys that have a state, or something parked",
        None,
        |of| Some(of.keys as f64),
    )?;
    let help = "Keys whose records wait for somebody to mend something";
    gauge("kolo_parked_keys", help, None, |of| {
        Some(of.parked_keys as f64)
    })?;
    let help = "Appends that are not acknowledged and sound yet";
    gauge("kolo_in_flight", help, None, |of| Some(of.in_flight as f64))?;
    let help = "Keys whose deadline is due without an answer; 10000 stands for that many and more";
    gauge("kolo_deadlines_due", help, None, |of| Some(of.due as f64))?;
    let help = "How long the earliest deadline has been due without an answer";
    gauge("kolo_deadline_overdue", help, Some(&Unit::Seconds), |of| {
        Some(of.overdue.unwrap_or_default().as_secs_f64())
    })?;
    let help = "For how long a partition has been taken over, while it does not work yet";
    gauge("kolo_taking_over", help, Some(&Unit::Seconds), |of| {
        of.taking.map(|taking| taking.as_secs_f64())
    })?;
    let help = "How much of the stream is read, while a partition is restored";
    let ratio = Unit::Other("ratio".into());
    gauge("kolo_restore", help, Some(&ratio), |of| {
        let fence = of.fence.filter(|_| of.phase == PhaseName::Restoring)?;
        Some((of.restored as f64 / fence.max(1) as f64).min(1.0))
    })
}
