//! Committed offsets: OffsetCommit and OffsetDelete.

use std::time::Instant;

use bytes::Buf;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{
    ConsumerProtocolSubscription, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest,
    OffsetDeleteResponse,
};
use kafka_protocol::protocol::Decodable;

use super::coordinator::Coordinator;
use super::entry;
use super::output::{Context, Output, Turn};
use super::state::{Group, State};

/// What a group committed for a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) offset: i64,
    /// The leader's epoch of the last record read, or -1.
    pub(super) leader_epoch: i32,
    pub(super) metadata: String,
}

/// From this version on a group that is not there is named as the reason; before, its generation was.
const COMMIT_NAMES_GROUP: i16 = 9;

impl Coordinator {
    /// OffsetCommit 2-9. `exists` tells whether there is such a topic and partition. A retention time that a request
    /// asks for, up to version 4, is not observed: all offsets are kept as long as the settings say.
    pub(crate) fn commit(
        &mut self,
        now: Instant,
        context: &Context,
        request: &OffsetCommitRequest,
        exists: impl Fn(&str, i32) -> bool,
    ) -> (OffsetCommitResponse, Output) {
        let mut turn = Turn::new(now, &self.config);
        let group_id = request.group_id.as_str();
        // With a generation, it must be of a member, and so of a group that is here.
        let simple = request.generation_id_or_member_epoch < 0;
        let made = simple.then(|| Group::new(group_id, now));
        let group = match made {
            Some(made) => Ok(self.groups.entry(group_id.to_owned()).or_insert(made)),
            None => self
                .groups
                .get_mut(group_id)
                .ok_or(if context.version >= COMMIT_NAMES_GROUP {
                    ResponseError::GroupIdNotFound
                } else {
                    ResponseError::IllegalGeneration
                }),
        };
        let mut allowed = group.and_then(|group| {
            group.check_commit(request)?;
            group.touch(now, &request.member_id);
            Ok(group)
        });
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let index = partition.partition_index;
                let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
                let error = match &mut allowed {
                    _ if !exists(&topic.name, index) => {
                        ResponseError::UnknownTopicOrPartition.code()
                    }
                    Err(error) => error.code(),
                    // Kafka counts as Java does.
                    Ok(_) if metadata.encode_utf16().count() > turn.config.max_metadata_bytes => {
                        ResponseError::OffsetMetadataTooLarge.code()
                    }
                    Ok(group) => {
                        let committed = Committed {
                            offset: partition.committed_offset,
                            leader_epoch: partition.committed_leader_epoch,
                            metadata: metadata.to_owned(),
                        };
                        turn.output.entries.push(entry::committed(
                            group_id,
                            &topic.name,
                            index,
                            &committed,
                        ));
                        group.set_offset(&topic.name, index, committed);
                        0
                    }
                };
                let answer = OffsetCommitResponsePartition::default().with_partition_index(index);
                partitions.push(answer.with_error_code(error));
            }
            let answer = OffsetCommitResponseTopic::default().with_name(topic.name.clone());
            topics.push(answer.with_partitions(partitions));
        }
        let output = turn.output;
        self.settle_unless_nothing(group_id);
        (OffsetCommitResponse::default().with_topics(topics), output)
    }

    /// OffsetDelete 0. `exists` tells whether there is such a topic and partition.
    pub(crate) fn delete_offsets(
        &mut self,
        now: Instant,
        request: &OffsetDeleteRequest,
        exists: impl Fn(&str, i32) -> bool,
    ) -> (OffsetDeleteResponse, Output) {
        let mut turn = Turn::new(now, &self.config);
        let response = OffsetDeleteResponse::default();
        let Some(group) = self.groups.get_mut(request.group_id.as_str()) else {
            return (
                response.with_error_code(ResponseError::GroupIdNotFound.code()),
                turn.output,
            );
        };
        if !group.is_empty() && !group.has_consumers() {
            return (
                response.with_error_code(ResponseError::NonEmptyGroup.code()),
                turn.output,
            );
        }
        let topics = request.topics.iter().map(|topic| {
            let subscribed = group.subscribes(&topic.name);
            let partitions = topic.partitions.iter().map(|partition| {
                let index = partition.partition_index;
                let error = if !exists(&topic.name, index) {
                    ResponseError::UnknownTopicOrPartition.code()
                } else if subscribed {
                    ResponseError::GroupSubscribedToTopic.code()
                } else {
                    turn.output
                        .entries
                        .extend(group.delete_offset(&topic.name, index));
                    0
                };
                OffsetDeleteResponsePartition::default()
                    .with_partition_index(index)
                    .with_error_code(error)
            });
            let partitions = partitions.collect();
            OffsetDeleteResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions)
        });
        let response = response.with_topics(topics.collect());
        let output = turn.output;
        self.settle(&request.group_id);
        (response, output)
    }

    /// Drops what all groups committed for a topic, which was deleted.
    pub(crate) fn forget_topic(&mut self, topic: &str) -> Output {
        let mut output = Output::default();
        let groups = self
            .groups
            .iter()
            .filter(|(_, group)| group.offsets.contains_key(topic));
        for id in groups.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            if let Some(group) = self.groups.get_mut(&id) {
                let partitions = group.offsets.remove(topic).unwrap_or_default();
                output.entries.extend(
                    partitions
                        .keys()
                        .map(|p| entry::deleted_offset(&id, topic, *p)),
                );
            }
            self.settle(&id);
        }
        output
    }
}

impl Group {
    fn check_commit(&self, request: &OffsetCommitRequest) -> Result<(), ResponseError> {
        let generation = request.generation_id_or_member_epoch;
        if generation < 0 && self.is_empty() {
            return Ok(());
        }
        if generation < 0 && request.member_id.is_empty() && request.group_instance_id.is_none() {
            return Err(ResponseError::UnknownMemberId);
        }
        self.check_member(&request.member_id, request.group_instance_id.as_deref())?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        // The member knows the generation and yet has no assignment in it: what it commits belongs to the last one.
        if self.state == State::Completing {
            Err(ResponseError::RebalanceInProgress)
        } else {
            Ok(())
        }
    }

    /// Whoever commits lives.
    fn touch(&mut self, now: Instant, member: &str) {
        if self.is_empty() {
            self.idle_since = now;
        } else if let Some(member) = self.members.get_mut(member) {
            member.keep_alive(now);
        }
    }

    pub(super) fn set_offset(&mut self, topic: &str, partition: i32, committed: Committed) {
        match self.offsets.get_mut(topic) {
            Some(partitions) => drop(partitions.insert(partition, committed)),
            None => drop(
                self.offsets
                    .insert(topic.to_owned(), [(partition, committed)].into()),
            ),
        }
    }

    pub(super) fn delete_offset(&mut self, topic: &str, partition: i32) -> Option<super::Entry> {
        let partitions = self.offsets.get_mut(topic)?;
        partitions.remove(&partition)?;
        if partitions.is_empty() {
            self.offsets.remove(topic);
        }
        Some(entry::deleted_offset(&self.id, topic, partition))
    }

    fn has_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some("consumer")
    }

    /// Whether a member reads this topic now. A group of consumers whose words we cannot read may read any.
    fn subscribes(&self, topic: &str) -> bool {
        let Some(protocol) = &self.protocol else {
            return !self.members.is_empty();
        };
        self.members.values().any(|member| {
            let mut said = member.metadata(protocol);
            // A version of two bytes, then its fields; later versions only append to those of the first.
            said.try_get_i16()
                .ok()
                .and_then(|_| ConsumerProtocolSubscription::decode(&mut said, 0).ok())
                .is_none_or(|subscription| {
                    subscription
                        .topics
                        .iter()
                        .any(|name| name.as_str() == topic)
                })
        })
    }
}
