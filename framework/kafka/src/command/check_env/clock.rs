//! This clock is that of the brokers. Events have the time of who decides them, and deadlines pass by it.
//!
//! No request asks a broker for its time. But a topic may say that the brokers put the time on its records (`LogAppendTime`), and
//! an acknowledgement tells it. `kolo.manifests` says so: the time of its records means nothing. The record is without a
//! value and under a key of nobody's, and compaction takes it away.

use std::time::Duration;

use kolo_core::Timestamp;

use crate::command::Sender;
use crate::config::Config;
use crate::manifests;
use crate::topics::TopicAdmin;
use crate::worker::record::now;

use super::finding::{Findings, Level};

const WHAT: &str = "clock";
/// The key of a record that says nothing.
const KEY: &str = "kolo.clock";
/// How far clocks may be apart before somebody should know, and before it is too far.
const NOTABLE: Duration = Duration::from_millis(500);
const TOO_FAR: Duration = Duration::from_secs(60);

pub(super) fn check(config: &Config, found: &mut Findings) {
    let topic = manifests::TOPIC;
    let is_there = TopicAdmin::new(config)
        .map_err(|error| error.to_string())
        .and_then(|admin| admin.describe(&[topic]).map_err(|error| error.to_string()));
    match is_there {
        Ok(topics) if topics.contains_key(topic) => {}
        Ok(_) => return found.ok(WHAT, format_args!("not compared with the brokers': `{topic}` is not there yet, which the first service that starts creates")),
        Err(problem) => return found.warn(WHAT, format_args!("not compared with the brokers': {problem}")),
    }
    let sent = now();
    let told = Sender::open(config).and_then(|sender| {
        sender.write(topic, [(KEY, None)])?;
        Ok(sender.appended_at())
    });
    let acknowledged = now();
    match told {
        Ok(Some(at)) => {
            let (level, says) = compared(sent, at, acknowledged);
            found.add(level, WHAT, says);
        }
        Ok(None) => found.warn(WHAT, format_args!("not compared with the brokers': `{topic}` has message.timestamp.type=CreateTime. An administrator may set it to LogAppendTime: kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config message.timestamp.type=LogAppendTime")),
        Err(problem) => found.warn(WHAT, format_args!("not compared with the brokers': {problem}")),
    }
}

/// The broker's time of something that happened between two times of ours.
fn compared(sent: Timestamp, at: Timestamp, acknowledged: Timestamp) -> (Level, String) {
    let (behind, ahead) = (at.since(acknowledged), sent.since(at));
    let (apart, how) = if behind > ahead {
        (behind, "behind")
    } else {
        (ahead, "ahead of")
    };
    if apart <= NOTABLE {
        let within = acknowledged.since(sent) + apart;
        return (
            Level::Ok,
            format!("that of the brokers, within {within:.0?}"),
        );
    }
    let level = if apart > TOO_FAR {
        Level::Error
    } else {
        Level::Warn
    };
    (
        level,
        format!(
            "{apart:.1?} {how} that of the brokers, and deadlines pass so much off: have both kept by NTP (`timedatectl` says whether this one is)"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_answer_took_is_no_difference() {
        let at = Timestamp::from_millis;
        let (level, _) = compared(at(10_000), at(10_900), at(11_000));
        assert_eq!(level, Level::Ok);
        let (level, says) = compared(at(10_000), at(13_000), at(11_000));
        assert_eq!(
            (level, says.starts_with("2.0s behind ")),
            (Level::Warn, true),
            "{says}"
        );
        let (level, says) = compared(at(100_000), at(10_000), at(100_100));
        assert_eq!(
            (level, says.starts_with("90.0s ahead of ")),
            (Level::Error, true),
            "{says}"
        );
    }
}
