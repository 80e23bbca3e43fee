//! A service that starts before its brokers.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{FreeAddress, await_that, get};
use kolo_broker::Broker;
use kolo_broker::faults::{Action, Api, Plan, ResponseError};
use kolo_kafka::{App, Config, StartError};

common::counter_events!("arrival.added", "arrival.counted");
common::counter!("arrival");

// failure: broker | nobody answers when a service starts | the log, and /readyz, say whom it waits for and how long |
// it starts when they answer, within start_timeout_ms | nobody, if they come
#[test]
fn it_waits_for_them_says_so_and_works_when_they_are_there() {
    let broker = Broker::builder().start_blocking().unwrap();
    broker.stop().unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.partitions = 2;
    let free = FreeAddress::take();
    config.management = free.to_string();
    let health = config.management.clone();
    let starting = {
        let config = config.clone();
        std::thread::spawn(move || App::new(service()).start(&config))
    };
    let waits = format!(
        "it has not started: the brokers at {} do not answer",
        broker.bootstrap()
    );
    await_that("it says that it waits", || {
        get(&health, "/readyz").is_some_and(|(.., why)| why.contains(&waits))
    });
    assert_eq!(get(&health, "/livez").unwrap().0, 200);
    broker.start_again().unwrap();
    let running = starting.join().unwrap().expect("the service starts");
    await_that("it is ready", || {
        get(&health, "/readyz").is_some_and(|(status, ..)| status == 200)
    });
    running.stop().expect("a graceful stop");
}

#[test]
fn it_gives_up_in_time_and_says_who_did_not_answer() {
    let free = FreeAddress::take();
    let nobody = free.to_string();
    let mut config = Config::new(nobody.clone());
    config.start_timeout_ms = 500;
    let begun = Instant::now();
    let Err(error) = App::new(service()).start(&config) else {
        panic!("nobody is there");
    };
    assert!(matches!(error, StartError::Brokers(_)), "{error}");
    let error = error.to_string();
    for word in [&nobody, "do not answer", "refused", "KOLO_BOOTSTRAP"] {
        assert!(error.contains(word), "{word} is missing in: {error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
}

// failure: broker | fewer brokers are up than a topic is to have replicas, as in a first roll-out | the log, and /readyz, name the
// topic, its replicas, and how many brokers there are | it starts when they are enough, within start_timeout_ms | nobody, if they come
#[test]
fn it_waits_until_there_are_as_many_as_its_topics_are_to_have_replicas() {
    let broker = Broker::builder().start_blocking().unwrap();
    let few = Action::Fail(ResponseError::InvalidReplicationFactor);
    let faults = broker.faults();
    faults.add(Plan::new().on(Api::CreateTopics).then(few));
    let mut config = Config::new(broker.bootstrap());
    let free = FreeAddress::take();
    config.management = free.to_string();
    let health = config.management.clone();
    let starting = {
        let config = config.clone();
        std::thread::spawn(move || App::new(service()).start(&config))
    };
    let waits = "it has not started: the topic `arrival.";
    await_that("it says that it waits", || {
        get(&health, "/readyz").is_some_and(|(.., why)| {
            why.contains(waits) && why.contains("too few: 1. Start the others")
        })
    });
    await_that("it has asked again", || faults.fired().len() > 1);
    faults.clear();
    let running = starting.join().unwrap().expect("the service starts");
    await_that("it is ready", || {
        get(&health, "/readyz").is_some_and(|(status, ..)| status == 200)
    });
    running.stop().expect("a graceful stop");
}

#[test]
fn it_gives_up_in_time_and_says_how_many_are_there() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.replication = 3;
    config.start_timeout_ms = 700;
    let begun = Instant::now();
    let Err(error) = App::new(service()).start(&config) else {
        panic!("one broker has no three replicas");
    };
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(700), "{took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    let expected = format!(
        "the topic `arrival.counted` is to have 3 replicas, and the brokers at {} that are there are too few: 1. Start the others, or have KOLO_REPLICATION ask for no more replicas than there are brokers",
        broker.bootstrap()
    );
    assert_eq!(error.to_string(), expected);
}
