//! What a service tells of what does not go on: routes, deadlines, void records, requests; and of its take-overs.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{Publisher, await_that};
use kolo_broker::Broker;
use kolo_broker::faults::{Action, Api, Plan, ResponseError};
use kolo_core::{CallPolicy, Deadline, Pauses};
use kolo_kafka::{Adapter, AdapterError, App, Call, Config, Running};

common::counter_events!("meters.added", "meters.counted");
common::counter!("meters");
common::asker!("meters.asks");
event!(Waited, "meters.waits");
event!(Late, "meters.waits");
common::own_events!(WaitEvent, "meters.waits", Waited, Late);

/// Waits a little while after what the counter says.
#[derive(Debug, Default)]
struct Waiter(Option<Timestamp>);

impl State for Waiter {
    type Event = WaitEvent;
    fn evolve(&mut self, event: &WaitEvent, at: Timestamp) {
        self.0 = match event {
            WaitEvent::Waited(_) => Some(Timestamp::from_millis(at.as_millis() + 20)),
            WaitEvent::Late(_) => None,
        };
    }
}

fn wait(_: &Waiter, counted: &Received<Counted>) -> Waited {
    let (key, amount) = (counted.key.clone(), counted.amount);
    Waited { key, amount }
}

fn late(_: &Waiter, passed: &Received<Deadline<String>>) -> Late {
    let key = passed.key.clone();
    Late { key, amount: 0 }
}

/// The bank replies when it is asked the second time.
struct Second;

impl Adapter<Bank> for Second {
    async fn call(&self, call: Call<'_, Asked>) -> Result<(), AdapterError> {
        match call.attempt {
            1 => Err(AdapterError::new("nobody is there")),
            _ => Ok(()),
        }
    }
}

fn everybody(added: &Added) -> [String; 2] {
    [
        format!("{}-left", added.key),
        format!("{}-right", added.key),
    ]
}

fn ask_for_one(_: &Asker, added: &Received<Added>) -> Asked {
    let (key, amount) = (added.key().to_owned(), added.amount);
    Asked { key, amount }
}

fn start(config: &Config) -> (Running, SocketAddr) {
    const SOON: Pauses = Pauses::between(Duration::from_millis(20), Duration::from_millis(50));
    let waiter = Aggregate::<Waiter>::new("waiter").on(wait);
    let asker = Aggregate::<Asker>::new("asker")
        .routed(everybody, ask_for_one)
        .effect::<Bank, _>(told)
        .policy(CallPolicy::new().pauses(SOON));
    let service = service()
        .aggregate(waiter.deadline(|waiter| waiter.0, late))
        .aggregate(asker);
    let running = App::new(service).bind::<Bank>(Second).start(config);
    let running = running.expect("it starts");
    let at = running.management().expect("it is served");
    (running, at)
}

fn scrape(at: SocketAddr) -> String {
    common::get(at, "/metrics").expect("it is served").2
}

/// The samples of an aggregate whose line begins with this name and holds these labels, summed.
fn sum(at: SocketAddr, name: &str, aggregate: &str, label: &str) -> f64 {
    let text = scrape(at);
    let begins = format!("{name}{{aggregate=\"meters.{aggregate}\"");
    let lines = text.lines().filter(|line| line.starts_with(&begins));
    let lines = lines.filter(|line| line.contains(label));
    let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    lines.map(value).sum()
}

#[test]
fn what_does_not_go_on_is_told_with_its_number_and_its_age() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.partitions = 2;
    // A session that begins anew counts anew.
    config.session_timeout_ms = 60_000;
    config.management = "127.0.0.1:0".into();
    let (running, at) = start(&config);
    let sum = |name: &str, aggregate: &str, label: &str| sum(at, name, aggregate, label);
    for aggregate in ["counter", "waiter", "asker"] {
        await_that("each partition is taken over", || {
            let working = sum("kolo_partitions", aggregate, r#"phase="working""#);
            (sum("kolo_take_over_seconds_count", aggregate, ""), working) == (2.0, 2.0)
        });
        let open = sum("kolo_taking_over_seconds", aggregate, "");
        assert_eq!(open, 0.0, "of what works");
    }

    await_that("the waiter's input is read on both partitions", || {
        let begins = "kolo_lag_records{aggregate=\"meters.waiter\"";
        let counted = |line: &&str| line.starts_with(begins) && line.contains("meters.counted");
        scrape(at).lines().filter(counted).count() == 2
    });

    // Nobody acknowledges copies, and nobody says where the waiter's input ends.
    for (api, topic) in [
        (Api::Produce, "meters.asker.inbox"),
        (Api::ListOffsets, "meters.counted"),
    ] {
        let fail = Action::Fail(ResponseError::NotLeaderOrFollower);
        broker
            .faults()
            .add(Plan::new().on(api).topic(topic).then(fail));
    }
    let publisher = Publisher::to(&broker.bootstrap());
    for number in 0..3 {
        let (id, value) = (format!("n{number}"), format!("k{number} 1"));
        let key = format!("k{number}");
        publisher.publish("meters.added", "test.Added", &id, &key, value.as_bytes());
    }
    publisher.flush();
    let source = r#"topic="meters.added""#;
    await_that("the router lags", || {
        sum("kolo_router_lag_records", "asker", source) == 3.0
            && sum("kolo_router_lag_seconds", "asker", source) > 0.0
    });
    await_that("deadlines are due", || {
        sum("kolo_deadlines_due", "waiter", "") == 3.0
            && sum("kolo_deadline_overdue_seconds", "waiter", "") > 0.0
    });
    assert_eq!(sum("kolo_router_lag_records", "counter", ""), 0.0);

    // Whoever writes a stream without being its owner.
    publisher.publish("meters.counted", "test.Counted", "foreign", "k0", b"k0 7");
    publisher.flush();
    await_that("a void record is told apart", || {
        sum("kolo_inputs_total", "waiter", r#"outcome="void""#) == 1.0
    });

    broker.faults().clear();
    await_that("the router has caught up", || {
        sum("kolo_router_lag_records", "asker", source) == 0.0
            && sum("kolo_router_lag_seconds", "asker", source) == 0.0
    });
    await_that("no deadline is due", || {
        sum("kolo_events_total", "waiter", "") == 6.0
            && sum("kolo_deadlines_due", "waiter", "") == 0.0
    });
    await_that("each request has its answer", || {
        sum("kolo_effect_answer_seconds_count", "asker", "") == 6.0
    });
    assert_eq!(sum("kolo_effect_calls_total", "asker", ""), 12.0);
    assert!(sum("kolo_effect_answer_seconds_sum", "asker", "") > 6.0 * 0.02);
    running.stop().unwrap();
}
