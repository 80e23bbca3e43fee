//! Settings of topics: described, altered, refused.

use std::collections::BTreeMap;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
    alter_configs_request,
};
use rdkafka::admin::{AlterConfig, ConfigResource, ConfigSource, ResourceSpecifier};

use crate::common::admin::{admin, block_on, options, topic, topic_with};
use crate::common::calls::text;
use crate::common::errors::{INVALID_CONFIG, NONE, UNKNOWN_TOPIC_OR_PARTITION};
use crate::common::raw::Raw;
use crate::common::{await_that, unique};

const TOPIC: i8 = 2;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn describe(topic: &str) -> ConfigResource {
    let resource = ResourceSpecifier::Topic(topic);
    let described = block_on(admin().describe_configs([&resource], &options())).expect("an answer");
    let described = described.into_iter().next().expect("one resource");
    described.expect("settings")
}

fn value(topic: &str, name: &str) -> Option<String> {
    let described = describe(topic);
    described.get(name).and_then(|entry| entry.value.clone())
}

fn await_value(topic: &str, name: &str, expected: &str) {
    await_that("an altered setting", || {
        value(topic, name).as_deref() == Some(expected)
    });
}

fn alter(topic: &str, changes: &[(&str, i8, Option<&str>)], validate_only: bool) -> i16 {
    let of = |(name, operation, value): &(&str, i8, Option<&str>)| {
        AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(*operation)
            .with_value(value.map(text))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configs(changes.iter().map(of).collect());
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![resource])
        .with_validate_only(validate_only);
    Raw::connect().call(1, &request).responses[0].error_code
}

/// A topic's settings are told with their values and where they come from: the topic, or a default.
#[test]
fn settings_are_described_with_their_source() {
    let settings = [("cleanup.policy", "compact"), ("retention.ms", "123456")];
    let described = describe(&topic_with("described", 1, &settings));
    for (name, value) in settings {
        let entry = described.get(name).expect("the setting");
        assert_eq!(entry.value.as_deref(), Some(value));
        assert_eq!(entry.source, ConfigSource::DynamicTopic);
        assert!(!entry.is_default && !entry.is_read_only && !entry.is_sensitive);
    }
    let defaults = BTreeMap::from([
        ("message.timestamp.type", "CreateTime"),
        ("max.message.bytes", "1048588"),
        ("segment.bytes", "1073741824"),
        ("delete.retention.ms", "86400000"),
        ("min.compaction.lag.ms", "0"),
        ("compression.type", "producer"),
    ]);
    for (name, value) in defaults {
        let entry = described
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not told"));
        assert_eq!(entry.value.as_deref(), Some(value), "{name}");
        assert_ne!(entry.source, ConfigSource::DynamicTopic, "{name}");
    }
    for name in ["retention.bytes", "min.insync.replicas", "segment.ms"] {
        assert!(
            described
                .get(name)
                .is_some_and(|entry| entry.value.is_some()),
            "{name}"
        );
    }
}

/// A setting's synonyms are the topic's own value and Kafka's setting that is its default, in the order in which they count.
#[test]
fn settings_are_described_with_their_synonyms() {
    const OF_TOPIC: i8 = 1;
    const BY_DEFAULT: i8 = 5;
    let settings = [("cleanup.policy", "compact"), ("segment.ms", "3600000")];
    let topic = topic_with("synonyms", 1, &settings);
    let names = ["cleanup.policy", "segment.bytes", "segment.ms"];
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(&topic))
        .with_configuration_keys(Some(names.map(text).into()));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let mut answer = Raw::connect().call(4, &request).results.remove(0);
    answer
        .configs
        .sort_by(|one, other| one.name.cmp(&other.name));
    let told = answer.configs.iter().map(|config| {
        let synonyms = config.synonyms.iter().map(|synonym| {
            let value = synonym.value.as_deref().unwrap_or("null");
            (&*synonym.name, value, synonym.source)
        });
        synonyms.collect::<Vec<_>>()
    });
    let expected = [
        vec![
            ("cleanup.policy", "compact", OF_TOPIC),
            ("log.cleanup.policy", "delete", BY_DEFAULT),
        ],
        vec![("log.segment.bytes", "1073741824", BY_DEFAULT)],
        vec![("segment.ms", "3600000", OF_TOPIC)],
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

/// Only the settings that are asked for are told.
#[test]
fn single_settings_are_described() {
    let topic = topic("some", 1);
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(&topic))
        .with_configuration_keys(Some(vec![text("retention.ms"), text("no.such.setting")]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let answer = Raw::connect().call(4, &request).results.remove(0);
    assert_eq!(answer.error_code, NONE);
    let names: Vec<_> = answer.configs.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["retention.ms"]);
}

/// The settings of a topic that does not exist are neither told nor altered.
#[test]
fn settings_of_an_unknown_topic_are_refused() {
    let nobody = unique("nobody");
    // rust-rdkafka does not hand on the error of a single resource.
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(&nobody))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let told = Raw::connect().call(4, &request).results.remove(0);
    assert_eq!(told.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    let code = alter(&nobody, &[("retention.ms", SET, Some("1"))], false);
    assert_eq!(code, UNKNOWN_TOPIC_OR_PARTITION);
}

/// Settings are altered one by one, the others stay, and a deleted one falls back to its default.
#[test]
fn settings_are_altered_one_by_one() {
    let topic = topic_with("one-by-one", 1, &[("retention.ms", "1000000")]);
    let default = value(&topic, "segment.ms").expect("a default");
    let changes = [
        ("segment.ms", SET, Some("5000000")),
        ("max.message.bytes", SET, Some("2000")),
    ];
    assert_eq!(alter(&topic, &changes, false), NONE);
    await_value(&topic, "segment.ms", "5000000");
    assert_eq!(value(&topic, "max.message.bytes").as_deref(), Some("2000"));
    assert_eq!(value(&topic, "retention.ms").as_deref(), Some("1000000"));
    assert_eq!(alter(&topic, &[("segment.ms", DELETE, None)], false), NONE);
    await_value(&topic, "segment.ms", &default);
    assert_eq!(value(&topic, "retention.ms").as_deref(), Some("1000000"));
}

/// A setting that is a list is appended to, and taken from.
#[test]
fn a_list_is_appended_to() {
    let topic = topic("list", 1);
    assert_eq!(
        alter(
            &topic,
            &[("cleanup.policy", APPEND, Some("compact"))],
            false
        ),
        NONE
    );
    await_value(&topic, "cleanup.policy", "delete,compact");
    assert_eq!(
        alter(
            &topic,
            &[("cleanup.policy", SUBTRACT, Some("delete"))],
            false
        ),
        NONE
    );
    await_value(&topic, "cleanup.policy", "compact");
    let code = alter(&topic, &[("retention.ms", APPEND, Some("1"))], false);
    assert_eq!(code, INVALID_CONFIG);
}

/// The older call replaces all settings of a topic at once: what it does not name falls back to its default.
#[test]
fn all_settings_are_replaced_at_once() {
    let topic = topic_with("at-once", 1, &[("retention.ms", "1000000")]);
    let change =
        AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", "3000");
    let altered = block_on(admin().alter_configs([&change], &options())).expect("an answer");
    assert!(altered[0].is_ok(), "{altered:?}");
    await_value(&topic, "max.message.bytes", "3000");
    let described = describe(&topic);
    let retention = described.get("retention.ms").expect("the setting");
    assert_ne!(retention.source, ConfigSource::DynamicTopic);
}

/// A change to a setting or a value that does not exist is refused, and with it all other changes of its topic.
#[test]
fn wrong_changes_are_refused() {
    let topic = topic("wrong-changes", 1);
    let before = value(&topic, "retention.ms");
    let good = ("retention.ms", SET, Some("77"));
    for wrong in [
        ("cleanup.policy", SET, Some("burn")),
        ("segment.ms", SET, Some("soon")),
        ("segment.ms", SET, Some("-5")),
        ("no.such.setting", SET, Some("1")),
    ] {
        assert_eq!(
            alter(&topic, &[good, wrong], false),
            INVALID_CONFIG,
            "{wrong:?}"
        );
    }
    assert_eq!(value(&topic, "retention.ms"), before);
    let all = |name: &str, value: &str| {
        let config = alter_configs_request::AlterableConfig::default()
            .with_name(text(name))
            .with_value(Some(text(value)));
        let resource = alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text(&topic))
            .with_configs(vec![config]);
        let request = AlterConfigsRequest::default().with_resources(vec![resource]);
        Raw::connect().call(2, &request).responses[0].error_code
    };
    assert_eq!(all("cleanup.policy", "burn"), INVALID_CONFIG);
    assert_eq!(all("no.such.setting", "1"), INVALID_CONFIG);
}

/// A change that is only to be validated changes nothing.
#[test]
fn a_validated_change_changes_nothing() {
    let topic = topic_with("validated-change", 1, &[("retention.ms", "1000000")]);
    assert_eq!(
        alter(&topic, &[("retention.ms", SET, Some("77"))], true),
        NONE
    );
    assert_eq!(
        alter(&topic, &[("retention.ms", SET, Some("x"))], true),
        INVALID_CONFIG
    );
    assert_eq!(value(&topic, "retention.ms").as_deref(), Some("1000000"));
}

/// A changed setting takes effect on the next append.
#[test]
fn a_changed_setting_takes_effect() {
    use crate::common::calls::{UNSTAMPED, batch, record};
    use crate::common::errors::MESSAGE_TOO_LARGE;
    let topic = topic("takes-effect", 1);
    let mut raw = Raw::connect();
    let of = || batch(vec![record(None, Some(&[b'x'; 5_000]))], UNSTAMPED);
    raw.append(&topic, 0, of());
    assert_eq!(
        alter(&topic, &[("max.message.bytes", SET, Some("1000"))], false),
        NONE
    );
    await_that("the smaller bound", || {
        raw.produce(&topic, 0, of()).error_code == MESSAGE_TOO_LARGE
    });
}
