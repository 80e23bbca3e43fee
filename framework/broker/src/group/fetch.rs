//! OffsetFetch: what groups committed.

use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};

use super::coordinator::Coordinator;
use super::offsets::Committed;
use super::output::{Context, text};

/// From this version on several groups are asked for at once.
const FETCH_GROUPS: i16 = 8;

impl Coordinator {
    /// OffsetFetch 1-9. Nothing is ever pending, as there are no transactions: `require_stable` changes nothing.
    pub(crate) fn fetch_offsets(
        &self,
        context: &Context,
        request: &OffsetFetchRequest,
    ) -> OffsetFetchResponse {
        let response = OffsetFetchResponse::default();
        if context.version >= FETCH_GROUPS {
            let groups = request.groups.iter().map(|asked| {
                let topics = asked.topics.as_deref().map(|topics| {
                    topics
                        .iter()
                        .map(|t| (t.name.as_str(), t.partition_indexes.as_slice()))
                        .collect::<Vec<_>>()
                });
                OffsetFetchResponseGroup::default()
                    .with_group_id(asked.group_id.clone())
                    .with_topics(self.fetch(&asked.group_id, topics))
            });
            return response.with_groups(groups.collect());
        }
        let topics = request.topics.as_deref().map(|topics| {
            topics
                .iter()
                .map(|t| (t.name.as_str(), t.partition_indexes.as_slice()))
                .collect::<Vec<_>>()
        });
        let topics = self
            .fetch(&request.group_id, topics)
            .into_iter()
            .map(|topic| {
                let partitions = topic.partitions.into_iter().map(|p| {
                    OffsetFetchResponsePartition::default()
                        .with_partition_index(p.partition_index)
                        .with_committed_offset(p.committed_offset)
                        .with_committed_leader_epoch(p.committed_leader_epoch)
                        .with_metadata(p.metadata)
                });
                OffsetFetchResponseTopic::default()
                    .with_name(topic.name)
                    .with_partitions(partitions.collect())
            });
        response.with_topics(topics.collect())
    }

    /// What a group committed: for the partitions asked for, or for all.
    fn fetch(
        &self,
        group: &str,
        topics: Option<Vec<(&str, &[i32])>>,
    ) -> Vec<OffsetFetchResponseTopics> {
        let offsets = self.groups.get(group).map(|group| &group.offsets);
        match topics {
            Some(topics) => topics
                .into_iter()
                .map(|(topic, partitions)| {
                    let committed = offsets.and_then(|offsets| offsets.get(topic));
                    let partitions = partitions
                        .iter()
                        .map(|p| fetched(*p, committed.and_then(|c| c.get(p))));
                    fetched_topic(topic, partitions.collect())
                })
                .collect(),
            None => offsets
                .into_iter()
                .flatten()
                .map(|(topic, committed)| {
                    fetched_topic(
                        topic,
                        committed
                            .iter()
                            .map(|(p, c)| fetched(*p, Some(c)))
                            .collect(),
                    )
                })
                .collect(),
        }
    }
}

fn fetched_topic(
    name: &str,
    partitions: Vec<OffsetFetchResponsePartitions>,
) -> OffsetFetchResponseTopics {
    OffsetFetchResponseTopics::default()
        .with_name(TopicName(text(name)))
        .with_partitions(partitions)
}

fn fetched(partition: i32, committed: Option<&Committed>) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions::default()
        .with_partition_index(partition)
        .with_committed_offset(committed.map_or(-1, |c| c.offset))
        .with_committed_leader_epoch(committed.map_or(-1, |c| c.leader_epoch))
        .with_metadata(Some(text(committed.map_or("", |c| &c.metadata))))
}
