//! Every version of every API that is told of is answered, and the answer can be read to its last byte.

use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource as Incremental;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;
use kolo_broker::Broker;
use kolo_broker::faults::{Action, Plan, ResponseError};

use crate::client::{Client, fetch_request, name, produce_request, text};

/// One good request and one that fails, with the versions that can carry them.
fn all(client: &mut Client) {
    fn each<R: Request>(client: &mut Client, versions: std::ops::RangeInclusive<i16>, request: &R) {
        for version in versions {
            if let Err(error) = client.try_call(request, version) {
                panic!("API {} in version {version}: {error}", R::KEY);
            }
        }
    }
    let group = || GroupId(text("group"));
    for topic in ["orders", "nothing"] {
        each(client, 3..=12, &produce_request(topic, 0, &["a"]));
        each(
            client,
            4..=12,
            &fetch_request(topic, 0, 0).with_max_wait_ms(0),
        );
        for timestamp in [-1, -2, -3, 0, i64::MAX] {
            let wanted = ListOffsetsPartition::default().with_timestamp(timestamp);
            let wanted = ListOffsetsTopic::default()
                .with_name(name(topic))
                .with_partitions(vec![wanted]);
            each(
                client,
                1..=9,
                &ListOffsetsRequest::default().with_topics(vec![wanted]),
            );
        }
        let wanted = MetadataRequestTopic::default().with_name(Some(name(topic)));
        let metadata = MetadataRequest::default().with_topics(Some(vec![wanted]));
        each(client, 0..=3, &metadata);
        each(
            client,
            4..=13,
            &metadata.with_allow_auto_topic_creation(false),
        );
        let config = CreatableTopicConfig::default()
            .with_name(text("retention.ms"))
            .with_value(Some(text("1000")));
        let wanted = CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(vec![config]);
        each(
            client,
            2..=7,
            &CreateTopicsRequest::default()
                .with_topics(vec![wanted])
                .with_validate_only(true),
        );
        let wanted = CreatePartitionsTopic::default()
            .with_name(name(topic))
            .with_count(9);
        each(
            client,
            0..=3,
            &CreatePartitionsRequest::default()
                .with_topics(vec![wanted])
                .with_validate_only(true),
        );
        let wanted = DeleteRecordsTopic::default()
            .with_name(name(topic))
            .with_partitions(vec![DeleteRecordsPartition::default().with_offset(0)]);
        each(
            client,
            0..=2,
            &DeleteRecordsRequest::default().with_topics(vec![wanted]),
        );
        for kind in [2, 4, 9] {
            let wanted = DescribeConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(if kind == 4 { text("1") } else { text(topic) })
                .with_configuration_keys(None);
            let request = DescribeConfigsRequest::default()
                .with_resources(vec![wanted])
                .with_include_synonyms(true);
            each(client, 1..=4, &request);
            let wanted = AlterConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(topic));
            each(
                client,
                0..=2,
                &AlterConfigsRequest::default().with_resources(vec![wanted]),
            );
            let wanted = Incremental::default()
                .with_resource_type(kind)
                .with_resource_name(text(topic));
            each(
                client,
                0..=1,
                &IncrementalAlterConfigsRequest::default().with_resources(vec![wanted]),
            );
        }
        let wanted = OffsetForLeaderTopic::default()
            .with_topic(name(topic))
            .with_partitions(vec![
                OffsetForLeaderPartition::default().with_current_leader_epoch(-1),
            ]);
        each(
            client,
            2..=4,
            &OffsetForLeaderEpochRequest::default().with_topics(vec![wanted]),
        );
    }
    each(client, 13..=13, &produce_request("", 0, &["a"]));
    each(
        client,
        13..=18,
        &fetch_request("", 0, 0).with_max_wait_ms(0),
    );
    each(
        client,
        1..=5,
        &DeleteTopicsRequest::default().with_topic_names(vec![name("nothing")]),
    );
    let wanted = DeleteTopicState::default().with_name(Some(name("nothing")));
    each(
        client,
        6..=6,
        &DeleteTopicsRequest::default().with_topics(vec![wanted]),
    );
    each(client, 0..=4, &ApiVersionsRequest::default());
    each(client, 0..=2, &DescribeClusterRequest::default());
    each(
        client,
        0..=3,
        &FindCoordinatorRequest::default().with_key(text("group")),
    );
    each(
        client,
        1..=3,
        &FindCoordinatorRequest::default()
            .with_key(text("id"))
            .with_key_type(1),
    );
    each(
        client,
        4..=6,
        &FindCoordinatorRequest::default().with_coordinator_keys(vec![text("group")]),
    );
    each(client, 0..=5, &InitProducerIdRequest::default());
    each(
        client,
        0..=9,
        &JoinGroupRequest::default().with_group_id(group()),
    );
    each(
        client,
        0..=5,
        &SyncGroupRequest::default().with_group_id(group()),
    );
    each(
        client,
        0..=4,
        &HeartbeatRequest::default().with_group_id(group()),
    );
    each(
        client,
        0..=2,
        &LeaveGroupRequest::default().with_group_id(group()),
    );
    each(
        client,
        3..=5,
        &LeaveGroupRequest::default().with_group_id(group()),
    );
    each(
        client,
        2..=9,
        &OffsetCommitRequest::default().with_group_id(group()),
    );
    each(
        client,
        1..=7,
        &OffsetFetchRequest::default()
            .with_group_id(group())
            .with_topics(Some(vec![])),
    );
    let wanted = offset_fetch_request::OffsetFetchRequestGroup::default().with_group_id(group());
    each(
        client,
        8..=9,
        &OffsetFetchRequest::default().with_groups(vec![wanted]),
    );
    each(
        client,
        0..=0,
        &OffsetDeleteRequest::default().with_group_id(group()),
    );
    each(
        client,
        0..=6,
        &DescribeGroupsRequest::default().with_groups(vec![group()]),
    );
    each(client, 0..=5, &ListGroupsRequest::default());
    each(
        client,
        0..=2,
        &DeleteGroupsRequest::default().with_groups_names(vec![group()]),
    );
}

#[test]
fn every_version_is_answered() {
    let broker = Broker::builder()
        .auto_create_topics(false)
        .start_blocking()
        .unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    all(&mut client);
    // And with an error that was asked for.
    broker.faults().add(
        Plan::new()
            .on_any()
            .then(Action::Fail(ResponseError::UnknownServerError)),
    );
    all(&mut client);
}
