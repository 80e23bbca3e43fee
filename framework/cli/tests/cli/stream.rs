//! `kolo tail` on fenced streams written by hand: which records are valid, from wherever the reading starts.

use rdkafka::TopicPartitionList;
use rdkafka::admin::AdminOptions;
use rdkafka::topic_partition_list::Offset;
use serde_json::{Value, json};

use super::common::{Cafe, Ink, LIMIT, Pen, admin, block, create, fence, order, served};

fn own<'a>(event: &str, stamp: &str, value: &str) -> Ink<'a> {
    Ink {
        value: value.as_bytes().to_vec(),
        headers: vec![("ce_type", event.to_owned()), ("kolo", stamp.to_owned())],
        ..Ink::default()
    }
}

/// A stream with all that can stand in one, and what each record is.
fn history(cafe: &Cafe) -> Vec<(Ink<'static>, &'static str)> {
    let stamp = |number| kolo_core::wire::Stamp::own(writer(2, 8, number)).to_string();
    let foreign = Ink {
        headers: vec![("ce_type", "test.cafe.CupServed".into())],
        ..served(cafe, 0, 0, 0, 0)
    };
    vec![
        (served(cafe, 0, 7, 1, 3), "void"),
        (fence(6), "fence"),
        (fence(8), "fence"),
        (served(cafe, 2, 8, 1, 3), "valid"),
        (served(cafe, 2, 8, 1, 3), "void"),
        (served(cafe, 2, 8, 3, 5), "void"),
        (served(cafe, 1, 6, 1, 3), "void"),
        (foreign, "void"),
        (
            own("kolo.marker", &stamp(2), r#"{"reads": [], "decided": []}"#),
            "valid",
        ),
        (
            own("kolo.barred", &stamp(3), r#"{"step": "a", "by": "b"}"#),
            "valid",
        ),
        (fence(9), "fence"),
        (served(cafe, 2, 8, 4, 6), "void"),
        (served(cafe, 10, 9, 1, 7), "valid"),
        (own("test.cafe.CupServed", "7 not a header", "x"), "unknown"),
        (served(cafe, 10, 9, 2, 8), "valid"),
    ]
}

fn writer(epoch: i64, nonce: u64, number: u64) -> kolo_core::wire::Writer {
    kolo_core::wire::Writer {
        epoch: Some(epoch),
        nonce,
        number,
    }
}

fn standings(cafe: &Cafe, from: &str) -> Vec<(i64, String)> {
    let ran = cafe
        .run(&[
            "tail",
            &cafe.served,
            "--json",
            "--no-follow",
            "--from",
            from,
        ])
        .done();
    let lines = ran.lines();
    lines
        .iter()
        .map(|line| {
            (
                line["offset"].as_i64().unwrap(),
                line["standing"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn each_record_is_judged_alike_wherever_the_reading_starts() {
    let cafe = Cafe::new();
    create(&cafe.served, 1);
    let history = history(&cafe);
    let inks: Vec<Ink<'_>> = history.iter().map(|(ink, _)| ink.clone()).collect();
    Pen::new().write(&cafe.served, &inks);
    let expected: Vec<(i64, String)> = (0..)
        .zip(history.iter().map(|(_, standing)| (*standing).to_owned()))
        .collect();
    assert_eq!(standings(&cafe, "beginning"), expected);
    for from in 0..expected.len() {
        assert_eq!(
            standings(&cafe, &from.to_string()),
            expected[from..],
            "from {from}"
        );
    }
    assert_eq!(standings(&cafe, "-2"), expected[expected.len() - 2..]);
}

#[test]
fn a_fence_far_behind_is_found_though_only_a_replaced_owner_wrote_since() {
    let cafe = Cafe::new();
    create(&cafe.served, 1);
    let mut inks = vec![fence(1), served(&cafe, 0, 1, 1, 0), fence(2)];
    // More than is looked back at once, and none of it names the fence in force.
    inks.extend((2..702).map(|number| served(&cafe, 0, 1, number, 0)));
    let end = i64::try_from(inks.len()).unwrap();
    inks.extend([served(&cafe, 2, 2, 1, 1), served(&cafe, 0, 1, 702, 0)]);
    Pen::new().write(&cafe.served, &inks);
    let expected = [(end - 1, "void"), (end, "valid"), (end + 1, "void")];
    assert_eq!(
        standings(&cafe, "-3"),
        expected.map(|(offset, standing)| (offset, standing.to_owned()))
    );
}

#[test]
fn an_epoch_that_names_no_fence_leads_nobody_astray() {
    let cafe = Cafe::new();
    create(&cafe.served, 1);
    let mut inks = vec![fence(1)];
    inks.extend((1..603).map(|number| served(&cafe, 0, 1, number, 0)));
    inks.push(served(&cafe, 300, 1, 1, 0));
    Pen::new().write(&cafe.served, &inks);
    let expected = [(602, "valid"), (603, "void")];
    assert_eq!(
        standings(&cafe, "602"),
        expected.map(|(offset, standing)| (offset, standing.to_owned()))
    );
}

#[test]
fn where_retention_took_the_fence_nobody_guesses() {
    let cafe = Cafe::new();
    create(&cafe.served, 1);
    let inks = [
        fence(1),
        served(&cafe, 0, 1, 1, 0),
        served(&cafe, 0, 1, 2, 1),
        fence(2),
        served(&cafe, 3, 2, 1, 2),
    ];
    Pen::new().write(&cafe.served, &inks);
    let mut before = TopicPartitionList::new();
    before
        .add_partition_offset(&cafe.served, 0, Offset::Offset(1))
        .unwrap();
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    block(admin().delete_records(&before, &options)).unwrap();
    let expected = [(1, "unknown"), (2, "unknown"), (3, "fence"), (4, "valid")];
    let expected: Vec<(i64, String)> = expected
        .map(|(offset, standing)| (offset, standing.to_owned()))
        .into();
    assert_eq!(standings(&cafe, "beginning"), expected);
    assert_eq!(standings(&cafe, "2"), expected[1..]);
    let ran = cafe
        .run(&["tail", &cafe.served, "--no-follow", "--limit", "1"])
        .done();
    assert!(
        ran.out
            .contains("UNKNOWN (no fence stands before it: retention"),
        "{}",
        ran.out
    );
}

#[test]
fn a_line_says_what_a_person_needs_and_the_json_everything() {
    let cafe = Cafe::new();
    create(&cafe.served, 1);
    let valid = Ink {
        millis: 1_700_000_000_123,
        key: "k",
        ..served(&cafe, 0, 7, 1, 4)
    };
    let void = Ink {
        millis: 1_700_000_000_124,
        key: "k\u{1b}[2J",
        ..served(&cafe, 0, 6, 1, 4)
    };
    Pen::new().write(&cafe.served, &[fence(7), valid, void]);

    let ran = cafe
        .run(&["tail", &cafe.served, "--no-follow", "--from", "1", "--long"])
        .done();
    let lines: Vec<&str> = ran.out.lines().collect();
    let value = json!({ "order_id": order(7) });
    let saga = kolo_core::CorrelationId::of_saga(&order(7));
    let cause = kolo_core::EventId::foreign("cause");
    assert_eq!(
        lines[0],
        format!(
            "2023-11-14T22:13:20.123Z {}[0]@1 CupServed k {value}",
            cafe.served
        )
    );
    assert_eq!(
        lines[1],
        format!(
            "    id served-0-1, saga {saga}, cause {cause}, epoch 0.0000000000000007.1, answers cafe-orders[0]@4"
        )
    );
    let void = "VOID (its writer had been replaced) CupServed k\\u{1b}[2J";
    assert!(lines[2].contains(void), "{}", lines[2]);

    let ran = cafe
        .run(&["tail", &cafe.served, "--no-follow", "--json"])
        .done();
    let lines: Vec<Value> = ran.lines();
    assert_eq!(lines[0]["type"], "kolo.fence");
    assert_eq!(lines[0]["value"]["service"], "cafe");
    assert_eq!(
        lines[1],
        json!({
            "topic": cafe.served, "partition": 0, "offset": 1, "timestamp": "2023-11-14T22:13:20.123Z", "key": "k",
            "type": "test.cafe.CupServed", "id": "served-0-1", "correlation": saga, "causation": cause,
            "standing": "valid", "epoch": 0, "nonce": "0000000000000007", "number": 1,
            "source": "answers cafe-orders[0]@4", "value": value,
        })
    );
    assert_eq!(lines[2]["reason"], "its writer had been replaced");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_insist() {
    let cafe = Cafe::new();
    create(&cafe.served, 1);
    Pen::new().write(&cafe.served, &[fence(7)]);
    let args = ["tail", &cafe.served, "--no-follow"];
    let out = |name: &str| {
        let mut command = cafe.command(&args);
        command.env(name, "1");
        super::common::Ran::from(command.output().unwrap())
            .done()
            .out
    };
    assert!(!out("UNRELATED").contains('\u{1b}'));
    let coloured = out("CLICOLOR_FORCE");
    assert!(
        coloured.contains("\u{1b}[2mkolo.fence\u{1b}[0m"),
        "kolo's own records are dim: {coloured:?}"
    );
    assert!(!out("NO_COLOR").contains('\u{1b}'));
}
