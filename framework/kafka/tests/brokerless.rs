//! A client that is told of no broker forgets the one it had, and never connects again.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Publisher, await_that, read_all_from};
use kolo_broker::Broker;
use kolo_kafka::{App, Config};

common::counter_events!("brokerless.added", "brokerless.counted");
common::counter!("brokerless");

/// As `service`, but with a router before the counter.
fn routed() -> Service {
    fn to_its_key(added: &Added) -> [String; 1] {
        [added.key.clone()]
    }
    Service::new("brokerless").aggregate(Aggregate::new("counter").routed(to_its_key, count))
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn begin() -> Self {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    /// The lines that have all of these in them.
    fn lines(&self, words: &[&str]) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .map(str::to_owned)
            .collect()
    }
}

// failure: broker | clients are told of no broker at all, and librdkafka forgets the last one | a warning names
// the client | the watch notices within three looks, and the session begins anew | nobody
#[test]
fn it_is_replaced_once_the_broker_is_back_and_its_owner_works_on() {
    let log = Log::begin();
    let broker = Broker::builder().start_blocking().unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.partitions = 2;
    // Long enough that a stall of the process is not what ends a session.
    config.session_timeout_ms = 12_000;
    config.check_interval_ms = 500;
    for (property, value) in [
        // Told sooner than after five minutes.
        ("topic.metadata.refresh.interval.ms", "200"),
        // Left to itself, librdkafka may turn to its bootstrap servers before it forgets that it should.
        ("metadata.recovery.strategy", "none"),
    ] {
        config.kafka.insert(property.into(), value.into());
    }
    let running = App::new(routed())
        .start(&config)
        .expect("the service starts");
    let publisher = Publisher::to(&broker.bootstrap());
    let add = |id: &str| {
        publisher.publish("brokerless.added", "test.Added", id, "k", b"k 1");
        publisher.flush();
    };
    let totals = || -> Vec<String> {
        let all = read_all_from(&broker.bootstrap(), "brokerless.counted").into_iter();
        all.filter(|seen| seen.event_type == "test.Counted" && seen.valid)
            .map(|seen| seen.value)
            .collect()
    };
    add("one");
    await_that("the first is answered", || totals() == ["k 1"]);

    broker.faults().brokerless(Duration::from_secs(3600));
    let down = |words: &[&str]| {
        log.lines(&[&["1/1 brokers are down"], words].concat())
            .len()
    };
    await_that("worker and router have forgotten the broker", || {
        let consumers = ["membership: ", "data consumer: ", "router's consumer: "];
        consumers.iter().all(|client| down(&[client]) > 0) && down(&["producer: "]) > 1
    });
    assert_eq!(
        down(&[" WARN "]),
        1,
        "each client says it, and it is warned of once"
    );
    let anew = |name: &str| {
        let name = format!(" {name} throws ");
        log.lines(&[&name, "begins anew", "was without a broker"])
            .len()
    };
    let (worker, router) = ("brokerless.counter", "brokerless.counter.router");
    assert_eq!((anew(worker), anew(router)), (0, 0), "nobody is there yet");

    broker.faults().clear();
    add("two");
    await_that("the second is answered", || totals() == ["k 1", "k 2"]);
    assert!(anew(worker) > 0 && anew(router) > 0, "both were replaced");
    running.stop().expect("a graceful stop");
}
