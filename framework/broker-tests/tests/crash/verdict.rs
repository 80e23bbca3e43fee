//! What the broker must hold in the end, read by a client that shares no code with its log.

use std::collections::{BTreeMap, HashMap};

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{CreateTopicsRequest, GroupId, OffsetFetchRequest};
use kafka_protocol::records::Record;
use uuid::Uuid;

use super::ledger::{At, Content, Ledger, Told};
use super::producer::PLAIN;
use crate::common::calls::{text, topic_name};
use crate::common::errors::NONE;
use crate::common::raw::Raw;

/// Nothing leaves this one.
pub(crate) const KEPT: &str = "kept";
/// Compacted all the time.
pub(crate) const COMPACTED: &str = "compacted";
/// Retention leaves about two segments of each partition.
pub(crate) const SHORT: &str = "short";
pub(crate) const PARTITIONS: i32 = 3;
/// So many keys each producer has.
pub(crate) const KEYS: u32 = 20;
pub(crate) const GROUP: &str = "readers";

/// The topics' ids, which stay what they are.
pub(crate) struct Topics(BTreeMap<&'static str, Uuid>);

impl Topics {
    pub(crate) fn create(raw: &mut Raw) -> Topics {
        // Segments last a moment, so that rolls fall into the run.
        let rolling = [("segment.bytes", "1048576"), ("segment.ms", "150")];
        let extra: [(&str, &[(&str, &str)]); 3] = [
            (KEPT, &[]),
            (
                COMPACTED,
                &[
                    ("cleanup.policy", "compact"),
                    ("min.cleanable.dirty.ratio", "0.01"),
                ],
            ),
            (SHORT, &[("retention.bytes", "200000")]),
        ];
        let topics = extra.map(|(name, extra)| {
            let configs = rolling.iter().chain(extra).map(|(name, value)| {
                CreatableTopicConfig::default()
                    .with_name(text(name))
                    .with_value(Some(text(value)))
            });
            CreatableTopic::default()
                .with_name(topic_name(name))
                .with_num_partitions(PARTITIONS)
                .with_replication_factor(1)
                .with_configs(configs.collect())
        });
        let request = CreateTopicsRequest::default()
            .with_timeout_ms(10_000)
            .with_topics(topics.into());
        for created in raw.call(7, &request).topics {
            assert_eq!(created.error_code, NONE, "{created:?}");
        }
        Topics(
            [KEPT, COMPACTED, SHORT]
                .map(|name| (name, raw.describe_topic(name).topic_id))
                .into(),
        )
    }

    pub(crate) fn are_as_created(&self, raw: &mut Raw) {
        for (name, id) in &self.0 {
            let found = raw.describe_topic(name);
            assert_eq!((found.error_code, found.topic_id), (NONE, *id), "{name}");
            assert_eq!(found.partitions.len(), PARTITIONS as usize, "{name}");
        }
    }
}

/// Panics with what is wrong, if anything is.
pub(crate) fn judge(ledger: &Ledger, raw: &mut Raw) {
    let told = ledger.told();
    let mut wrong = Wrong(told.complaints.clone());
    let mut sizes = BTreeMap::new();
    for (at, acknowledged) in &told.records {
        let (start, end) = raw.watermarks(at.0, at.1);
        let found: BTreeMap<i64, Content> = raw
            .read_from(at.0, at.1, start)
            .into_iter()
            .map(|record| (record.offset, content(&record)))
            .collect();
        sizes.insert(*at, (start, end, found.len()));
        let last = acknowledged.last_key_value().map_or(-1, |(last, _)| *last);
        wrong.check(last < end, || {
            format!("{at:?} ends at {end}, and {last} was acknowledged")
        });
        match at.0 {
            COMPACTED => compacted(*at, acknowledged, &found, &mut wrong),
            _ => whole(*at, start, end, acknowledged, &found, &mut wrong),
        }
        let in_order = found.iter().filter(|_| at.0 != COMPACTED);
        order(*at, in_order, &mut wrong);
    }
    consumed(&told, raw, &mut wrong);
    commits(&told, raw, &mut wrong);
    for (at, (start, end, found)) in &sizes {
        match at.0 {
            KEPT => wrong.check(*start == 0, || format!("{at:?} begins at {start}")),
            SHORT => wrong.check(*start > 0, || format!("retention never reached {at:?}")),
            _ => wrong.check(*found < *end as usize / 2, || {
                format!("{at:?} has {found} records of {end}: compaction never reached it")
            }),
        }
    }
    wrong.report();
}

#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn check(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.0.push(otherwise());
        }
    }

    fn report(self) {
        let shown = self.0.iter().take(20).map(|line| {
            let short: String = line.chars().take(300).collect();
            format!("\n  {short}")
        });
        let shown: String = shown.collect();
        assert!(
            self.0.is_empty(),
            "{} things are wrong:{shown}",
            self.0.len()
        );
    }
}

fn content(record: &Record) -> Content {
    let text = |bytes: &Option<bytes::Bytes>| {
        bytes
            .as_ref()
            .map(|bytes| String::from_utf8(bytes.to_vec()).expect("text"))
    };
    (text(&record.key), text(&record.value).expect("a value"))
}

/// Without a hole from the start to the end, and what was acknowledged where it was.
fn whole(
    at: At,
    start: i64,
    end: i64,
    acknowledged: &BTreeMap<i64, Content>,
    found: &BTreeMap<i64, Content>,
    wrong: &mut Wrong,
) {
    let offsets = found.keys().copied();
    wrong.check(offsets.eq(start..end), || {
        format!(
            "{at:?} has holes between {start} and {end}: {} records",
            found.len()
        )
    });
    for (offset, content) in acknowledged.range(start..) {
        let there = found.get(offset);
        wrong.check(there == Some(content), || {
            format!("{at:?}, offset {offset}: {content:?} was acknowledged, and there is {there:?}")
        });
    }
}

/// Of each key the last value; what else is there is what was acknowledged there.
fn compacted(
    at: At,
    acknowledged: &BTreeMap<i64, Content>,
    found: &BTreeMap<i64, Content>,
    wrong: &mut Wrong,
) {
    let mut last = HashMap::new();
    for (offset, content) in acknowledged {
        last.insert(&content.0, *offset);
    }
    for (key, offset) in last {
        let content = &acknowledged[&offset];
        let there = found.get(&offset);
        // A repeat of the plain producer may stand behind it, with the same value.
        let later = found
            .range(offset + 1..)
            .any(|(_, later)| later.0 == *key && later.1 >= content.1);
        wrong.check(there == Some(content) || later, || {
            format!("{at:?}, offset {offset}: the last of {key:?} is {content:?}, and there is {there:?}")
        });
    }
    for (offset, content) in found {
        let told = acknowledged.get(offset);
        let is_plain = content.1.starts_with(PLAIN);
        wrong.check(told == Some(content) || told.is_none() && is_plain, || {
            format!("{at:?}, offset {offset}: there is {content:?}, and {told:?} was acknowledged")
        });
    }
}

/// Each producer's numbers rise by one; those of the plain one may be repeated.
fn order<'a>(at: At, found: impl Iterator<Item = (&'a i64, &'a Content)>, wrong: &mut Wrong) {
    let mut next: HashMap<&str, u32> = HashMap::new();
    for (offset, (_, value)) in found {
        let mut words = value.split(' ');
        let (Some(name), Some(number)) = (words.next(), words.next()) else {
            wrong
                .0
                .push(format!("{at:?}, offset {offset}: {value:?} is nobody's"));
            continue;
        };
        let number: u32 = number.parse().expect("a number");
        // Retention may have taken the first ones.
        let expected = *next.get(name).unwrap_or(&number);
        let repeated = name == PLAIN && number < expected;
        wrong.check(number == expected || repeated, || {
            format!("{at:?}, offset {offset}: {name} has {number} in the place of {expected}")
        });
        next.insert(name, expected.max(number + 1));
    }
}

/// What a consumer was given is still what stands there.
fn consumed(told: &Told, raw: &mut Raw, wrong: &mut Wrong) {
    for (at, consumed) in &told.consumed {
        let found: BTreeMap<i64, String> = raw
            .read_from(at.0, at.1, 0)
            .iter()
            .map(|record| (record.offset, content(record).1))
            .collect();
        for (offset, value) in consumed {
            let there = found.get(offset);
            wrong.check(there == Some(value), || {
                format!("{at:?}, offset {offset}: {value:?} was consumed, and there is {there:?}")
            });
        }
    }
}

/// The group stands where it was told it stands, or further.
fn commits(told: &Told, raw: &mut Raw, wrong: &mut Wrong) {
    let partitions: Vec<i32> = (0..PARTITIONS).collect();
    let request = OffsetFetchRequest::default()
        .with_group_id(GroupId(text(GROUP)))
        .with_topics(Some(vec![
            OffsetFetchRequestTopic::default()
                .with_name(topic_name(KEPT))
                .with_partition_indexes(partitions),
        ]));
    let response = raw.call(7, &request);
    assert_eq!(response.error_code, NONE);
    wrong.check(told.committed.len() == PARTITIONS as usize, || {
        format!("commits of {} partitions alone", told.committed.len())
    });
    for partition in &response.topics[0].partitions {
        let at = (KEPT, partition.partition_index);
        let committed = told.committed.get(&at).copied().unwrap_or(0);
        let found = partition.committed_offset;
        wrong.check(found >= committed, || {
            format!("{at:?}: {committed} was committed, and the group stands at {found}")
        });
    }
}
