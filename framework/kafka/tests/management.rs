//! Health and metrics, as a probe and a scraper see them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};

use common::{Publisher, await_that, config};
use kolo_broker::Broker;
use kolo_kafka::{App, Config, Running, StartError};

common::counter_events!("management.added", "management.counted");
common::counter!("management");

fn get(at: SocketAddr, path: &str) -> (u16, String, String) {
    common::get(at, path).expect("an answer")
}

fn served(config: Config) -> (Running, SocketAddr) {
    let config = with_management(config, "127.0.0.1:0");
    let running = App::new(service()).start(&config).unwrap();
    let at = running.management().expect("it is served");
    (running, at)
}

fn with_management(mut config: Config, address: &str) -> Config {
    address.clone_into(&mut config.management);
    config
}

/// The samples whose line begins so, summed.
fn sum(at: SocketAddr, sample: &str) -> f64 {
    let (_, _, text) = get(at, "/metrics");
    let lines = text.lines().filter(|line| line.starts_with(sample));
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

/// The metrics that a file names, by family.
fn named_by(file: &str) -> BTreeSet<String> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = file.split(|letter| !is_of_name(letter));
    let names = words.filter(|word| word.starts_with("kolo_"));
    let family = |name: &str| {
        let suffixes = ["_bucket", "_count", "_sum", "_total"];
        let family = suffixes.iter().find_map(|end| name.strip_suffix(end));
        family.unwrap_or(name).to_owned()
    };
    let names: BTreeSet<String> = names.map(family).collect();
    assert!(names.len() > 5, "{names:?}");
    names
}

#[test]
fn a_service_becomes_ready_and_counts_what_it_does() {
    let mut config = config();
    // A session that begins anew counts anew.
    config.session_timeout_ms = 60_000;
    let (running, at) = served(config);
    let (status, kind, body) = get(at, "/livez");
    assert_eq!((status, body.as_str()), (200, r#"{"status":"live"}"#));
    assert_eq!(kind, "application/json");
    await_that("it is ready", || get(at, "/readyz").0 == 200);
    let publisher = Publisher::new();
    let add = |id: &str, key: &str, value: &str| {
        publisher.publish("management.added", "test.Added", id, key, value.as_bytes());
    };
    for number in 0..5 {
        add(&format!("n{number}"), "a", "a 1");
    }
    add("n0", "a", "a 1");
    add("poison", "b", "poison");
    publisher.flush();
    let inputs = |outcome: &str| {
        let aggregate = r#"kolo_inputs_total{aggregate="management.counter""#;
        sum(at, &format!("{aggregate},outcome=\"{outcome}\"}}"))
    };
    await_that("all of it is counted", || {
        (inputs("decided"), inputs("repeat"), inputs("parked")) == (5.0, 1.0, 1.0)
    });
    await_that("the key is parked, and nothing is left to read", || {
        let parked = sum(at, "kolo_parked_keys{");
        (parked, sum(at, "kolo_lag_records{"), sum(at, "kolo_keys{")) == (1.0, 0.0, 2.0)
    });
    assert_eq!(sum(at, "kolo_events_total{"), 5.0);
    assert_eq!(sum(at, "kolo_answer_seconds_count{"), 5.0);
    assert_eq!(sum(at, "kolo_take_over_seconds_count{"), 3.0);
    assert_eq!(
        sum(
            at,
            r#"kolo_partitions{aggregate="management.counter",phase="working"}"#
        ),
        3.0
    );
    await_that("appends are acknowledged", || {
        sum(at, "kolo_append_seconds_count{") >= 4.0
    });
    let (status, kind, text) = get(at, "/metrics");
    assert_eq!(status, 200);
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    let alerts = include_str!("../../../deploy/prometheus/alerts.yml");
    let dashboard = include_str!("../../../deploy/grafana/dashboards/kolo.json");
    for (what, file) in [("an alert", alerts), ("the dashboard", dashboard)] {
        for name in named_by(file) {
            assert!(
                text.contains(&format!("# TYPE {name} ")),
                "{what} names {name}, which is not in: {text}"
            );
        }
    }
    assert_eq!(get(at, "/nothing").0, 404);
    assert_eq!(get(at, "/readyz").0, 200, "a parked key is no reason");
    running.stop().unwrap();
    assert!(TcpStream::connect(at).is_err(), "nobody listens any more");
}

/// Brokers that are gone make a service unready, with the reason, and leave it alive: a restart would not bring them back.
#[test]
fn without_brokers_it_lives_and_is_not_ready() {
    let broker = Broker::builder().start_blocking().unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.partitions = 3;
    config.check_interval_ms = 200;
    let (running, at) = served(config);
    await_that("it is ready", || get(at, "/readyz").0 == 200);
    let publisher = Publisher::to(&broker.bootstrap());
    publisher.publish("management.added", "test.Added", "n", "a", b"a 1");
    publisher.flush();
    await_that("it is counted", || sum(at, "kolo_events_total{") == 1.0);
    broker.stop().unwrap();
    await_that("it says what it waits for", || {
        let (status, _, body) = get(at, "/readyz");
        status == 503 && body.contains("no broker has answered for")
    });
    assert_eq!(get(at, "/livez").0, 200);
    broker.start_again().unwrap();
    await_that("it is ready again", || get(at, "/readyz").0 == 200);
    running.stop().unwrap();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = with_management(config(), &address);
    let Err(error) = App::new(service()).start(&config) else {
        panic!("two listen at {address}");
    };
    assert!(matches!(error, StartError::Management(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains(&address) && text.contains("KOLO_MANAGEMENT"),
        "{text}"
    );
}
