//! What an aggregate has done, all its workers together.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{AggregateMeters, InputKind, Latencies};
use super::aggregate;
use super::family::Family;

pub(super) fn encode(family: &mut Family<'_, '_>, all: &[Arc<AggregateMeters>]) -> fmt::Result {
    let inputs = all.iter().flat_map(|meters| {
        let kinds = InputKind::ALL.iter().zip(&meters.inputs);
        kinds.map(|(kind, count)| {
            let labels = [aggregate(meters), ("outcome", kind.name().to_owned())];
            (labels, count.load(Ordering::Relaxed))
        })
    });
    let help = "Records of inputs, by what became of them: decided, recognised as a repeat, barred, not reacted to, kolo's own, void, parked, refused";
    family.counters("kolo_inputs", help, inputs)?;
    let mut counter = |name: &str, help: &str, get: fn(&AggregateMeters) -> &AtomicU64| {
        let count = |meters: &Arc<AggregateMeters>| get(meters).load(Ordering::Relaxed);
        let samples = all.iter();
        let samples = samples.map(|meters| ([aggregate(meters)], count(meters)));
        family.counters(name, help, samples)
    };
    counter("kolo_events", "Own events appended", |of| &of.events)?;
    let help = "Steps that compensations have barred: those that they have undone, and those that they came before";
    counter("kolo_barred", help, |of| &of.barred)?;
    let help = "Owned partitions lost to another owner's fence";
    counter("kolo_replacements", help, |of| &of.replaced)?;
    let help = "Assignments and revocations of partitions";
    counter("kolo_rebalances", help, |of| &of.rebalances)?;
    let help = "Sessions of workers and routers that were thrown away and begun anew";
    counter("kolo_restarts", help, |of| &of.restarts)?;
    let mut histogram = |name: &str, help: &str, get: fn(&AggregateMeters) -> &Latencies| {
        let samples = all.iter();
        let samples = samples.map(|meters| ([aggregate(meters)], get(meters)));
        family.histograms(name, help, samples)
    };
    let help = "From the timestamp of an input to its decision";
    histogram("kolo_answer", help, |of| &of.answers)?;
    let help = "From the timestamp of a request to the answer that its effect has led to";
    histogram("kolo_effect_answer", help, |of| &of.replies)?;
    let help = "From sending a batch of appends to its last acknowledgement";
    histogram("kolo_append", help, |of| &of.appends)?;
    let help = "From a partition's fence being sent until it was restored and decided";
    histogram("kolo_take_over", help, |of| &of.take_overs)
}
