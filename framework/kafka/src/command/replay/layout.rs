//! Layout: which topics an aggregate reads and writes, as they exist now.

use kolo_core::processor::{InputTopic, MAX_RECORD_BYTES, Rules, Setup};
use kolo_core::{Participant, Service};

use crate::config::Config;
use crate::topics::{Role, TopicAdmin, Topics, roles};

use super::super::aggregates;
use super::super::client::settings;
use super::super::failure::Failure;
use super::super::terminal::note;

/// The aggregates of a service that have a stream, or the one of this name; each with the setup of its first partition. The
/// last of its inputs is its inbox.
pub(super) fn layouts<'a>(
    service: &'a Service,
    config: &Config,
    wanted: Option<&str>,
) -> Result<Vec<(&'a dyn Participant, Setup)>, Failure> {
    let mut all = Vec::new();
    for participant in aggregates::wanted(service, wanted)? {
        let participant = participant.as_ref();
        let setup = layout(service, config, participant)?;
        all.extend(setup.map(|setup| (participant, setup)));
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

/// Of one aggregate; none if it has no stream.
fn layout(
    service: &Service,
    config: &Config,
    participant: &dyn Participant,
) -> Result<Option<Setup>, Failure> {
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
    Ok(Some(Setup {
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
    }))
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
