//! The topic that is imported into: created, or looked at.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kolo_core::TopicId;
use kolo_kafka::topics::{Topic, TopicAdmin};
use kolo_kafka::{Config, Connected};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::Consumer;

use super::plan::Plan;
use crate::backup::Manifest;
use crate::cluster::{ANSWER, Cluster, Quiet, refused};
use crate::failure::Failure;
use crate::terminal::note;
use crate::topics::settings;

/// How long brokers may take until all of them list a topic.
const LISTED: Duration = Duration::from_secs(15);
/// The settings that a topic is created with as they were exported.
const KEPT: [&str; 4] = [
    "cleanup.policy",
    "retention.ms",
    "retention.bytes",
    "max.message.bytes",
];
const STAMPS: &str = "message.timestamp.type";

/// The id of the target, which is created if it is not there.
pub(super) fn prepare(
    cluster: &Cluster<'_>,
    name: &str,
    manifest: &Manifest,
) -> Result<TopicId, Failure> {
    let admin = TopicAdmin::new(cluster.config).map_err(|error| refused(&error))?;
    let wanted = manifest.partitions.len();
    let found = describe(&admin, name)?;
    let topic = match found {
        Some(topic) => topic,
        None => create(cluster.config, &admin, name, manifest)?,
    };
    if usize::try_from(topic.partitions) != Ok(wanted) {
        return Err(Failure::input(format!(
            "the topic `{name}` at {} has {} partitions, and the backup of `{}` has {wanted}: a key would live on another partition. Name another topic with --topic, or delete this one, if nobody needs it.",
            cluster.config.bootstrap, topic.partitions, manifest.topic
        )));
    }
    let settings = settings(cluster.config, name)?;
    let stamps = settings.iter().find(|entry| entry.name == STAMPS);
    if stamps.and_then(|entry| entry.value.as_deref()) == Some("LogAppendTime") {
        return Err(Failure::input(format!(
            "the topic `{name}` has {STAMPS}=LogAppendTime: the brokers would give every record the time of the import. Set it to CreateTime until the import is through."
        )));
    }
    Ok(topic.id)
}

fn describe(admin: &TopicAdmin<'_>, name: &str) -> Result<Option<Topic>, Failure> {
    let known = admin.describe(&[name]);
    let known = known.map_err(|error| Failure::run(error.to_string()))?;
    Ok(known.get(name).copied())
}

fn create(
    config: &Config,
    admin: &TopicAdmin<'_>,
    name: &str,
    manifest: &Manifest,
) -> Result<Topic, Failure> {
    let fail = |problem: &dyn std::fmt::Display| {
        Failure::run(format!(
            "the topic `{name}` cannot be created: {problem}. Create it with {} partitions, and type the same command again.",
            manifest.partitions.len()
        ))
    };
    if !config.create_topics {
        return Err(Failure::input(format!(
            "the topic `{name}` does not exist at {}, and create_topics is off: create it with {} partitions.",
            config.bootstrap,
            manifest.partitions.len()
        )));
    }
    let partitions = i32::try_from(manifest.partitions.len()).map_err(|error| fail(&error))?;
    let replicas = TopicReplication::Fixed(config.replication);
    let mut new = NewTopic::new(name, partitions, replicas).set(STAMPS, "CreateTime");
    for setting in KEPT {
        if let Some(value) = manifest.config.get(setting) {
            new = new.set(setting, value);
        }
    }
    if manifest
        .config
        .get(STAMPS)
        .is_some_and(|kind| kind == "LogAppendTime")
    {
        note(&format!(
            "`{}` had {STAMPS}=LogAppendTime; `{name}` is created with CreateTime, which keeps the times that are in the backup. Set it back when the import is through.",
            manifest.topic
        ));
    }
    let mut client = config.client();
    client.set_log_level(RDKafkaLogLevel::Emerg);
    let maker: Connected<AdminClient<Quiet>> = config
        .connect(&client, Quiet::default())
        .map_err(|error| refused(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| fail(&error))?;
    let options = AdminOptions::new().operation_timeout(Some(ANSWER));
    let results = runtime.block_on(maker.create_topics([&new], &options));
    for result in results.map_err(|error| fail(&error))? {
        result.map_err(|(_, code)| fail(&code))?;
    }
    // A topic that was just created is not known to every broker at once.
    let begun = Instant::now();
    loop {
        match describe(admin, name)? {
            Some(topic) if topic.partitions == partitions => return Ok(topic),
            _ if begun.elapsed() > LISTED => {
                return Err(fail(&"it was created, but the brokers do not list it"));
            }
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The topics among a stream's inputs that are not in this cluster, or are there under another id: the owner's positions
/// in them are of no use to it.
pub(super) fn unknown_inputs(
    cluster: &Cluster<'_>,
    plan: &Plan,
) -> Result<BTreeSet<String>, Failure> {
    let names: Vec<&str> = cluster
        .topics
        .iter()
        .map(|topic| topic.name.as_str())
        .collect();
    let admin = TopicAdmin::new(cluster.config).map_err(|error| refused(&error))?;
    let known = admin.describe(&names);
    let known = known.map_err(|error| Failure::run(error.to_string()))?;
    let ids: BTreeSet<TopicId> = known.values().map(|topic| topic.id).collect();
    let origins = plan.partitions.iter().flat_map(|part| part.union.origins());
    Ok(origins
        .filter(|origin| !ids.contains(&origin.id))
        .map(|origin| origin.topic.clone())
        .collect())
}

/// A running owner would answer the import's fence with one of its own.
pub(super) fn refuse_while_owned(cluster: &Cluster<'_>, owner: &str) -> Result<(), Failure> {
    let groups = cluster.reader.fetch_group_list(Some(owner), ANSWER);
    let groups = groups.map_err(|error| {
        Failure::run(format!(
            "the brokers do not say whether the group `{owner}` has members: {error}"
        ))
    })?;
    let members: usize = groups
        .groups()
        .iter()
        .filter(|group| group.name() == owner)
        .map(|group| group.members().len())
        .sum();
    if members == 0 {
        return Ok(());
    }
    let service = owner.split('.').next().unwrap_or(owner);
    Err(Failure::input(format!(
        "the group `{owner}` is not empty ({members} in it): the aggregate is running, and its owner would fence the import out. Stop the service `{service}`, all instances of it, and type the same command again; one that was killed is in it until its session ends."
    )))
}
