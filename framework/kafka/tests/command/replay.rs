//! `replay plan` and `replay apply`.

use kolo_core::wire::PARKED;
use kolo_kafka::App;
use serde_json::Value;

use crate::common::{self, Publisher, await_that, config};
use crate::typed::{Typed, add, command, of};

common::counter_events!("replay.added", "replay.counted");
common::counter!("replay");

const INTAKE: &str = "replay.added";
const STREAM: &str = "replay.counted";

/// The version with bugs: it counts 5 twice, forgets 13 and cannot bear 666.
fn count_with_bugs(counter: &Counter, added: &Received<Added>) -> Option<Counted> {
    assert!(added.amount != 666, "no amount {} for me", added.amount);
    let mut counted = count(counter, added);
    counted.amount += if added.amount == 5 { 5 } else { 0 };
    (added.amount != 13).then_some(counted)
}

pub(crate) fn buggy() -> Service {
    Service::new("replay").aggregate(Aggregate::<Counter>::new("counter").on(count_with_bugs))
}

fn replay(args: &[&str]) -> Typed {
    of_version("replay", args)
}

fn of_version(version: &str, args: &[&str]) -> Typed {
    let all: Vec<&str> = ["replay"].into_iter().chain(args.iter().copied()).collect();
    command(version, &all).output().unwrap().into()
}

fn run(service: Service) -> kolo_kafka::Running {
    let mut config = config();
    config.marker_interval_ms = 100;
    App::new(service)
        .start(&config)
        .expect("the service starts")
}

/// The keys of what differs, with how.
fn differing(plan: &Value) -> Vec<(String, String)> {
    let all = plan["aggregates"][0]["differing"]
        .as_array()
        .unwrap()
        .iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all: Vec<_> = all
        .map(|one| (text(&one["key"]), text(&one["finding"])))
        .collect();
    all.sort();
    all
}

/// What differs once the buggy version has decided everything, and a record tells so.
fn awaited_plan() -> Value {
    let mut plan = Value::Null;
    await_that("two answers are missing", || {
        plan = replay(&["plan", "--json"]).json();
        let missing = differing(&plan)
            .into_iter()
            .filter(|(_, finding)| finding == "missing");
        missing.count() == 2
    });
    plan
}

pub(crate) fn what_was_decided_wrongly_is_named_and_what_is_missing_is_given() {
    replay(&["plan"]).fails(1, &["no topic `replay.counted`", "decided nothing yet"]);
    let publisher = Publisher::new();
    let running = run(buggy());
    let inputs = [
        ("right", 1),
        ("twice", 5),
        ("right", 2),
        ("forgotten", 13),
        ("twice", 1),
        ("poison", 666),
        ("lost", 13),
    ];
    for (number, (key, amount)) in inputs.iter().enumerate() {
        add(
            &publisher,
            INTAKE,
            &format!("{number}"),
            key,
            &format!("{key} {amount}"),
        );
    }
    publisher.flush();
    await_that("what is answered, and what is parked", || {
        of(STREAM, "test.Counted") == 4 && of(STREAM, PARKED) == 1
    });
    let plan = awaited_plan();
    let text = |(key, finding): (&str, &str)| (key.to_owned(), finding.to_owned());
    let expected = [
        ("forgotten", "missing"),
        ("lost", "missing"),
        ("twice", "different"),
    ]
    .map(text);
    assert_eq!(differing(&plan), expected);
    let decisions = &plan["aggregates"][0]["decisions"][0];
    assert_eq!(
        (&decisions["on"], &decisions["same"], &decisions["parked"]),
        (&"test.Added".into(), &3.into(), &1.into())
    );
    let twice = plan["aggregates"][0]["differing"]
        .as_array()
        .unwrap()
        .iter();
    let twice = twice.clone().find(|one| one["key"] == "twice").unwrap();
    assert_eq!(
        twice["recorded"][0]["event"],
        "Counted(Counted { key: \"twice\", amount: 10 })"
    );
    assert_eq!(
        twice["today"][0]["event"],
        "Counted(Counted { key: \"twice\", amount: 5 })"
    );
    assert_eq!(twice["recorded"][0]["id"], twice["today"][0]["id"]);

    replay(&["plan", "--examples", "1"]).ends(3).says(&[
        "replay.counter: 6 decisions compared\n",
        "  on          same  different  missing  extra  undecidable\n",
        "  test.Added     3          1        2      0            0\n",
        "  not compared: parked inputs: 1 (a redrive decides them)\n",
        "different: replay.counter twice, on test.Added",
        "  recorded  Counted(Counted { key: \"twice\", amount: 10 })\n",
        "  today     Counted(Counted { key: \"twice\", amount: 5 })\n",
        "… and 1 more on test.Added that are missing: --examples 2 shows them",
        "`replay replay apply` has the missing answers given",
    ]);
    of_version("replay-buggy", &["plan"])
        .ends(0)
        .says(&["6 decisions compared"]);
    replay(&["plan", "--key", "right"])
        .ends(0)
        .says(&["2 decisions compared"]);
    replay(&["plan", "--to", "2026-01-01T00:00:00Z"])
        .ends(0)
        .says(&["0 decisions compared"]);

    // Nobody can be asked, and then nobody is there to decide.
    replay(&["apply"]).fails(2, &["2 inputs of test.Added", "--yes"]);
    running.stop().expect("a graceful stop");
    let down = replay(&["apply", "--yes", "--timeout", "1s"]).ends(1);
    down.says(&[
        "0 of 2 inputs have their answer\n",
        "2 are not handled yet: is the service running?",
    ]);

    let running = run(service());
    let json = replay(&["apply", "--yes", "--json"]);
    // What was sent before may have been decided by now: nothing is missing then.
    for one in json.ends(0).json()["inputs"].as_array().unwrap() {
        assert_eq!(one["outcome"], "answered");
    }
    assert_eq!(of(STREAM, "test.Counted"), 6);
    replay(&["apply", "--yes"])
        .ends(0)
        .says(&["Nothing is missing."]);
    assert_eq!(
        of(STREAM, "test.Counted"),
        6,
        "a second time changes nothing"
    );
    let left = replay(&["plan", "--json"]).ends(3).json();
    assert_eq!(differing(&left), [text(("twice", "different"))]);

    // An input that would be parked now is parked in its turn.
    running.stop().expect("a graceful stop");
    let forgets = run(buggy());
    add(&publisher, INTAKE, "again", "poison", "poison 13");
    add(&publisher, INTAKE, "silent", "silent", "silent 13");
    publisher.flush();
    await_that("the silent one is told", || {
        let plan = replay(&["plan", "--key", "silent", "--json"]).json();
        differing(&plan).len() == 1
    });
    let applied = replay(&["apply", "--key", "silent", "--yes", "--timeout", "60s"]).ends(1);
    applied.says(&[
        "0 of 1 input have their answer\n",
        "1 get none by their owners",
    ]);
    forgets.stop().expect("a graceful stop");
}

pub(crate) fn what_cannot_be_meant() {
    let refused = |args: &[&str], words: &[&str]| replay(args).fails(2, words);
    refused(
        &["plan", "--aggregate", "lifecycle"],
        &["no aggregate `lifecycle`", "counter"],
    );
    refused(&["plan", "--from", "yesterday"], &["2026-11-23T08:00:00Z"]);
    refused(&["plan", "--correlation", "7"], &["--correlation"]);
    refused(
        &[
            "plan",
            "--from",
            "2026-01-02T00:00:00Z",
            "--to",
            "2026-01-01T00:00:00Z",
        ],
        &["--from 2026-01-02T00:00:00Z is not before --to 2026-01-01T00:00:00Z"],
    );
    refused(&["apply", "--rate", "0"], &["--rate"]);
    refused(&["apply", "--timeout", "soon"], &["30s"]);
    refused(&[], &["plan", "apply"]);
    replay(&["plan", "--bootstrap", "127.0.0.1:1"]).fails(1, &["127.0.0.1:1"]);
}
