//! Topics as kolo makes them: through librdkafka's admin client.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;

use super::calls::LATEST;
use super::errors::{NONE, UNKNOWN_TOPIC_OR_PARTITION};
use super::raw::Raw;
use super::{await_that, client, unique};

pub(crate) type Admin = AdminClient<DefaultClientContext>;

pub(crate) fn admin() -> Admin {
    client().create().expect("an admin client")
}

pub(crate) fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(Duration::from_secs(30)))
        .operation_timeout(Some(Duration::from_secs(20)))
}

/// Waits for one of librdkafka's futures.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// A new topic of this many partitions, with a name of its own.
pub(crate) fn topic(what: &str, partitions: i32) -> String {
    topic_with(what, partitions, &[])
}

/// A new topic with settings.
pub(crate) fn topic_with(what: &str, partitions: i32, settings: &[(&str, &str)]) -> String {
    let name = unique(what);
    create(&name, partitions, settings);
    name
}

/// Creates a topic of this name and waits until each of its partitions serves.
pub(crate) fn create(name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    let results = block_on(admin().create_topics(&[topic], &options())).expect("an answer");
    assert_eq!(results, [Ok(name.to_owned())]);
    await_serving(name, partitions);
}

/// A broker may tell of a partition before it leads it, and serve one that was deleted until it tells of its successor.
pub(crate) fn await_serving(name: &str, partitions: i32) {
    let mut raw = Raw::connect();
    await_that("a topic that is told of", || {
        let told = raw.describe_topic(name);
        told.error_code == NONE && told.partitions.len() == partitions as usize
    });
    for partition in 0..partitions {
        await_that("a partition that serves", || {
            raw.list_offset(name, partition, LATEST).error_code == NONE
        });
    }
}

/// Deletes a topic and waits until it is gone.
pub(crate) fn delete(name: &str) {
    let results = block_on(admin().delete_topics(&[name], &options())).expect("an answer");
    assert_eq!(results, [Ok(name.to_owned())]);
    await_gone(name);
}

pub(crate) fn await_gone(name: &str) {
    let mut raw = Raw::connect();
    await_that("the end of a deleted topic", || {
        raw.describe_topic(name).error_code == UNKNOWN_TOPIC_OR_PARTITION
    });
}

/// The error that one thing of many was refused with.
pub(crate) fn refusal(
    results: Vec<Result<String, (String, RDKafkaErrorCode)>>,
) -> RDKafkaErrorCode {
    let [result] = <[_; 1]>::try_from(results).expect("one result");
    result.expect_err("it must be refused").1
}
