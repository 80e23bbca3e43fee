//! What the broker says of itself.

use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, DescribeClusterRequest, MetadataRequest,
    ResponseHeader,
};
use kafka_protocol::protocol::Decodable;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::common::broker::bootstrap;
use crate::common::calls::{METADATA, text};
use crate::common::errors::{NONE, UNSUPPORTED_VERSION};
use crate::common::raw::{Raw, frame};
use crate::common::{PATIENCE, client};

/// Every API that kolo, its command line and librdkafka need is told of, in a version that they speak.
#[test]
fn the_apis_that_are_needed_are_told_of() {
    // The lowest version of each that carries what is needed (topic ids, member ids, static members, null topics).
    let needed = [
        (ApiKey::Produce, 7),
        (ApiKey::Fetch, 11),
        (ApiKey::ListOffsets, 5),
        (ApiKey::Metadata, 9),
        (ApiKey::OffsetCommit, 7),
        (ApiKey::OffsetFetch, 7),
        (ApiKey::FindCoordinator, 2),
        (ApiKey::JoinGroup, 5),
        (ApiKey::Heartbeat, 3),
        (ApiKey::LeaveGroup, 1),
        (ApiKey::SyncGroup, 3),
        (ApiKey::DescribeGroups, 4),
        (ApiKey::ListGroups, 4),
        (ApiKey::ApiVersions, 3),
        (ApiKey::CreateTopics, 4),
        (ApiKey::DeleteTopics, 1),
        (ApiKey::DeleteRecords, 1),
        (ApiKey::InitProducerId, 4),
        (ApiKey::OffsetForLeaderEpoch, 2),
        (ApiKey::DescribeConfigs, 1),
        (ApiKey::AlterConfigs, 2),
        (ApiKey::IncrementalAlterConfigs, 1),
        (ApiKey::CreatePartitions, 0),
        (ApiKey::DeleteGroups, 1),
        (ApiKey::OffsetDelete, 0),
        (ApiKey::DescribeCluster, 0),
    ];
    let request = ApiVersionsRequest::default()
        .with_client_software_name(text("contract"))
        .with_client_software_version(text("1"));
    let answer = Raw::connect().call(3, &request);
    assert_eq!(answer.error_code, NONE);
    for (api, version) in needed {
        let told = answer
            .api_keys
            .iter()
            .find(|told| told.api_key == api as i16);
        let told = told.unwrap_or_else(|| panic!("{api:?} is not told of"));
        assert!(
            (told.min_version..=told.max_version).contains(&version),
            "{api:?} is told of in versions {}..{}, not in {version}",
            told.min_version,
            told.max_version
        );
    }
}

/// A client that asks for the APIs in a version from the future is told which one to ask in, and may go on.
#[test]
fn api_versions_of_the_future_are_answered_in_version_0() {
    let mut raw = Raw::connect();
    let mut bytes = frame(7, 3, &ApiVersionsRequest::default());
    bytes[6..8].copy_from_slice(&99_i16.to_be_bytes());
    raw.write(&bytes);
    let mut answer = raw.read_frame().expect("an answer");
    let header = ResponseHeader::decode(&mut answer, 0).expect("a header");
    assert_eq!(header.correlation_id, 7);
    let answer = ApiVersionsResponse::decode(&mut answer, 0).expect("an answer in version 0");
    assert_eq!(answer.error_code, UNSUPPORTED_VERSION);
    assert!(
        answer
            .api_keys
            .iter()
            .any(|told| told.api_key == ApiKey::ApiVersions as i16),
        "{answer:?}"
    );
    let again = raw.call(0, &ApiVersionsRequest::default());
    assert_eq!(again.error_code, NONE);
}

/// There is one broker, which leads, controls, and is reached at the address that it tells.
#[test]
fn the_cluster_is_one_broker_at_the_address_that_was_given() {
    let mut raw = Raw::connect();
    let metadata = raw.call(
        METADATA,
        &MetadataRequest::default().with_topics(Some(vec![])),
    );
    let [broker] = &metadata.brokers[..] else {
        panic!("not one broker: {metadata:?}");
    };
    assert_eq!(format!("{}:{}", &*broker.host, broker.port), bootstrap());
    assert_eq!(metadata.controller_id, broker.node_id);
    assert!(metadata.topics.is_empty(), "no topic was asked for");

    let described = raw.call(0, &DescribeClusterRequest::default());
    assert_eq!(described.error_code, NONE);
    assert_eq!(Some(&described.cluster_id), metadata.cluster_id.as_ref());
    assert!(!described.cluster_id.is_empty());
    assert_eq!(described.controller_id, broker.node_id);
    assert_eq!(described.brokers.len(), 1);
    assert_eq!(described.brokers[0].broker_id, broker.node_id);
}

/// librdkafka sees the same broker, under the id that it leads partitions with.
#[test]
fn librdkafka_sees_the_broker() {
    let topic = crate::common::admin::topic("seen", 1);
    let consumer: BaseConsumer = client().create().expect("a consumer");
    let metadata = consumer
        .fetch_metadata(Some(&topic), PATIENCE)
        .expect("metadata");
    assert_eq!(metadata.brokers().len(), 1);
    let partition = &metadata.topics()[0].partitions()[0];
    let id = metadata.brokers()[0].id();
    assert_eq!(partition.leader(), id);
    assert_eq!(
        (partition.replicas(), partition.isr()),
        (&[id][..], &[id][..])
    );
}
