//! Synonyms of settings, as `DescribeConfigs` tells them: where else a topic's setting could be taken from.

use kafka_protocol::messages::describe_configs_response::DescribeConfigsSynonym;
use kafka_protocol::protocol::StrBytes;

use super::configs::{BY_DEFAULT, OF_TOPIC, value_of};
use crate::topics::{Setting, Topic};

pub(super) fn synonym(name: &'static str, value: StrBytes, source: i8) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym::default()
        .with_name(StrBytes::from_static_str(name))
        .with_value(Some(value))
        .with_source(source)
}

/// All that a topic's setting could be taken from, that which it is taken from first.
pub(super) fn synonyms_of(topic: &Topic, setting: &Setting) -> Vec<DescribeConfigsSynonym> {
    let (value, source) = value_of(topic, setting);
    let own = (source == OF_TOPIC).then(|| synonym(setting.name, value, OF_TOPIC));
    let of_broker = setting_of_broker(setting)
        .map(|(name, default)| synonym(name, StrBytes::from_static_str(default), BY_DEFAULT));
    own.into_iter().chain(of_broker).collect()
}

/// Kafka's own setting that is a topic's default, with its value, where there is one.
fn setting_of_broker(setting: &Setting) -> Option<(&'static str, &'static str)> {
    let name = match setting.name {
        "cleanup.policy" => "log.cleanup.policy",
        "delete.retention.ms" => "log.cleaner.delete.retention.ms",
        "file.delete.delay.ms" => "log.segment.delete.delay.ms",
        "flush.messages" => "log.flush.interval.messages",
        "index.interval.bytes" => "log.index.interval.bytes",
        "max.compaction.lag.ms" => "log.cleaner.max.compaction.lag.ms",
        "max.message.bytes" => "message.max.bytes",
        "message.timestamp.after.max.ms" => "log.message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms" => "log.message.timestamp.before.max.ms",
        "message.timestamp.type" => "log.message.timestamp.type",
        "min.cleanable.dirty.ratio" => "log.cleaner.min.cleanable.ratio",
        "min.compaction.lag.ms" => "log.cleaner.min.compaction.lag.ms",
        "preallocate" => "log.preallocate",
        "retention.bytes" => "log.retention.bytes",
        // In hours, unless somebody says it in milliseconds.
        "retention.ms" => return Some(("log.retention.hours", "168")),
        "segment.bytes" => "log.segment.bytes",
        "segment.index.bytes" => "log.index.size.max.bytes",
        same @ ("compression.type" | "min.insync.replicas" | "unclean.leader.election.enable") => {
            same
        }
        _ => return None,
    };
    Some((name, setting.default))
}
