//! `check-env`, where all is well and where something is not; and a service that is started all the same.

pub(crate) mod around;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use kolo_kafka::App;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use serde_json::Value;

use crate::common::{self, bootstrap, config};
use crate::typed::{Typed, command};

common::counter_events!("check-env.added", "check-env.counted");
common::counter!("check-env");

/// One that runs.
pub(crate) mod running {
    crate::common::counter_events!("check-env.running.added", "check-env.running.counted");
    crate::common::counter!("check-env-running");
}

fn check(change: impl FnOnce(&mut Command)) -> Typed {
    check_of("check-env", change)
}

pub(crate) fn check_of(service: &str, change: impl FnOnce(&mut Command)) -> Typed {
    let mut command = command(service, &["check-env", "--json"]);
    change(&mut command);
    command.output().unwrap().into()
}

/// The lines about something, with their level.
#[track_caller]
fn about(found: &Value, what: &str) -> Vec<(String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    let lines = found.as_array().unwrap().iter();
    let lines = lines.filter(|line| line["what"] == what);
    lines
        .map(|line| (text(line, "level"), text(line, "says")))
        .collect()
}

/// That one of the lines has this level and these words.
#[track_caller]
pub(crate) fn says(found: &Value, what: &str, level: &str, words: &[&str]) {
    let lines = about(found, what);
    let fits =
        |(of, says): &(String, String)| of == level && words.iter().all(|word| says.contains(word));
    assert!(
        lines.iter().any(fits),
        "no {level} with {words:?} in {lines:?}"
    );
}

pub(crate) fn create(topic: &str, partitions: i32, settings: &[(&str, &str)]) {
    let client: AdminClient<DefaultClientContext> = config().client().create().unwrap();
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let new = settings
        .iter()
        .fold(new, |new, (name, value)| new.set(name, value));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let results = runtime.block_on(client.create_topics(&[new], &AdminOptions::new()));
    assert!(results.unwrap()[0].is_ok());
}

pub(crate) fn what_is_wrong_is_named_before_anything_starts() {
    // Nobody to ask.
    let alone = check(|command| {
        command.env("KOLO_BOOTSTRAP", "127.0.0.1:1");
    });
    let found = alone.ends(1).json();
    says(
        &found,
        "brokers",
        "error",
        &["127.0.0.1:1", "do not answer", "KOLO_BOOTSTRAP"],
    );
    assert!(about(&found, "topics").is_empty(), "{found}");

    // Nothing is there yet, and all of it can be.
    let found = check(|_| {}).ends(0).json();
    says(&found, "brokers", "ok", &[bootstrap(), "User:ANONYMOUS"]);
    says(&found, "brokers", "ok", &["speaks as Kafka "]);
    says(
        &found,
        "topics",
        "ok",
        &["created when the service starts", "check-env.added"],
    );
    says(&found, "permissions", "ok", &["lacks nothing"]);
    says(&found, "registry", "ok", &["there is none"]);
    says(&found, "port", "ok", &["KOLO_MANAGEMENT"]);

    // By somebody else, who has done it wrong.
    create("check-env.counted", 2, &[("retention.ms", "1000")]);
    create("check-env.added", 3, &[]);
    let found = check(|command| {
        command.env("KOLO_CREATE_TOPICS", "false");
    });
    let found = found.ends(1).json();
    says(
        &found,
        "topics",
        "error",
        &["`check-env.counted` has retention.ms=1000"],
    );
    says(
        &found,
        "topics",
        "error",
        &["`check-env.added` with 3", "`check-env.counted` with 2"],
    );
    says(
        &found,
        "topics",
        "error",
        &["check-env.counter.inbox", "check-env topics"],
    );
    says(
        &found,
        "topics",
        "warn",
        &["check-env.added, check-env.counted have one replica"],
    );

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let found = check(|command| {
        command.env("KOLO_MANAGEMENT", &address);
    });
    says(
        &found.ends(1).json(),
        "port",
        "error",
        &[&address, "check-env health"],
    );
}

pub(crate) fn a_service_that_runs_has_found_all_it_needs() {
    let running = App::new(running::service()).start(&config()).unwrap();
    let mut command = command("check-env-running", &["check-env"]);
    let told = Typed::from(command.output().unwrap()).ends(0);
    told.says(&[
        "ok     topics       as they must be",
        "check-env.running.counted (3)",
    ]);
    running.stop().expect("a graceful stop");
}

pub(crate) fn a_service_that_waits_for_its_brokers_can_be_stopped() {
    let mut waiting = command("check-env", &["run", "--bootstrap", "127.0.0.1:1"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let mut said = said.map(Result::unwrap);
    let waits = "check-env waits for its brokers, ";
    assert!(said.any(|line| line.contains(waits)), "it does not say so");
    let pid = waiting.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(sent.success());
    let told = "it was told to stop before it had started";
    assert!(said.any(|line| line.contains(told)), "it does not say so");
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
}
