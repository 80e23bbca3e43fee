//! Committed offsets.

use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{ConsumerProtocolSubscription, OffsetDeleteRequest};

use super::*;

#[test]
fn what_is_committed_is_fetched() {
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    assert_eq!(bench.commit_one(&ids[0], 1, "t", 2, 41), 0);
    assert_eq!(bench.commit_one(&ids[0], 1, "t", 2, 42), 0);
    assert_eq!(bench.commit_one(&ids[0], 1, "u", 0, 7), 0);
    let all = bench.committed();
    assert_eq!(
        all.iter().map(|t| t.name.to_string()).collect::<Vec<_>>(),
        ["t", "u"]
    );
    let partition = &all[0].partitions[0];
    assert_eq!(
        (partition.partition_index, partition.committed_offset),
        (2, 42)
    );
    assert_eq!(
        (partition.committed_leader_epoch, &partition.metadata),
        (3, &Some(text("why")))
    );
}

#[test]
fn before_version_8_one_group_is_asked_for() {
    let mut bench = Bench::new();
    bench.commit_one("", -1, "t", 2, 42);
    let topic = OffsetFetchRequestTopic::default()
        .with_name(TopicName(text("t")))
        .with_partition_indexes(vec![1, 2]);
    let request = OffsetFetchRequest::default()
        .with_group_id(group())
        .with_topics(Some(vec![topic]));
    for version in 1..8 {
        let response = bench.coordinator.fetch_offsets(&context(version), &request);
        encodes(&response, version);
        let offsets: Vec<i64> = response.topics[0]
            .partitions
            .iter()
            .map(|p| p.committed_offset)
            .collect();
        assert_eq!(offsets, [-1, 42]);
        assert_eq!(response.topics[0].partitions[0].metadata, Some(text("")));
    }
}

#[test]
fn a_group_that_is_not_there_committed_nothing() {
    let bench = Bench::new();
    assert_eq!(bench.committed(), []);
    assert!(bench.coordinator.groups.is_empty());
}

#[test]
fn a_simple_consumer_commits_without_members() {
    let mut bench = Bench::new();
    assert_eq!(bench.commit_one("", -1, "t", 0, 5), 0);
    assert_eq!(
        (bench.state(), bench.group().protocol_type.as_deref()),
        ("Empty", None)
    );
    assert_eq!(bench.commit_one("", -1, "t", 0, 6), 0);
    bench.stable(1);
    assert_eq!(
        bench.commit_one("", -1, "t", 0, 7),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(bench.committed()[0].partitions[0].committed_offset, 6);
}

#[test]
fn a_commit_must_fit_the_generation() {
    let mut bench = Bench::new();
    let missing = commit_request("ghost", 3, "t", 0, 5);
    assert_eq!(
        bench.commit(&missing).topics[0].partitions[0].error_code,
        code(ResponseError::GroupIdNotFound)
    );
    let (older, _) = bench
        .coordinator
        .commit(bench.now, &context(8), &missing, |_, _| true);
    assert_eq!(
        older.topics[0].partitions[0].error_code,
        code(ResponseError::IllegalGeneration)
    );

    let ids = bench.stable(1);
    assert_eq!(
        bench.commit_one("ghost", 1, "t", 0, 5),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        bench.commit_one(&ids[0], 0, "t", 0, 5),
        code(ResponseError::IllegalGeneration)
    );
    assert_eq!(
        bench.commit_one(&ids[0], -1, "t", 0, 5),
        code(ResponseError::IllegalGeneration)
    );
    assert!(bench.committed().is_empty());
}

#[test]
fn members_commit_while_they_rejoin_but_not_before_their_assignment() {
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    let (_, newcomer) = bench.come(joiner());
    assert_eq!(bench.state(), "PreparingRebalance");
    assert_eq!(bench.commit_one(&ids[0], 1, "t", 0, 5), 0);
    bench.join(&joiner().id(&ids[0]));
    bench.joined(newcomer);
    assert_eq!(bench.state(), "CompletingRebalance");
    assert_eq!(
        bench.commit_one(&ids[0], 2, "t", 0, 6),
        code(ResponseError::RebalanceInProgress)
    );
    assert_eq!(
        bench.commit_one(&ids[0], 1, "t", 0, 6),
        code(ResponseError::IllegalGeneration)
    );
    assert_eq!(bench.committed()[0].partitions[0].committed_offset, 5);
}

#[test]
fn unknown_partitions_and_long_metadata_are_refused_each_for_itself() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.commit_one("", -1, "missing", 0, 5),
        code(ResponseError::UnknownTopicOrPartition)
    );
    assert!(bench.coordinator.groups.is_empty(), "nothing was committed");

    let mut request = commit_request("", -1, "t", 0, 5);
    let good = request.topics[0].partitions[0].clone();
    let odd = good.clone().with_partition_index(9);
    let long = good
        .clone()
        .with_partition_index(1)
        .with_committed_metadata(Some(text(&"x".repeat(4097))));
    let longest = good
        .clone()
        .with_partition_index(2)
        .with_committed_metadata(Some(text(&"ü".repeat(4096))));
    let none = good
        .clone()
        .with_partition_index(3)
        .with_committed_metadata(None);
    request.topics[0]
        .partitions
        .extend([odd, long, longest, none]);
    let response = bench.commit(&request);
    let errors: Vec<i16> = response.topics[0]
        .partitions
        .iter()
        .map(|p| p.error_code)
        .collect();
    let unknown = code(ResponseError::UnknownTopicOrPartition);
    assert_eq!(
        errors,
        [
            0,
            unknown,
            code(ResponseError::OffsetMetadataTooLarge),
            0,
            0
        ]
    );
    let kept: Vec<i32> = bench.committed()[0]
        .partitions
        .iter()
        .map(|p| p.partition_index)
        .collect();
    assert_eq!(kept, [0, 2, 3]);
    assert_eq!(bench.committed()[0].partitions[2].metadata, Some(text("")));
}

fn delete(bench: &mut Bench, topic: &str) -> (i16, Vec<i16>) {
    let partition = |index| OffsetDeleteRequestPartition::default().with_partition_index(index);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(TopicName(text(topic)))
        .with_partitions(vec![partition(0), partition(9)]);
    let request = OffsetDeleteRequest::default()
        .with_group_id(group())
        .with_topics(vec![topic]);
    let (response, output) =
        bench
            .coordinator
            .delete_offsets(bench.now, &request, |_, partition| partition < 4);
    encodes(&response, 0);
    bench.take(output);
    let errors = response
        .topics
        .first()
        .map(|t| t.partitions.iter().map(|p| p.error_code).collect());
    (response.error_code, errors.unwrap_or_default())
}

#[test]
fn offsets_are_deleted_of_what_is_not_read() {
    let unknown = code(ResponseError::UnknownTopicOrPartition);
    let mut bench = Bench::new();
    assert_eq!(
        delete(&mut bench, "t"),
        (code(ResponseError::GroupIdNotFound), vec![])
    );
    bench.commit_one("", -1, "t", 0, 5);
    bench.commit_one("", -1, "read", 0, 5);

    let mut said = BytesMut::from(&[0_u8, 1][..]);
    let subscription = ConsumerProtocolSubscription::default().with_topics(vec![text("read")]);
    subscription.encode(&mut said, 1).unwrap();
    let consumer = Joiner {
        protocols: vec![("range", said.freeze())],
        ..joiner()
    };
    bench.come(consumer);
    assert_eq!(
        delete(&mut bench, "read"),
        (
            0,
            vec![code(ResponseError::GroupSubscribedToTopic), unknown]
        )
    );
    assert_eq!(delete(&mut bench, "t"), (0, vec![0, unknown]));
    assert_eq!(bench.committed().len(), 1);
    bench.restart();
    assert_eq!(bench.committed().len(), 1);
}

#[test]
fn of_members_that_cannot_be_understood_nothing_is_deleted() {
    let mut bench = Bench::new();
    bench.commit_one("", -1, "t", 0, 5);
    bench.stable(1);
    assert_eq!(
        delete(&mut bench, "t").1[0],
        code(ResponseError::GroupSubscribedToTopic)
    );

    let mut bench = Bench::new();
    bench.commit_one("", -1, "t", 0, 5);
    bench.come(Joiner {
        protocol_type: "connect",
        ..joiner()
    });
    assert_eq!(
        delete(&mut bench, "t"),
        (code(ResponseError::NonEmptyGroup), vec![])
    );
    assert_eq!(bench.committed().len(), 1);
}

#[test]
fn a_deleted_topics_offsets_go() {
    let mut bench = Bench::new();
    bench.commit_one("", -1, "t", 0, 5);
    bench.commit_one("", -1, "t", 1, 5);
    bench.commit_one("", -1, "u", 0, 5);
    let output = bench.coordinator.forget_topic("t");
    assert_eq!(output.entries.len(), 2);
    bench.take(output);
    assert_eq!(bench.committed().len(), 1);
    bench.restart();
    assert_eq!(bench.committed().len(), 1);
}

#[test]
fn an_empty_group_keeps_its_offsets_for_seven_days_after_the_last_use() {
    const DAY: u64 = 24 * 60 * 60;
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    bench.commit_one(&ids[0], 1, "t", 0, 5);
    bench.leave(&ids[0]);
    bench.seconds(4 * DAY);
    bench.commit_one("", -1, "t", 0, 6);
    bench.seconds(7 * DAY - 1);
    assert_eq!(bench.committed().len(), 1);
    bench.seconds(1);
    assert!(bench.committed().is_empty() && bench.coordinator.groups.is_empty());
    bench.restart();
    assert!(bench.coordinator.groups.is_empty());
}

#[test]
fn an_empty_group_without_offsets_goes_after_ten_minutes() {
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    bench.leave(&ids[0]);
    bench.seconds(599);
    assert_eq!(bench.state(), "Empty");
    bench.seconds(1);
    assert!(bench.coordinator.groups.is_empty());
    assert_eq!(bench.coordinator.next_deadline(), None);
}
