//! Records go in and come out, and whoever waits for them is woken.

use std::thread;
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::*;
use kolo_broker::Broker;

use crate::client::{Client, batch, fetch_request, name, produce_request, values};

#[test]
fn what_is_produced_is_fetched_from_any_offset() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    assert_eq!(client.create("orders", 2, &[]), 0);
    assert_eq!(client.produce("orders", 1, &["a", "b"]), (0, 0));
    assert_eq!(client.produce("orders", 1, &["c"]), (0, 2));
    assert_eq!(
        client.fetch("orders", 1, 0),
        (0, vec!["a".into(), "b".into(), "c".into()])
    );
    assert_eq!(client.fetch("orders", 1, 2), (0, vec!["c".into()]));
    assert_eq!(client.end_offset("orders", 1), 3);
    assert_eq!(client.end_offset("orders", 0), 0);
    assert_eq!(
        client.fetch("orders", 1, 4).0,
        ResponseError::OffsetOutOfRange.code()
    );
    assert_eq!(
        client.produce("orders", 2, &["x"]).0,
        ResponseError::UnknownTopicOrPartition.code()
    );
    assert_eq!(
        client.produce("nothing", 0, &["x"]).0,
        ResponseError::UnknownTopicOrPartition.code()
    );
}

#[test]
fn a_fetch_waits_until_there_is_something() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut consumer = Client::connect(&broker.bootstrap(), "consumer");
    let mut producer = Client::connect(&broker.bootstrap(), "producer");
    consumer.create("orders", 1, &[]);
    let began = Instant::now();
    consumer.send(&fetch_request("orders", 0, 0), 12);
    // An answer now would be an empty one.
    consumer
        .socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    consumer.socket.peek(&mut [0]).unwrap_err();
    consumer
        .socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    producer.produce("orders", 0, &["a"]);
    let response = consumer.receive::<FetchRequest>(12).unwrap();
    assert_eq!(values(&response), (0, vec!["a".into()]));
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "it waited to its end"
    );
}

#[test]
fn a_fetch_ends_empty_when_its_time_is_over() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    client.produce("orders", 0, &["a"]);
    let request = fetch_request("orders", 0, 1).with_max_wait_ms(150);
    let began = Instant::now();
    assert_eq!(values(&client.call(&request, 12)), (0, vec![]));
    assert!(began.elapsed() >= Duration::from_millis(150));
    // More is asked for than there is: what there is comes at the end of the time.
    let request = fetch_request("orders", 0, 0)
        .with_max_wait_ms(150)
        .with_min_bytes(100_000);
    let began = Instant::now();
    assert_eq!(values(&client.call(&request, 12)), (0, vec!["a".into()]));
    assert!(began.elapsed() >= Duration::from_millis(150));
}

#[test]
fn one_of_many_partitions_wakes_a_fetch_again_and_again() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut consumer = Client::connect(&broker.bootstrap(), "consumer");
    consumer.create("orders", 64, &[]);
    let bootstrap = broker.bootstrap();
    let producer = thread::spawn(move || {
        let mut producer = Client::connect(&bootstrap, "producer");
        for round in 0..300 {
            producer.produce("orders", round * 7 % 64, &["x"]);
        }
    });
    let mut offsets = vec![0; 64];
    while offsets.iter().sum::<i64>() < 300 {
        let mut request = fetch_request("orders", 0, 0);
        let template = request.topics[0].partitions[0].clone();
        request.topics = vec![
            FetchTopic::default()
                .with_topic(name("orders"))
                .with_partitions(
                    (0..64)
                        .map(|partition| {
                            template
                                .clone()
                                .with_partition(partition)
                                .with_fetch_offset(offsets[partition as usize])
                        })
                        .collect(),
                ),
        ];
        let began = Instant::now();
        let response = consumer.call(&request, 12);
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "a wake-up was lost at {offsets:?}"
        );
        for partition in &response.responses[0].partitions {
            let one = FetchResponse::default().with_responses(vec![
                fetch_response::FetchableTopicResponse::default()
                    .with_partitions(vec![partition.clone()]),
            ]);
            offsets[partition.partition_index as usize] += values(&one).1.len() as i64;
        }
    }
    producer.join().unwrap();
}

#[test]
fn a_batch_larger_than_the_limits_comes_alone_and_whole() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    let large = "x".repeat(100_000);
    client.produce("orders", 0, &[&large]);
    client.produce("orders", 0, &["b"]);
    let mut request = fetch_request("orders", 0, 0).with_max_bytes(10);
    request.topics[0].partitions[0].partition_max_bytes = 10;
    assert_eq!(values(&client.call(&request, 12)), (0, vec![large]));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    for value in ["a", "b", "c", "d", "e"] {
        client.send(&produce_request("orders", 0, &[value]), 9);
    }
    for offset in 0..5 {
        let response = client.receive::<ProduceRequest>(9).unwrap();
        assert_eq!(
            response.responses[0].partition_responses[0].base_offset,
            offset
        );
    }
}

#[test]
fn without_acknowledgement_there_is_no_answer_and_an_error_ends_the_connection() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    client.send(&produce_request("orders", 0, &["a"]).with_acks(0), 9);
    assert_eq!(client.end_offset("orders", 0), 1);
    client.send(&produce_request("orders", 7, &["a"]).with_acks(0), 9);
    assert!(client.is_closed());
}

#[test]
fn a_deleted_topic_wakes_who_waits_for_it_and_its_id_is_dead() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    let id = |client: &mut Client| {
        let wanted = MetadataRequestTopic::default().with_name(Some(name("orders")));
        client
            .call(
                &MetadataRequest::default().with_topics(Some(vec![wanted])),
                12,
            )
            .topics[0]
            .topic_id
    };
    let first = id(&mut client);
    let mut by_id = fetch_request("orders", 0, 0);
    by_id.topics[0].topic_id = first;
    let mut consumer = Client::connect(&broker.bootstrap(), "consumer");
    consumer.send(&by_id, 16);
    let delete = DeleteTopicsRequest::default().with_topics(vec![
        delete_topics_request::DeleteTopicState::default().with_name(Some(name("orders"))),
    ]);
    assert_eq!(client.call(&delete, 6).responses[0].error_code, 0);
    let response = consumer.receive::<FetchRequest>(16).unwrap();
    assert_eq!(
        response.responses[0].partitions[0].error_code,
        ResponseError::UnknownTopicId.code()
    );
    client.create("orders", 1, &[]);
    assert_ne!(id(&mut client), first);
    assert_eq!(
        consumer.call(&by_id, 16).responses[0].partitions[0].error_code,
        ResponseError::UnknownTopicId.code()
    );
}

#[test]
fn a_topic_is_created_when_metadata_asks_for_it_unless_that_is_off() {
    let wanted = || MetadataRequestTopic::default().with_name(Some(name("new")));
    let request = |create| {
        MetadataRequest::default()
            .with_topics(Some(vec![wanted()]))
            .with_allow_auto_topic_creation(create)
    };
    let broker = Broker::builder().partitions(3).start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    let unknown = ResponseError::UnknownTopicOrPartition.code();
    assert_eq!(
        client.call(&request(false), 12).topics[0].error_code,
        unknown
    );
    let created = client.call(&request(true), 12);
    assert_eq!(
        (
            created.topics[0].error_code,
            created.topics[0].partitions.len()
        ),
        (0, 3)
    );
    assert_eq!(created.brokers[0].host.as_str(), "127.0.0.1");
    let broker = Broker::builder()
        .auto_create_topics(false)
        .start_blocking()
        .unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    assert_eq!(
        client.call(&request(true), 12).topics[0].error_code,
        unknown
    );
}

#[test]
fn two_batches_for_one_partition_and_damaged_ones_are_refused() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    let mut send = |records: Vec<u8>| {
        let mut request = produce_request("orders", 0, &["a"]);
        request.topic_data[0].partition_data[0].records = Some(records.into());
        client.call(&request, 9).responses[0].partition_responses[0].error_code
    };
    let good = batch(&["a"]).to_vec();
    assert_eq!(
        send([good.clone(), good.clone()].concat()),
        ResponseError::InvalidRecord.code()
    );
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(send(damaged), ResponseError::CorruptMessage.code());
    assert_eq!(send(good), 0);
}
