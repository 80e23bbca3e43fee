//! Two services, each a process as an operator runs it, and a collector that listens: what they tell of a saga is one tree,
//! and their logs say the same.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says which it is"
)]

mod collector;
#[path = "../common/mod.rs"]
mod common;
mod lost;
mod services;

use std::process::ExitCode;
use std::sync::Arc;

use collector::{AllSeen, Seen, collector};
use common::await_that;
use kolo_broker::Broker;
use kolo_core::{CorrelationId, EventId};
use kolo_kafka::{Config, Publisher};
use services::{Added, Process, TOO_MUCH};

fn main() -> ExitCode {
    match std::env::var(services::SERVICE).as_deref() {
        Ok("asks") => return services::asks().main(),
        Ok("waits") => return services::waits().main(),
        _ => {}
    }
    a_saga_across_two_services_is_one_tree();
    println!("a saga across two services is one tree: ok");
    lost::what_no_collector_takes_is_counted_and_holds_nothing_up();
    println!("what no collector takes is counted, and holds nothing up: ok");
    ExitCode::SUCCESS
}

/// A service's publisher, once the service has made its topics.
fn publisher(config: &Config, runtime: &tokio::runtime::Runtime) -> Publisher {
    let mut publisher = None;
    await_that("the service has made its topics", || {
        let connected = Publisher::builder("/test").event::<Added>().connect(config);
        publisher = runtime.block_on(connected).ok();
        publisher.is_some()
    });
    publisher.expect("it is connected")
}

fn added(key: &str, amount: i64) -> (EventId, Added) {
    let key = key.to_owned();
    (EventId::foreign(&key), Added { key, amount })
}

fn a_saga_across_two_services_is_one_tree() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let broker = Broker::builder().start_blocking().expect("a broker");
    let brokers = broker.bootstrap();
    let all = AllSeen::default();
    let at = runtime.block_on(collector(Arc::clone(&all)));
    let config = Config::new(brokers.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let _asks = Process::start("asks", &brokers, &at, folder);
    let publisher = publisher(&config, &runtime);
    let waits = Process::start("waits", &brokers, &at, folder);

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const QUIET: &str = "4bf92f3577b34da6a3ce929d0e0e4737";
    const PARKED: &str = "4bf92f3577b34da6a3ce929d0e0e4738";
    const CLIENT: &str = "00f067aa0ba902b7";
    runtime.block_on(async {
        let traced = [
            ("told", 1, TRACE, "01"),
            ("quiet", 1, QUIET, "00"),
            ("parked", TOO_MUCH, PARKED, "00"),
        ];
        for (key, amount, trace, flags) in traced {
            let (id, event) = added(key, amount);
            let traceparent = format!("00-{trace}-{CLIENT}-{flags}");
            let told = publisher.publish_traced(&event, id, &traceparent).await;
            told.expect("an acknowledgement");
        }
        let (id, event) = added("alone", 1);
        let told = publisher.publish(&event, id).await;
        told.expect("an acknowledgement");
    });
    let alone = CorrelationId::of_saga("alone").0.simple().to_string();
    let of = |trace: &str| -> Vec<Seen> {
        let all = all.lock().unwrap();
        let of = all.iter().filter(|seen| seen.trace == trace);
        of.cloned().collect()
    };
    await_that("all sagas are told to their ends", || {
        let ends = [QUIET, PARKED].iter().all(|trace| !of(trace).is_empty());
        ends && of(TRACE).len() >= 6 && of(&alone).len() >= 6
    });

    one_tree(&of(TRACE), CLIENT);
    the_log_says_the_same(&waits.log(), &of(TRACE));
    one_tree(&of(&alone), "");
    the_failure_alone(&of(QUIET), "waits", "Failed", "the saga has failed");
    let why = "parked: it panicked: that is too much";
    the_failure_alone(&of(PARKED), "waits", "kolo.parked", why);
}

/// Of a trace that is not told, what has failed is.
fn the_failure_alone(trace: &[Seen], service: &str, name: &str, why: &str) {
    let [failed] = trace else {
        panic!("one span: {trace:#?}")
    };
    assert_eq!(
        (failed.service.as_str(), failed.name.as_str()),
        (service, name)
    );
    assert!(failed.is_error, "{failed:?}");
    assert_eq!(failed.problem, why);
}

/// The other service's decision, as a line of JSON.
fn the_log_says_the_same(log: &str, trace: &[Seen]) {
    let saga = CorrelationId::of_saga("told").to_string();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let fields = lines.map(|line: serde_json::Value| line["fields"].clone());
    let of_the_saga = fields.filter(|fields| fields["saga"] == saga.as_str());
    let named = |name: &str| trace.iter().find(|seen| seen.name == name).expect(name);
    let is = |id: &serde_json::Value, span: &str| {
        let id = id.as_str().unwrap_or_default().replace('-', "");
        id.starts_with(span)
    };
    let mut of_waited = of_the_saga.filter(|fields| is(&fields["event"], &named("Waited").id));
    let fields = of_waited.next().expect(log);
    assert!(is(&fields["cause"], &named("Told").id), "{fields}");
    assert_eq!(fields["key"], "told", "{fields}");
    assert_eq!(fields["topic"], "traces.asks", "{fields}");
    assert_eq!(fields["partition"], 0, "{fields}");
    assert!(fields["offset"].is_i64(), "{fields}");
}

/// Asked, two calls and Told in one service, Waited and Failed in the other.
fn one_tree(trace: &[Seen], root: &str) {
    assert_eq!(trace.len(), 6, "{trace:#?}");
    let named = |name: &str| {
        let mut named = trace.iter().filter(|seen| seen.name == name);
        let first = named.next().expect(name);
        assert!(named.next().is_none(), "one {name}");
        first
    };
    let calls: Vec<&Seen> = trace
        .iter()
        .filter(|seen| seen.name.ends_with("Bank"))
        .collect();
    let [asked, told, waited, failed] = ["Asked", "Told", "Waited", "Failed"].map(named);
    assert_eq!(asked.parent, root);
    assert_eq!(told.parent, asked.id);
    assert_eq!(waited.parent, told.id);
    assert_eq!(failed.parent, waited.id);
    assert_eq!(calls.len(), 2, "{trace:#?}");
    assert!(calls.iter().all(|call| call.parent == asked.id));
    assert_ne!(calls[0].id, calls[1].id);
    assert_eq!(calls.iter().filter(|call| call.is_error).count(), 1);
    let services = [asked, told, waited, failed].map(|seen| seen.service.as_str());
    assert_eq!(services, ["asks", "asks", "waits", "waits"]);
    let errors = [asked, told, waited, failed].map(|seen| seen.is_error);
    assert_eq!(errors, [false, false, false, true]);
    // From the first call's pause on; from when the deadline was due, not from when it was set.
    assert!(told.millis >= 20, "{told:?}");
    for seen in trace {
        assert!(
            seen.attributes.iter().any(|key| key == "kolo.saga"),
            "{seen:?}"
        );
    }
}
