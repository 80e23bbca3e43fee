//! `CreateTopics`, `DeleteTopics`, `CreatePartitions`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::{Call, configs, refusal};
use crate::node::NODE_ID;
use crate::topics::{Refusal, SETTINGS, Topic, TopicConfig};

/// Stands for "as the broker has it".
const DEFAULT: i32 = -1;

pub(super) async fn create(call: &Call<'_>, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let mut times_named: HashMap<TopicName, usize> = HashMap::new();
    for wanted in &request.topics {
        *times_named.entry(wanted.name.clone()).or_default() += 1;
    }
    let mut topics = Vec::with_capacity(request.topics.len());
    for wanted in &request.topics {
        // Named twice it is answered once.
        let Some(times) = times_named.remove(&wanted.name) else {
            continue;
        };
        let described = CreatableTopicResult::default().with_name(wanted.name.clone());
        let created = if times == 1 {
            create_one(call, wanted, request.validate_only).await
        } else {
            Err(Refusal::new(
                ResponseError::InvalidRequest,
                "Duplicate topic name.",
            ))
        };
        topics.push(match created {
            Ok((topic, partitions)) => {
                let described = described
                    .with_num_partitions(partitions)
                    .with_replication_factor(1);
                let id = if request.validate_only {
                    uuid::Uuid::nil()
                } else {
                    topic.id
                };
                described
                    .with_topic_id(id)
                    .with_configs(Some(describe_configs(&topic)))
            }
            Err(refused) => {
                let (code, message) = refusal(refused);
                described.with_error_code(code).with_error_message(message)
            }
        });
    }
    CreateTopicsResponse::default().with_topics(topics)
}

async fn create_one(
    call: &Call<'_>,
    wanted: &CreatableTopic,
    validate_only: bool,
) -> Result<(Arc<Topic>, i32), Refusal> {
    let partitions = if wanted.assignments.is_empty() {
        check_replicas(wanted.replication_factor)?;
        if wanted.num_partitions == DEFAULT {
            call.node.default_partitions
        } else {
            wanted.num_partitions
        }
    } else {
        assigned_partitions(wanted)?
    };
    let mut overrides = BTreeMap::new();
    for config in &wanted.configs {
        let Some(value) = &config.value else {
            let message = format!(
                "Null value not supported for topic configs: {}",
                config.name.as_str()
            );
            return Err(Refusal::new(ResponseError::InvalidConfig, message));
        };
        overrides.insert(config.name.to_string(), value.to_string());
    }
    let config = TopicConfig::new(overrides)?;
    let topic = call
        .node
        .catalogue
        .create(&wanted.name, partitions, config, validate_only)
        .await?;
    Ok((topic, partitions))
}

fn check_replicas(factor: i16) -> Result<(), Refusal> {
    let refuse = |message: String| {
        Err(Refusal::new(
            ResponseError::InvalidReplicationFactor,
            message,
        ))
    };
    match factor {
        -1 | 1 => Ok(()),
        ..1 => refuse(
            "Replication factor must be larger than 0, or -1 to use the default value.".to_owned(),
        ),
        _ => refuse(format!(
            "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be \
             reached because only 1 broker(s) are registered."
        )),
    }
}

/// How many partitions a client that places them itself wants.
fn assigned_partitions(wanted: &CreatableTopic) -> Result<i32, Refusal> {
    let refuse = |code, message: &str| Err(Refusal::new(code, message));
    if wanted.num_partitions != DEFAULT {
        let message =
            "A manual partition assignment was specified, but numPartitions was not set to -1.";
        return refuse(ResponseError::InvalidRequest, message);
    }
    if i32::from(wanted.replication_factor) != DEFAULT {
        let message = "A manual partition assignment was specified, but replication factor was not set to -1.";
        return refuse(ResponseError::InvalidRequest, message);
    }
    let mut numbers: Vec<i32> = wanted
        .assignments
        .iter()
        .map(|assignment| assignment.partition_index)
        .collect();
    numbers.sort_unstable();
    if !numbers.iter().copied().eq((0..).take(numbers.len())) {
        let message = "partitions should be a consecutive 0-based integer sequence";
        return refuse(ResponseError::InvalidReplicaAssignment, message);
    }
    if wanted
        .assignments
        .iter()
        .any(|assignment| assignment.broker_ids != [NODE_ID])
    {
        return refuse(
            ResponseError::InvalidReplicaAssignment,
            "there is one broker only",
        );
    }
    i32::try_from(numbers.len())
        .or_else(|_| refuse(ResponseError::InvalidPartitions, "too many partitions"))
}

fn describe_configs(topic: &Topic) -> Vec<CreatableTopicConfigs> {
    SETTINGS
        .iter()
        .map(|setting| {
            let (value, source) = configs::value_of(topic, setting);
            CreatableTopicConfigs::default()
                .with_name(StrBytes::from_static_str(setting.name))
                .with_value(Some(value))
                .with_config_source(source)
        })
        .collect()
}

pub(super) async fn delete(call: &Call<'_>, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let named = request
        .topic_names
        .into_iter()
        .map(|name| DeleteTopicState::default().with_name(Some(name)));
    let mut responses = Vec::new();
    for wanted in request.topics.into_iter().chain(named) {
        let index = call.node.catalogue.index();
        let found = match &wanted.name {
            Some(name) => index
                .by_name(name)
                .ok_or(ResponseError::UnknownTopicOrPartition),
            None => index
                .by_id(&wanted.topic_id)
                .ok_or(ResponseError::UnknownTopicId),
        };
        let described = DeletableTopicResult::default();
        responses.push(match found {
            Ok(topic) => {
                let described = described
                    .with_name(Some(TopicName(topic.name.clone())))
                    .with_topic_id(topic.id);
                match delete_one(call, topic).await {
                    Ok(()) => described,
                    Err(refused) => {
                        let (code, message) = refusal(refused);
                        described.with_error_code(code).with_error_message(message)
                    }
                }
            }
            Err(error) => described
                .with_name(wanted.name)
                .with_topic_id(wanted.topic_id)
                .with_error_code(error.code()),
        });
    }
    DeleteTopicsResponse::default().with_responses(responses)
}

async fn delete_one(call: &Call<'_>, topic: &Arc<Topic>) -> Result<(), Refusal> {
    if topic.is_internal() {
        return Err(Refusal::new(
            ResponseError::InvalidRequest,
            "the groups are kept in this topic",
        ));
    }
    call.node.catalogue.delete(topic).await?;
    call.node.groups().forget_topic(&topic.name).await;
    Ok(())
}

pub(super) async fn grow(
    call: &Call<'_>,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    for wanted in request.topics {
        let described = CreatePartitionsTopicResult::default().with_name(wanted.name.clone());
        results.push(match grow_one(call, &wanted, request.validate_only).await {
            Ok(()) => described.with_error_message(None),
            Err(refused) => {
                let (code, message) = refusal(refused);
                described.with_error_code(code).with_error_message(message)
            }
        });
    }
    CreatePartitionsResponse::default().with_results(results)
}

async fn grow_one(
    call: &Call<'_>,
    wanted: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), Refusal> {
    if let Some(topic) = call.node.catalogue.topic(&wanted.name) {
        if topic.is_internal() {
            return Err(Refusal::new(
                ResponseError::InvalidPartitions,
                "the groups are kept in one partition",
            ));
        }
        let new = wanted.count.saturating_sub(topic.partition_count());
        if let Some(assignments) = &wanted.assignments {
            let fits = i32::try_from(assignments.len()) == Ok(new);
            if !fits
                || assignments
                    .iter()
                    .any(|assignment| assignment.broker_ids != [NODE_ID])
            {
                let message = "each new partition is to be assigned to the one broker there is";
                return Err(Refusal::new(
                    ResponseError::InvalidReplicaAssignment,
                    message,
                ));
            }
        }
    }
    call.node
        .catalogue
        .grow(&wanted.name, wanted.count, validate_only)
        .await
}
