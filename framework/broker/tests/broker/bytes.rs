//! Bytes that no client should send harm nobody but their sender.

use std::io::Write;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Decodable;
use kolo_broker::Broker;

use crate::client::{Client, fetch_request, produce_request};

fn frame(key: i16, version: i16, body: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_u32(u32::try_from(10 + body.len()).unwrap());
    frame.put_i16(key);
    frame.put_i16(version);
    frame.put_i32(7);
    frame.put_i16(-1);
    frame.put_slice(body);
    frame
}

/// Sends bytes on a connection of their own, and says whether the broker closes it.
fn closes(broker: &Broker, bytes: &[u8]) -> bool {
    let mut client = Client::connect(&broker.bootstrap(), "hostile");
    // The broker may close before all of it is sent.
    let _ = client.socket.write_all(bytes);
    client.is_closed()
}

#[test]
fn an_unknown_version_of_api_versions_is_told_the_known_ones() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client
        .socket
        .write_all(&frame(18, 99, b"who knows"))
        .unwrap();
    let mut body = client.receive_bytes().unwrap();
    assert_eq!(body.get_i32(), 7);
    let response = ApiVersionsResponse::decode(&mut body, 0).unwrap();
    assert_eq!(
        response.error_code,
        ResponseError::UnsupportedVersion.code()
    );
    assert_eq!(
        (
            response.api_keys[0].api_key,
            response.api_keys[0].max_version
        ),
        (18, 4)
    );
    assert_eq!(client.call(&ApiVersionsRequest::default(), 0).error_code, 0);
}

#[test]
fn what_is_not_served_ends_the_connection() {
    let broker = Broker::builder().start_blocking().unwrap();
    assert!(closes(&broker, &frame(999, 0, &[])));
    assert!(closes(&broker, &frame(3, 99, &[])));
    assert!(closes(&broker, &frame(3, -1, &[])));
    // EndTxn.
    assert!(closes(&broker, &frame(26, 1, &[0; 30])));
    // A produce request of before record batches, though Produce 0 is told to old clients.
    assert!(closes(&broker, &frame(0, 2, &[0; 30])));
}

#[test]
fn lengths_that_lie_end_the_connection() {
    let broker = Broker::builder().start_blocking().unwrap();
    for length in [i32::MAX, -1, i32::MIN, 100 * 1024 * 1024 + 1] {
        assert!(closes(&broker, &length.to_be_bytes()));
    }
    assert!(closes(&broker, &[0, 0, 0, 0]));
    assert!(closes(&broker, &[0, 0, 0, 3, 1, 2, 3]));
    // Two thousand million topics, in the old way and in the new one.
    assert!(closes(&broker, &frame(3, 1, &i32::MAX.to_be_bytes())));
    assert!(closes(
        &broker,
        &frame(3, 12, &[0, 0xff, 0xff, 0xff, 0xff, 0x0f])
    ));
    assert_eq!(
        Client::connect(&broker.bootstrap(), "c").create("orders", 1, &[]),
        0
    );
}

#[test]
fn every_cut_and_many_flips_of_a_sound_request_leave_the_broker_well() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    let frames: Vec<Bytes> = vec![
        client.frame(&produce_request("orders", 0, &["a"]), 9),
        client.frame(&produce_request("orders", 0, &["a"]), 3),
        client.frame(&fetch_request("orders", 0, 0).with_max_wait_ms(1), 12),
        client.frame(&fetch_request("orders", 0, 0).with_max_wait_ms(1), 4),
        client.frame(&MetadataRequest::default(), 12),
        client.frame(&CreateTopicsRequest::default(), 7),
        client.frame(&JoinGroupRequest::default(), 9),
    ];
    for frame in &frames {
        for end in 4..frame.len() {
            // The length tells of what is there, so that the decoder sees the cut.
            let mut cut = BytesMut::from(&frame[..end]);
            cut[..4].copy_from_slice(&u32::try_from(end - 4).unwrap().to_be_bytes());
            let mut hostile = Client::connect(&broker.bootstrap(), "hostile");
            let _ = hostile.socket.write_all(&cut);
            let mut flipped = BytesMut::from(&frame[..]);
            flipped[end] ^= 0xff;
            let _ = hostile.socket.write_all(&flipped);
        }
        assert_eq!(client.produce("orders", 0, &["still here"]).0, 0);
    }
}

#[test]
fn a_slow_reader_and_many_idle_connections_hinder_nobody() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 1, &[]);
    let value = "x".repeat(900_000);
    for _ in 0..20 {
        client.produce("orders", 0, &[&value]);
    }
    let mut slow = Client::connect(&broker.bootstrap(), "slow");
    let mut all = fetch_request("orders", 0, 0);
    all.topics[0].partitions[0].partition_max_bytes = 50 << 20;
    for _ in 0..50 {
        slow.send(&all, 12);
    }
    let idle: Vec<Client> = (0..500)
        .map(|_| Client::connect(&broker.bootstrap(), "idle"))
        .collect();
    for _ in 0..100 {
        assert_eq!(client.produce("orders", 0, &["a"]).0, 0);
    }
    drop(idle);
    assert_eq!(
        slow.receive::<FetchRequest>(12).unwrap().responses[0].partitions[0].error_code,
        0
    );
}
