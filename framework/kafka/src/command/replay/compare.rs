//! Compare: reads the streams of a service and the topics that they answer, and decides again what was decided.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use kolo_core::processor::replay::{
    Compared, Finding, ReplayError, ReplayFilter, ReplayInputs, Unreadable,
};
use kolo_core::processor::{InputTopic, Setup};
use kolo_core::stream::Cursor;
use kolo_core::wire::Record;
use kolo_core::{Participant, Service, partition_of};

use crate::config::Config;

use super::super::failure::Failure;
use super::super::reading::Reading;
use super::super::terminal::progress;
use super::args::Filter;
use super::layout::layouts;

/// From so many records on, reading takes a while.
const MANY: u64 = 20_000;

/// What was compared of one aggregate.
pub(super) struct Aggregate {
    pub(super) name: &'static str,
    pub(super) inbox: InputTopic,
    /// How many decisions there were of each finding, by what was decided.
    pub(super) counts: BTreeMap<String, BTreeMap<Finding, u64>>,
    /// Every decision that would be another one, in the order of the stream, with its partition.
    pub(super) differing: Vec<(i32, Compared)>,
    /// Where each partition of the stream ended, and the fence in force there.
    pub(super) ends: BTreeMap<i32, (i64, Option<Cursor>)>,
    pub(super) stream: &'static str,
}

impl Aggregate {
    pub(super) fn count(&self, finding: Finding) -> u64 {
        let of = self.counts.values();
        of.filter_map(|row| row.get(&finding)).sum()
    }
}

/// Compares all that the filter wants.
pub(super) fn compare(
    service: &Service,
    config: &Config,
    filter: &Filter,
) -> Result<Vec<Aggregate>, Failure> {
    let mut all = Vec::new();
    for (participant, setup) in layouts(service, config, filter.aggregate.as_deref())? {
        all.push(compare_one(config, participant, &setup, filter)?);
    }
    Ok(all)
}

/// One aggregate.
fn compare_one(
    config: &Config,
    participant: &dyn Participant,
    setup: &Setup,
    filter: &Filter,
) -> Result<Aggregate, Failure> {
    let description = participant.description();
    let partitions: Vec<i32> = match &filter.key {
        Some(key) => vec![partition_of(key.as_bytes(), setup.partitions)],
        None => (0..setup.partitions).collect(),
    };
    let mut found = Aggregate {
        name: description.aggregate,
        inbox: setup.inputs[setup.inputs.len() - 1].clone(),
        counts: BTreeMap::new(),
        differing: Vec::new(),
        ends: BTreeMap::new(),
        stream: description.stream,
    };
    let mut reading = Reading::new(config, description.stream)?;
    let readings = setup.inputs.iter();
    let readings = readings.map(|input| Reading::new(config, &input.name));
    let mut inputs = Inputs {
        readings: readings.collect::<Result<_, _>>()?,
        failure: None,
    };
    for partition in partitions {
        // The stream first: whatever it answers is in its inputs by then.
        reading.begin(partition)?;
        for input in &mut inputs.readings {
            input.begin(partition)?;
        }
        let setup = Setup {
            partition,
            ..setup.clone()
        };
        let bar = progress(reading.left(), MANY, "records compared");
        let from = found.differing.len();
        let cursor = compare_partition(
            participant,
            setup,
            filter.wanted(),
            &mut reading,
            &mut inputs,
            &bar,
            &mut |compared| {
                let row = found.counts.entry(compared.on.clone()).or_default();
                *row.entry(compared.finding).or_default() += 1;
                if compared.finding.differs() {
                    found.differing.push((partition, compared));
                }
            },
        )?;
        bar.finish_and_clear();
        found.ends.insert(partition, (reading.end, cursor));
        found.differing[from..].sort_by_key(|(_, compared)| compared.decided.offset);
    }
    Ok(found)
}

fn compare_partition(
    participant: &dyn Participant,
    setup: Setup,
    filter: ReplayFilter,
    reading: &mut Reading,
    inputs: &mut Inputs,
    bar: &ProgressBar,
    tell: &mut dyn FnMut(Compared),
) -> Result<Option<Cursor>, Failure> {
    let mut replay = participant.replay(setup, filter);
    loop {
        reading.each(&mut |record| {
            bar.inc(1);
            match replay.take(record, inputs, tell) {
                Ok(()) => Ok(true),
                Err(ReplayError::Inputs(unreadable)) => Err(inputs
                    .failure
                    .take()
                    .unwrap_or_else(|| Failure::run(unreadable.to_string()))),
                Err(error) => Err(Failure::run(error.to_string())),
            }
        })?;
        if !replay.look_again(tell) {
            return Ok(replay.cursor());
        }
        reading.again()?;
        bar.set_position(0);
    }
}

/// The inputs of one partition.
struct Inputs {
    readings: Vec<Reading>,
    failure: Option<Failure>,
}

impl ReplayInputs for Inputs {
    fn each(
        &mut self,
        input: usize,
        take: &mut dyn FnMut(&Record<'_>) -> bool,
    ) -> Result<(), Unreadable> {
        let Some(reading) = self.readings.get_mut(input) else {
            return Err(Unreadable);
        };
        let read = reading.each(&mut |record| Ok(take(record)));
        read.map_err(|failure| {
            self.failure = Some(failure);
            Unreadable
        })
    }
}
