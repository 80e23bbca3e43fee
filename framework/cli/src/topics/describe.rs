//! `kolo topics describe`: all of one topic.

use std::io::Write;

use kolo_core::TopicId;
use kolo_kafka::topics::TopicAdmin;
use kolo_kafka::{Config, Connected};
use rdkafka::admin::{AdminClient, AdminOptions, ConfigEntry, ResourceSpecifier};
use rdkafka::config::RDKafkaLogLevel;
use serde_json::{Map, Value, json};

use super::print_json;
use crate::cluster::{ANSWER, Cluster, Quiet, Topic, refused};
use crate::failure::Failure;
use crate::owner::{Kind, kind_of};
use crate::terminal::{DIM, EVENT, PLACE, WRONG, paint};

/// The settings that decide whether records are kept and acknowledged safely.
const SETTINGS: [&str; 8] = [
    "cleanup.policy",
    "retention.ms",
    "retention.bytes",
    "min.insync.replicas",
    "unclean.leader.election.enable",
    "message.timestamp.type",
    "max.message.bytes",
    "compression.type",
];

pub(super) fn describe(cluster: &Cluster<'_>, topic: &Topic, as_json: bool) -> Result<(), Failure> {
    let kind = kind_of(&cluster.reader, topic)?;
    let settings = settings(cluster.config, &topic.name)?;
    let id = topic_id(cluster.config, &topic.name)?;
    let warnings = warnings(topic, &kind, &settings);
    if as_json {
        let partitions = topic.partitions.iter().map(|partition| {
            json!({
                "partition": partition.number,
                "leader": partition.leader,
                "replicas": partition.replicas,
                "in_sync": partition.in_sync,
            })
        });
        let settings: Map<String, Value> = settings
            .iter()
            .map(|entry| (entry.name.clone(), json!(entry.value)))
            .collect();
        return print_json(&json!({
            "topic": topic.name,
            "id": id.map(|id| id.to_string()),
            "kind": kind.word(),
            "owner": kind.owner(),
            "partitions": partitions.collect::<Vec<_>>(),
            "settings": settings,
            "warnings": warnings,
        }));
    }
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", paint(EVENT, &topic.name))?;
    if let Some(id) = id {
        writeln!(out, "  id          {id}")?;
    }
    writeln!(out, "  kind        {kind}")?;
    if let Kind::Stream {
        owner: Some(fence),
        partition,
    } = &kind
    {
        let since = format!("(as the first fence of partition {partition} says)");
        writeln!(
            out,
            "  version     {} of the declaration {}",
            fence.version,
            paint(DIM, since)
        )?;
        let origins: Vec<&str> = fence
            .origins
            .iter()
            .map(|origin| origin.topic.as_str())
            .collect();
        if !origins.is_empty() {
            writeln!(out, "  reads       {}", origins.join(", "))?;
        }
    }
    writeln!(
        out,
        "  partitions  {}, {} replicas",
        topic.partitions.len(),
        topic.replicas()
    )?;
    for partition in &topic.partitions {
        let place = paint(PLACE, format!("{:>4}", partition.number));
        let (replicas, in_sync) = (numbers(&partition.replicas), numbers(&partition.in_sync));
        writeln!(
            out,
            "        {place}  leader {}, replicas {replicas}, in sync {in_sync}",
            partition.leader
        )?;
    }
    writeln!(out, "  settings")?;
    for entry in &settings {
        let origin = if entry.is_default {
            paint(DIM, " (default)")
        } else {
            String::new()
        };
        writeln!(
            out,
            "        {:32}{}{origin}",
            entry.name,
            entry.value.as_deref().unwrap_or("-")
        )?;
    }
    for warning in warnings {
        writeln!(out, "  {} {warning}", paint(WRONG, "warning:"))?;
    }
    Ok(())
}

fn numbers(list: &[i32]) -> String {
    list.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What contradicts the guarantees that kolo gives.
fn warnings(topic: &Topic, kind: &Kind, settings: &[ConfigEntry]) -> Vec<String> {
    let value = |name: &str| {
        settings
            .iter()
            .find(|entry| entry.name == name)
            .and_then(|entry| entry.value.as_deref())
            .unwrap_or_default()
    };
    let is =
        |name: &str, wrong: &dyn Fn(&str) -> bool| !value(name).is_empty() && wrong(value(name));
    let mut warnings = Vec::new();
    if topic
        .partitions
        .iter()
        .any(|partition| partition.leader < 0)
    {
        warnings.push("a partition has no leader: it can be neither read nor written".to_owned());
    }
    if matches!(kind, Kind::Stream { .. }) {
        if is("cleanup.policy", &|policy| policy.contains("compact")) {
            warnings.push("cleanup.policy=compact deletes events of a stream, which is the only place of its state".to_owned());
        } else if is("retention.ms", &|value| value != "-1")
            || is("retention.bytes", &|value| value != "-1")
        {
            warnings.push("retention deletes events of a stream, which is the only place of its state: set retention.ms and retention.bytes to -1".to_owned());
        }
    }
    if is("unclean.leader.election.enable", &|value| value == "true") {
        warnings
            .push("unclean.leader.election.enable=true can lose acknowledged records".to_owned());
    }
    if topic.replicas() > 1 && is("min.insync.replicas", &|value| value == "1") {
        warnings.push("min.insync.replicas=1 acknowledges records that one replica holds: a broker's loss can lose them".to_owned());
    }
    warnings
}

/// The settings of a topic that matter, in a fixed order.
pub(crate) fn settings(config: &Config, topic: &str) -> Result<Vec<ConfigEntry>, Failure> {
    let mut client = config.client();
    client.set_log_level(RDKafkaLogLevel::Emerg);
    let admin: Connected<AdminClient<Quiet>> = config
        .connect(&client, Quiet::default())
        .map_err(|error| refused(&error))?;
    let fail = |problem: &dyn std::fmt::Display| {
        Failure::run(format!(
            "the settings of `{topic}` cannot be read: {problem}. The brokers may not allow it to this user."
        ))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| fail(&error))?;
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let specifier = [ResourceSpecifier::Topic(topic)];
    let mut answers = runtime
        .block_on(admin.describe_configs(&specifier, &options))
        .map_err(|error| fail(&error))?;
    let resource = answers
        .pop()
        .ok_or_else(|| fail(&"no answer"))?
        .map_err(|code| fail(&code))?;
    let mut entries = resource.entries;
    entries.retain(|entry| SETTINGS.contains(&entry.name.as_str()));
    entries.sort_by_key(|entry| SETTINGS.iter().position(|name| *name == entry.name));
    Ok(entries)
}

/// Kafka's id of the topic.
fn topic_id(config: &Config, topic: &str) -> Result<Option<TopicId>, Failure> {
    let admin = TopicAdmin::new(config).map_err(|error| refused(&error))?;
    let topics = admin
        .describe(&[topic])
        .map_err(|error| Failure::run(error.to_string()))?;
    Ok(topics.get(topic).map(|topic| topic.id))
}
