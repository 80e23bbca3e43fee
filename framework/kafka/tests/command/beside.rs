//! What runs beside a service, as `describe --acls` and `check-env` tell it.

use std::net::TcpListener;
use std::process::Command;

use kolo_kafka::{App, Beside};
use serde_json::Value;

use crate::acls::{allowed, describe, triples};
use crate::check_env::{check_of, create, says};
use crate::common;

common::counter_events!("beside-command.added", "beside-command.counted");
common::counter!("beside-command");

/// Another service's.
mod foreign {
    crate::common::counter_events!("beside-command.far.added", "beside-command.far.counted");
    crate::common::counter!("beside-command-far");
}

/// Where the API listens; nowhere without it.
const ADDRESS: &str = "TEST_HTTP";

async fn api(beside: Beside) -> Result<(), String> {
    beside.stopping().await;
    Ok(())
}

async fn listen() -> Result<Option<tokio::net::TcpListener>, String> {
    let Ok(address) = std::env::var(ADDRESS) else {
        return Ok(None);
    };
    let bound = tokio::net::TcpListener::bind(&address).await;
    let bound = bound.map_err(|error| format!("{ADDRESS}={address}: {error}"));
    bound.map(Some)
}

pub(crate) fn app() -> App {
    untold()
        .publishes::<Added>()
        .projects::<foreign::CounterEvent>()
        .listens("http", listen)
}

/// One that says nothing of its API.
pub(crate) fn untold() -> App {
    App::new(service()).beside("http", api)
}

pub(crate) fn what_runs_beside_is_allowed_what_it_does_too() {
    assert_eq!(
        allowed("beside", &[]),
        triples(&[
            (
                "topic",
                "beside-command.counted",
                "Read Write Create DescribeConfigs"
            ),
            ("topic", "beside-command.added", "Read Write Create"),
            ("topic", "beside-command.counter.inbox", "Read Create"),
            ("group", "beside-command.counter", "Read"),
            ("topic", "beside-command.far.counted", "Read"),
            ("topic", "kolo.manifests", "Write Create"),
        ])
    );
    let told = describe("beside", &["--acls"]).ends(0).says(&[
        "an input of beside-command.counter; publishes Added beside the service\n",
        "is projected beside the service\n",
    ]);
    assert_eq!(told.err, "");
    let told = describe("beside-untold", &["--acls"]).ends(0);
    assert!(told.err.contains("`App::publishes`"), "{}", told.err);
}

fn check(change: impl FnOnce(&mut Command), code: i32) -> Value {
    check_of("beside", change).ends(code).json()
}

pub(crate) fn whether_it_could_run_is_looked_at_too() {
    let found = check(|_| {}, 1);
    let words = ["beside-command.far.counted", "Start the service that"];
    says(&found, "topics", "error", &words);
    let words = ["created when the service starts", "beside-command.added"];
    says(&found, "topics", "ok", &words);
    says(&found, "port", "ok", &["http is to listen nowhere"]);

    create("beside-command.far.counted", 3, &[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let at = |command: &mut Command| {
        command.env(ADDRESS, &address);
    };
    let words = [&*format!("http: {ADDRESS}={address}: "), "in use"];
    says(&check(at, 1), "port", "error", &words);
    drop(taken);
    let words = [&*format!("{address} is free, for http")];
    says(&check(at, 0), "port", "ok", &words);
}
