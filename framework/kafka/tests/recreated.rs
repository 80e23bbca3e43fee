//! An input topic that is deleted and created again is another origin under the same name.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Publisher, await_that, bootstrap, config, read_all};
use kolo_kafka::App;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

common::counter_events!("recreated.added", "recreated.counted");
common::counter!("recreated");

const INTAKE: &str = "recreated.added";

fn answered() -> usize {
    let all = read_all("recreated.counted");
    all.iter()
        .filter(|seen| seen.event_type == "test.Counted" && seen.valid)
        .count()
}

// failure: broker | an input topic is deleted and created again | a warning: it is another origin | it is read
// from its beginning; ids recognise what was answered | whoever deleted it publishes again what was lost
#[test]
fn its_inputs_are_decided_although_their_offsets_were_decided_before() {
    let publish = |ids: &[&str]| {
        let publisher = Publisher::new();
        for id in ids {
            publisher.publish(INTAKE, "test.Added", id, "k", b"k 1");
        }
        publisher.flush();
    };
    let config = config();
    let running = App::new(service())
        .start(&config)
        .expect("the service starts");
    publish(&["one", "two"]);
    await_that("both are answered", || answered() == 2);

    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .create()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let deleted = runtime
        .block_on(admin.delete_topics(&[INTAKE], &AdminOptions::new()))
        .unwrap();
    assert!(deleted[0].is_ok(), "{deleted:?}");
    await_that("the topic can be created again", || {
        let topic = NewTopic::new(INTAKE, config.partitions, TopicReplication::Fixed(1));
        runtime
            .block_on(admin.create_topics(&[topic], &AdminOptions::new()))
            .unwrap()[0]
            .is_ok()
    });
    // Offsets 0 and 1 again: one event that was answered before, and a new one.
    publish(&["two", "three"]);
    await_that("the new one is answered", || answered() >= 3);
    publish(&["four"]);
    await_that("what follows is answered", || answered() >= 4);
    running.stop().expect("a graceful stop");
    assert_eq!(answered(), 4, "the repeat was recognised by its id");
}
