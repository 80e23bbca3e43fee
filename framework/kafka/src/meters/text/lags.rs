//! How far the inputs of owned partitions are read, and how far a router has forwarded its sources.

use std::fmt;
use std::sync::Arc;

use prometheus_client::registry::Unit;

use super::super::{AggregateMeters, InputStanding};
use super::Owned;
use super::family::{Family, Labels};
use super::partitions::labels;

/// How many records, and how old.
type Lag = (Labels<3>, f64, f64);

pub(super) fn encode(
    family: &mut Family<'_, '_>,
    all: &[Arc<AggregateMeters>],
    standings: &[Owned<'_>],
) -> fmt::Result {
    let inputs = standings.iter().flat_map(|(of, standing)| {
        let inputs = standing.inputs.iter();
        inputs.filter_map(|input| lag(of, standing.partition, input))
    });
    let inputs: Vec<Lag> = inputs.collect();
    let help = "Records of an input that were not read yet";
    family.gauges("kolo_lag_records", help, None, records(&inputs))?;
    let help = "The age of what was read last, where an input lags; 0 where it does not";
    family.gauges("kolo_lag", help, Some(&Unit::Seconds), ages(&inputs))?;

    let mut sources: Vec<Lag> = Vec::new();
    for of in all {
        let Some(router) = &of.router else { continue };
        let routes = router.routes.lock();
        let lags = routes
            .iter()
            .filter_map(|at| lag(of, at.partition, &at.source));
        sources.extend(lags);
    }
    let help = "Records of a router's source that were not forwarded yet";
    family.gauges("kolo_router_lag_records", help, None, records(&sources))?;
    let help = "The age of what was read last, where a router lags; 0 where it does not";
    let seconds = Some(&Unit::Seconds);
    family.gauges("kolo_router_lag", help, seconds, ages(&sources))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a number that people read"
)]
fn lag(of: &AggregateMeters, partition: i32, input: &InputStanding) -> Option<Lag> {
    let [one, two] = labels(of, partition);
    let labels = [one, two, ("topic", input.topic.to_string())];
    Some((labels, input.lag? as f64, input.age.as_secs_f64()))
}

fn records(lags: &[Lag]) -> impl Iterator<Item = (Labels<3>, f64)> {
    lags.iter()
        .map(|(labels, records, _)| (labels.clone(), *records))
}

fn ages(lags: &[Lag]) -> impl Iterator<Item = (Labels<3>, f64)> {
    lags.iter().map(|(labels, _, age)| (labels.clone(), *age))
}
