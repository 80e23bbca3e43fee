//! `kolo topics`: what topics are, and how far they reach.

use std::io::Write;

use kolo_kafka::Config;
use kolo_kafka::topics::TopicAdmin;
use rdkafka::admin::{AdminClient, AdminOptions, ConfigEntry, ResourceSpecifier};
use rdkafka::config::RDKafkaLogLevel;
use serde_json::{Value, json};

use crate::args::{Topics, TopicsAction};
use crate::cluster::{ANSWER, Cluster, Quiet, Topic, ends, refused};
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

pub(crate) fn run(args: &Topics, config: &Config) -> Result<(), Failure> {
    let cluster = Cluster::connect(config)?;
    match &args.action {
        TopicsAction::List { internal, json } => list(&cluster, *internal, *json),
        TopicsAction::Describe { topic, json } => describe(&cluster, cluster.topic(topic)?, *json),
        TopicsAction::Offsets { topic, json } => offsets(&cluster, cluster.topic(topic)?, *json),
    }
}

fn list(cluster: &Cluster<'_>, internal: bool, as_json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for topic in cluster
        .topics
        .iter()
        .filter(|topic| internal || !topic.is_internal())
    {
        let kind = if topic.is_internal() {
            None
        } else {
            Some(kind_of(&cluster.reader, topic)?)
        };
        rows.push((topic, kind));
    }
    if as_json {
        let all = rows.iter().map(|(topic, kind)| {
            json!({
                "topic": topic.name,
                "partitions": topic.partitions.len(),
                "replicas": topic.replicas(),
                "kind": kind.as_ref().map_or("internal", Kind::word),
                "owner": kind.as_ref().and_then(Kind::owner),
            })
        });
        return print_json(&Value::Array(all.collect()));
    }
    let mut out = anstream::stdout().lock();
    if rows.is_empty() {
        writeln!(
            out,
            "There are no topics yet. A service creates its topics when it starts."
        )?;
    }
    let width = rows
        .iter()
        .map(|(topic, _)| topic.name.len())
        .max()
        .unwrap_or(0);
    for (topic, kind) in rows {
        let kind = kind.map_or_else(|| "Kafka's own".to_owned(), |kind| kind.to_string());
        let name = format!("{:width$}", topic.name);
        let (partitions, replicas) = (topic.partitions.len(), topic.replicas());
        writeln!(
            out,
            "{}  {partitions:>3} partitions  {replicas} replicas  {kind}",
            paint(PLACE, name)
        )?;
    }
    Ok(())
}

fn describe(cluster: &Cluster<'_>, topic: &Topic, as_json: bool) -> Result<(), Failure> {
    let kind = kind_of(&cluster.reader, topic)?;
    let settings = settings(cluster.config, &topic.name)?;
    let id = topic_id(cluster.config, &topic.name)?;
    if as_json {
        let partitions = topic.partitions.iter().map(|partition| {
            json!({
                "partition": partition.number,
                "leader": partition.leader,
                "replicas": partition.replicas,
                "in_sync": partition.in_sync,
            })
        });
        let settings: serde_json::Map<String, Value> = settings
            .iter()
            .map(|entry| {
                (
                    entry.name.clone(),
                    entry.value.clone().map_or(Value::Null, Value::String),
                )
            })
            .collect();
        return print_json(&json!({
            "topic": topic.name,
            "id": id.map(|id| id.to_string()),
            "kind": kind.word(),
            "owner": kind.owner(),
            "partitions": partitions.collect::<Vec<_>>(),
            "settings": settings,
            "warnings": warnings(topic, &kind, &settings),
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
    let settings = settings
        .iter()
        .map(|entry| {
            (
                entry.name.clone(),
                entry.value.clone().map_or(Value::Null, Value::String),
            )
        })
        .collect();
    for warning in warnings(topic, &kind, &settings) {
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
fn warnings(topic: &Topic, kind: &Kind, settings: &serde_json::Map<String, Value>) -> Vec<String> {
    let is = |name: &str, wrong: &dyn Fn(&str) -> bool| {
        settings
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(wrong)
    };
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

fn settings(config: &Config, topic: &str) -> Result<Vec<ConfigEntry>, Failure> {
    let mut client = config.client();
    client.set_log_level(RDKafkaLogLevel::Emerg);
    let admin: AdminClient<Quiet> = client
        .create_with_context(Quiet::default())
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
fn topic_id(config: &Config, topic: &str) -> Result<Option<kolo_core::TopicId>, Failure> {
    let admin = TopicAdmin::new(config).map_err(|error| refused(&error))?;
    let topics = admin
        .describe(&[topic])
        .map_err(|error| Failure::run(error.to_string()))?;
    Ok(topics.get(topic).map(|topic| topic.id))
}

fn offsets(cluster: &Cluster<'_>, topic: &Topic, as_json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for partition in &topic.partitions {
        let (first, next) = ends(&cluster.reader, &topic.name, partition.number)?;
        rows.push((partition.number, first, next));
    }
    if as_json {
        let all = rows.iter().map(|(partition, first, next)| {
            json!({ "partition": partition, "first": first, "next": next, "records": next - first })
        });
        return print_json(&Value::Array(all.collect()));
    }
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}",
        paint(
            DIM,
            format!(
                "{:>9} {:>14} {:>14} {:>14}",
                "partition", "first", "next", "records"
            )
        )
    )?;
    for (partition, first, next) in &rows {
        let place = paint(PLACE, format!("{partition:>9}"));
        writeln!(out, "{place} {first:>14} {next:>14} {:>14}", next - first)?;
    }
    let total: i64 = rows.iter().map(|(_, first, next)| next - first).sum();
    writeln!(out, "{:>9} {:>14} {:>14} {total:>14}", "all", "", "")?;
    Ok(())
}

fn print_json(value: &Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}
