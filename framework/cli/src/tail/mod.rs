//! `kolo tail`: the records of topics, judged, decoded, and merged by time as far as they are there already.
//!
//! Each topic has a consumer of its own, since librdkafka reports the end of a partition without its topic.

mod filter;
mod follow;
mod from;
mod merge;
mod row;
mod show;
mod source;

use kolo_core::TopicId;
use kolo_kafka::Config;
use kolo_kafka::topics::TopicAdmin;

use crate::args::Tail;
use crate::cluster::{Cluster, Topic};
use crate::failure::Failure;
use crate::owner::{Kind, kind_of};
use crate::schemas::Schemas;
use crate::terminal::{Interrupt, note};

use filter::Filter;
use follow::Follow;
pub(crate) use from::From;
use merge::Merge;
use row::Knowledge;
pub(crate) use show::time;
use source::Source;

pub(crate) fn run(args: &Tail, config: &Config) -> Result<(), Failure> {
    let schemas = Schemas::load_if_there(args.schemas.schemas.as_deref())?;
    let schemas = if args.reveal {
        schemas.map(Schemas::revealed)
    } else {
        schemas
    };
    if schemas.is_none() {
        note(
            "there are no schemas in ./schemas/avro, so values are shown as bytes; name their folder with --schemas DIR.",
        );
    }
    let filter = Filter::new(args, schemas.as_ref())?;
    let cluster = Cluster::connect(config)?;
    let mut names: Vec<&str> = Vec::new();
    for name in &args.topics {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let topics = names
        .iter()
        .map(|name| cluster.topic(name))
        .collect::<Result<Vec<_>, _>>()?;
    check_partition(args.partition, &topics)?;
    let kinds = topics
        .iter()
        .map(|topic| kind_of(&cluster.reader, topic))
        .collect::<Result<Vec<_>, _>>()?;
    let ids = topic_ids(&cluster, &topics, kinds.contains(&Kind::Inbox));

    let default = if args.no_follow {
        From::Beginning
    } else {
        From::End
    };
    let from = args.from.unwrap_or(default);
    let mut merge = Merge::default();
    let mut sources = Vec::new();
    for (topic, kind) in topics.iter().zip(&kinds) {
        let is_stream = matches!(kind, Kind::Stream { .. });
        sources.push(Source::open(
            &cluster,
            topic,
            is_stream,
            from,
            args.partition,
            &ids,
            &mut merge,
        )?);
    }
    let knowledge = Knowledge {
        schemas: schemas.as_ref(),
        names: &ids,
    };
    let follow = Follow {
        args,
        filter,
        knowledge,
        shown: 0,
        interrupt: Interrupt::listen()?,
    };
    follow.run(&mut sources, merge)
}

fn check_partition(wanted: Option<i32>, topics: &[&Topic]) -> Result<(), Failure> {
    let Some(wanted) = wanted else { return Ok(()) };
    match topics.iter().find(|topic| {
        topic
            .partitions
            .iter()
            .all(|partition| partition.number != wanted)
    }) {
        None => Ok(()),
        Some(topic) => Err(Failure::input(format!(
            "the topic `{}` has no partition {wanted}: its {} partitions are numbered from 0.",
            topic.name,
            topic.partitions.len()
        ))),
    }
}

/// The ids of the topics that are read, and of all others if copies are to be traced to them.
fn topic_ids(cluster: &Cluster<'_>, topics: &[&Topic], all: bool) -> Vec<(TopicId, String)> {
    let names: Vec<&str> = if all {
        cluster
            .topics
            .iter()
            .filter(|topic| !topic.is_internal())
            .map(|topic| topic.name.as_str())
            .collect()
    } else {
        topics.iter().map(|topic| topic.name.as_str()).collect()
    };
    let described = TopicAdmin::new(cluster.config)
        .map_err(|error| error.to_string())
        .and_then(|admin| admin.describe(&names).map_err(|error| error.to_string()));
    match described {
        Ok(described) => described
            .into_iter()
            .map(|(name, topic)| (topic.id, name))
            .collect(),
        Err(problem) => {
            note(&format!(
                "the topics' ids are not known ({problem}): origins of copies are shown by their id alone."
            ));
            Vec::new()
        }
    }
}
