//! Reading: what is bounded, and what is refused.

use std::time::Duration;

use kafka_protocol::messages::fetch_request::FetchTopic;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{BrokerId, OffsetForLeaderEpochRequest};
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode;
use uuid::Uuid;

use crate::common::admin::{create, delete, topic};
use crate::common::calls::{
    FETCH, UNSTAMPED, batch, fetch_partition, fetch_request, record, records_of, topic_name, values,
};
use crate::common::delete::delete_records;
use crate::common::errors::{
    NONE, OFFSET_OUT_OF_RANGE, UNKNOWN_LEADER_EPOCH, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION,
};
use crate::common::raw::Raw;
use crate::common::reader::{Reader, texts};
use crate::common::sender::Sender;
use crate::common::unique;

/// A partition's answer holds no more bytes than asked for, but one batch at least, so that a reader always gets on.
#[test]
fn the_bytes_of_a_fetch_are_bounded() {
    let topic = topic("max-bytes", 1);
    let mut raw = Raw::connect();
    let one = batch(vec![record(None, Some(&[b'x'; 1_000]))], UNSTAMPED);
    for _ in 0..10 {
        raw.append(&topic, 0, one.clone());
    }
    let mut fetch = |partition_max: usize, max: usize| {
        let mut request = fetch_request(&topic, 0, 0).with_max_bytes(max as i32);
        request.topics[0].partitions[0].partition_max_bytes = partition_max as i32;
        let answer = raw.call(FETCH, &request);
        let partition = &answer.responses[0].partitions[0];
        // An incomplete batch at the end is allowed: readers ignore it.
        let whole = partition
            .records
            .as_ref()
            .map_or(0, |bytes| bytes.len() / one.len());
        let bytes = partition.records.as_ref().map_or(0, bytes::Bytes::len);
        (whole, bytes)
    };
    assert_eq!(fetch(1, 10_000_000).0, 1);
    assert_eq!(fetch(10_000_000, 1).0, 1);
    let (whole, bytes) = fetch(3 * one.len() + 10, 10_000_000);
    assert!(
        whole == 3 && bytes <= 3 * one.len() + 10,
        "{whole} batches, {bytes} bytes"
    );
    let (whole, bytes) = fetch(10_000_000, 3 * one.len() + 10);
    assert!(
        whole == 3 && bytes <= 3 * one.len() + 10,
        "{whole} batches, {bytes} bytes"
    );
    assert_eq!(fetch(10_000_000, 10_000_000).0, 10);
}

/// The bound of a whole fetch is shared by its partitions; the first that has records gives one batch at least.
#[test]
fn the_bound_of_a_fetch_is_shared_by_its_partitions() {
    let topic = topic("shared", 3);
    let mut raw = Raw::connect();
    for partition in [1, 2] {
        let large = batch(vec![record(None, Some(&[b'x'; 10_000]))], UNSTAMPED);
        raw.append(&topic, partition, large);
    }
    let mut request = fetch_request(&topic, 0, 0).with_max_bytes(1);
    request.topics[0].partitions.push(fetch_partition(1, 0));
    request.topics[0].partitions.push(fetch_partition(2, 0));
    let answer = raw.call(FETCH, &request);
    let counts: Vec<_> = answer.responses[0]
        .partitions
        .iter()
        .map(|partition| (partition.partition_index, records_of(partition).len()))
        .collect();
    assert_eq!(counts, [(0, 0), (1, 1), (2, 0)]);
}

/// At the end of a partition there is nothing; behind the end, and before the beginning, is out of range.
#[test]
fn an_offset_outside_the_log_is_refused() {
    let topic = topic("range", 1);
    let mut raw = Raw::connect();
    raw.append(&topic, 0, batch(values(&["a", "b", "c"]), UNSTAMPED));
    let at_end = raw.fetch(&topic, 0, 3);
    assert_eq!((at_end.error_code, at_end.high_watermark), (NONE, 3));
    assert!(records_of(&at_end).is_empty());
    assert_eq!(raw.fetch(&topic, 0, 4).error_code, OFFSET_OUT_OF_RANGE);
    assert_eq!(
        raw.fetch(&topic, 0, 1_000_000).error_code,
        OFFSET_OUT_OF_RANGE
    );
    delete_records(&mut raw, &topic, 0, 2);
    assert_eq!(raw.fetch(&topic, 0, 1).error_code, OFFSET_OUT_OF_RANGE);
    let rest = raw.fetch(&topic, 0, 2);
    assert_eq!((rest.error_code, rest.log_start_offset), (NONE, 2));
}

/// A librdkafka consumer whose offset is out of range goes to the beginning, to the end, or reports, as it is set.
#[test]
fn a_consumer_out_of_range_does_as_it_is_set() {
    let topic = topic("reset", 1);
    let sender = Sender::new();
    sender.send_all(&topic, 0, &["a", "b", "c", "d"]);
    delete_records(&mut Raw::connect(), &topic, 0, 2);
    let at = |offset, reset| {
        Reader::with(
            &topic,
            0,
            Offset::Offset(offset),
            &[("auto.offset.reset", reset)],
        )
    };
    assert_eq!(texts(&at(0, "earliest").take(2)), ["c", "d"]);
    assert_eq!(texts(&at(100, "earliest").take(2)), ["c", "d"]);
    let error = at(0, "error").next().expect_err("out of range");
    assert_eq!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::AutoOffsetReset)
    );

    let latest = at(100, "latest");
    crate::common::await_that("a new record to be read", || {
        sender.send(&topic, 0, b"new").expect("appended");
        latest
            .consumer()
            .poll(Duration::from_millis(200))
            .is_some_and(|polled| {
                assert_eq!(
                    rdkafka::Message::payload(&polled.expect("a record")),
                    Some(&b"new"[..])
                );
                true
            })
    });
}

/// Without transactions all that is appended is stable: readers of committed records see every one.
#[test]
fn committed_records_are_all_records() {
    let topic = topic("committed", 1);
    let mut raw = Raw::connect();
    raw.append(&topic, 0, batch(values(&["a", "b"]), UNSTAMPED));
    let request = fetch_request(&topic, 0, 0).with_isolation_level(1);
    let answer = raw.call(FETCH, &request);
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(
        (partition.high_watermark, partition.last_stable_offset),
        (2, 2)
    );
    assert!(
        partition
            .aborted_transactions
            .as_ref()
            .is_none_or(Vec::is_empty)
    );
    assert_eq!(records_of(partition).len(), 2);
}

/// A topic that does not exist is refused by its name, a partition that does not exist by its number.
#[test]
fn a_fetch_of_an_unknown_partition_is_refused() {
    let topic = topic("unknown", 1);
    let mut raw = Raw::connect();
    assert_eq!(
        raw.fetch(&topic, 5, 0).error_code,
        UNKNOWN_TOPIC_OR_PARTITION
    );
    assert_eq!(
        raw.fetch(&unique("nobody"), 0, 0).error_code,
        UNKNOWN_TOPIC_OR_PARTITION
    );
}

/// A fetch by a topic's id reads that topic, and never another one that got its name.
#[test]
fn a_fetch_by_a_dead_id_is_refused() {
    let name = topic("dead-id", 1);
    let mut raw = Raw::connect();
    raw.append(&name, 0, batch(values(&["old"]), UNSTAMPED));
    let first = raw.describe_topic(&name).topic_id;
    let fetch = |id: Uuid| {
        let topic = FetchTopic::default()
            .with_topic_id(id)
            .with_partitions(vec![fetch_partition(0, 0)]);
        let request = fetch_request("", 0, 0).with_topics(vec![topic]);
        let answer = Raw::connect().call(13, &request);
        let partition = &answer.responses[0].partitions[0];
        let values: Vec<_> = records_of(partition)
            .into_iter()
            .map(|one| one.value)
            .collect();
        (partition.error_code, values)
    };
    assert_eq!(fetch(first), (NONE, vec![Some("old".into())]));
    assert_eq!(fetch(Uuid::new_v4()), (UNKNOWN_TOPIC_ID, vec![]));
    delete(&name);
    create(&name, 1, &[]);
    raw.append(&name, 0, batch(values(&["new"]), UNSTAMPED));
    assert_eq!(fetch(first), (UNKNOWN_TOPIC_ID, vec![]));
    let second = raw.describe_topic(&name).topic_id;
    assert_eq!(fetch(second), (NONE, vec![Some("new".into())]));
}

/// A client that asks for no fetch session gets none, and the broker may refuse one by answering session 0.
#[test]
fn a_fetch_without_a_session_gets_none() {
    let topic = topic("session", 1);
    let mut raw = Raw::connect();
    raw.append(&topic, 0, batch(values(&["a"]), UNSTAMPED));
    let request = fetch_request(&topic, 0, 0).with_session_epoch(-1);
    let answer = raw.call(FETCH, &request);
    assert_eq!((answer.error_code, answer.session_id), (NONE, 0));

    let request = fetch_request(&topic, 0, 0).with_session_epoch(0);
    let answer = raw.call(FETCH, &request);
    assert_eq!(answer.error_code, NONE);
    assert!(answer.session_id >= 0);
    assert_eq!(records_of(&answer.responses[0].partitions[0]).len(), 1);
}

/// The end of the leader's present epoch is the end of the log; an epoch that is still to come is unknown.
#[test]
fn the_end_of_the_present_epoch_is_the_end_of_the_log() {
    let topic = topic("epochs", 1);
    let mut raw = Raw::connect();
    raw.append(&topic, 0, batch(values(&["a", "b"]), UNSTAMPED));
    let epoch = raw.describe_topic(&topic).partitions[0].leader_epoch;
    assert!(epoch >= 0);
    let mut ask = |current: i32| {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(0)
            .with_current_leader_epoch(current)
            .with_leader_epoch(epoch);
        let asked = OffsetForLeaderTopic::default()
            .with_topic(topic_name(&topic))
            .with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![asked]);
        let answer = raw.call(4, &request);
        let answer = &answer.topics[0].partitions[0];
        (answer.error_code, answer.leader_epoch, answer.end_offset)
    };
    assert_eq!(ask(epoch), (NONE, epoch, 2));
    assert_eq!(ask(epoch + 1).0, UNKNOWN_LEADER_EPOCH);
    let mut request = fetch_request(&topic, 0, 0);
    request.topics[0].partitions[0].current_leader_epoch = epoch + 1;
    let answer = raw.call(FETCH, &request);
    assert_eq!(
        answer.responses[0].partitions[0].error_code,
        UNKNOWN_LEADER_EPOCH
    );
}
