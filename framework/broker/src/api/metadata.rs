//! `Metadata`: which topics there are, and who leads them.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use crate::node::{LEADER_EPOCH, NODE_ID};
use crate::topics::{Topic, TopicConfig};

/// The bits of all that one may do with a topic; there are no access rules here.
const ALL_TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;

/// Stands for "not asked for".
const NO_OPERATIONS: i32 = i32::MIN;

pub(super) async fn answer(call: &Call<'_>, request: MetadataRequest) -> MetadataResponse {
    let (node, version) = (call.node, call.version());
    let index = node.catalogue.index();
    let operations = if request.include_topic_authorized_operations {
        ALL_TOPIC_OPERATIONS
    } else {
        NO_OPERATIONS
    };
    let topics = match request.topics {
        // In the first version an empty list stood for all.
        Some(wanted) if version > 0 || !wanted.is_empty() => {
            let may_create =
                node.auto_create_topics && (version < 4 || request.allow_auto_topic_creation);
            let mut topics = Vec::with_capacity(wanted.len());
            for wanted in wanted {
                topics.push(match wanted.name {
                    Some(name) => match index.by_name(&name) {
                        Some(topic) => describe(call, topic),
                        None => unknown_name(call, name, may_create).await,
                    },
                    None => match index.by_id(&wanted.topic_id) {
                        Some(topic) => describe(call, topic),
                        None => MetadataResponseTopic::default()
                            .with_error_code(ResponseError::UnknownTopicId.code())
                            .with_topic_id(wanted.topic_id),
                    },
                });
            }
            topics
        }
        _ => index.iter().map(|topic| describe(call, topic)).collect(),
    };
    let topics = topics
        .into_iter()
        .map(|topic| topic.with_topic_authorized_operations(operations))
        .collect();
    let broker = node.advertised(call.client).map(|(host, port)| {
        MetadataResponseBroker::default()
            .with_node_id(NODE_ID)
            .with_host(host)
            .with_port(port)
    });
    MetadataResponse::default()
        .with_brokers(broker.into_iter().collect())
        .with_cluster_id(Some(StrBytes::from_string(
            node.catalogue.cluster_id().to_owned(),
        )))
        .with_controller_id(NODE_ID)
        .with_topics(topics)
}

async fn unknown_name(call: &Call<'_>, name: TopicName, may_create: bool) -> MetadataResponseTopic {
    let error = if may_create {
        let created = call.node.catalogue.create(
            &name,
            call.node.default_partitions,
            TopicConfig::default(),
            false,
        );
        match created.await {
            Ok(topic) => return describe(call, &topic),
            // Another client was faster.
            Err(refusal) if refusal.code == ResponseError::TopicAlreadyExists => {
                match call.node.catalogue.topic(&name) {
                    Some(topic) => return describe(call, &topic),
                    None => ResponseError::UnknownTopicOrPartition,
                }
            }
            Err(refusal) => refusal.code,
        }
    } else {
        ResponseError::UnknownTopicOrPartition
    };
    MetadataResponseTopic::default()
        .with_error_code(error.code())
        .with_name(Some(name))
}

fn describe(call: &Call<'_>, topic: &Topic) -> MetadataResponseTopic {
    let partitions = (0..topic.partition_count())
        .map(|partition| {
            let described = MetadataResponsePartition::default()
                .with_partition_index(partition)
                .with_replica_nodes(vec![NODE_ID])
                .with_isr_nodes(vec![NODE_ID]);
            if call.node.faults.is_leaderless(&topic.name, partition) {
                described
                    .with_error_code(ResponseError::LeaderNotAvailable.code())
                    .with_leader_id(BrokerId(-1))
            } else {
                described
                    .with_leader_id(NODE_ID)
                    .with_leader_epoch(LEADER_EPOCH)
            }
        })
        .collect();
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(topic.name.clone())))
        .with_topic_id(topic.id)
        .with_is_internal(topic.is_internal())
        .with_partitions(partitions)
}
