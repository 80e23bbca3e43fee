//! `check-env` about what is around a service: its schema registry, and the directory for its state.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use serde_json::Value;

use super::{check_of, says};
use crate::common::FreeAddress;

crate::common::counter_events!(
    "check-env.around.added",
    "check-env.around.counted",
    r#"{"type": "record", "name": "test.Any", "fields": [{"name": "amount", "type": "long"}]}"#
);

/// Keeps snapshots.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Counter(i64);

impl State for Counter {
    type Event = CounterEvent;
    fn evolve(&mut self, event: &CounterEvent, _: Timestamp) {
        let CounterEvent::Counted(event) = event;
        self.0 = event.amount;
    }
}

fn count(counter: &Counter, added: &Received<Added>) -> Counted {
    let (key, amount) = (added.key.clone(), counter.0 + added.amount);
    Counted { key, amount }
}

const NAME: &str = "check-env-around";

pub(crate) fn service() -> Service {
    let counter = Aggregate::<Counter>::new("counter").on(count);
    Service::new(NAME).aggregate(counter.snapshots(1))
}

/// The address of a registry that has this answer to everything.
fn registry(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), status, body);
        }
    });
    url
}

/// To the whole request: who hangs up on something unread takes back what it has answered.
fn answer(mut stream: TcpStream, status: &str, body: &str) {
    let mut request = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        request.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(told) = line.strip_prefix("content-length: ") {
            length = told.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    request.read_exact(&mut vec![0; length]).unwrap();
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}",
        body.len()
    );
    write!(stream, "{head}\r\n\r\n{body}").unwrap();
}

/// What is found with a registry at this address, which is given the schemas or not.
fn with_registry(url: &str, registers: bool, code: i32) -> Value {
    let found = check_of(NAME, |command| {
        command.env("KOLO_REGISTRY_URL", url);
        command.env("KOLO_REGISTRY_REGISTER", registers.to_string());
    });
    found.ends(code).json()
}

pub(crate) fn a_registry_that_cannot_be_used_is_told_from_one_that_lacks_schemas() {
    let about = |found: &Value, level: &str, words: &[&str]| says(found, "registry", level, words);
    let free = FreeAddress::take();
    let nobody = format!("http://{free}");
    let found = with_registry(&nobody, false, 1);
    let words = [&nobody, "does not answer", "refused", "KOLO_REGISTRY_URL"];
    about(&found, "error", &words);

    let page = registry("404 Not Found", "<html>nothing here</html>");
    let words = [&page, "not as a registry says it", "KOLO_REGISTRY_URL"];
    about(&with_registry(&page, false, 1), "error", &words);

    let unknown = r#"{"error_code": 401, "message": "Unauthorized"}"#;
    let unknown = registry("401 Unauthorized", unknown);
    let words = [&unknown, "does not let us", "KOLO_REGISTRY_USER"];
    about(&with_registry(&unknown, false, 1), "error", &words);

    let refuses = r#"{"error_code": 42201, "message": "Invalid schema"}"#;
    let refuses = registry("422 Unprocessable Entity", refuses);
    let words = [&refuses, "`test.Counted`", "Invalid schema"];
    about(&with_registry(&refuses, false, 1), "error", &words);

    let words = ["`ftp://registry`", "http://host:port"];
    about(&with_registry("ftp://registry", false, 1), "error", &words);

    let empty = r#"{"error_code": 40401, "message": "Subject not found"}"#;
    let empty = registry("404 Not Found", empty);
    let words = ["lacks the schemas of test.Counted", "kolo schema register"];
    about(&with_registry(&empty, false, 1), "error", &words);
    let words = ["is given these schemas", "test.Counted"];
    about(&with_registry(&empty, true, 0), "ok", &words);

    let schema = r#"{"subject": "s", "id": 7, "version": 1, "schema": "{}"}"#;
    let words = ["has the schemas of all 1 events"];
    about(
        &with_registry(&registry("200 OK", schema), false, 0),
        "ok",
        &words,
    );
}

/// What is found with this directory for state.
fn with_state_dir(dir: &Path, code: i32) -> Value {
    let found = check_of(NAME, |command| {
        command.env("KOLO_STATE_DIR", dir);
    });
    found.ends(code).json()
}

pub(crate) fn a_directory_that_cannot_be_used_is_named_with_what_to_do() {
    let about = |found: &Value, level: &str, words: &[&str]| says(found, "disk", level, words);
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join(NAME);
    let shown = own.to_str().unwrap();
    let found = with_state_dir(dir.path(), 0);
    about(&found, "ok", &[shown, "can be written", "MiB"]);

    // What nobody may do here, whoever it is: to write where a directory stands, and to make one below a file.
    fs::remove_file(own.join("lock")).unwrap();
    fs::create_dir(own.join("lock")).unwrap();
    let words = [shown, "cannot be written", "directory", "KOLO_STATE_DIR"];
    about(&with_state_dir(dir.path(), 1), "error", &words);
    fs::remove_dir(own.join("lock")).unwrap();
    let file = dir.path().join("file");
    File::create(&file).unwrap();
    let below = file.join(NAME);
    let words = [
        below.to_str().unwrap(),
        "cannot be created",
        "KOLO_STATE_DIR",
    ];
    about(&with_state_dir(&file, 1), "error", &words);

    let lock = File::create(own.join("lock")).unwrap();
    lock.try_lock().unwrap();
    let words = [shown, "another process uses it", "KOLO_STATE_DIR"];
    about(&with_state_dir(dir.path(), 1), "error", &words);
}
