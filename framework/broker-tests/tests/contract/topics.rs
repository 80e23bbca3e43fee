//! Topics: created, grown, deleted, made anew.

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest};
use rdkafka::admin::{NewPartitions, ResourceSpecifier};
use rdkafka::types::RDKafkaErrorCode;
use uuid::Uuid;

use crate::common::admin::{
    admin, await_gone, await_serving, block_on, create, delete, options, refusal, topic,
};
use crate::common::calls::{METADATA, UNSTAMPED, batch, topic_name, values};
use crate::common::errors::{
    NONE, TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION,
};
use crate::common::raw::Raw;
use crate::common::{await_that, unique};

pub(crate) fn creatable(name: &str, partitions: i32, replicas: i16) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(partitions)
        .with_replication_factor(replicas)
}

pub(crate) fn ask_to_create(
    topics: Vec<CreatableTopic>,
    validate_only: bool,
) -> Vec<CreatableTopicResult> {
    let request = CreateTopicsRequest::default()
        .with_topics(topics)
        .with_timeout_ms(20_000)
        .with_validate_only(validate_only);
    Raw::connect().call(7, &request).topics
}

pub(crate) fn exists(name: &str) -> bool {
    Raw::connect().describe_topic(name).error_code == NONE
}

/// A created topic has as many partitions as asked for, each led, and the id that its creation told.
#[test]
fn a_created_topic_has_its_partitions_and_its_id() {
    let name = unique("created");
    let created = ask_to_create(vec![creatable(&name, 5, 1)], false).remove(0);
    assert_eq!(created.error_code, NONE, "{created:?}");
    assert_eq!((created.num_partitions, created.replication_factor), (5, 1));
    assert!(!created.topic_id.is_nil());
    await_serving(&name, 5);
    let told = Raw::connect().describe_topic(&name);
    assert_eq!((told.error_code, told.topic_id), (NONE, created.topic_id));
    let mut partitions: Vec<_> = told
        .partitions
        .iter()
        .map(|one| one.partition_index)
        .collect();
    partitions.sort_unstable();
    assert_eq!(partitions, [0, 1, 2, 3, 4]);
    assert!(!told.is_internal);
}

/// All topics are listed when none is named.
#[test]
fn all_topics_are_listed() {
    let name = topic("listed", 2);
    let answer = Raw::connect().call(METADATA, &MetadataRequest::default().with_topics(None));
    let listed = answer
        .topics
        .iter()
        .find(|told| told.name.as_ref() == Some(&topic_name(&name)));
    assert_eq!(listed.expect("the topic").partitions.len(), 2);
}

/// -1 for both counts takes the broker's defaults.
#[test]
fn counts_may_be_left_to_the_broker() {
    let name = unique("defaults");
    let created = ask_to_create(vec![creatable(&name, -1, -1)], false).remove(0);
    assert_eq!(created.error_code, NONE, "{created:?}");
    assert_eq!(created.replication_factor, 1);
    assert!(created.num_partitions >= 1);
    await_serving(&name, created.num_partitions);
}

/// A request that asks only whether it would be served creates nothing, and tells what would be refused.
#[test]
fn a_validation_creates_nothing() {
    let name = unique("validated");
    let good = ask_to_create(vec![creatable(&name, 1, 1)], true).remove(0);
    assert_eq!(good.error_code, NONE, "{good:?}");
    assert!(!exists(&name));
    let existing = topic("validated", 1);
    let bad = ask_to_create(vec![creatable(&existing, 1, 1)], true).remove(0);
    assert_eq!(bad.error_code, TOPIC_ALREADY_EXISTS);
}

/// A topic that does not exist is told to be unknown, and a client that asks for no creation causes none.
#[test]
fn an_unknown_topic_is_not_created_where_the_client_says_so() {
    let name = unique("unknown");
    for _ in 0..3 {
        let told = Raw::connect().describe_topic(&name);
        assert_eq!(told.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    }
}

/// Whether the broker creates topics that a client asks for.
pub(crate) fn creates_topics() -> bool {
    let setting = ResourceSpecifier::Broker(broker_id());
    let described = block_on(admin().describe_configs([&setting], &options())).expect("an answer");
    let described = described
        .into_iter()
        .next()
        .expect("one")
        .expect("the broker's settings");
    described
        .get("auto.create.topics.enable")
        .and_then(|entry| entry.value.clone())
        .expect("a value")
        == "true"
}

/// A client that asks for creation gets the topic where the broker's `auto.create.topics.enable` says so, else none.
#[test]
fn an_unknown_topic_is_created_where_client_and_broker_say_so() {
    let enabled = creates_topics();
    let name = unique("automatic");
    let asked = MetadataRequestTopic::default().with_name(Some(topic_name(&name)));
    let request = MetadataRequest::default()
        .with_topics(Some(vec![asked]))
        .with_allow_auto_topic_creation(true);
    let mut raw = Raw::connect();
    if enabled {
        await_that("the topic", || {
            raw.call(METADATA, &request).topics[0].error_code == NONE
        });
    } else {
        for _ in 0..3 {
            let told = raw.call(METADATA, &request).topics.remove(0);
            assert_eq!(told.error_code, UNKNOWN_TOPIC_OR_PARTITION);
        }
    }
    assert_eq!(exists(&name), enabled);
}

pub(crate) fn broker_id() -> i32 {
    let request = MetadataRequest::default().with_topics(Some(vec![]));
    Raw::connect().call(METADATA, &request).brokers[0].node_id.0
}

/// A deleted topic is gone with its records, and cannot be deleted again.
#[test]
fn a_deleted_topic_is_gone() {
    let name = topic("deleted", 2);
    let mut raw = Raw::connect();
    raw.append(&name, 0, batch(values(&["a"]), UNSTAMPED));
    delete(&name);
    await_that("no appends to a deleted topic", || {
        let answer = raw.produce(&name, 0, batch(values(&["b"]), UNSTAMPED));
        answer.error_code == UNKNOWN_TOPIC_OR_PARTITION
    });
    let results = block_on(admin().delete_topics(&[&name], &options())).expect("an answer");
    assert_eq!(refusal(results), RDKafkaErrorCode::UnknownTopicOrPartition);
}

/// A topic is deleted by its id too, and an id that no topic has is refused.
#[test]
fn a_topic_is_deleted_by_its_id() {
    let name = topic("deleted-by-id", 1);
    let mut raw = Raw::connect();
    let id = raw.describe_topic(&name).topic_id;
    let mut ask = |id: Uuid| {
        let state = DeleteTopicState::default()
            .with_name(None)
            .with_topic_id(id);
        let request = DeleteTopicsRequest::default()
            .with_topics(vec![state])
            .with_timeout_ms(20_000);
        raw.call(6, &request).responses.remove(0)
    };
    let deleted = ask(id);
    assert_eq!(deleted.error_code, NONE);
    assert_eq!(deleted.name, Some(topic_name(&name)));
    await_gone(&name);
    assert_eq!(ask(id).error_code, UNKNOWN_TOPIC_ID);
    assert_eq!(ask(Uuid::new_v4()).error_code, UNKNOWN_TOPIC_ID);
}

/// A topic made anew under an old name has a new id and begins empty at offset 0.
#[test]
fn a_topic_made_anew_has_a_new_id_and_is_empty() {
    let name = topic("anew", 1);
    let mut raw = Raw::connect();
    let first = raw.describe_topic(&name).topic_id;
    raw.append(&name, 0, batch(values(&["a", "b", "c"]), UNSTAMPED));
    delete(&name);
    create(&name, 2, &[]);
    let second = raw.describe_topic(&name);
    assert_eq!(second.partitions.len(), 2);
    assert!(second.topic_id != first && !second.topic_id.is_nil());
    assert_eq!(raw.watermarks(&name, 0), (0, 0));
    assert_eq!(raw.append(&name, 0, batch(values(&["d"]), UNSTAMPED)), 0);

    let mut by_id = |id: Uuid| {
        let asked = MetadataRequestTopic::default()
            .with_name(None)
            .with_topic_id(id);
        let request = MetadataRequest::default()
            .with_topics(Some(vec![asked]))
            .with_allow_auto_topic_creation(false);
        raw.call(METADATA, &request).topics.remove(0)
    };
    let told = by_id(second.topic_id);
    assert_eq!(
        (told.error_code, told.name),
        (NONE, Some(topic_name(&name)))
    );
    assert_eq!(by_id(first).error_code, UNKNOWN_TOPIC_ID);
}

/// Partitions are added behind those that exist, which keep their records.
#[test]
fn partitions_are_added() {
    let name = topic("grown", 2);
    let mut raw = Raw::connect();
    raw.append(&name, 1, batch(values(&["kept"]), UNSTAMPED));
    let results = block_on(admin().create_partitions(&[NewPartitions::new(&name, 5)], &options()));
    assert_eq!(results.expect("an answer"), [Ok(name.clone())]);
    await_serving(&name, 5);
    assert_eq!(raw.describe_topic(&name).partitions.len(), 5);
    assert_eq!(raw.watermarks(&name, 1), (0, 1));
    assert_eq!(raw.append(&name, 4, batch(values(&["new"]), UNSTAMPED)), 0);
}

/// A topic cannot get fewer partitions, nor as many as it has, nor can an unknown topic get any.
#[test]
fn fewer_partitions_are_refused() {
    let name = topic("shrunk", 3);
    let ask = |name: &str, count| {
        let results =
            block_on(admin().create_partitions(&[NewPartitions::new(name, count)], &options()));
        refusal(results.expect("an answer"))
    };
    assert_eq!(ask(&name, 2), RDKafkaErrorCode::InvalidPartitions);
    assert_eq!(ask(&name, 3), RDKafkaErrorCode::InvalidPartitions);
    assert_eq!(
        ask(&unique("nobody"), 3),
        RDKafkaErrorCode::UnknownTopicOrPartition
    );
    assert_eq!(Raw::connect().describe_topic(&name).partitions.len(), 3);
}
