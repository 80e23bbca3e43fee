//! A service that moves to another cluster with its topics, by export and import.

use kolo_broker::Broker;
use kolo_core::partition_of;
use kolo_kafka::{App, Config};
use serde_json::Value;

use super::backup::{Dir, Raw, put_to};
use super::common::{Ran, kolo};

#[path = "../../../kafka/tests/common/mod.rs"]
mod shell;

shell::counter_events!("moved.added", "moved.counted");
shell::counter_state!();

const INTAKE: &str = "moved.added";
const STREAM: &str = "moved.counted";
/// More than a key remembers unless told.
const INPUTS: i64 = 300;

fn count(counter: &Counter, added: &Received<Added>) -> Counted {
    Counted {
        key: added.key.clone(),
        amount: counter.0 + added.amount,
    }
}

fn counter() -> Aggregate<Counter> {
    Aggregate::new("counter").on(count)
}

fn service() -> Service {
    Service::new("moved").aggregate(counter())
}

fn remembering(inputs: usize) -> Service {
    Service::new("moved").aggregate(counter().remembers(inputs))
}

fn cluster() -> Broker {
    let broker = Broker::builder().partitions(2).auto_create_topics(false);
    broker.start_blocking().unwrap()
}

fn config(broker: &Broker) -> Config {
    let mut config = Config::new(broker.bootstrap());
    config.partitions = 2;
    config
}

fn publish(broker: &Broker, ids: std::ops::Range<i64>) {
    let added = ids.map(|id| Raw {
        partition: partition_of(b"k", 2),
        millis: 1_700_000_000_000 + id,
        key: Some(b"k".to_vec()),
        value: Some(b"k 1".to_vec()),
        headers: vec![
            ("ce_id".into(), Some(id.to_string().into_bytes())),
            ("ce_type".into(), Some(b"test.Added".to_vec())),
        ],
    });
    put_to(&broker.bootstrap(), INTAKE, &added.collect::<Vec<_>>());
}

fn on(broker: &Broker, args: &[&str]) -> Ran {
    let output = kolo(args)
        .env("KOLO_BOOTSTRAP", broker.bootstrap())
        .output();
    Ran::from(output.unwrap()).done()
}

/// The ids of the valid events in the stream.
fn counted(broker: &Broker) -> Vec<Value> {
    let ran = on(
        broker,
        &[
            "tail",
            STREAM,
            "--no-follow",
            "--json",
            "--type",
            "test.Counted",
        ],
    );
    let valid = ran
        .lines()
        .into_iter()
        .filter(|row| row["standing"] == "valid");
    valid.map(|row| row["id"].clone()).collect()
}

#[test]
fn a_service_that_remembers_enough_answers_nothing_again() {
    let (old, dir) = (cluster(), Dir::new());
    let running = App::new(service()).start(&config(&old)).unwrap();
    publish(&old, 0..INPUTS);
    let all = usize::try_from(INPUTS).unwrap();
    shell::await_that("all are answered", || counted(&old).len() == all);
    running.stop().unwrap();
    on(&old, &["export", INTAKE, STREAM, "--to", &dir.text()]);
    let before = counted(&old);

    let moved = |service: Service| {
        let new = cluster();
        on(&new, &["import", &dir.of(INTAKE)]);
        let ran = on(&new, &["import", &dir.of(STREAM), "--json"]).json();
        assert_eq!(
            ran["unknown_inputs"],
            serde_json::json!([INTAKE]),
            "its id is another one"
        );
        assert_eq!(ran["most_answers"], INPUTS);
        assert_eq!(counted(&new), before);
        let running = App::new(service).start(&config(&new)).unwrap();
        publish(&new, INPUTS..INPUTS + 1);
        // Inputs are answered in their order, so nothing of what was before is still to come.
        shell::await_that("the new one is answered", || {
            let last = counted(&new).pop();
            last.is_some_and(|last| !before.contains(&last))
        });
        running.stop().unwrap();
        counted(&new)
    };
    let answered = moved(remembering(all));
    assert_eq!(answered[..all], before);
    assert_eq!(answered.len(), all + 1);
    // What the documentation warns of: with the 128 that a key remembers unless told, the others are answered again.
    assert!(moved(service()).len() > all + 1);
}
