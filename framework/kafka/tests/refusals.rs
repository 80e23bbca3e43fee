//! What cannot be worked with is refused, with a message that names it.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Publisher, await_that, bootstrap, config, read_all};
use kolo_kafka::{App, Config};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

common::counter!("refused.added", "refused.counted", "refused");

fn create(topic: &str, partitions: i32, settings: &[(&str, &str)]) {
    let client: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .create()
        .unwrap();
    let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    for (name, value) in settings {
        new = new.set(name, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let results = runtime
        .block_on(client.create_topics(&[new], &AdminOptions::new()))
        .unwrap();
    assert!(results[0].is_ok(), "{results:?}");
}

mod counts {
    super::common::counter!("refused.counts.in", "refused.counts.out", "refused-counts");
}

mod settings {
    super::common::counter!(
        "refused.settings.in",
        "refused.settings.out",
        "refused-settings"
    );
}

mod absent {
    super::common::counter!("refused.absent.in", "refused.absent.out", "refused-absent");
}

#[test]
fn different_partition_counts() {
    create("refused.counts.in", 2, &[]);
    create("refused.counts.out", 3, &[("retention.ms", "-1")]);
    let error = App::new(counts::service())
        .start(&config())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("`refused.counts.in` with 2 partitions"),
        "{error}"
    );
    assert!(error.contains("`refused.counts.out` with 3"), "{error}");
}

#[test]
fn a_compacted_stream() {
    create("refused.settings.out", 3, &[("cleanup.policy", "compact")]);
    let error = App::new(settings::service())
        .start(&config())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("`refused.settings.out` has cleanup.policy=compact"),
        "{error}"
    );
}

#[test]
fn a_missing_topic_that_must_not_be_created() {
    let mut config = config();
    config.create_topics = false;
    let error = App::new(absent::service())
        .start(&config)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("does not exist") && error.contains("create_topics"),
        "{error}"
    );
}

#[test]
fn no_broker() {
    let mut config = Config::new("127.0.0.1:1");
    config
        .kafka
        .insert("socket.connection.setup.timeout.ms".into(), "1000".into());
    let error = App::new(service())
        .start(&config)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("127.0.0.1:1"), "{error}");
}

#[test]
fn a_record_that_cannot_be_decoded_stops_the_service_at_it() {
    let running = App::new(service())
        .start(&config())
        .expect("the service starts");
    let publisher = Publisher::new();
    publisher.publish("refused.added", "test.Added", "good", "k", b"k 1");
    publisher.flush();
    let answered = || {
        read_all("refused.counted")
            .iter()
            .filter(|seen| seen.event_type == "test.Counted")
            .count()
    };
    await_that("the good one is answered", || answered() == 1);
    publisher.publish("refused.added", "test.Added", "bad", "k", b"poison");
    publisher.publish("refused.added", "test.Added", "behind it", "k", b"k 1");
    publisher.flush();
    await_that("the service has stopped", || running.wait(Duration::ZERO));
    let error = running.stop().unwrap_err().to_string();
    for part in [
        "refused.counter",
        "refused.added partition",
        "offset 1",
        "`k`",
        "test.Added",
        "malformed",
    ] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
    assert_eq!(answered(), 1, "nothing behind the record was decided");
}
