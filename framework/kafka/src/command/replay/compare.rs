//! Compare: reads the streams of a service and the topics that they answer, and decides again what was decided.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use kolo_core::processor::replay::{
    Compared, Finding, ReplayError, ReplayFilter, ReplayInputs, Unreadable,
};
use kolo_core::processor::{InputTopic, MAX_RECORD_BYTES, Rules, Setup};
use kolo_core::stream::Cursor;
use kolo_core::wire::Record;
use kolo_core::{Participant, Service, partition_of};

use crate::config::Config;
use crate::topics::{Role, TopicAdmin, Topics, roles};

use super::super::client::settings;
use super::super::failure::Failure;
use super::super::reading::Reading;
use super::super::terminal::{note, progress};
use super::args::Filter;

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
    let wanted = filter.aggregate.as_deref();
    let known = service.aggregates().iter();
    let names: Vec<&str> = known.map(|known| known.description().aggregate).collect();
    if let Some(unknown) = wanted.filter(|wanted| !names.contains(wanted)) {
        return Err(Failure::input(format!(
            "`{}` has no aggregate `{unknown}`. Its aggregates are: {}",
            service.name(),
            names.join(", ")
        )));
    }
    let mut all = Vec::new();
    for participant in service.aggregates() {
        let name = participant.description().aggregate;
        if wanted.is_some_and(|wanted| wanted != name) {
            continue;
        }
        all.extend(compare_one(service, config, participant.as_ref(), filter)?);
    }
    if all.is_empty() {
        return Err(Failure::run(format!(
            "the brokers at {} have no stream of `{}` to compare with: its aggregates have decided nothing yet",
            config.bootstrap,
            service.name()
        )));
    }
    Ok(all)
}

/// One aggregate; none if it has no stream.
fn compare_one(
    service: &Service,
    config: &Config,
    participant: &dyn Participant,
    filter: &Filter,
) -> Result<Option<Aggregate>, Failure> {
    let description = participant.description();
    let roles = roles(service, &description);
    let names: Vec<&str> = roles.iter().map(|(name, _)| name.as_str()).collect();
    let admin = TopicAdmin::new(config).map_err(|error| settings(&error))?;
    let topics = admin.describe(&names)?;
    let Some(stream) = topics.get(description.stream) else {
        note(&format!(
            "the brokers at {} have no topic `{}`, the stream of {}.{}: there is nothing to compare with",
            config.bootstrap,
            description.stream,
            service.name(),
            description.aggregate
        ));
        return Ok(None);
    };
    let mut inputs = with(&roles, &topics, Role::Input, service, config)?;
    inputs.extend(with(&roles, &topics, Role::Inbox, service, config)?);
    let routed = with(&roles, &topics, Role::RouteSource, service, config)?;
    let Some(inbox) = inputs.last().cloned() else {
        return Ok(None);
    };
    let setup = Setup {
        service: service.name().to_owned(),
        partition: 0,
        partitions: stream.partitions,
        nonce: 0,
        inputs,
        routed,
        max_record_bytes: MAX_RECORD_BYTES,
        // Whether an older version would decide otherwise is a fair question.
        allow_downgrade: true,
        broken: std::collections::HashMap::new(),
        rules: Rules::ALL,
    };
    let partitions: Vec<i32> = match &filter.key {
        Some(key) => vec![partition_of(key.as_bytes(), stream.partitions)],
        None => (0..stream.partitions).collect(),
    };
    let mut found = Aggregate {
        name: description.aggregate,
        inbox,
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
    Ok(Some(found))
}

/// The topics of this role; all of them must exist.
fn with(
    roles: &[(String, Role)],
    topics: &Topics,
    role: Role,
    service: &Service,
    config: &Config,
) -> Result<Vec<InputTopic>, Failure> {
    let names = roles.iter().filter(|(_, known)| *known == role);
    let found = names.map(|(name, _)| match topics.get(name) {
        Some(topic) => Ok(InputTopic {
            name: name.clone(),
            id: topic.id,
        }),
        None => Err(Failure::run(format!(
            "the brokers at {} have no topic `{name}`, which {} reads: `{} topics` creates it",
            config.bootstrap,
            service.name(),
            service.name()
        ))),
    });
    found.collect()
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
