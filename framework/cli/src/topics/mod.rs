//! `kolo topics`: what topics are, and how far they reach.

mod describe;

use std::io::Write;

use kolo_kafka::Config;
use serde_json::{Value, json};

use crate::args::{Topics, TopicsAction};
use crate::cluster::{Cluster, Topic, ends};
use crate::failure::Failure;
use crate::owner::{Kind, kind_of};
use crate::terminal::{DIM, PLACE, paint};

use describe::describe;
pub(crate) use describe::settings;

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
