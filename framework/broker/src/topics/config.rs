//! A topic's settings: Kafka's names, defaults and limits.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_protocol::ResponseError;

use super::Refusal;
use crate::log::{Cleanup, LogConfig, TimestampType};

/// What Kafka's `DescribeConfigs` calls the type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub(crate) enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

enum Takes {
    /// A whole number from here on.
    From(i64),
    Ratio,
    Bool,
    OneOf(&'static [&'static str]),
    /// A list of these.
    ListOf(&'static [&'static str]),
    /// Kafka takes more, and this broker would not do what it says.
    Only(&'static str),
}

/// One setting that a topic can have.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: &'static str,
    takes: Takes,
}

const fn setting(name: &'static str, kind: Kind, default: &'static str, takes: Takes) -> Setting {
    Setting {
        name,
        kind,
        default,
        takes,
    }
}

/// Every setting that is taken, with the default of Kafka 4. Those that tune Kafka's disks and replicas are taken and do
/// nothing.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "cleanup.policy",
        Kind::List,
        "delete",
        Takes::ListOf(&["delete", "compact"]),
    ),
    setting(
        "compression.type",
        Kind::String,
        "producer",
        Takes::Only("producer"),
    ),
    setting(
        "delete.retention.ms",
        Kind::Long,
        "86400000",
        Takes::From(0),
    ),
    setting("file.delete.delay.ms", Kind::Long, "60000", Takes::From(0)),
    setting(
        "flush.messages",
        Kind::Long,
        "9223372036854775807",
        Takes::From(1),
    ),
    setting(
        "flush.ms",
        Kind::Long,
        "9223372036854775807",
        Takes::From(0),
    ),
    setting("index.interval.bytes", Kind::Int, "4096", Takes::From(0)),
    setting(
        "max.compaction.lag.ms",
        Kind::Long,
        "9223372036854775807",
        Takes::From(1),
    ),
    setting("max.message.bytes", Kind::Int, "1048588", Takes::From(0)),
    setting(
        "message.timestamp.after.max.ms",
        Kind::Long,
        "3600000",
        Takes::From(0),
    ),
    setting(
        "message.timestamp.before.max.ms",
        Kind::Long,
        "9223372036854775807",
        Takes::Only("9223372036854775807"),
    ),
    setting(
        "message.timestamp.type",
        Kind::String,
        "CreateTime",
        Takes::OneOf(&["CreateTime", "LogAppendTime"]),
    ),
    setting(
        "min.cleanable.dirty.ratio",
        Kind::Double,
        "0.5",
        Takes::Ratio,
    ),
    setting("min.compaction.lag.ms", Kind::Long, "0", Takes::From(0)),
    setting("min.insync.replicas", Kind::Int, "1", Takes::Only("1")),
    setting("preallocate", Kind::Boolean, "false", Takes::Bool),
    setting("retention.bytes", Kind::Long, "-1", Takes::From(-1)),
    setting("retention.ms", Kind::Long, "604800000", Takes::From(-1)),
    setting(
        "segment.bytes",
        Kind::Int,
        "1073741824",
        Takes::From(1024 * 1024),
    ),
    setting("segment.index.bytes", Kind::Int, "10485760", Takes::From(4)),
    setting("segment.jitter.ms", Kind::Long, "0", Takes::From(0)),
    setting("segment.ms", Kind::Long, "604800000", Takes::From(1)),
    setting(
        "unclean.leader.election.enable",
        Kind::Boolean,
        "false",
        Takes::Bool,
    ),
];

impl Setting {
    fn find(name: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    pub(crate) fn is_list(&self) -> bool {
        self.kind == Kind::List
    }

    fn check(&self, value: &str) -> Result<(), String> {
        match self.takes {
            Takes::From(least) => {
                let most = if self.kind == Kind::Int {
                    i64::from(i32::MAX)
                } else {
                    i64::MAX
                };
                match value.trim().parse::<i64>() {
                    Err(_) => Err(format!(
                        "Not a number of type {}",
                        if most == i64::MAX { "LONG" } else { "INT" }
                    )),
                    Ok(number) if number > most => Err("Not a number of type INT".to_owned()),
                    Ok(number) if number < least => Err(format!("Value must be at least {least}")),
                    Ok(_) => Ok(()),
                }
            }
            Takes::Ratio => match value.trim().parse::<f64>() {
                Ok(number) if (0.0..=1.0).contains(&number) => Ok(()),
                _ => Err("Value must be between 0 and 1".to_owned()),
            },
            Takes::Bool => match value {
                "true" | "false" => Ok(()),
                _ => Err("Expected value to be either true or false".to_owned()),
            },
            Takes::OneOf(known) if known.contains(&value) => Ok(()),
            Takes::OneOf(known) => Err(format!("String must be one of: {}", known.join(", "))),
            Takes::ListOf(known) => {
                match elements(value).find(|element| !known.contains(element)) {
                    Some(_) => Err(format!("String must be one of: {}", known.join(", "))),
                    None => Ok(()),
                }
            }
            Takes::Only(only) if value == only => Ok(()),
            Takes::Only(only) => Err(format!("this embedded broker serves {only} alone")),
        }
    }
}

/// The elements of a list setting.
pub(crate) fn elements(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|element| !element.is_empty())
}

/// The settings of one topic, checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct TopicConfig {
    overrides: BTreeMap<String, String>,
    log: LogConfig,
}

impl TopicConfig {
    /// Takes what differs from the defaults.
    ///
    /// # Errors
    /// `INVALID_CONFIG` for a name that Kafka does not know and for a value that it does not take.
    pub(crate) fn new(overrides: BTreeMap<String, String>) -> Result<TopicConfig, Refusal> {
        for (name, value) in &overrides {
            let refuse = |message| Refusal::new(ResponseError::InvalidConfig, message);
            let setting = Setting::find(name)
                .ok_or_else(|| refuse(format!("Unknown topic config name: {name}")))?;
            setting.check(value).map_err(|why| {
                refuse(format!(
                    "Invalid value {value} for configuration {name}: {why}"
                ))
            })?;
        }
        let log = log_config(&overrides);
        Ok(TopicConfig { overrides, log })
    }

    pub(crate) fn overrides(&self) -> &BTreeMap<String, String> {
        &self.overrides
    }

    pub(crate) fn log(&self) -> &LogConfig {
        &self.log
    }
}

/// The log's side of settings that are checked.
fn log_config(overrides: &BTreeMap<String, String>) -> LogConfig {
    let text = |name: &str| {
        let default = || Setting::find(name).map_or("", |setting| setting.default);
        overrides
            .get(name)
            .map_or_else(default, |value| value.trim())
    };
    let number = |name: &str| text(name).parse::<i64>().unwrap_or_default();
    // What is below zero is checked to be -1, which stands for no limit.
    let limit = |name: &str| u64::try_from(number(name)).ok();
    let duration = |name: &str| Duration::from_millis(limit(name).unwrap_or_default());
    let has = |policy: &str| elements(text("cleanup.policy")).any(|element| element == policy);
    LogConfig {
        segment_bytes: limit("segment.bytes").unwrap_or_default(),
        segment_age: duration("segment.ms"),
        retention: limit("retention.ms").map(Duration::from_millis),
        retention_bytes: limit("retention.bytes"),
        cleanup: Cleanup {
            delete: has("delete"),
            compact: has("compact"),
        },
        delete_retention: duration("delete.retention.ms"),
        min_compaction_lag: duration("min.compaction.lag.ms"),
        min_dirty_ratio: text("min.cleanable.dirty.ratio").parse().unwrap_or(0.5),
        timestamp_type: match text("message.timestamp.type") {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        },
        max_timestamp_ahead: duration("message.timestamp.after.max.ms"),
        max_batch_bytes: limit("max.message.bytes")
            .and_then(|bytes| usize::try_from(bytes).ok())
            .unwrap_or_default(),
        ..LogConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<TopicConfig, Refusal> {
        TopicConfig::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn every_default_is_a_value_that_is_taken_and_they_are_the_log_s_own() {
        for setting in SETTINGS {
            assert_eq!(setting.check(setting.default), Ok(()), "{}", setting.name);
        }
        assert_eq!(*config(&[]).unwrap().log(), LogConfig::default());
    }

    #[test]
    fn values_reach_the_log() {
        let config = config(&[
            ("retention.ms", "-1"),
            ("retention.bytes", "5000000"),
            ("segment.bytes", "1048576"),
            ("cleanup.policy", "compact, delete"),
            ("message.timestamp.type", "LogAppendTime"),
            ("max.message.bytes", "2000"),
        ])
        .unwrap();
        let log = config.log();
        assert_eq!(
            (log.retention, log.retention_bytes, log.segment_bytes),
            (None, Some(5_000_000), 1_048_576)
        );
        assert_eq!(
            log.cleanup,
            Cleanup {
                delete: true,
                compact: true
            }
        );
        assert_eq!(log.timestamp_type, TimestampType::LogAppendTime);
        assert_eq!(log.max_batch_bytes, 2000);
    }

    #[test]
    fn unknown_names_and_wrong_values_are_refused() {
        for (name, value) in [
            ("retention.msec", "1"),
            ("retention.ms", "soon"),
            ("retention.ms", "-2"),
            ("segment.bytes", "1048575"),
            ("segment.bytes", "2147483648"),
            ("cleanup.policy", "shred"),
            ("cleanup.policy", "delete,shred"),
            ("compression.type", "gzip"),
            ("min.insync.replicas", "2"),
            ("message.timestamp.type", "Never"),
            ("min.cleanable.dirty.ratio", "1.1"),
            ("preallocate", "yes"),
        ] {
            let refused = config(&[(name, value)]).unwrap_err();
            assert_eq!(refused.code, ResponseError::InvalidConfig, "{name}={value}");
            assert!(refused.message.contains(name), "{}", refused.message);
        }
    }
}
