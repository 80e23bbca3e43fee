//! `health`, typed beside a service that runs, one that does not answer, and none.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use kolo_kafka::App;

use crate::common::{self, await_that, config};
use crate::typed::{Typed, command};

common::counter_events!("health.added", "health.counted");
common::counter!("health");

fn ask(address: &str, args: &[&str]) -> Typed {
    ask_within("60000", address, args)
}

fn ask_within(timeout_ms: &str, address: &str, args: &[&str]) -> Typed {
    let asks = ["health", "--timeout-ms", timeout_ms];
    let args: Vec<&str> = asks.into_iter().chain(args.iter().copied()).collect();
    let mut command = command("health", &args);
    command.env("KOLO_MANAGEMENT", address);
    command.output().unwrap().into()
}

/// A service that is not ready, and says so to one who asks.
fn not_ready_once() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // To its end: who hangs up on something unread takes back what it has answered.
        let lines = BufReader::new(&stream).lines().map(Result::unwrap);
        let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        assert_eq!(request[0], "GET /readyz HTTP/1.0");
        let body = r#"{"status":"not ready","because":["no broker has answered"]}"#;
        write!(stream, "HTTP/1.0 503 Service Unavailable\r\n\r\n{body}").unwrap();
    });
    (address, answers)
}

pub(crate) fn a_service_is_asked_whether_it_is_ready_where_it_listens() {
    ask("", &[]).fails(2, &["KOLO_MANAGEMENT=127.0.0.1:9400"]);
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = deaf.local_addr().unwrap().to_string();
    ask_within("50", &address, &[]).fails(1, &[&address, "has not answered in 50ms"]);
    let (address, answers) = not_ready_once();
    ask(&address, &[]).ends(1).says(&["not ready", "no broker"]);
    answers.join().unwrap();
    ask("nowhere", &[]).fails(1, &["http://nowhere/readyz"]);

    let mut config = config();
    "127.0.0.1:0".clone_into(&mut config.management);
    let running = App::new(service()).start(&config).unwrap();
    let port = running.management().unwrap().port();
    let everywhere = format!("0.0.0.0:{port}");
    ask(&everywhere, &["--live"])
        .ends(0)
        .says(&[r#"{"status":"live"}"#]);
    await_that("it is ready", || ask(&everywhere, &[]).code == 0);
    ask(&everywhere, &[])
        .ends(0)
        .says(&[r#"{"status":"ready"}"#]);
    running.stop().expect("a graceful stop");
    ask(&everywhere, &[]).fails(1, &[&everywhere, "does not answer"]);
}
