//! `parked list` and `parked show`.

use serde_json::json;

use crate::common::{self, Publisher};
use crate::letters::publish_to;
use crate::typed::{add, await_parked, parked, start};

common::counter_events!("list.added", "list.counted");
common::counter!("list");

const INTAKE: &str = "list.added";

fn list(args: &[&str]) -> crate::typed::Typed {
    let all: Vec<&str> = ["list"].into_iter().chain(args.iter().copied()).collect();
    parked("list", &all).ends(0)
}

fn keys(args: &[&str]) -> Vec<String> {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let all = list(&args).json();
    let all = all.as_array().unwrap().iter();
    let mut keys: Vec<String> = all
        .map(|key| key["key"].as_str().unwrap().to_owned())
        .collect();
    keys.sort();
    keys
}

pub(crate) fn what_is_parked_is_listed_and_shown() {
    parked("list", &["list"]).fails(1, &["no topic `list.counted`", "`list topics`"]);
    let publisher = Publisher::new();
    let running = start(service());
    assert_eq!(list(&[]).out, "Nothing is parked.\n");
    assert_eq!(list(&["--json"]).json(), json!([]));

    add(&publisher, INTAKE, "1", "poisoned", "poison");
    add(&publisher, INTAKE, "2", "poisoned", "poisoned 1");
    add(&publisher, INTAKE, "3", "poisoned", "poisoned 2");
    add(&publisher, INTAKE, "4", "other poison", "more\u{0}");
    add(&publisher, INTAKE, "5", "mistaken", "another 1");
    add(&publisher, INTAKE, "6", "sound", "sound 1");
    publish_to(INTAKE, 2, None, "7", "nobody 1");
    publisher.flush();
    await_parked("list.counted", 6);

    let text = list(&[])
        .says(&[
            "list.counter\n",
            "KEY",
            "RECORDS",
            "4 keys parked, 6 records",
        ])
        .out;
    let row = text
        .lines()
        .find(|line| line.starts_with("poisoned"))
        .unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        (words[1], words[4], words[5]),
        ("3", "1", "decode"),
        "{row}"
    );
    assert!(words[6].starts_with("list.added["), "{row}");
    assert!(text.contains("    test.Added: malformed"), "{text}");
    assert!(text.contains("(no key)"), "{text}");
    assert!(!text.contains("sound"), "{text}");

    assert_eq!(keys(&[]), ["", "mistaken", "other poison", "poisoned"]);
    assert_eq!(keys(&["--class", "key"]), ["", "mistaken"]);
    assert_eq!(
        keys(&["--class", "behind"]),
        [""; 0],
        "who waits is shown under its first"
    );
    assert_eq!(keys(&["--fingerprint", "not the value of"]), ["mistaken"]);
    assert_eq!(
        keys(&["--key", "poisoned", "--aggregate", "counter"]),
        ["poisoned"]
    );
    assert_eq!(keys(&["--since", "1h"]).len(), 4);
    assert_eq!(keys(&["--since", "2100-01-01T00:00:00Z"]), [""; 0]);

    let by = list(&["--by", "fingerprint", "--json"]).json();
    assert_eq!(by.as_array().unwrap().len(), 3, "{by:#}");
    assert_eq!(
        (&by[0]["keys"], &by[0]["records"]),
        (&json!(2), &json!(4)),
        "{by:#}"
    );
    list(&["--by", "fingerprint"]).says(&[
        "decode -: test.Added: malformed",
        "list.counter, for example",
    ]);
    shown();
    running.stop().expect("a graceful stop");
    // Nobody needs to run for that.
    assert_eq!(keys(&[]).len(), 4);
}

fn shown() {
    let show = |args: &[&str]| {
        let all: Vec<&str> = ["show"].into_iter().chain(args.iter().copied()).collect();
        parked("list", &all).ends(0)
    };
    show(&["poisoned"]).says(&[
        "list.counter, key poisoned: 3 records parked for",
        "\n1. decode: test.Added: malformed",
        "record    test.Added, list.added[",
        "headers   ce_id: 1\n",
        "ce_type: test.Added\n",
        "value     6 bytes\n             poison\n",
        "\n2. behind: its key is parked since",
        "\n3. behind:",
        "\n  list parked redrive poisoned\n",
        "\n  list parked drop --reason '…' poisoned\n",
    ]);
    show(&["other poison"]).says(&["6D 6F 72 65 00", "more.", "redrive 'other poison'\n"]);
    show(&["--no-key"]).says(&["key (no key): 1 record", "redrive --no-key\n"]);
    let whole = show(&["poisoned", "--json"]).json();
    assert_eq!(whole[0]["key"], "poisoned");
    let records = whole[0]["records"].as_array().unwrap();
    let values: Vec<_> = records.iter().map(|record| &record["value"]).collect();
    assert_eq!(values, ["poison", "poisoned 1", "poisoned 2"]);
    assert_eq!(
        records[0]["headers"],
        json!([["ce_id", "1"], ["ce_type", "test.Added"]])
    );
    assert_eq!(records[0]["place"]["topic"], INTAKE);
    let binary = show(&["other poison", "--json"]).json();
    assert_eq!(binary[0]["records"][0]["value"], "more\u{0}");
}
