//! A service that starts publishes its manifest; one that may not publish it works all the same.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Publisher, await_that, bootstrap, config, read_all_from};
use kolo_broker::Broker;
use kolo_core::choreography::Manifest;
use kolo_kafka::manifests::TOPIC;
use kolo_kafka::{App, Config};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

common::counter_events!("manifests.added", "manifests.counted");
common::counter!("manifests");

fn admin(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", bootstrap)
        .create()
        .expect("a client")
}

fn block<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn exists(bootstrap: &str, topic: &str) -> bool {
    let mut client = ClientConfig::new();
    let consumer: BaseConsumer = client
        .set("bootstrap.servers", bootstrap)
        .create()
        .expect("a consumer");
    let metadata = consumer
        .fetch_metadata(None, std::time::Duration::from_secs(20))
        .expect("metadata");
    metadata.topics().iter().any(|known| known.name() == topic)
}

/// The manifests of this test's service, the first first.
fn published(bootstrap: &str) -> Vec<Manifest> {
    if !exists(bootstrap, TOPIC) {
        return Vec::new();
    }
    let records = read_all_from(bootstrap, TOPIC);
    let own = records.iter().filter(|record| record.key == "manifests");
    own.map(|record| Manifest::from_json(&record.value).expect("a manifest"))
        .collect()
}

#[test]
fn a_start_publishes_the_manifest_with_the_counts_of_its_topics() {
    let before = published(bootstrap()).len();
    for start in 1..=2 {
        let running = App::new(service())
            .start(&config())
            .expect("the service starts");
        await_that("the manifest is published", || {
            published(bootstrap()).len() == before + start
        });
        running.stop().expect("a graceful stop");
    }
    let manifest = published(bootstrap()).pop().unwrap();
    let mut declared = Manifest::from(&service());
    assert_eq!(
        declared.topics(),
        [
            "manifests.added",
            "manifests.counted",
            "manifests.counter.inbox"
        ]
    );
    declared.partitions = declared
        .topics()
        .into_iter()
        .map(|topic| (topic.to_owned(), 3))
        .collect();
    assert_eq!(manifest, declared);

    let results = block(
        admin(bootstrap())
            .describe_configs(&[ResourceSpecifier::Topic(TOPIC)], &AdminOptions::new()),
    );
    let config = results.unwrap().remove(0).unwrap();
    let policy = config
        .get("cleanup.policy")
        .and_then(|entry| entry.value.clone());
    assert_eq!(policy.as_deref(), Some("compact"));
}

// failure: set-up | the manifest cannot be published: the topic `kolo.manifests` is not there, and must not be created |
// a warning at the start | the service works, and tries again for some minutes; until then `kolo check` and `kolo graph` do
// not know of it | create the topic
#[test]
fn a_service_that_may_not_publish_its_manifest_works() {
    let broker = Broker::builder()
        .auto_create_topics(false)
        .start_blocking()
        .unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.create_topics = false;
    let topics = [
        "manifests.added",
        "manifests.counted",
        "manifests.counter.inbox",
    ];
    let new = topics
        .map(|topic| NewTopic::new(topic, 1, TopicReplication::Fixed(1)).set("retention.ms", "-1"));
    let created = block(admin(&broker.bootstrap()).create_topics(&new, &AdminOptions::new()));
    assert!(created.unwrap().iter().all(Result::is_ok));
    let running = App::new(service())
        .start(&config)
        .expect("the service starts");
    let publisher = Publisher::to(&broker.bootstrap());
    publisher.publish("manifests.added", "test.Added", "one", "k", b"k 1");
    publisher.flush();
    await_that("it is answered", || {
        let seen = read_all_from(&broker.bootstrap(), "manifests.counted");
        seen.iter().any(|seen| seen.event_type == "test.Counted")
    });
    assert!(!exists(&broker.bootstrap(), TOPIC));
    let new = NewTopic::new(TOPIC, 1, TopicReplication::Fixed(1));
    let created = block(admin(&broker.bootstrap()).create_topics(&[new], &AdminOptions::new()));
    assert!(created.unwrap().iter().all(Result::is_ok));
    await_that("the manifest is published in the end", || {
        let seen = read_all_from(&broker.bootstrap(), TOPIC);
        seen.iter().any(|seen| seen.key == "manifests")
    });
    running.stop().expect("a graceful stop");
}
