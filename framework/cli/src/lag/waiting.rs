//! What stands before an aggregate and is not decided: how many records, and how old the first is.

use kolo_core::Timestamp;
use kolo_core::wire::{Headers, Source, Stamp, is_own_record};
use kolo_kafka::routed_until;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::Offset;

use super::inputs::Reads;
use super::tail::{Tail, tails};
use crate::cluster::{Cluster, ends};
use crate::evidence::plan::{Role, Topic};
use crate::failure::Failure;
use crate::scan::{Range, headers, scan};

/// So many of the next records are looked at. Those of kolo's own, such as markers, are nothing to decide.
const LOOKED_AT: i64 = 500;

/// How far one partition of one input is decided.
#[derive(Debug)]
pub(super) struct Behind {
    pub(super) topic: String,
    pub(super) partition: i32,
    /// Whether the aggregate's router reads it, and not the aggregate.
    pub(super) routed: bool,
    /// The next offset to be decided, or routed; none where it is not known.
    pub(super) next: Option<i64>,
    pub(super) told_by: ToldBy,
    /// The partition's first offset.
    pub(super) first: i64,
    /// Its next offset to be written.
    pub(super) end: i64,
    /// How many records there are to be decided; none where it is not known.
    pub(super) records: Option<i64>,
    /// When the first of them was written.
    pub(super) oldest: Option<Timestamp>,
}

/// Who tells a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToldBy {
    /// The aggregate's own stream, as it should be.
    Stream,
    /// The offset that its group, or its router's, has committed.
    Group,
    /// Nobody.
    Nobody,
}

impl ToldBy {
    pub(super) fn word(self) -> &'static str {
        match self {
            ToldBy::Stream => "stream",
            ToldBy::Group => "group",
            ToldBy::Nobody => "nobody",
        }
    }
}

/// How far an aggregate and its router are, input by input and partition by partition.
pub(super) fn behind(cluster: &Cluster<'_>, reads: &Reads<'_>) -> Result<Vec<Behind>, Failure> {
    let ids: Vec<_> = reads.inputs.iter().map(|topic| topic.id).collect();
    let tails = tails(cluster, reads.stream, &ids)?;
    let mut all = Vec::new();
    for topic in &reads.inputs {
        all.extend(of_topic(cluster, topic, &reads.by, &tails)?);
    }
    for topic in &reads.sources {
        all.extend(of_topic(cluster, topic, &reads.router(), &[])?);
    }
    Ok(all)
}

/// The partitions of a topic that is decided by the owner of these tails; a router has none.
fn of_topic(
    cluster: &Cluster<'_>,
    topic: &Topic,
    group: &str,
    tails: &[Tail],
) -> Result<Vec<Behind>, Failure> {
    let tail = |partition: i32| tails.iter().find(|tail| tail.number == partition);
    let mut all = Vec::new();
    for &partition in &topic.partitions {
        let (first, end) = ends(&cluster.reader, &topic.name, partition)?;
        let next = tail(partition).and_then(|tail| {
            let next = tail.progress.next(topic.id);
            // A stream that was read whole has never decided what it does not name.
            let next = next.or_else(|| tail.is_whole.then_some(first));
            next.map(|next| next.max(first))
        });
        all.push(Behind {
            topic: topic.name.clone(),
            partition,
            routed: tails.is_empty(),
            next,
            told_by: next.map_or(ToldBy::Nobody, |_| ToldBy::Stream),
            first,
            end,
            records: next.map(|next| end - next),
            oldest: None,
        });
    }
    // The answer to a copy names where the copied record stands, and not the copy.
    let is_inbox = matches!(topic.role, Role::Inbox(_));
    if is_inbox || all.iter().any(|one| one.next.is_none()) {
        ask_group(cluster, topic, group, &mut all)?;
    }
    let is_decided = |partition: i32, headers: &Headers<'_>| {
        let stamp = headers.stamp.and_then(|stamp| Stamp::read(stamp).ok());
        match (tail(partition), stamp.map(|stamp| stamp.source)) {
            (
                Some(tail),
                Some(Source::Copy {
                    topic,
                    partition,
                    position,
                    ..
                }),
            ) => tail.progress.has_decided(topic, partition, position),
            _ => false,
        }
    };
    look_at_next(cluster, topic, &mut all, is_decided)?;
    Ok(all)
}

/// Where the stream does not tell, or not so far, the group may: what it has committed is there for displays such as this.
fn ask_group(
    cluster: &Cluster<'_>,
    topic: &Topic,
    group: &str,
    all: &mut [Behind],
) -> Result<(), Failure> {
    let committed = cluster.committed(group, &[(&topic.name, &topic.partitions)])?;
    for one in all {
        let found = committed.find_partition(&topic.name, one.partition);
        let next = found.and_then(|found| match found.offset() {
            _ if one.routed => routed_until(topic.id, &found),
            Offset::Offset(next) => Some(next),
            _ => None,
        });
        let next = match next {
            Some(next) => Some(next.clamp(one.first, one.end)),
            // A router that has committed nothing begins at the beginning; an aggregate may be anywhere.
            None => (one.routed || one.first == one.end).then_some(one.first),
        };
        if next > one.next {
            one.next = next;
            one.told_by = ToldBy::Group;
            one.records = next.map(|next| one.end - next);
        }
    }
    Ok(())
}

/// Counts what is to be decided among the next records, and takes the time of the first.
fn look_at_next(
    cluster: &Cluster<'_>,
    topic: &Topic,
    all: &mut [Behind],
    is_decided: impl Fn(i32, &Headers<'_>) -> bool,
) -> Result<(), Failure> {
    let ranges: Vec<Range> = all
        .iter()
        .filter_map(|one| {
            let next = one.next?;
            Some(Range {
                partition: one.partition,
                from: next,
                until: one.end.min(next.saturating_add(LOOKED_AT)),
            })
        })
        .filter(|range| range.from < range.until)
        .collect();
    if ranges.is_empty() {
        return Ok(());
    }
    let mut counted = vec![(0, None); ranges.len()];
    // A consumer that is given other partitions waits for half a second; a new one does not.
    scan(&cluster.looker()?, &topic.name, &ranges, |message| {
        let at = |range: &Range| range.partition == message.partition();
        let headers = headers(message);
        let is_own = headers.event_type.is_some_and(is_own_record);
        if let Some(at) = ranges.iter().position(at)
            && !is_own
            && !is_decided(message.partition(), &headers)
        {
            let (records, oldest) = &mut counted[at];
            *records += 1;
            let written = message.timestamp().to_millis();
            *oldest = oldest.or(written.map(Timestamp::from_millis));
        }
        true
    })?;
    for (range, (records, oldest)) in ranges.iter().zip(counted) {
        for one in all
            .iter_mut()
            .filter(|one| one.partition == range.partition)
        {
            one.oldest = oldest;
            one.records = Some(records + one.end - range.until);
        }
    }
    Ok(())
}
