//! What lasts: following, and being interrupted.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::common::{Cafe, LIMIT, Ran, count, create, cup};

struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|line| send.send(line))
        });
        Running { child, lines }
    }

    fn line(&self, within: Duration) -> Option<Value> {
        let line = self.lines.recv_timeout(within).ok()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// Ctrl-C, then what it printed last, and its exit code.
    fn interrupt(mut self) -> (i32, String) {
        let sent = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        let mut err = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (self.child.wait().unwrap().code().unwrap(), err)
    }
}

#[test]
fn new_records_are_shown_as_they_come_until_ctrl_c() {
    let cafe = Cafe::new();
    create(&cafe.orders, 2);
    cafe.run(&["publish", "CupOrdered", &cup(1, 1), "--id", "before"])
        .done();
    let tail = Running::start(cafe.command(&["tail", &cafe.orders, "--json"]));
    // It starts at the end, which is somewhere among these.
    let mut number = 0;
    let begun = Instant::now();
    let first = loop {
        assert!(begun.elapsed() < LIMIT, "nothing was shown");
        number += 1;
        cafe.run(&[
            "publish",
            "CupOrdered",
            &cup(number, 1),
            "--id",
            &number.to_string(),
        ])
        .done();
        if let Some(line) = tail.line(Duration::from_millis(50)) {
            break line;
        }
    };
    assert_ne!(first["id"], "before");
    cafe.run(&["publish", "CupOrdered", &cup(1, 1), "--id", "last"])
        .done();
    let ids = std::iter::from_fn(|| tail.line(LIMIT)).map(|line| line["id"].clone());
    assert!(ids.take(number as usize + 1).any(|id| id == "last"));
    assert_eq!(tail.interrupt().0, 0);
}

#[test]
fn following_from_the_beginning_shows_what_was_and_what_comes() {
    let cafe = Cafe::new();
    create(&cafe.orders, 3);
    cafe.run(&["publish", "CupOrdered", &cup(1, 1), "--id", "one"])
        .done();
    let tail =
        Running::start(cafe.command(&["tail", &cafe.orders, "--json", "--from", "beginning"]));
    assert_eq!(tail.line(LIMIT).unwrap()["id"], "one");
    cafe.run(&["publish", "CupOrdered", &cup(2, 1), "--id", "two"])
        .done();
    assert_eq!(tail.line(LIMIT).unwrap()["id"], "two");
    assert_eq!(tail.interrupt().0, 0);
}

#[test]
fn an_interrupted_publish_says_how_many_were_acknowledged_and_can_be_repeated() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let file = cafe.file(
        "cups.jsonl",
        &(0..1_000)
            .map(|number| cup(number, 1) + "\n")
            .collect::<String>(),
    );
    let args = [
        "publish",
        "CupOrdered",
        "--file",
        &file,
        "--rate",
        "40",
        "--id",
        "batch",
    ];
    let publish = Running::start(cafe.command(&args));
    let begun = Instant::now();
    while count(&cafe.orders) < 3 {
        assert!(begun.elapsed() < LIMIT, "nothing was published");
    }
    let (code, err) = publish.interrupt();
    let arrived = count(&cafe.orders);
    assert_eq!(code, 1, "{err}");
    assert!(arrived < 1_000);
    assert!(
        err.contains(&format!(
            "interrupted: {arrived} of 1000 events acknowledged"
        )),
        "{arrived}: {err}"
    );
    assert!(
        err.contains(&format!(
            "line {}: test.cafe.CupOrdered not sent",
            arrived + 1
        )),
        "{err}"
    );
    assert!(err.contains("again with --id batch"), "{err}");
    cafe.run(&["publish", "CupOrdered", "--file", &file, "--id", "batch"])
        .done();
    assert_eq!(count(&cafe.orders), arrived + 1_000);
}

#[test]
fn a_reader_that_has_enough_ends_it_without_an_error() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let file = cafe.file(
        "cups.jsonl",
        &(0..5_000)
            .map(|number| cup(number, 1) + "\n")
            .collect::<String>(),
    );
    cafe.run(&["publish", "CupOrdered", "--file", &file]).done();
    for args in [
        &["tail", &cafe.orders, "--from", "beginning"][..],
        &["tail", &cafe.orders, "--no-follow", "--json"][..],
    ] {
        let mut child = cafe
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(line.contains("CupOrdered"), "{line}");
        drop(out);
        let ran = Ran::from(child.wait_with_output().unwrap()).done();
        assert_eq!(ran.err, "");
    }
}
