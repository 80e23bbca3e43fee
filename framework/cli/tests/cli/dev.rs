//! `kolo dev` as a process: what it says, what it keeps, how it ends, and how it fails.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use serde_json::{Value, json};

use super::common::{LIMIT, Ran, kolo, run};

/// A running `kolo dev`; killed where a test leaves it.
struct Dev {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Dev {
    fn start(args: &[&str]) -> Dev {
        let mut command = kolo(&["dev", "--listen", "127.0.0.1:0"]);
        if !args.contains(&"--no-registry") {
            command.args(["--registry-port", "0"]);
        }
        let mut child = command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Dev { child, out }
    }

    /// Reads until a line holds this word, or the output ends; all that was read.
    fn said_until(&mut self, word: &str) -> String {
        let mut said = String::new();
        loop {
            let before = said.len();
            if self.out.read_line(&mut said).unwrap() == 0 || said[before..].contains(word) {
                return said;
            }
        }
    }

    fn ready(&mut self) -> Value {
        serde_json::from_str(&self.said_until("}")).unwrap()
    }

    fn bootstrap(&mut self) -> String {
        self.ready()["bootstrap"].as_str().unwrap().to_owned()
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// What it printed last, and its exit code.
    fn end(mut self, signal: &str) -> Ran {
        self.signal(signal);
        let begun = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code().unwrap_or(-1);
            }
            assert!(begun.elapsed() < LIMIT, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut err).unwrap();
        Ran { code, out, err }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended, as most tests want it to.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(bootstrap: &str, topic: &str, value: &str) {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .create()
        .unwrap();
    let record = BaseRecord::<(), str>::to(topic).payload(value);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(LIMIT).unwrap();
}

/// How far partition 0 reaches.
fn watermarks(bootstrap: &str, topic: &str) -> (i64, i64) {
    client(bootstrap).fetch_watermarks(topic, 0, LIMIT).unwrap()
}

fn client(bootstrap: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("allow.auto.create.topics", "true")
        .create()
        .unwrap()
}

fn partitions(bootstrap: &str, topic: &str) -> Result<usize, String> {
    let client = client(bootstrap);
    let begun = Instant::now();
    loop {
        let metadata = client.fetch_metadata(Some(topic), LIMIT).unwrap();
        let known = &metadata.topics()[0];
        match known.error() {
            None if !known.partitions().is_empty() => return Ok(known.partitions().len()),
            Some(error) if begun.elapsed() > Duration::from_secs(1) => {
                return Err(format!("{error:?}"));
            }
            _ => assert!(begun.elapsed() < LIMIT, "the topic is not listed"),
        }
    }
}

#[test]
fn it_says_where_it_listens_and_what_to_type_and_ends_with_ctrl_c() {
    let mut dev = Dev::start(&[]);
    let said = dev.said_until("Ctrl-C");
    let address = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("export KOLO_BOOTSTRAP="))
        .unwrap()
        .to_owned();
    assert!(
        address.starts_with("127.0.0.1:") && !address.ends_with(":0"),
        "the real port: {address}"
    );
    for words in [
        format!("listens at {address}"),
        "in memory".to_owned(),
        "cargo run".to_owned(),
        "kolo topics list".to_owned(),
        "not for production".to_owned(),
        "registry  http://127.0.0.1:".to_owned(),
        "(for development only)".to_owned(),
    ] {
        assert!(said.contains(&words), "{words} is missing in {said}");
    }
    let list = run(&["topics", "list", "--bootstrap", &address]).done();
    assert!(list.out.contains("_schemas"), "{}", list.out);
    let ran = dev.end("-INT").done();
    assert_eq!(ran.err, "ended\n");
}

#[test]
fn with_json_it_prints_one_object_when_it_listens_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/data");
    let data = data.to_str().unwrap();
    let mut dev = Dev::start(&["--json", "--data", data]);
    let ready = dev.ready();
    assert_eq!(ready["data"], data);
    let bootstrap = ready["bootstrap"].as_str().unwrap();
    write(bootstrap, "tea", "black");
    let ran = dev.end("-TERM").done();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));

    let mut memory = Dev::start(&["--json", "--no-registry"]);
    let ready = memory.ready();
    assert_eq!(
        (&ready["data"], &ready["registry"]),
        (&Value::Null, &Value::Null)
    );
    let bootstrap = ready["bootstrap"].as_str().unwrap();
    let list = run(&["topics", "list", "--bootstrap", bootstrap]).done();
    assert!(list.out.contains("There are no topics yet"), "{}", list.out);
}

#[test]
fn a_directory_is_kept_over_a_clean_end_and_over_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for (count, signal, code) in [(1, "-TERM", 0), (2, "-KILL", -1), (3, "-INT", 0)] {
        let mut dev = Dev::start(&["--json", "--data", data]);
        let bootstrap = dev.bootstrap();
        write(&bootstrap, "tea", "black");
        assert_eq!(watermarks(&bootstrap, "tea"), (0, count));
        assert_eq!(dev.end(signal).code, code);
    }
}

/// Asks the registry, with a body to register.
fn schemas(ready: &Value, path: &str, body: Option<&str>) -> Value {
    let url = format!("{}{path}", ready["registry"].as_str().unwrap());
    let client = reqwest::Client::new();
    let request = match body {
        Some(body) => client.post(url).body(body.to_owned()),
        None => client.get(url),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime
        .block_on(async { request.send().await?.error_for_status()?.json().await })
        .unwrap()
}

#[test]
fn a_schema_is_there_again_over_a_clean_end_and_over_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for (count, signal, code) in [(1, "-TERM", 0), (2, "-KILL", -1), (3, "-INT", 0)] {
        let mut dev = Dev::start(&["--json", "--data", data]);
        let ready = dev.ready();
        let schema =
            format!(r#"{{"schema": "{{\"type\":\"fixed\",\"name\":\"F{count}\",\"size\":1}}"}}"#);
        let registered = schemas(
            &ready,
            &format!("/subjects/s{count}/versions"),
            Some(&schema),
        );
        assert_eq!(registered, json!({"id": count}));
        for earlier in 1..=count {
            let found = schemas(
                &ready,
                &format!("/subjects/s{earlier}/versions/latest"),
                None,
            );
            assert_eq!(found["id"], earlier);
        }
        let ran = dev.end(signal);
        assert_eq!((ran.code, ran.err.as_str()), (code, ""));
    }
}

#[test]
fn a_port_that_the_registry_cannot_have_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dev = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data,
        "--registry-port",
        &port,
    ];
    let named = format!("port {port} is taken");
    run(&dev).fails(1, &[&named, "--registry-port 0", "--no-registry"]);
    // The broker has ended as well, and left its directory.
    drop(taken);
    let mut free = Dev::start(&["--json", "--data", data]);
    assert_eq!(schemas(&free.ready(), "/subjects", None), json!([]));
}

#[test]
fn topics_that_nobody_created_get_as_many_partitions_as_asked_for_or_are_refused() {
    let mut dev = Dev::start(&["--json", "--partitions", "7"]);
    assert_eq!(partitions(&dev.bootstrap(), "tea"), Ok(7));
    let mut strict = Dev::start(&["--json", "--no-auto-create"]);
    let refused = partitions(&strict.bootstrap(), "tea").unwrap_err();
    assert!(refused.contains("UNKNOWN_TOPIC_OR_PART"), "{refused}");
}

#[test]
fn a_port_that_is_taken_is_named_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = format!("port {} is taken", taken.local_addr().unwrap().port());
    run(&["dev", "--listen", &address]).fails(1, &[&port, &address, "--listen 127.0.0.1:0"]);
}

#[test]
fn an_address_of_another_machine_is_refused() {
    // Reserved for documentation: nobody has it.
    run(&["dev", "--listen", "192.0.2.1:9092"]).fails(1, &["192.0.2.1:9092", "--listen"]);
}

#[test]
fn a_directory_that_another_broker_has_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut dev = Dev::start(&["--json", "--data", data]);
    dev.ready();
    let second = ["dev", "--listen", "127.0.0.1:0", "--data", data];
    run(&second).fails(1, &[data, "in use by another broker", "--data"]);
    dev.end("-TERM").done();
    let mut third = Dev::start(&["--json", "--data", data]);
    assert_eq!(third.ready()["data"], data);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    // A file where a directory should be: not even root can write below it.
    for data in [file.clone(), file.join("below")] {
        let data = data.to_str().unwrap();
        let ran = run(&["dev", "--listen", "127.0.0.1:0", "--data", data]);
        ran.fails(1, &[data, "cannot be used", "in memory"]);
    }
    assert!(Path::new(&file).is_file());
}

#[test]
fn wrong_usage_of_dev_is_exit_code_2() {
    for (args, words) in [
        (&["--listen", "9093"][..], "host:port"),
        (&["--listen", "127.0.0.1:70000"][..], "host:port"),
        (&["--listen", ":9092"][..], "host:port"),
        (&["--partitions", "0"][..], "1..=10000"),
        (&["--registry-port", "70000"][..], "0..=65535"),
        (
            &["--registry-port", "1", "--no-registry"][..],
            "cannot be used with",
        ),
        (&["--bootstrap", "127.0.0.1:9093"][..], "--listen"),
    ] {
        let ran: Ran = kolo(&["dev"]).args(args).output().unwrap().into();
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn the_help_of_dev_teaches() {
    let ran = run(&["dev", "--help"]).done();
    for words in [
        "Examples:",
        "kolo dev --data",
        "--listen 127.0.0.1:0",
        "--registry-port",
        "--no-registry",
        "not for production",
        "kill -9",
    ] {
        assert!(ran.out.contains(words), "{words} is missing in {}", ran.out);
    }
}
