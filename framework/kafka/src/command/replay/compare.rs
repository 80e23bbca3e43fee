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
use parking_lot::Mutex;

use crate::config::Config;

use super::super::failure::Failure;
use super::super::reading::Reading;
use super::super::terminal::progress;
use super::args::Filter;
use super::layout::layouts;

/// How many partitions are compared at once.
const WORKERS: usize = 4;

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
    let wanted = filter.wanted()?;
    let mut all = Vec::new();
    for (participant, setup) in layouts(service, config, filter.aggregate.as_deref())? {
        all.push(compare_one(config, participant, &setup, &wanted)?);
    }
    Ok(all)
}

/// One aggregate. Its partitions are independent of each other, and reading one is mostly waiting.
fn compare_one(
    config: &Config,
    participant: &dyn Participant,
    setup: &Setup,
    filter: &ReplayFilter,
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
    let bar = progress(u64::MAX, 0, "records compared");
    bar.set_length(0);
    let queue = Mutex::new(partitions);
    let worker = || {
        let mut worker = Worker::new(config, participant, setup)?;
        let mut all = Vec::new();
        loop {
            let next = queue.lock().pop();
            let Some(partition) = next else {
                return Ok(all);
            };
            all.push(worker.compare(partition, filter, &bar)?);
        }
    };
    let outcomes: Vec<Result<Vec<Partition>, Failure>> = std::thread::scope(|scope| {
        let workers = queue.lock().len().min(WORKERS);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let joined = workers.into_iter().map(|worker| {
            let panicked = |_| Err(Failure::run("a decision panicked where none may"));
            worker.join().unwrap_or_else(panicked)
        });
        joined.collect()
    });
    bar.finish_and_clear();
    for partition in outcomes {
        partition?.into_iter().for_each(|one| found.add(one));
    }
    let place = |(partition, compared): &(i32, Compared)| (*partition, compared.decided.offset);
    found.differing.sort_by_key(place);
    Ok(found)
}

impl Aggregate {
    fn add(&mut self, partition: Partition) {
        for (on, counts) in partition.counts {
            let row = self.counts.entry(on).or_default();
            for (finding, number) in counts {
                *row.entry(finding).or_default() += number;
            }
        }
        let differing = partition.differing.into_iter();
        self.differing
            .extend(differing.map(|compared| (partition.number, compared)));
        self.ends.insert(partition.number, partition.end);
    }
}

/// What was compared of one partition.
struct Partition {
    number: i32,
    counts: BTreeMap<String, BTreeMap<Finding, u64>>,
    differing: Vec<Compared>,
    end: (i64, Option<Cursor>),
}

/// Compares one partition after the other.
struct Worker<'a> {
    participant: &'a dyn Participant,
    setup: &'a Setup,
    reading: Reading,
    inputs: Inputs,
}

impl<'a> Worker<'a> {
    fn new(
        config: &Config,
        participant: &'a dyn Participant,
        setup: &'a Setup,
    ) -> Result<Self, Failure> {
        let readings = setup.inputs.iter();
        let readings = readings.map(|input| Reading::new(config, &input.name));
        Ok(Worker {
            participant,
            setup,
            reading: Reading::new(config, participant.description().stream)?,
            inputs: Inputs {
                readings: readings.collect::<Result<_, _>>()?,
                failure: None,
            },
        })
    }

    fn compare(
        &mut self,
        partition: i32,
        filter: &ReplayFilter,
        bar: &ProgressBar,
    ) -> Result<Partition, Failure> {
        let (reading, inputs) = (&mut self.reading, &mut self.inputs);
        // The stream first: whatever it answers is in its inputs by then.
        reading.begin(partition)?;
        for input in &mut inputs.readings {
            input.begin(partition)?;
        }
        bar.inc_length(reading.left());
        let setup = Setup {
            partition,
            ..self.setup.clone()
        };
        let mut replay = self.participant.replay(setup, filter.clone());
        let (mut counts, mut differing) = (BTreeMap::new(), Vec::new());
        let mut tell = |compared: Compared| {
            let row: &mut BTreeMap<Finding, u64> = counts.entry(compared.on.clone()).or_default();
            *row.entry(compared.finding).or_default() += 1;
            if compared.finding.differs() {
                differing.push(compared);
            }
        };
        loop {
            reading.each(&mut |record| {
                bar.inc(1);
                match replay.take(record, inputs, &mut tell) {
                    Ok(()) => Ok(true),
                    Err(ReplayError::Inputs(unreadable)) => Err(inputs
                        .failure
                        .take()
                        .unwrap_or_else(|| Failure::run(unreadable.to_string()))),
                    Err(error) => Err(Failure::run(error.to_string())),
                }
            })?;
            if !replay.look_again(&mut tell) {
                break;
            }
            reading.again()?;
            bar.inc_length(reading.left());
        }
        Ok(Partition {
            number: partition,
            counts,
            differing,
            end: (reading.end, replay.cursor()),
        })
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
