//! Requests of topics and their settings.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResponse;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::*;

use super::{Served, name_of};
use crate::faults::Touched;
use crate::topics::Index;

impl Served for MetadataRequest {
    fn touched(&self, index: &Index) -> Touched {
        let Some(topics) = &self.topics else {
            return index
                .iter()
                .map(|topic| (topic.name.to_string(), None))
                .collect();
        };
        let name = |topic: &metadata_request::MetadataRequestTopic| {
            name_of(
                index,
                topic.name.as_ref().map_or("", |name| name),
                &topic.topic_id,
            )
        };
        topics.iter().map(|topic| (name(topic), None)).collect()
    }

    fn refuse(&self, error: ResponseError) -> MetadataResponse {
        let topics = self.topics.iter().flatten().map(|topic| {
            MetadataResponseTopic::default()
                .with_error_code(error.code())
                .with_name(topic.name.clone())
                .with_topic_id(topic.topic_id)
        });
        MetadataResponse::default().with_topics(topics.collect())
    }
}

impl Served for CreateTopicsRequest {
    fn touched(&self, _index: &Index) -> Touched {
        self.topics
            .iter()
            .map(|topic| (topic.name.to_string(), None))
            .collect()
    }

    fn refuse(&self, error: ResponseError) -> CreateTopicsResponse {
        let topics = self.topics.iter();
        let topics = topics.map(|topic| {
            CreatableTopicResult::default()
                .with_name(topic.name.clone())
                .with_error_code(error.code())
        });
        CreateTopicsResponse::default().with_topics(topics.collect())
    }
}

impl Served for DeleteTopicsRequest {
    fn touched(&self, index: &Index) -> Touched {
        let named = self.topic_names.iter().map(|name| (name.to_string(), None));
        let states = self.topics.iter().map(|topic| {
            (
                name_of(
                    index,
                    topic.name.as_ref().map_or("", |name| name),
                    &topic.topic_id,
                ),
                None,
            )
        });
        named.chain(states).collect()
    }

    fn refuse(&self, error: ResponseError) -> DeleteTopicsResponse {
        let refused = |name, id| {
            DeletableTopicResult::default()
                .with_name(name)
                .with_topic_id(id)
                .with_error_code(error.code())
        };
        let named = self
            .topic_names
            .iter()
            .map(|name| refused(Some(name.clone()), uuid::Uuid::nil()));
        let states = self
            .topics
            .iter()
            .map(|topic| refused(topic.name.clone(), topic.topic_id));
        DeleteTopicsResponse::default().with_responses(named.chain(states).collect())
    }
}

impl Served for CreatePartitionsRequest {
    fn touched(&self, _index: &Index) -> Touched {
        self.topics
            .iter()
            .map(|topic| (topic.name.to_string(), None))
            .collect()
    }

    fn refuse(&self, error: ResponseError) -> CreatePartitionsResponse {
        let results = self.topics.iter().map(|topic| {
            CreatePartitionsTopicResult::default()
                .with_name(topic.name.clone())
                .with_error_code(error.code())
        });
        CreatePartitionsResponse::default().with_results(results.collect())
    }
}

impl Served for DescribeConfigsRequest {
    fn refuse(&self, error: ResponseError) -> DescribeConfigsResponse {
        let results = self.resources.iter().map(|resource| {
            DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error.code())
        });
        DescribeConfigsResponse::default().with_results(results.collect())
    }
}

impl Served for AlterConfigsRequest {
    fn refuse(&self, error: ResponseError) -> AlterConfigsResponse {
        let responses = self.resources.iter().map(|resource| {
            AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error.code())
        });
        AlterConfigsResponse::default().with_responses(responses.collect())
    }
}

impl Served for IncrementalAlterConfigsRequest {
    fn refuse(&self, error: ResponseError) -> IncrementalAlterConfigsResponse {
        let responses = self.resources.iter().map(|resource| {
            IncrementalResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error.code())
        });
        IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
    }
}
