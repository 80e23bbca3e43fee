//! The stream of an aggregate, and a processor that folds it without taking it over.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kolo_core::processor::{Processor, ProcessorError, Rules, Setup};
use kolo_core::{Description, Participant, Service, message_of};

use crate::config::Config;
use crate::topics::{Topic, TopicAdmin};

use super::super::aggregates;
use super::super::client::settings;
use super::super::failure::Failure;
use super::super::terminal::note;

/// An aggregate of the service.
pub(super) struct Aggregate {
    /// `service.aggregate`
    pub(super) name: String,
    pub(super) description: Description,
    participant: Arc<dyn Participant>,
}

/// The aggregates of a service, or the one of this name.
pub(super) fn aggregates(
    service: &Service,
    wanted: Option<&str>,
) -> Result<Vec<Aggregate>, Failure> {
    let found = aggregates::wanted(service, wanted)?
        .into_iter()
        .map(|participant| {
            let description = participant.description();
            Aggregate {
                name: format!("{}.{}", service.name(), description.aggregate),
                description,
                participant: Arc::clone(participant),
            }
        });
    Ok(found.collect())
}

/// The aggregates whose stream exists, with what the brokers say of it. It fails where none does.
pub(super) fn streams(
    service: &Service,
    config: &Config,
    aggregates: Vec<Aggregate>,
) -> Result<Vec<(Aggregate, Topic)>, Failure> {
    let names = aggregates.iter().map(|known| known.description.stream);
    let names: Vec<&str> = names.collect();
    let admin = TopicAdmin::new(config).map_err(|error| settings(&error))?;
    let topics = admin.describe(&names)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for aggregate in aggregates {
        let stream = aggregate.description.stream;
        match topics.get(stream) {
            Some(topic) => found.push((aggregate, *topic)),
            None => missing.push(format!(
                "the brokers at {} have no topic `{stream}`, the stream of {}: the service creates it when it starts, and so does `{} topics`",
                config.bootstrap,
                aggregate.name,
                service.name()
            )),
        }
    }
    match missing.first() {
        Some(first) if found.is_empty() => Err(Failure::run(first)),
        _ => {
            missing.iter().for_each(|text| note(text));
            Ok(found)
        }
    }
}

impl Aggregate {
    /// A processor that only folds. It knows of no inputs, since it will decide none.
    pub(super) fn processor(
        &self,
        service: &Service,
        config: &Config,
        topic: Topic,
        partition: i32,
    ) -> Box<dyn Processor> {
        self.participant.processor(Setup {
            service: service.name().to_owned(),
            partition,
            partitions: topic.partitions,
            nonce: 0,
            inputs: Vec::new(),
            routed: Vec::new(),
            max_record_bytes: usize::MAX,
            allow_downgrade: config.allow_downgrade,
            broken: HashMap::new(),
            rules: Rules::ALL,
        })
    }

    /// Folds a record by the aggregate's code, which may panic; gives what is wrong in words.
    pub(super) fn fold<T>(
        &self,
        partition: i32,
        offset: i64,
        fold: impl FnOnce() -> Result<T, ProcessorError>,
    ) -> Result<T, String> {
        // A processor whose fold has panicked is not looked at again.
        match catch_unwind(AssertUnwindSafe(fold)) {
            Ok(folded) => folded.map_err(|error| error.to_string()),
            Err(panic) => Err(format!(
                "{}[{partition}]@{offset}: folding the record panicked: {}. This build cannot restore {} from its stream",
                self.description.stream,
                message_of(panic.as_ref()),
                self.name
            )),
        }
    }
}
