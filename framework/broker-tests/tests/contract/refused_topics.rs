//! Topics that cannot be created.

use crate::common::admin::{admin, await_serving, block_on, create, options, refusal, topic};
use crate::common::calls::{text, topic_name};
use crate::common::errors::{
    INVALID_CONFIG, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, INVALID_REQUEST,
    INVALID_TOPIC_EXCEPTION, NONE,
};
use crate::common::raw::Raw;
use crate::common::unique;
use crate::topics::{ask_to_create, creatable, exists};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use rdkafka::admin::{NewTopic, TopicReplication};
use rdkafka::types::RDKafkaErrorCode;

fn refused(topic: CreatableTopic) -> i16 {
    ask_to_create(vec![topic], false).remove(0).error_code
}

/// A topic that exists is not created again, and stays as it is.
#[test]
fn an_existing_topic_is_refused() {
    let name = topic("existing", 2);
    let again = NewTopic::new(&name, 3, TopicReplication::Fixed(1));
    let results = block_on(admin().create_topics(&[again], &options())).expect("an answer");
    assert_eq!(refusal(results), RDKafkaErrorCode::TopicAlreadyExists);
    assert_eq!(Raw::connect().describe_topic(&name).partitions.len(), 2);
}

/// No partitions, a negative number of them, and more replicas than brokers are refused, and nothing is created.
#[test]
fn wrong_counts_are_refused() {
    let name = unique("counts");
    assert_eq!(refused(creatable(&name, 0, 1)), INVALID_PARTITIONS);
    assert_eq!(refused(creatable(&name, -5, 1)), INVALID_PARTITIONS);
    assert_eq!(refused(creatable(&name, 1, 3)), INVALID_REPLICATION_FACTOR);
    assert_eq!(refused(creatable(&name, 1, 0)), INVALID_REPLICATION_FACTOR);
    assert!(!exists(&name));
}

/// Names of 1 to 249 letters, digits, dots, underscores and dashes are topic names; `.` and `..` are none.
#[test]
fn names_that_are_no_topic_names_are_refused() {
    let long = format!("{}-{}", unique("long"), "x".repeat(249));
    for wrong in [
        "",
        ".",
        "..",
        "a b",
        "a/b",
        "a:b",
        "caf\u{e9}",
        "a\nb",
        &long[..250],
    ] {
        assert_eq!(
            refused(creatable(wrong, 1, 1)),
            INVALID_TOPIC_EXCEPTION,
            "{wrong:?}"
        );
    }
    let longest = &long[..249];
    create(longest, 1, &[]);
    let all_kinds = format!("{}.A_z-9", unique("kinds"));
    create(&all_kinds, 1, &[]);
}

/// Two topics whose names differ only in dots and underscores would share metrics, and the second is refused.
#[test]
fn names_that_collide_are_refused() {
    let name = unique("collides");
    create(&format!("{name}.x"), 1, &[]);
    assert_eq!(
        refused(creatable(&format!("{name}_x"), 1, 1)),
        INVALID_TOPIC_EXCEPTION
    );
}

/// A topic named twice in one request is created neither time.
#[test]
fn a_topic_named_twice_in_one_request_is_refused() {
    let name = unique("twice");
    let results = ask_to_create(vec![creatable(&name, 1, 1), creatable(&name, 1, 1)], false);
    assert!(!results.is_empty());
    for result in results {
        assert_eq!(result.error_code, INVALID_REQUEST, "{result:?}");
    }
    assert!(!exists(&name));
}

/// Settings that do not exist, or have no such value, are refused with the topic.
#[test]
fn a_topic_with_wrong_settings_is_refused() {
    let name = unique("settings");
    let with = |key: &str, value: &str| {
        let config = CreatableTopicConfig::default()
            .with_name(text(key))
            .with_value(Some(text(value)));
        creatable(&name, 1, 1).with_configs(vec![config])
    };
    assert_eq!(refused(with("cleanup.policy", "burn")), INVALID_CONFIG);
    assert_eq!(refused(with("retention.ms", "soon")), INVALID_CONFIG);
    assert_eq!(refused(with("retention.mss", "1")), INVALID_CONFIG);
    assert!(!exists(&name));
}

/// One topic of a request that is refused does not hold up the others.
#[test]
fn a_refused_topic_does_not_hold_up_others() {
    let good = unique("good");
    let results = ask_to_create(vec![creatable("..", 1, 1), creatable(&good, 1, 1)], false);
    let code = |name: &str| {
        let found = results.iter().find(|one| one.name == topic_name(name));
        found.expect("a result for each").error_code
    };
    assert_eq!((code(".."), code(&good)), (INVALID_TOPIC_EXCEPTION, NONE));
    await_serving(&good, 1);
}
