//! A service that stops leaves its groups, so that its successor need not wait for a session to time out.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Publisher, await_that, read_all_from};
use kolo_broker::Broker;
use kolo_broker::faults::{Action, Api, Plan};
use kolo_kafka::{App, Config};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

common::counter_events!("leaving.added", "leaving.counted");
common::counter!("leaving");

/// As `service`, but with a router before the counter.
fn routed() -> Service {
    fn to_its_key(added: &Added) -> [String; 1] {
        [added.key.clone()]
    }
    Service::new("leaving").aggregate(Aggregate::new("counter").routed(to_its_key, count))
}

/// How many members each group has.
fn members(broker: &Broker) -> Vec<(String, usize)> {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .create()
        .expect("a client");
    let groups = client.fetch_group_list(None, Duration::from_secs(10));
    let groups = groups.expect("the groups");
    let members = groups.groups().iter();
    members
        .filter(|group| group.name().starts_with("leaving."))
        .map(|group| (group.name().to_owned(), group.members().len()))
        .collect()
}

// failure: process | a service stops while offsets are being committed | nothing | worker and router leave their groups before the
// process ends, and the next owner takes over at once | nobody
#[test]
fn it_leaves_though_a_commit_is_under_way() {
    let slow = Action::Delay(Duration::from_millis(300));
    let plan = Plan::new().on(Api::OffsetCommit).every(1).then(slow);
    let broker = Broker::builder().faults(plan).start_blocking().unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.partitions = 2;
    config.session_timeout_ms = 60_000;
    let running = App::new(routed())
        .start(&config)
        .expect("the service starts");
    let publisher = Publisher::to(&broker.bootstrap());
    publisher.publish("leaving.added", "test.Added", "one", "k", b"k 1");
    publisher.flush();
    await_that("it is answered", || {
        let all = read_all_from(&broker.bootstrap(), "leaving.counted").into_iter();
        all.filter(|seen| seen.event_type == "test.Counted").count() == 1
    });
    let joined = members(&broker);
    assert_eq!(joined.len(), 2, "{joined:?}");
    assert!(
        joined.iter().all(|(_, members)| *members == 1),
        "{joined:?}"
    );
    running.stop().expect("a graceful stop");
    let left = members(&broker);
    assert!(left.iter().all(|(_, members)| *members == 0), "{left:?}");
}

// failure: process | a service stops of which a worker has no partition | nothing | it leaves its group as the others do | nobody
#[test]
fn who_owns_nothing_leaves_as_well() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.partitions = 1;
    config.workers = 2;
    config.session_timeout_ms = 60_000;
    let running = App::new(service())
        .start(&config)
        .expect("the service starts");
    await_that("both workers are in the group", || {
        members(&broker) == [("leaving.counter".to_owned(), 2)]
    });
    running.stop().expect("a graceful stop");
    let left = members(&broker);
    assert_eq!(left, [("leaving.counter".to_owned(), 0)]);
}
