//! What a broker keeps, and what it lets go.

use std::time::{Duration, Instant};

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::*;
use kolo_broker::{Broker, StartError};

use crate::client::{Client, name, produce_request, text};

fn commit(client: &mut Client, offset: i64) -> i16 {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(offset);
    let topic = OffsetCommitRequestTopic::default()
        .with_name(name("orders"))
        .with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text("group")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    client.call(&request, 8).topics[0].partitions[0].error_code
}

fn committed(client: &mut Client) -> i64 {
    let topic = OffsetFetchRequestTopics::default()
        .with_name(name("orders"))
        .with_partition_indexes(vec![0]);
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(GroupId(text("group")))
        .with_topics(Some(vec![topic]));
    let response = client.call(&OffsetFetchRequest::default().with_groups(vec![group]), 8);
    response.groups[0].topics[0].partitions[0].committed_offset
}

fn producer_id(client: &mut Client) -> i64 {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    client.call(&request, 4).producer_id.0
}

#[test]
fn a_directory_keeps_topics_records_groups_and_ids() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        Broker::builder()
            .data_dir(dir.path())
            .start_blocking()
            .unwrap()
    };
    let broker = start();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 2, &[("retention.ms", "-1")]);
    client.produce("orders", 0, &["a", "b"]);
    assert_eq!(commit(&mut client, 1), 0);
    let id = producer_id(&mut client);
    let before = client.call(&MetadataRequest::default().with_topics(None), 12);
    broker.shutdown_blocking();
    let broker = start();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    let mut after = client.call(&MetadataRequest::default().with_topics(None), 12);
    assert_eq!(after.cluster_id, before.cluster_id);
    let order = |topics: &[metadata_response::MetadataResponseTopic]| {
        let mut topics = topics.to_vec();
        topics.sort_by_key(|topic| topic.topic_id);
        topics
    };
    assert_eq!(order(&after.topics), order(&before.topics));
    after.topics.retain(|topic| !topic.is_internal);
    assert_eq!(after.topics[0].partitions.len(), 2);
    assert_eq!(
        client.fetch("orders", 0, 0),
        (0, vec!["a".into(), "b".into()])
    );
    assert_eq!(committed(&mut client), 1);
    assert!(producer_id(&mut client) > id);
    // Dropped without a shutdown it has all the same.
    client.produce("orders", 0, &["c"]);
    assert_eq!(commit(&mut client, 3), 0);
    drop(broker);
    let broker = start();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    assert_eq!(client.fetch("orders", 0, 2), (0, vec!["c".into()]));
    assert_eq!(committed(&mut client), 3);
}

#[test]
fn a_directory_is_one_broker_s() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::builder()
        .data_dir(dir.path())
        .start_blocking()
        .unwrap();
    let refused = Broker::builder()
        .data_dir(dir.path())
        .start_blocking()
        .unwrap_err();
    assert!(matches!(&refused, StartError::Locked { dir: named } if named == dir.path()));
    assert!(
        refused.to_string().contains(dir.path().to_str().unwrap()),
        "{refused}"
    );
    broker.shutdown_blocking();
    drop(
        Broker::builder()
            .data_dir(dir.path())
            .start_blocking()
            .unwrap(),
    );
}

#[test]
fn an_address_that_is_taken_or_is_none_is_told_of() {
    let broker = Broker::builder().start_blocking().unwrap();
    let refused = Broker::builder()
        .listen(broker.bootstrap())
        .start_blocking()
        .unwrap_err();
    assert!(
        refused.to_string().contains(&broker.bootstrap()),
        "{refused}"
    );
    assert!(matches!(
        Broker::builder().listen("nowhere").start_blocking(),
        Err(StartError::Listen { .. })
    ));
}

#[test]
fn localhost_and_everywhere_can_be_listened_at() {
    for (listen, host) in [("localhost:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.1")] {
        let broker = Broker::builder().listen(listen).start_blocking().unwrap();
        let mut client = Client::connect(&broker.bootstrap(), "c");
        let told = client
            .call(&MetadataRequest::default(), 12)
            .brokers
            .remove(0);
        assert_eq!(told.host.as_str(), host);
        assert_eq!(format!("{host}:{}", told.port), broker.bootstrap());
    }
}

#[test]
fn groups_in_memory_outlive_a_stop() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    assert_eq!(commit(&mut client, 5), 0);
    broker.stop().unwrap();
    broker.start_again().unwrap();
    assert_eq!(committed(&mut Client::connect(&broker.bootstrap(), "c")), 5);
}

#[test]
fn a_deleted_topic_leaves_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::builder()
        .data_dir(dir.path())
        .start_blocking()
        .unwrap();
    let topics = || {
        std::fs::read_dir(dir.path().join("topics"))
            .unwrap()
            .count()
    };
    let mut client = Client::connect(&broker.bootstrap(), "c");
    let before = topics();
    client.create("orders", 3, &[]);
    client.produce("orders", 0, &["a"]);
    assert_eq!(topics(), before + 1);
    let request = DeleteTopicsRequest::default().with_topic_names(vec![name("orders")]);
    assert_eq!(client.call(&request, 5).responses[0].error_code, 0);
    assert_eq!(topics(), before);
}

#[test]
fn retention_is_seen_to_without_being_asked() {
    let broker = Broker::builder()
        .clean_interval(Duration::from_millis(20))
        .start_blocking()
        .unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create(
        "orders",
        1,
        &[("retention.bytes", "1500000"), ("segment.bytes", "1048576")],
    );
    let value = "x".repeat(400_000);
    for _ in 0..12 {
        assert_eq!(
            client
                .call(&produce_request("orders", 0, &[&value]), 9)
                .responses[0]
                .partition_responses[0]
                .error_code,
            0
        );
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while client
        .call(&produce_request("orders", 0, &["a"]), 9)
        .responses[0]
        .partition_responses[0]
        .log_start_offset
        == 0
    {
        assert!(Instant::now() < deadline, "nothing is ever deleted");
    }
}

#[tokio::test]
async fn it_starts_and_ends_within_a_runtime_of_one_thread() {
    let broker = Broker::builder().start().await.unwrap();
    // This blocks the only thread of the test's runtime, as a client that is not async does.
    assert_eq!(
        Client::connect(&broker.bootstrap(), "c").create("orders", 1, &[]),
        0
    );
    broker.stop().unwrap();
    broker.start_again().unwrap();
    broker.shutdown().await;
    drop(Broker::builder().start().await.unwrap());
    Broker::builder()
        .start_blocking()
        .unwrap()
        .shutdown_blocking();
}
