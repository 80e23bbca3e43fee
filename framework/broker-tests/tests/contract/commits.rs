//! Committed offsets.

use kafka_protocol::messages::OffsetDeleteRequest;
use kafka_protocol::messages::OffsetFetchRequest;
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::common::admin::{admin, block_on, create, delete, topic};
use crate::common::calls::{text, topic_name};
use crate::common::errors::{
    GROUP_SUBSCRIBED_TO_TOPIC, ILLEGAL_GENERATION, NONE, OFFSET_METADATA_TOO_LARGE,
    UNKNOWN_MEMBER_ID, UNKNOWN_TOPIC_OR_PARTITION,
};
use crate::common::member::{Member, member_config};
use crate::common::raw::Raw;
use crate::common::raw_member::{
    OFFSETS, RawMember, await_coordinator, commit_error, commit_request, committed, group_id,
};
use crate::common::sender::Sender;
use crate::common::{PATIENCE, await_that, client, unique};

/// A client that commits and reads offsets, and never joins.
fn outsider(group: &str) -> BaseConsumer {
    client()
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer")
}

/// Offsets may be committed and read by a client that never joins the group, each with its metadata.
#[test]
fn a_commit_needs_no_membership() {
    let (topic, group) = (topic("outside", 3), unique("outside"));
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(42))
        .expect("an offset");
    list.add_partition_offset(&topic, 2, Offset::Offset(7))
        .expect("an offset");
    let mut element = list.find_partition(&topic, 0).expect("the partition");
    element.set_metadata("why: caf\u{e9}");
    await_coordinator(&mut Raw::connect(), &group);
    let writer = outsider(&group);
    writer.commit(&list, CommitMode::Sync).expect("committed");

    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(&topic, 0, 2);
    let read = outsider(&group)
        .committed_offsets(asked, PATIENCE)
        .expect("offsets");
    let of = |partition| {
        let element = read
            .find_partition(&topic, partition)
            .expect("the partition");
        (element.offset(), element.metadata().to_owned())
    };
    assert_eq!(of(0), (Offset::Offset(42), "why: caf\u{e9}".to_owned()));
    assert_eq!(of(1), (Offset::Invalid, String::new()));
    assert_eq!(of(2), (Offset::Offset(7), String::new()));
}

/// The last commit counts, also when it goes back.
#[test]
fn the_last_commit_counts() {
    let (topic, group) = (topic("back", 1), unique("back"));
    let mut raw = Raw::connect();
    await_coordinator(&mut raw, &group);
    for (offset, metadata) in [(10, "ten"), (3, "three")] {
        let request = commit_request(&group, &topic, 0, offset, Some(metadata));
        assert_eq!(commit_error(&mut raw, &request), NONE);
        let read = committed(&mut raw, &group, &topic, 0);
        assert_eq!(
            (read.committed_offset, read.metadata),
            (offset, Some(text(metadata)))
        );
    }
}

/// All that a group committed is told when no topic is named, and nothing of a group that committed nothing.
#[test]
fn all_offsets_of_a_group_are_told() {
    let (one, other, group) = (topic("all-a", 2), topic("all-b", 1), unique("all"));
    let mut raw = Raw::connect();
    await_coordinator(&mut raw, &group);
    for (topic, partition, offset) in [(&one, 0, 1), (&one, 1, 2), (&other, 0, 3)] {
        let request = commit_request(&group, topic, partition, offset, None);
        assert_eq!(commit_error(&mut raw, &request), NONE);
    }
    let mut all = |group: &str| {
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(group))
            .with_topics(None);
        let answer = raw.call(OFFSETS, &request);
        assert_eq!(answer.error_code, NONE);
        let mut all = Vec::new();
        for topic in answer.topics {
            for partition in topic.partitions {
                let at = (topic.name.to_string(), partition.partition_index);
                all.push((at, partition.committed_offset));
            }
        }
        all.sort();
        all
    };
    let expected = [((one.clone(), 0), 1), ((one, 1), 2), ((other, 0), 3)];
    assert_eq!(all(&group), expected);
    assert_eq!(all(&unique("nobody")), []);
}

/// Where nothing was committed the answer is -1 and no error.
#[test]
fn what_was_never_committed_is_told_as_none() {
    let (topic, group) = (topic("never", 1), unique("never"));
    let mut raw = Raw::connect();
    await_coordinator(&mut raw, &group);
    let read = committed(&mut raw, &group, &topic, 0);
    assert_eq!((read.error_code, read.committed_offset), (NONE, -1));
    let read = committed(&mut raw, &group, &unique("nobody"), 0);
    assert_eq!((read.error_code, read.committed_offset), (NONE, -1));
}

/// A commit for a topic or a partition that does not exist is refused.
#[test]
fn a_commit_for_an_unknown_partition_is_refused() {
    let (topic, group) = (topic("known", 1), unique("known"));
    let mut raw = Raw::connect();
    await_coordinator(&mut raw, &group);
    for (name, partition) in [(unique("nobody"), 0), (topic, 5)] {
        let request = commit_request(&group, &name, partition, 1, None);
        assert_eq!(commit_error(&mut raw, &request), UNKNOWN_TOPIC_OR_PARTITION);
    }
}

/// Metadata of 4,096 bytes is kept; one byte more is refused, and the offset with it.
#[test]
fn metadata_that_is_too_large_is_refused() {
    let (topic, group) = (topic("metadata", 1), unique("metadata"));
    let mut raw = Raw::connect();
    await_coordinator(&mut raw, &group);
    let largest = "x".repeat(4_096);
    let request = commit_request(&group, &topic, 0, 1, Some(&largest));
    assert_eq!(commit_error(&mut raw, &request), NONE);
    let request = commit_request(&group, &topic, 0, 2, Some(&format!("{largest}x")));
    assert_eq!(commit_error(&mut raw, &request), OFFSET_METADATA_TOO_LARGE);
    let read = committed(&mut raw, &group, &topic, 0);
    assert_eq!(
        (read.committed_offset, read.metadata),
        (1, Some(text(&largest)))
    );
}

/// A member that missed a rebalance cannot commit, nor can one that never was: the commits of zombies are refused.
#[test]
fn a_commit_by_a_stale_generation_is_refused() {
    let (topic, group) = (topic("stale", 1), unique("stale"));
    let mut member = RawMember::new(&group);
    member.join_alone();
    assert_eq!(member.commit(&topic, 0, 5), NONE);

    let generation = member.generation;
    member.generation = generation - 1;
    assert_eq!(member.commit(&topic, 0, 6), ILLEGAL_GENERATION);
    member.generation = generation + 1;
    assert_eq!(member.commit(&topic, 0, 7), ILLEGAL_GENERATION);
    member.generation = generation;
    let id = std::mem::replace(&mut member.id, text("somebody-else"));
    assert_eq!(member.commit(&topic, 0, 8), UNKNOWN_MEMBER_ID);
    member.id = id;
    member.leave();
    assert_eq!(member.commit(&topic, 0, 9), UNKNOWN_MEMBER_ID);
    let read = committed(&mut member.raw, &group, &topic, 0);
    assert_eq!(read.committed_offset, 5);
}

/// While a group has members, an outsider cannot commit for it; when they are gone, it can again.
#[test]
fn an_outsider_cannot_commit_for_a_live_group() {
    let (topic, group) = (topic("live", 1), unique("live"));
    let mut member = RawMember::new(&group);
    member.join_alone();
    let mut raw = Raw::connect();
    let request = commit_request(&group, &topic, 0, 1, None);
    assert_eq!(commit_error(&mut raw, &request), UNKNOWN_MEMBER_ID);
    member.leave();
    assert_eq!(commit_error(&mut raw, &request), NONE);
}

/// A consumer that joins goes on where its group committed.
#[test]
fn a_group_goes_on_where_it_committed() {
    let (topic, group) = (topic("goes-on", 1), unique("goes-on"));
    Sender::new().send_all(&topic, 0, &["a", "b", "c", "d"]);
    let config = member_config(&group, "range");
    let first = Member::join(&config, &[&topic]);
    await_that("four records", || first.values().len() == 4);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(2))
        .expect("an offset");
    first
        .consumer()
        .commit(&list, CommitMode::Sync)
        .expect("committed");
    drop(first);
    let second = Member::join(&config, &[&topic]);
    await_that("two records", || second.values().len() == 2);
    assert_eq!(second.values(), [b"c".to_vec(), b"d".to_vec()]);
}

/// A group's offsets are deleted with it.
#[test]
fn offsets_go_with_their_group() {
    let (topic, group) = (topic("with-group", 1), unique("with-group"));
    let mut raw = Raw::connect();
    await_coordinator(&mut raw, &group);
    let request = commit_request(&group, &topic, 0, 1, None);
    assert_eq!(commit_error(&mut raw, &request), NONE);
    let results = block_on(admin().delete_groups(&[&group], &AdminOptions::new()));
    assert_eq!(results.expect("an answer"), [Ok(group.clone())]);
    assert_eq!(committed(&mut raw, &group, &topic, 0).committed_offset, -1);
}

fn delete_offset(raw: &mut Raw, group: &str, topic: &str, partition: i32) -> i16 {
    let asked = OffsetDeleteRequestPartition::default().with_partition_index(partition);
    let request = OffsetDeleteRequest::default()
        .with_group_id(group_id(group))
        .with_topics(vec![
            OffsetDeleteRequestTopic::default()
                .with_name(topic_name(topic))
                .with_partitions(vec![asked]),
        ]);
    let answer = raw.call(0, &request);
    assert_eq!(answer.error_code, NONE, "{answer:?}");
    answer.topics[0].partitions[0].error_code
}

/// Single offsets are deleted without the group, but not of a topic that the group is subscribed to.
#[test]
fn single_offsets_are_deleted() {
    let (topic, group) = (topic("single", 2), unique("single"));
    let mut raw = Raw::connect();
    await_coordinator(&mut raw, &group);
    for partition in [0, 1] {
        let request = commit_request(&group, &topic, partition, 1, None);
        assert_eq!(commit_error(&mut raw, &request), NONE);
    }
    assert_eq!(delete_offset(&mut raw, &group, &topic, 0), NONE);
    assert_eq!(committed(&mut raw, &group, &topic, 0).committed_offset, -1);
    assert_eq!(committed(&mut raw, &group, &topic, 1).committed_offset, 1);

    let member = Member::join(&member_config(&group, "range"), &[&topic]);
    member.await_owned(2);
    let code = delete_offset(&mut raw, &group, &topic, 1);
    assert_eq!(code, GROUP_SUBSCRIBED_TO_TOPIC);
    assert_eq!(committed(&mut raw, &group, &topic, 1).committed_offset, 1);
}

/// The offsets of a topic go with it: a topic made anew under its name has none.
#[test]
fn offsets_go_with_their_topic() {
    let (name, group) = (topic("with-topic", 1), unique("with-topic"));
    let mut raw = Raw::connect();
    await_coordinator(&mut raw, &group);
    let request = commit_request(&group, &name, 0, 1, None);
    assert_eq!(commit_error(&mut raw, &request), NONE);
    delete(&name);
    await_that("the end of its offsets", || {
        committed(&mut raw, &group, &name, 0).committed_offset == -1
    });
    create(&name, 1, &[]);
    assert_eq!(committed(&mut raw, &group, &name, 0).committed_offset, -1);
}
