//! What an aggregate reads: topics, its inbox, and what its router reads for it.

use std::collections::BTreeSet;

use kolo_core::choreography::{AggregateManifest, Manifest};

use kolo_kafka::group_of_router;

use crate::evidence::Plan;
use crate::evidence::plan::{Topic, sources};

/// What one aggregate reads and writes.
#[derive(Debug)]
pub(super) struct Reads<'p> {
    /// `<service>.<aggregate>`
    pub(super) by: String,
    pub(super) stream: &'p Topic,
    /// What it decides, its inbox among it.
    pub(super) inputs: Vec<&'p Topic>,
    /// What its router copies into the inbox.
    pub(super) sources: Vec<&'p Topic>,
}

impl Reads<'_> {
    /// Whether it is this aggregate, or one of this service.
    pub(super) fn is_of(&self, whom: &str) -> bool {
        self.by == whom || self.by.split('.').next() == Some(whom)
    }

    /// The consumer group of its router.
    pub(super) fn router(&self) -> String {
        group_of_router(&self.by)
    }
}

/// The aggregates whose streams exist, in the order of their names.
pub(super) fn reads<'p>(manifests: &[Manifest], plan: &'p Plan) -> Vec<Reads<'p>> {
    let all = manifests.iter().flat_map(|service| {
        let aggregates = service.aggregates.iter();
        aggregates.filter_map(|known| of(service, known, plan))
    });
    let mut all: Vec<Reads<'p>> = all.collect();
    all.sort_by(|one, other| one.by.cmp(&other.by));
    all
}

fn of<'p>(service: &Manifest, known: &AggregateManifest, plan: &'p Plan) -> Option<Reads<'p>> {
    let topic_of = |event: &str| Some(&*service.event(event)?.topic);
    let direct = known.reactions.iter().filter(|reaction| !reaction.routed);
    let direct = direct.map(|reaction| &*reaction.event);
    let undoing = known.compensations.iter().map(|one| &*one.event);
    let mut inputs: BTreeSet<&str> = direct.chain(undoing).filter_map(topic_of).collect();
    let sources = sources(service, known);
    if !sources.is_empty() {
        inputs.insert(&known.inbox);
    }
    let topics = |names: BTreeSet<&str>| -> Vec<&'p Topic> {
        let named = names.into_iter().filter_map(|name| plan.topic(name));
        named.collect()
    };
    Some(Reads {
        by: format!("{}.{}", service.service, known.name),
        stream: plan.topic(&known.stream)?,
        inputs: topics(inputs),
        sources: topics(sources),
    })
}
