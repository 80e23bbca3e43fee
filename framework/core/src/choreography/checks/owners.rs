//! Whose an event, a stream and a topic is, where it is found, and on how many partitions.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checks, and};
use crate::choreography::codes::Code;
use crate::choreography::graph::AnswerKind;
use crate::choreography::manifest::EventManifest;
use crate::event::Mark;

impl Checks<'_, '_> {
    pub(super) fn owners(&mut self) {
        let mut services = BTreeSet::new();
        for manifest in self.graph.manifests {
            if !services.insert(manifest.service.as_str()) {
                let message = format!(
                    "two manifests are of a service named `{}`",
                    manifest.service
                );
                let next = "give each service a name of its own, and each manifest once".to_owned();
                self.about_all(Code::TwoOwners, message, next);
            }
        }
        let mut streams: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, node) in self.graph.aggregates.iter().enumerate() {
            let stream = node.declared.stream.as_str();
            if let Some(&first) = streams.get(stream) {
                let message = format!(
                    "`{}` and `{}` both own the stream `{stream}`",
                    self.aggregate(first),
                    node.name
                );
                let next = "give one of them another topic: a stream has one writer".to_owned();
                self.about(Code::TwoOwners, number, None, message, next);
            } else {
                streams.insert(stream, number);
            }
        }
        for event in &self.graph.events {
            let name = event.short();
            if let [first, second, ..] = event.owners[..] {
                let message = format!(
                    "`{name}` is an event of `{}` and of `{}`",
                    self.aggregate(first),
                    self.aggregate(second)
                );
                let next = format!("let one of them own `{name}`, and the other react to it");
                self.about(Code::TwoOwners, second, None, message, next);
            }
            let Some(known) = event.known else { continue };
            let owner = streams.get(known.topic.as_str()).copied();
            if let Some(owner) = owner
                && event.owners.is_empty()
            {
                let message = format!(
                    "`{name}` is written to `{}`, the stream of `{}`, which does not own it",
                    known.topic,
                    self.aggregate(owner)
                );
                let next = format!(
                    "give the schema of `{name}` another topic, or make it an event of the stream"
                );
                self.about(Code::TwoOwners, owner, None, message, next);
            }
            if let (Mark::Intake, Some(&owner)) = (known.mark, event.owners.first()) {
                let message = format!(
                    "`{name}` comes from outside, and is an event of the stream of `{}`",
                    self.aggregate(owner)
                );
                let next = "take the mark `\"intake\"` from its schema, or give it a topic that is no stream".to_owned();
                self.about(Code::TwoOwners, owner, None, message, next);
            }
        }
        self.keys();
    }

    fn keys(&mut self) {
        for answer in &self.graph.answers {
            let (event, routed) = match answer.kind {
                AnswerKind::Reaction { event, routed, .. } => (event, routed),
                AnswerKind::Compensation { event, .. } => (event, false),
                AnswerKind::Effect { .. } | AnswerKind::Deadline => continue,
            };
            let node = &self.graph.aggregates[answer.aggregate];
            let Some(known) = self.graph.events[event].known else {
                continue;
            };
            if !routed && known.key_type != node.declared.key {
                let message = format!(
                    "`{}` is keyed by `{}` and reads `{}`, which is keyed by `{}`, without a route",
                    node.name,
                    node.declared.key,
                    self.event(event),
                    known.key_type
                );
                let next = format!(
                    "use `.routed(keys, {})`, or build the service with the owner's schema",
                    answer.function.name
                );
                self.about(
                    Code::KeysDiffer,
                    answer.aggregate,
                    Some(answer.function),
                    message,
                    next,
                );
            }
        }
    }

    /// Whether everybody looks for an event in the same place.
    pub(super) fn topics(&mut self) {
        for manifest in self.graph.manifests {
            for seen in &manifest.events {
                let known = self
                    .graph
                    .find(&seen.name)
                    .and_then(|event| self.graph.events[event].known);
                let Some(known) = known else { continue };
                let places = |of: &EventManifest| {
                    [
                        ("topic", of.topic.clone()),
                        ("key field", of.key_field.clone()),
                        (
                            "saga field",
                            of.saga_field.clone().unwrap_or_else(|| "none".into()),
                        ),
                    ]
                };
                for ((what, here), (_, there)) in places(seen).into_iter().zip(places(known)) {
                    if here != there {
                        let message = format!(
                            "the {what} of `{}` is `{here}` to the service `{}`, and `{there}` to others",
                            seen.name, manifest.service
                        );
                        let next = format!(
                            "build the service `{}` with the same schema as its owner",
                            manifest.service
                        );
                        self.about_all(Code::TopicsDiffer, message, next);
                    }
                }
            }
        }
    }

    /// Whether what an aggregate reads and writes has one partition count, as far as counts are known.
    pub(super) fn partitions(&mut self) {
        let mut counts: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
        for manifest in self.graph.manifests {
            for (topic, &count) in &manifest.partitions {
                counts.entry(topic).or_default().insert(count);
            }
        }
        for (topic, counts) in counts.iter().filter(|(_, counts)| counts.len() > 1) {
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            let message = format!(
                "services have seen the topic `{topic}` with {} partitions",
                and(&counts)
            );
            let next = format!(
                "restart the services that read and write `{topic}`, so that all see what it has now"
            );
            self.about_all(Code::PartitionsDiffer, message, next);
        }
        let count = |topic: &str| counts.get(topic).and_then(|counts| counts.last().copied());
        for (number, node) in self.graph.aggregates.iter().enumerate() {
            let stream = node.declared.stream.as_str();
            let Some(expected) = count(stream) else {
                continue;
            };
            let direct = self
                .graph
                .answers_of(number)
                .filter_map(|answer| match answer.kind {
                    AnswerKind::Reaction {
                        event,
                        routed: false,
                        ..
                    }
                    | AnswerKind::Compensation { event, .. } => self.graph.events[event]
                        .known
                        .map(|known| known.topic.as_str()),
                    _ => None,
                });
            let topics: BTreeSet<&str> = direct.chain([node.declared.inbox.as_str()]).collect();
            for topic in topics {
                let Some(found) = count(topic).filter(|&found| found != expected) else {
                    continue;
                };
                let message = format!(
                    "`{}` reads `{topic}` with {found} partitions, and its stream `{stream}` has {expected}",
                    node.name
                );
                let next = format!(
                    "create `{topic}` and `{stream}` with the same count, or route the events of `{topic}`"
                );
                self.about(Code::PartitionsDiffer, number, None, message, next);
            }
        }
    }
}
