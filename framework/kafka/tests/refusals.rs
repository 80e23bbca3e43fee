//! What cannot be worked with is refused, with a message that names it.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{bootstrap, config};
use kolo_kafka::{App, Config};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

common::counter_events!("refused.added", "refused.counted");
common::counter!("refused");

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
    super::common::counter_events!("refused.counts.in", "refused.counts.out");
    super::common::counter!("refused-counts");
}

mod settings {
    super::common::counter_events!("refused.settings.in", "refused.settings.out");
    super::common::counter!("refused-settings");
}

mod absent {
    super::common::counter_events!("refused.absent.in", "refused.absent.out");
    super::common::counter!("refused-absent");
}

// failure: set-up | topics of one aggregate have different partition counts | the service does not start, and
// names both counts | nothing is decided on the wrong partition | an operator gives both the same count
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

// failure: set-up | a stream is compacted, or has a retention | the service does not start, and names the setting
// | no event of the state is lost | an operator sets it right
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

// failure: set-up | a topic is missing and must not be created | the service does not start, and says which, with
// how many partitions | - | an operator creates it
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

// failure: broker | no broker is there at the start | the service does not start, and says what it tried | - | an
// operator starts the broker or mends the address
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
