//! Bad input of every kind gives a message that helps. No broker is needed for any of it.

use std::time::{Duration, Instant};

use super::common::{Cafe, cup, kolo, order, run};

#[test]
fn an_unknown_event_is_named_with_those_it_may_have_been() {
    let cafe = Cafe::new();
    let ran = cafe.offline(&["publish", "CupOrderd", "{}"]);
    ran.fails(
        2,
        &["no event `CupOrderd`", "Did you mean test.cafe.CupOrdered"],
    );
    let ran = cafe.offline(&["publish", "Qqq", "{}"]);
    ran.fails(
        2,
        &["The events are: test.cafe.CupOrdered, test.cafe.CupServed."],
    );
    let ran = cafe.offline(&["tail", "orders", "--type", "CupOrderd"]);
    ran.fails(
        2,
        &["no event `CupOrderd`", "Did you mean test.cafe.CupOrdered"],
    );
}

#[test]
fn a_short_name_of_two_events_is_refused_and_the_full_name_is_taken() {
    let cafe = Cafe::new();
    cafe.schema(
        "bar",
        "CupServed",
        "bar",
        r#"{"name": "order_id", "type": "string"}"#,
    );
    let json = format!(r#"{{"order_id": "{}"}}"#, order(1));
    cafe.offline(&["publish", "CupServed", &json, "--dry-run"])
        .fails(
            2,
            &["`CupServed`", "test.bar.CupServed, test.cafe.CupServed"],
        );
    let ran = cafe
        .offline(&["publish", "test.bar.CupServed", &json, "--dry-run"])
        .done();
    assert!(
        ran.out.contains("test.bar.CupServed to bar, key"),
        "{}",
        ran.out
    );
}

#[test]
fn every_wrong_field_is_named_with_its_path_and_the_expected_type() {
    let cafe = Cafe::new();
    let json = r#"{"order_id": "4711", "drnk": "tea", "cups": "two", "sugar": [{"grams": 1, "brown": 0}], "price": 1.5}"#;
    cafe.offline(&["publish", "CupOrdered", json, "--dry-run"])
        .fails(
            2,
            &[
                "nothing was published",
                "CupOrdered.order_id: expected a uuid",
                "found \"4711\"",
                "CupOrdered.drnk: there is no such field",
                "did you mean `drink`?",
                "CupOrdered.drink: this field is missing; expected a string",
                "CupOrdered.cups: expected an int",
                "found \"two\"",
                "CupOrdered.sugar[0].brown: expected true or false",
                "CupOrdered.price: expected a decimal",
                "`kolo publish CupOrdered` shows an example",
            ],
        );
}

#[test]
fn what_is_no_json_is_refused_with_the_place() {
    let cafe = Cafe::new();
    for (json, words) in [
        (
            "{\"order_id\": ",
            "this is not JSON: EOF while parsing a value at line 1 column 13",
        ),
        ("", "this is not JSON"),
        ("[]", "expected an object"),
        ("\"tea\"", "expected an object"),
    ] {
        cafe.offline(&["publish", "CupOrdered", json])
            .fails(2, &[words]);
    }
}

#[test]
fn a_key_cannot_be_empty() {
    let cafe = Cafe::new();
    cafe.schema(
        "bar",
        "Poured",
        "bar",
        r#"{"name": "order_id", "type": "string"}"#,
    );
    cafe.offline(&["publish", "Poured", r#"{"order_id": ""}"#])
        .fails(2, &["Poured.order_id", "cannot be empty"]);
}

#[test]
fn without_an_event_an_example_is_shown_that_is_accepted() {
    let cafe = Cafe::new();
    let ran = cafe.offline(&["publish", "CupOrdered"]);
    ran.fails(
        2,
        &[
            "no event is given",
            "the key `order_id`",
            "About CupOrdered.",
        ],
    );
    let example = ran.err.split('\'').nth(1).unwrap();
    assert!(
        example.find("order_id") < example.find("drink"),
        "in the order of the schema: {example}"
    );
    cafe.offline(&["publish", "CupOrdered", example, "--dry-run"])
        .done();
}

#[test]
fn one_bad_line_of_a_file_refuses_all_of_it_with_line_numbers() {
    let cafe = Cafe::new();
    let bad = cup(3, 1).replace("tea\"", "tea\", \"milk\": true");
    let file = cafe.file(
        "cups.jsonl",
        &format!(
            "{}\n\n{bad}\n{}\nnonsense\n",
            cup(1, 1),
            cup(2, 9_999_999_999)
        ),
    );
    let ran = cafe.offline(&["publish", "CupOrdered", "--file", &file, "--dry-run"]);
    ran.fails(
        2,
        &[
            "3 of 4 lines of",
            "cups.jsonl",
            "nothing was published",
            "line 3: CupOrdered.milk: there is no such field",
            "line 4: CupOrdered.cups: expected an int",
            "line 5: this is not JSON",
        ],
    );
    assert_eq!(ran.out, "");
}

#[test]
fn many_bad_lines_are_not_all_shown() {
    let cafe = Cafe::new();
    let file = cafe.file("cups.jsonl", &"x\n".repeat(500));
    let ran = cafe.offline(&["publish", "CupOrdered", "--file", &file]);
    ran.fails(2, &["500 of 500 lines", "line 20:", "and 480 lines more"]);
    assert!(!ran.err.contains("line 21:"), "{}", ran.err);
}

#[test]
fn a_dry_run_needs_no_broker_and_shows_what_would_be_sent() {
    let cafe = Cafe::new();
    let file = cafe.file("cups.jsonl", &format!("{}\n\n{}\n", cup(1, 1), cup(2, 2)));
    let ran = cafe
        .offline(&[
            "publish",
            "CupOrdered",
            "--file",
            &file,
            "--id",
            "monday",
            "--dry-run",
            "--json",
        ])
        .done();
    let lines = ran.lines();
    let ids: Vec<&str> = lines
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["monday#1", "monday#3"]);
    assert_eq!(lines[1]["key"], order(2).as_str());
    assert_eq!(lines[1]["topic"], cafe.orders.as_str());
    assert!(
        lines[1]["value_hex"].as_str().unwrap().starts_with("c301"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("2 events checked, nothing was sent"),
        "{}",
        ran.err
    );
}

#[test]
fn an_id_that_is_not_given_is_a_fresh_one_each_time() {
    let cafe = Cafe::new();
    let id = || {
        let ran = cafe
            .offline(&["publish", "CupOrdered", &cup(1, 1), "--dry-run", "--json"])
            .done();
        uuid::Uuid::parse_str(ran.lines()[0]["id"].as_str().unwrap()).unwrap()
    };
    let (one, other) = (id(), id());
    assert_ne!(one, other);
    assert_eq!(one.get_version_num(), 7);
}

#[test]
fn schemas_that_are_missing_or_broken_are_named_with_their_place() {
    let ran = run(&["publish", "CupOrdered", "{}", "--schemas", "/nowhere"]);
    ran.fails(
        2,
        &["/nowhere is no folder", "--schemas DIR", "KOLO_SCHEMAS"],
    );
    let cafe = Cafe::new();
    cafe.schema(
        "bar",
        "Broken",
        "bar",
        r#"{"name": "order_id", "type": "strin"}"#,
    );
    cafe.offline(&["publish", "CupOrdered", "{}"])
        .fails(2, &["Broken.avsc", "strin"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let cafe = Cafe::new();
    cafe.offline(&["publish", "CupOrdered", "--file", "/nowhere.jsonl"])
        .fails(
            2,
            &["/nowhere.jsonl cannot be read", "Nothing was published"],
        );
    let file = cafe.folder.path().join("bytes.jsonl");
    std::fs::write(&file, [b'{', 0xff, b'\n']).unwrap();
    cafe.offline(&["publish", "CupOrdered", "--file", file.to_str().unwrap()])
        .fails(2, &["line 1", "UTF-8"]);
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_is_expected() {
    let cafe = Cafe::new();
    let json = cup(1, 1);
    for (args, words) in [
        (
            &["publish", "CupOrdered", &json, "--file", "x"][..],
            "cannot be used with",
        ),
        (
            &["publish", "CupOrdered", &json, "--rate", "0"][..],
            "above 0",
        ),
        (
            &["publish", "CupOrdered", &json, "--rate", "fast"][..],
            "above 0",
        ),
        (
            &["publish", "CupOrdered", &json, "--id", ""][..],
            "not empty",
        ),
        (
            &["publish", "CupOrdered", &json, "--id", "a\nb"][..],
            "no control characters",
        ),
        (&["tail"][..], "<TOPIC>"),
        (&["tail", "orders", "--from", "yesterday"][..], "RFC"),
        (&["tail", "orders", "--limit=-1"][..], "--limit"),
        (&["topics", "descrbe", "x"][..], "describe"),
        (&["tial"][..], "tail"),
        (&["completions", "tcsh"][..], "bash"),
    ] {
        let ran = cafe.offline(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        let words = if words == "RFC" {
            "2026-11-23T08:00:00Z"
        } else {
            words
        };
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn a_broker_that_is_not_there_is_told_within_seconds_and_once() {
    let cafe = Cafe::new();
    for args in [
        &["publish", "CupOrdered", &cup(1, 1)][..],
        &["tail", "orders"][..],
        &["topics", "list"][..],
        &["topics", "describe", "orders"][..],
        &["explain", "o-1"][..],
        &["sagas"][..],
        &["lag"][..],
    ] {
        let begun = Instant::now();
        let ran = cafe.offline(args);
        ran.fails(
            1,
            &[
                "the brokers at 127.0.0.1:1 do not answer",
                "refused",
                "--bootstrap",
            ],
        );
        assert_eq!(
            ran.err.lines().count(),
            1,
            "no noise beside the message: {}",
            ran.err
        );
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "{args:?} took {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn a_setting_that_librdkafka_does_not_know_is_named_and_its_value_is_not_shown() {
    let ran = kolo(&["topics", "list"])
        .env("KOLO_KAFKA_SASL_PASSWURD", "hunter2")
        .output()
        .unwrap()
        .into();
    let ran: super::common::Ran = ran;
    ran.fails(2, &["sasl.passwurd", "KOLO_KAFKA_"]);
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
}

#[test]
fn a_configuration_file_is_read_and_its_mistakes_are_named() {
    let cafe = Cafe::new();
    let good = cafe.file("good.toml", "bootstrap = \"127.0.0.1:2\"\n");
    run(&["topics", "list", "--config", &good]).fails(1, &["127.0.0.1:2 do not answer"]);
    run(&[
        "topics",
        "list",
        "--config",
        &good,
        "--bootstrap",
        "127.0.0.1:3",
    ])
    .fails(1, &["127.0.0.1:3"]);
    let bad = cafe.file("bad.toml", "botstrap = \"x\"\n");
    let ran = run(&["topics", "list", "--config", &bad]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(
        ran.err.contains("bad.toml") && ran.err.contains("botstrap"),
        "{}",
        ran.err
    );
}

#[test]
fn the_help_has_examples_and_exit_codes() {
    for (args, words) in [
        (
            &["--help"][..],
            &["Examples:", "Exit codes:", "KOLO_BOOTSTRAP"][..],
        ),
        (
            &["publish", "--help"][..],
            &["Examples:", "--id", "--rate", "kolo publish StockReceived"][..],
        ),
        (
            &["tail", "--help"][..],
            &["Examples:", "void", "--from 10m"][..],
        ),
        (
            &["export", "--help"][..],
            &[
                "Examples:",
                "--follow",
                "killed at any moment",
                "--accept-holes",
            ][..],
        ),
        (
            &["verify-export", "--help"][..],
            &["Examples:", "damage"][..],
        ),
        (
            &["import", "--help"][..],
            &[
                "Examples:",
                "A stream gets a fence",
                "--topic",
                "KOLO_REPLICATION",
            ][..],
        ),
        (&["topics", "--help"][..], &["Examples:", "inbox"][..]),
    ] {
        let ran = run(args).done();
        for word in words {
            assert!(
                ran.out.contains(word),
                "{args:?}: {word} is missing in {}",
                ran.out
            );
        }
    }
}

#[test]
fn each_shell_gets_a_completion_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = run(&["completions", shell]).done();
        assert!(
            ran.out.contains("no-follow") && ran.out.contains("publish"),
            "{shell}"
        );
    }
}

#[test]
fn what_sagas_and_lag_do_not_take_is_told_with_what_they_do() {
    let cafe = Cafe::new();
    let cases: [(&[&str], &[&str]); 5] = [
        (
            &["sagas", "--older", "soon"],
            &["--older", "expected how long, such as 30s, 5m"],
        ),
        (&["sagas", "--older=-5m"], &["--older", "expected how long"]),
        (
            &["sagas", "--status", "stuk"],
            &["stuk", "stuck, compensating, running"],
        ),
        (
            &["sagas", "--stuck", "--status", "all"],
            &["--stuck", "cannot be used with", "--status"],
        ),
        (
            &["lag", "--max-age", "10"],
            &["--max-age", "expected how long"],
        ),
    ];
    for (args, words) in cases {
        let ran = cafe.offline(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        for word in words {
            assert!(
                ran.err.contains(word),
                "{word:?} is missing in: {}",
                ran.err
            );
        }
    }
}
