//! `DescribeConfigs`, `AlterConfigs`, `IncrementalAlterConfigs`.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::incremental_alter_configs_request::AlterableConfig;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResponse;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::synonyms::{synonym, synonyms_of};
use super::{Call, refusal};
use crate::net::MAX_FRAME_BYTES;
use crate::node::NODE_ID;
use crate::topics::{Refusal, SETTINGS, Setting, Topic, TopicConfig};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Where a value comes from.
pub(super) const OF_TOPIC: i8 = 1;
const OF_BROKER: i8 = 4;
pub(super) const BY_DEFAULT: i8 = 5;

/// The type of a setting of the broker, as far as these are told.
const STRING: i8 = 2;

/// A topic's value of a setting, and where it comes from.
pub(super) fn value_of(topic: &Topic, setting: &Setting) -> (StrBytes, i8) {
    match topic.config.overrides().get(setting.name) {
        Some(value) => (StrBytes::from_string(value.clone()), OF_TOPIC),
        None => (StrBytes::from_static_str(setting.default), BY_DEFAULT),
    }
}

pub(super) async fn describe(
    call: &Call<'_>,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let results = request.resources.iter().map(|resource| {
        let described = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match describe_one(call, resource, request.include_synonyms) {
            Ok(configs) => described.with_configs(configs),
            Err(refused) => {
                let (code, message) = refusal(refused);
                described.with_error_code(code).with_error_message(message)
            }
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn describe_one(
    call: &Call<'_>,
    resource: &DescribeConfigsResource,
    with_synonyms: bool,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    // An empty list asks for all, as no list does.
    let keys = resource
        .configuration_keys
        .as_deref()
        .filter(|keys| !keys.is_empty());
    let wanted = |name: &str| keys.is_none_or(|keys| keys.iter().any(|key| key.as_str() == name));
    match resource.resource_type {
        TOPIC => {
            let topic = find_topic(call, &resource.resource_name)?;
            Ok(SETTINGS
                .iter()
                .filter(|setting| wanted(setting.name))
                .map(|setting| {
                    let (value, source) = value_of(&topic, setting);
                    let kind = setting.kind as i8;
                    let synonyms = synonyms_of(&topic, setting);
                    let told = entry(call, setting.name, value, source, kind);
                    told.with_read_only(false).with_synonyms(if with_synonyms {
                        synonyms
                    } else {
                        vec![]
                    })
                })
                .collect())
        }
        BROKER => {
            let name = resource.resource_name.as_str();
            if !name.is_empty() && name.parse() != Ok(NODE_ID.0) {
                let message = format!(
                    "Unexpected broker id, expected {} but received {name}",
                    NODE_ID.0
                );
                return Err(Refusal::new(ResponseError::InvalidRequest, message));
            }
            Ok(broker_settings(call)
                .into_iter()
                .filter(|(name, _)| wanted(name))
                .map(|(name, value)| {
                    let value = StrBytes::from_string(value);
                    let synonyms = vec![synonym(name, value.clone(), OF_BROKER)];
                    let told = entry(call, name, value, OF_BROKER, STRING);
                    told.with_read_only(true).with_synonyms(if with_synonyms {
                        synonyms
                    } else {
                        vec![]
                    })
                })
                .collect())
        }
        other => Err(Refusal::new(
            ResponseError::InvalidRequest,
            format!("Unsupported resource type: {other}"),
        )),
    }
}

fn entry(
    call: &Call<'_>,
    name: &'static str,
    value: StrBytes,
    source: i8,
    kind: i8,
) -> DescribeConfigsResourceResult {
    let described = DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(name))
        .with_value(Some(value))
        .with_config_source(source);
    if call.version() >= 3 {
        described.with_config_type(kind)
    } else {
        described
    }
}

/// What a client may want to know of the broker. None of it changes while it runs.
fn broker_settings(call: &Call<'_>) -> Vec<(&'static str, String)> {
    let node = call.node;
    vec![
        (
            "auto.create.topics.enable",
            node.auto_create_topics.to_string(),
        ),
        ("broker.id", NODE_ID.0.to_string()),
        ("default.replication.factor", "1".to_owned()),
        (
            "message.max.bytes",
            TopicConfig::default().log().max_batch_bytes.to_string(),
        ),
        ("node.id", NODE_ID.0.to_string()),
        ("num.partitions", node.default_partitions.to_string()),
        ("offsets.topic.num.partitions", "1".to_owned()),
        ("socket.request.max.bytes", MAX_FRAME_BYTES.to_string()),
    ]
}

fn find_topic(call: &Call<'_>, name: &str) -> Result<std::sync::Arc<Topic>, Refusal> {
    let unknown = || {
        Refusal::new(
            ResponseError::UnknownTopicOrPartition,
            format!("The topic '{name}' does not exist."),
        )
    };
    call.node.catalogue.topic(name).ok_or_else(unknown)
}

/// Replaces all settings of the resources.
pub(super) async fn alter(call: &Call<'_>, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let mut overrides = Ok(BTreeMap::new());
        for config in &resource.configs {
            match (&mut overrides, &config.value) {
                (Ok(overrides), Some(value)) => {
                    overrides.insert(config.name.to_string(), value.to_string());
                }
                (Ok(_), None) => overrides = Err(null_value(&config.name)),
                (Err(_), _) => {}
            }
        }
        let (kind, name) = (resource.resource_type, &resource.resource_name);
        let altered = change(call, kind, name, request.validate_only, |_| {
            TopicConfig::new(overrides?)
        })
        .await;
        let (code, message) = altered.map_or_else(refusal, |()| (0, None));
        responses.push(
            AlterConfigsResourceResponse::default()
                .with_resource_type(kind)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(code)
                .with_error_message(message),
        );
    }
    AlterConfigsResponse::default().with_responses(responses)
}

/// Changes the settings that are named, and leaves the others.
pub(super) async fn alter_some(
    call: &Call<'_>,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let (kind, name) = (resource.resource_type, &resource.resource_name);
        let altered = change(call, kind, name, request.validate_only, |config| {
            let mut overrides = config.overrides().clone();
            for change in &resource.configs {
                apply(&mut overrides, change)?;
            }
            TopicConfig::new(overrides)
        });
        let (code, message) = altered.await.map_or_else(refusal, |()| (0, None));
        responses.push(
            IncrementalResponse::default()
                .with_resource_type(kind)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(code)
                .with_error_message(message),
        );
    }
    IncrementalAlterConfigsResponse::default().with_responses(responses)
}

async fn change(
    call: &Call<'_>,
    kind: i8,
    name: &str,
    validate_only: bool,
    change: impl FnOnce(&TopicConfig) -> Result<TopicConfig, Refusal>,
) -> Result<(), Refusal> {
    match kind {
        TOPIC => {
            let topic = find_topic(call, name)?;
            if topic.is_internal() {
                return Err(Refusal::new(
                    ResponseError::InvalidRequest,
                    "the groups are kept in this topic",
                ));
            }
            call.node
                .catalogue
                .configure(name, validate_only, change)
                .await
        }
        BROKER => Err(Refusal::new(
            ResponseError::InvalidRequest,
            "the broker's settings do not change while it runs",
        )),
        other => Err(Refusal::new(
            ResponseError::InvalidRequest,
            format!("Unsupported resource type: {other}"),
        )),
    }
}

fn apply(
    overrides: &mut BTreeMap<String, String>,
    change: &AlterableConfig,
) -> Result<(), Refusal> {
    const SET: i8 = 0;
    const DELETE: i8 = 1;
    const APPEND: i8 = 2;
    const SUBTRACT: i8 = 3;
    let name = change.name.as_str();
    let setting = SETTINGS
        .iter()
        .find(|setting| setting.name == name)
        .ok_or_else(|| {
            Refusal::new(
                ResponseError::InvalidConfig,
                format!("Unknown topic config name: {name}"),
            )
        })?;
    if change.config_operation == DELETE {
        overrides.remove(name);
        return Ok(());
    }
    let value = change
        .value
        .as_deref()
        .ok_or_else(|| null_value(&change.name))?;
    match change.config_operation {
        SET => {
            overrides.insert(name.to_owned(), value.to_owned());
        }
        APPEND | SUBTRACT if setting.is_list() => {
            let now = overrides.get(name).map_or(setting.default, String::as_str);
            let mut elements: Vec<&str> = crate::topics::elements(now).collect();
            for element in crate::topics::elements(value) {
                elements.retain(|known| *known != element);
                if change.config_operation == APPEND {
                    elements.push(element);
                }
            }
            let elements = elements.join(",");
            overrides.insert(name.to_owned(), elements);
        }
        APPEND | SUBTRACT => {
            let message = format!("Config value append is not allowed for config key: {name}");
            return Err(Refusal::new(ResponseError::InvalidConfig, message));
        }
        other => {
            return Err(Refusal::new(
                ResponseError::InvalidRequest,
                format!("Unknown operation type: {other}"),
            ));
        }
    }
    Ok(())
}

fn null_value(name: &str) -> Refusal {
    Refusal::new(
        ResponseError::InvalidRequest,
        format!("Null value not supported for config: {name}"),
    )
}
