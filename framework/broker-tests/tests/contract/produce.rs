//! Appends: acknowledged, ordered, each on its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ApiVersionsRequest, ProduceRequest};
use rdkafka::topic_partition_list::Offset;

use crate::common::admin::topic;
use crate::common::await_that;
use crate::common::calls::{PRODUCE, UNSTAMPED, batch, produce_request, topic_name, values};
use crate::common::errors::{NONE, UNKNOWN_TOPIC_OR_PARTITION};
use crate::common::raw::Raw;
use crate::common::reader::{Reader, texts};
use crate::common::sender::Sender;
use crate::common::unique;

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}{number}"))
        .collect()
}

/// With all acknowledgements, or the leader's, the answer tells the offset that each record got.
#[test]
fn an_acknowledged_record_stands_where_the_answer_says() {
    for acks in ["all", "1"] {
        let topic = topic("acks", 1);
        let sender = Sender::with(&[("enable.idempotence", "false"), ("acks", acks)]);
        assert_eq!(sender.send(&topic, 0, b"a"), Ok((0, 0)));
        assert_eq!(sender.send(&topic, 0, b"b"), Ok((0, 1)));
        let read = Reader::at(&topic, 0, Offset::Offset(1)).take(1);
        assert_eq!(texts(&read), ["b"]);
    }
}

/// Without acknowledgements nothing is answered, and the record is appended all the same.
#[test]
fn without_acknowledgements_nothing_is_answered() {
    let topic = topic("acks-0", 1);
    let mut raw = Raw::connect();
    let request = produce_request(&topic, 0, batch(values(&["a"]), UNSTAMPED)).with_acks(0);
    raw.send(PRODUCE, &request);
    // The next answer on this connection is the next request's: `call` checks whose it is.
    assert_eq!(raw.call(0, &ApiVersionsRequest::default()).error_code, NONE);
    await_that("the record", || raw.watermarks(&topic, 0) == (0, 1));

    let sender = Sender::with(&[("enable.idempotence", "false"), ("acks", "0")]);
    sender.send(&topic, 0, b"b").expect("handed over");
    await_that("the second record", || raw.watermarks(&topic, 0) == (0, 2));
}

/// An idempotent producer with five requests in flight keeps the order of its records, without gap or double.
#[test]
fn order_is_kept_with_five_in_flight() {
    let topic = topic("in-flight", 1);
    let sender = Sender::with(&[
        ("max.in.flight.requests.per.connection", "5"),
        ("batch.num.messages", "7"),
    ]);
    let sent = numbered("", 5_000);
    let offsets = sender.send_all(&topic, 0, &sent);
    assert_eq!(offsets, (0..5_000).collect::<Vec<i64>>());
    let read = Reader::at(&topic, 0, Offset::Beginning).take(5_000);
    assert_eq!(texts(&read), sent);
    assert_eq!(Raw::connect().watermarks(&topic, 0), (0, 5_000));
}

/// Requests that are sent on one connection without waiting are served and answered in their order.
#[test]
fn requests_of_one_connection_are_served_in_order() {
    let topic = topic("pipelined", 1);
    let mut raw = Raw::connect();
    let sent: Vec<_> = (0..50)
        .map(|number| {
            let records = batch(values(&[format!("{number}")]), UNSTAMPED);
            raw.send(PRODUCE, &produce_request(&topic, 0, records))
        })
        .collect();
    for (offset, correlation) in sent.into_iter().enumerate() {
        let answer = raw.receive::<ProduceRequest>(PRODUCE, correlation);
        let answer = &answer.responses[0].partition_responses[0];
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (NONE, offset as i64)
        );
    }
}

/// Two clients append to one partition at the same time: all records are there once, each client's in its order.
#[test]
fn two_clients_append_to_one_partition() {
    let topic = topic("two-clients", 1);
    let sent = [numbered("a", 2_000), numbered("b", 2_000)];
    let mut offsets: Vec<i64> = std::thread::scope(|scope| {
        let threads: Vec<_> = sent
            .iter()
            .map(|own| {
                let topic = &topic;
                scope.spawn(move || {
                    let sender = Sender::with(&[("batch.num.messages", "10")]);
                    sender.send_all(topic, 0, own)
                })
            })
            .collect();
        let join =
            |thread: std::thread::ScopedJoinHandle<'_, Vec<i64>>| thread.join().expect("sent");
        threads.into_iter().flat_map(join).collect()
    });
    offsets.sort_unstable();
    assert_eq!(offsets, (0..4_000).collect::<Vec<i64>>());
    let read = texts(&Reader::at(&topic, 0, Offset::Beginning).take(4_000));
    for (prefix, own) in ["a", "b"].iter().zip(&sent) {
        let of_one: Vec<_> = read
            .iter()
            .filter(|value| value.starts_with(prefix))
            .cloned()
            .collect();
        assert_eq!(&of_one, own);
    }
}

/// 64 partitions take and give their own records.
#[test]
fn sixty_four_partitions_keep_their_records_apart() {
    let topic = topic("sixty-four", 64);
    let sender = Sender::new();
    for round in 0..3 {
        for partition in 0..64 {
            let value = format!("{partition}/{round}");
            sender.queue(
                &topic,
                partition,
                None,
                Some(value.as_bytes()),
                partition as usize,
            );
        }
    }
    let mut counts = BTreeMap::new();
    for _ in 0..3 * 64 {
        let (token, outcome) = sender.report();
        let (partition, _) = outcome.expect("an acknowledged record");
        assert_eq!(partition as usize, token);
        *counts.entry(partition).or_insert(0) += 1;
    }
    assert_eq!(counts, (0..64).map(|partition| (partition, 3)).collect());
    let mut raw = Raw::connect();
    for partition in 0..64 {
        let read = raw.read_from(&topic, partition, 0);
        let read: Vec<_> = read
            .iter()
            .map(|one| one.value.clone().unwrap_or_default())
            .collect();
        let expected: Vec<_> = (0..3)
            .map(|round| Bytes::from(format!("{partition}/{round}")))
            .collect();
        assert_eq!(read, expected);
    }
}

/// One request for several partitions is answered for each: a partition that does not exist does not hold up the others.
#[test]
fn each_partition_of_a_request_is_answered_on_its_own() {
    let topic = topic("several", 3);
    let nobody = unique("nobody");
    let data = |partition: i32| {
        PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(batch(values(&["a", "b"]), UNSTAMPED)))
    };
    let of = |name: &str, partitions: &[i32]| {
        TopicProduceData::default()
            .with_name(topic_name(name))
            .with_partition_data(partitions.iter().copied().map(data).collect())
    };
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![of(&topic, &[2, 9, 0]), of(&nobody, &[0])]);
    let answer = Raw::connect().call(PRODUCE, &request);
    let mut codes = BTreeMap::new();
    for answered in answer.responses {
        for partition in answered.partition_responses {
            let at = (answered.name.to_string(), partition.index);
            codes.insert(at, (partition.error_code, partition.base_offset));
        }
    }
    let expected = BTreeMap::from([
        ((topic.clone(), 0), (NONE, 0)),
        ((topic.clone(), 2), (NONE, 0)),
        ((topic, 9), (UNKNOWN_TOPIC_OR_PARTITION, -1)),
        ((nobody, 0), (UNKNOWN_TOPIC_OR_PARTITION, -1)),
    ]);
    assert_eq!(codes, expected);
}

/// A record of 1 MB goes through with the default settings of topic and broker.
#[test]
fn a_record_of_a_megabyte_goes_through() {
    let topic = topic("megabyte", 1);
    let value: Vec<u8> = (0..1_000_000_u32).map(|at| (at * 7 % 251) as u8).collect();
    let sender = Sender::with(&[("message.max.bytes", "1048588")]);
    assert_eq!(sender.send(&topic, 0, &value), Ok((0, 0)));
    let read = Reader::at(&topic, 0, Offset::Beginning).take(1);
    assert_eq!(rdkafka::Message::payload(&read[0]), Some(&value[..]));
}
