//! How far routers are, by what their groups have committed: an event that was routed to no key leaves no other trace.

use std::collections::HashMap;

use kolo_core::TopicId;
use kolo_core::choreography::Manifest;
use kolo_kafka::{group_of_router, routed_until};

use super::plan::{Plan, Topic, sources};
use crate::cluster::{Cluster, at_once};
use crate::failure::Failure;

/// The next offset of each source's partition, by the `<service>.<aggregate>` that it is routed to.
#[derive(Debug, Default)]
pub(crate) struct Routers(HashMap<String, HashMap<(TopicId, i32), i64>>);

impl Routers {
    /// Asks for all routers. To be asked before the topics are read: then the copies of all that they have passed are there.
    pub(crate) fn ask(
        cluster: &Cluster<'_>,
        manifests: &[Manifest],
        plan: &Plan,
    ) -> Result<Self, Failure> {
        let all = manifests.iter().flat_map(|service| {
            let known = service.aggregates.iter();
            known.map(move |known| {
                let by = format!("{}.{}", service.service, known.name);
                let topics = sources(service, known).into_iter();
                (by, topics.filter_map(|name| plan.topic(name)).collect())
            })
        });
        let routing: Vec<(String, Vec<&Topic>)> = all
            .filter(|(_, topics): &(_, Vec<_>)| !topics.is_empty())
            .collect();
        let places = at_once(&routing, |(by, topics)| passed(cluster, by, topics))?;
        let owners = routing.into_iter().map(|(by, _)| by);
        Ok(Routers(owners.zip(places).collect()))
    }

    /// Whether an aggregate's router has passed what stands there.
    pub(super) fn have_passed(&self, by: &str, source: (TopicId, i32), offset: i64) -> bool {
        let next = self.0.get(by).and_then(|places| places.get(&source));
        next.is_some_and(|&next| next > offset)
    }
}

/// The next offsets of an aggregate's router.
fn passed(
    cluster: &Cluster<'_>,
    by: &str,
    topics: &[&Topic],
) -> Result<HashMap<(TopicId, i32), i64>, Failure> {
    let partitions = topics
        .iter()
        .map(|topic| (&*topic.name, &*topic.partitions));
    let partitions: Vec<(&str, &[i32])> = partitions.collect();
    let committed = cluster.committed(&group_of_router(by), &partitions)?;
    let next = committed.elements().into_iter().filter_map(|one| {
        let topic = topics.iter().find(|topic| topic.name == one.topic())?;
        let next = routed_until(topic.id, &one)?;
        Some(((topic.id, one.partition()), next))
    });
    Ok(next.collect())
}
