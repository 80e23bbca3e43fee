//! Fetches that wait for data.

use crate::common::PATIENCE;
use crate::common::admin::topic;
use crate::common::calls::{
    FETCH, UNSTAMPED, batch, fetch_partition, fetch_request, record, records_of, values,
};
use crate::common::errors::NONE;
use crate::common::raw::Raw;
use crate::common::reader::{Reader, texts};
use crate::common::sender::Sender;
use kafka_protocol::messages::FetchRequest;
use rdkafka::topic_partition_list::Offset;
use std::time::{Duration, Instant};

/// A fetch that finds nothing is answered, empty, when the time that it allowed is over.
#[test]
fn an_empty_fetch_waits_as_long_as_it_allows() {
    let topic = topic("waits", 1);
    let mut raw = Raw::connect();
    let request = fetch_request(&topic, 0, 0).with_max_wait_ms(700);
    let asked = Instant::now();
    let answer = raw.call(FETCH, &request);
    let waited = asked.elapsed();
    assert!(waited >= Duration::from_millis(650), "{waited:?}");
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    let partition = &answer.responses[0].partitions[0];
    assert_eq!((partition.error_code, partition.high_watermark), (NONE, 0));
    assert!(records_of(partition).is_empty());
}

/// A fetch that waits is answered as soon as a record comes.
#[test]
fn a_waiting_fetch_is_woken_by_data() {
    let topic = topic("woken", 1);
    let mut reader = Raw::connect();
    let request = fetch_request(&topic, 0, 0).with_max_wait_ms(50_000);
    let asked = Instant::now();
    let correlation = reader.send(FETCH, &request);
    Raw::connect().append(&topic, 0, batch(values(&["a"]), UNSTAMPED));
    let answer = reader.receive::<FetchRequest>(FETCH, correlation);
    assert!(
        asked.elapsed() < Duration::from_secs(25),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(records_of(&answer.responses[0].partitions[0]).len(), 1);
}

/// A fetch of several partitions is woken by any of them.
#[test]
fn a_waiting_fetch_is_woken_by_any_of_its_partitions() {
    let topic = topic("any", 3);
    let mut request = fetch_request(&topic, 0, 0).with_max_wait_ms(50_000);
    request.topics[0].partitions.push(fetch_partition(1, 0));
    request.topics[0].partitions.push(fetch_partition(2, 0));
    let mut reader = Raw::connect();
    let asked = Instant::now();
    let correlation = reader.send(FETCH, &request);
    Raw::connect().append(&topic, 2, batch(values(&["a"]), UNSTAMPED));
    let answer = reader.receive::<FetchRequest>(FETCH, correlation);
    assert!(
        asked.elapsed() < Duration::from_secs(25),
        "{:?}",
        asked.elapsed()
    );
    let partitions = &answer.responses[0].partitions;
    let found = partitions
        .iter()
        .find(|one| one.partition_index == 2)
        .expect("partition 2");
    assert_eq!(records_of(found).len(), 1);
}

/// A fetch that asks for a number of bytes waits until they are there.
#[test]
fn a_fetch_waits_for_the_bytes_that_it_asks_for() {
    let topic = topic("min-bytes", 1);
    let mut writer = Raw::connect();
    let of = |bytes: usize| batch(vec![record(None, Some(&vec![b'x'; bytes]))], UNSTAMPED);
    writer.append(&topic, 0, of(100));
    let mut reader = Raw::connect();
    let request = fetch_request(&topic, 0, 0)
        .with_min_bytes(5_000)
        .with_max_wait_ms(50_000);
    let asked = Instant::now();
    let correlation = reader.send(FETCH, &request);
    writer.append(&topic, 0, of(100));
    writer.append(&topic, 0, of(6_000));
    let answer = reader.receive::<FetchRequest>(FETCH, correlation);
    assert!(
        asked.elapsed() < Duration::from_secs(25),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(records_of(&answer.responses[0].partitions[0]).len(), 3);

    let request = request.with_max_wait_ms(300).with_min_bytes(50_000);
    let answer = reader.call(FETCH, &request);
    assert_eq!(records_of(&answer.responses[0].partitions[0]).len(), 3);
}

/// A reader that waits at the end of a partition gets each record soon after it was appended.
#[test]
fn a_reader_follows_a_writer() {
    let topic = topic("follows", 1);
    let reader = Reader::at(&topic, 0, Offset::Beginning);
    let sender = Sender::new();
    for number in 0..50 {
        let value = number.to_string();
        sender.send(&topic, 0, value.as_bytes()).expect("appended");
        let asked = Instant::now();
        assert_eq!(texts(&reader.take(1)), [value]);
        assert!(asked.elapsed() < PATIENCE / 4, "{:?}", asked.elapsed());
    }
}
