//! `kolo tail` on topics that anybody writes to: where it starts, what it shows, in which order.

use kolo_core::wire::{Source, Stamp};
use kolo_core::{CorrelationId, EventId, Path, Position};
use serde_json::{Value, json};

use super::common::{Cafe, Ink, Pen, create, cup, encoded, order};

fn ordered<'a>(cafe: &Cafe, number: u32, millis: i64) -> Ink<'a> {
    let json = serde_json::from_str(&cup(number, 1)).unwrap();
    Ink {
        millis,
        value: encoded(cafe, "CupOrdered", &json),
        headers: vec![
            ("ce_id", format!("id-{number}")),
            ("ce_type", "test.cafe.CupOrdered".into()),
        ],
        ..Ink::default()
    }
}

fn offsets(lines: &[Value]) -> Vec<(i64, i64)> {
    lines
        .iter()
        .map(|line| {
            (
                line["partition"].as_i64().unwrap(),
                line["offset"].as_i64().unwrap(),
            )
        })
        .collect()
}

fn ids(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect()
}

#[test]
fn what_was_published_comes_back_as_it_was() {
    let cafe = Cafe::new();
    create(&cafe.orders, 3);
    let json = json!({
        "order_id": order(1), "drink": "čaj", "cups": 2, "sugar": [{"grams": 5, "brown": true}],
        "price": "12.50", "wanted_at": null,
    });
    cafe.run(&[
        "publish",
        "CupOrdered",
        &json.to_string(),
        "--id",
        "order-1",
    ])
    .done();
    let lines = cafe
        .run(&["tail", &cafe.orders, "--no-follow", "--json"])
        .done()
        .lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["value"], json);
    assert_eq!(lines[0]["type"], "test.cafe.CupOrdered");
    assert_eq!(lines[0]["id"], "order-1");
    assert_eq!(lines[0]["key"], order(1).as_str());
    assert_eq!(lines[0]["standing"], "unfenced");
    let saga = CorrelationId::of_saga(&order(1)).to_string();
    assert_eq!(
        lines[0]["correlation"], saga,
        "as the first aggregate that takes it in derives it"
    );
}

#[test]
fn what_is_sensitive_is_hidden_unless_it_is_revealed() {
    let cafe = Cafe::new();
    let topic = cafe.served.replace("served", "guests");
    create(&topic, 1);
    cafe.schema(
        "cafe",
        "GuestCame",
        &topic,
        r#"{"name": "order_id", "type": {"type": "string", "logicalType": "uuid"}},
           {"name": "email", "type": ["null", "string"], "sensitive": true}"#,
    );
    let json = json!({"order_id": order(1), "email": "ada@example.com"});
    cafe.run(&["publish", "GuestCame", &json.to_string()])
        .done();
    let value = encoded(&cafe, "GuestCame", &json);
    let headers = |event: &str| vec![("ce_type", event.to_owned())];
    let parked = json!({"event_type": "test.cafe.GuestCame", "value": "YWRh", "headers": [["kolo_rest", "YWRh"], ["ce_id", "1"]]});
    let open = json!({"event_type": "test.cafe.CupServed", "value": "YWRh"});
    let broken = |value: &[u8], event| Ink {
        value: value.to_vec(),
        headers: headers(event),
        ..Ink::default()
    };
    let inks = [
        broken(&value[..value.len() - 1], "test.cafe.GuestCame"),
        broken(&value[..9], "test.cafe.CupServed"),
        broken(parked.to_string().as_bytes(), "kolo.parked"),
        broken(open.to_string().as_bytes(), "kolo.parked"),
    ];
    Pen::new().write(&topic, &inks);
    let tail = |more: &[&str]| {
        let all = ["tail", &topic, "--no-follow"];
        cafe.run(&[&all, more].concat()).done()
    };
    let lines = tail(&["--json"]).lines();
    assert_eq!(
        lines[0]["value"],
        json!({"order_id": order(1), "email": "(hidden)"})
    );
    assert_eq!(lines[0]["key"], order(1).as_str());
    assert_eq!(lines[1]["undecodable"]["hex"], Value::Null);
    assert!(lines[2]["undecodable"]["hex"].is_string(), "{}", lines[2]);
    assert_eq!(lines[3]["value"]["value"], "(hidden)");
    let headers = json!([["kolo_rest", "(hidden)"], ["ce_id", "1"]]);
    assert_eq!(lines[3]["value"]["headers"], headers);
    assert_eq!(lines[4]["value"], open);
    let text = tail(&[]).out;
    assert!(
        text.contains("(hidden)") && !text.contains("ada@"),
        "{text}"
    );
    assert!(!text.contains("61646140"), "not in hex either: {text}");

    let lines = tail(&["--json", "--reveal"]).lines();
    assert_eq!(lines[0]["value"], json);
    assert!(lines[1]["undecodable"]["hex"].is_string(), "{}", lines[1]);
    assert_eq!(lines[3]["value"], parked);
}

#[test]
fn partitions_and_topics_are_merged_by_time_and_each_keeps_its_order() {
    let cafe = Cafe::new();
    create(&cafe.orders, 3);
    create(&cafe.served, 1);
    let at = |partition, number, millis| Ink {
        partition,
        ..ordered(&cafe, number, millis)
    };
    // Partition 1 has a clock that went back.
    let inks = [
        at(0, 1, 10),
        at(0, 4, 40),
        at(1, 3, 30),
        at(1, 5, 20),
        at(2, 6, 60),
    ];
    let pen = Pen::new();
    pen.write(&cafe.orders, &inks);
    pen.write(&cafe.served, &[at(0, 2, 15), at(0, 7, 70)]);
    let lines = cafe
        .run(&["tail", &cafe.orders, &cafe.served, "--no-follow", "--json"])
        .done()
        .lines();
    assert_eq!(
        ids(&lines),
        ["id-1", "id-2", "id-3", "id-5", "id-4", "id-6", "id-7"]
    );
}

#[test]
fn more_than_fits_in_memory_at_once_is_merged_all_the_same() {
    let cafe = Cafe::new();
    create(&cafe.orders, 2);
    let count = 44_000;
    let inks: Vec<Ink<'_>> = (0..count)
        .map(|number| {
            let partition = i32::from(number >= count / 2);
            Ink {
                partition,
                ..ordered(&cafe, number, 1_000_000 + i64::from(number))
            }
        })
        .collect();
    Pen::new().write(&cafe.orders, &inks);
    let lines = cafe
        .run(&["tail", &cafe.orders, "--no-follow", "--json"])
        .done()
        .lines();
    assert_eq!(lines.len(), count as usize);
    assert!(
        ids(&lines)
            .iter()
            .zip(0..)
            .all(|(id, number)| *id == format!("id-{number}"))
    );
}

#[test]
fn it_starts_where_it_is_told() {
    let cafe = Cafe::new();
    create(&cafe.orders, 2);
    let at = |partition, number, millis| Ink {
        partition,
        ..ordered(&cafe, number, millis)
    };
    let base = 1_700_000_000_000;
    let inks = [
        at(0, 0, base),
        at(0, 1, base + 1_000),
        at(0, 2, base + 2_000),
        at(1, 3, base + 1_500),
    ];
    Pen::new().write(&cafe.orders, &inks);
    let tail = |from: &str| {
        offsets(
            &cafe
                .run(&[
                    "tail",
                    &cafe.orders,
                    "--no-follow",
                    "--json",
                    "--from",
                    from,
                ])
                .done()
                .lines(),
        )
    };
    assert_eq!(tail("beginning"), [(0, 0), (0, 1), (1, 0), (0, 2)]);
    assert_eq!(tail("2023-11-14T22:13:21Z"), [(0, 1), (1, 0), (0, 2)]);
    assert_eq!(tail("2023-11-14T22:13:21.501Z"), [(0, 2)]);
    assert_eq!(tail("10m"), []);
    assert_eq!(tail("1"), [(0, 1), (0, 2)]);
    assert_eq!(tail("99"), []);
    assert_eq!(tail("-1"), [(1, 0), (0, 2)]);
    assert_eq!(tail("end"), []);
    let hours = jiff::Timestamp::now().as_second() / 3600 - base / 3_600_000 + 2;
    assert_eq!(tail(&format!("{hours}h")).len(), 4);
    let only = cafe
        .run(&[
            "tail",
            &cafe.orders,
            "--no-follow",
            "--json",
            "--partition",
            "1",
        ])
        .done();
    assert_eq!(offsets(&only.lines()), [(1, 0)]);
    cafe.run(&["tail", &cafe.orders, "--partition", "2"])
        .fails(2, &["no partition 2", "2 partitions are numbered from 0"]);
}

#[test]
fn filters_choose_records_and_the_limit_ends_it() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let mut inks: Vec<Ink<'_>> = (0..4).map(|number| ordered(&cafe, number, 0)).collect();
    inks[1].key = "mine";
    let json = json!({ "order_id": order(2) });
    inks.push(Ink {
        value: encoded(&cafe, "CupServed", &json),
        headers: vec![
            ("ce_id", "id-4".into()),
            ("ce_type", "test.cafe.CupServed".into()),
        ],
        ..Ink::default()
    });
    Pen::new().write(&cafe.orders, &inks);
    let tail = |args: &[&str]| -> Vec<String> {
        let all = [
            &["tail", cafe.orders.as_str(), "--no-follow", "--json"],
            args,
        ]
        .concat();
        ids(&cafe.run(&all).done().lines())
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(tail(&["--type", "CupServed"]), ["id-4"]);
    assert_eq!(
        tail(&["--type", "test.cafe.CupServed", "--type", "CupOrdered"]).len(),
        5
    );
    assert_eq!(tail(&["--key", "mine"]), ["id-1"]);
    assert_eq!(
        tail(&["--correlation", &order(2)]),
        ["id-2", "id-4"],
        "by the saga's value"
    );
    let saga = CorrelationId::of_saga(&order(3)).to_string();
    assert_eq!(
        tail(&["--correlation", &saga]),
        ["id-3"],
        "by the correlation id"
    );
    assert_eq!(tail(&["--limit", "2"]), ["id-0", "id-1"]);
    assert_eq!(tail(&["--limit", "0"]), [""; 0]);
}

#[test]
fn what_cannot_be_decoded_is_shown_with_the_reason_and_its_bytes() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let good = ordered(&cafe, 1, 0);
    let with = |value: &[u8]| Ink {
        value: value.to_vec(),
        ..good.clone()
    };
    let mut unknown = good.value.clone();
    unknown[2] ^= 0xff;
    let mut cut = good.value.clone();
    cut.truncate(20);
    let other = encoded(&cafe, "CupServed", &json!({ "order_id": order(1) }));
    Pen::new().write(
        &cafe.orders,
        &[
            with(b"{}"),
            with(&unknown),
            with(&cut),
            with(&other),
            with(b""),
            good.clone(),
        ],
    );
    let lines = cafe
        .run(&["tail", &cafe.orders, "--no-follow", "--json"])
        .done()
        .lines();
    assert_eq!(lines.len(), 6);
    let reason = |at: usize| {
        lines[at]["undecodable"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(reason(0).contains("framed neither"), "{}", reason(0));
    assert_eq!(lines[0]["undecodable"]["hex"], "7b7d");
    assert!(
        reason(1).contains("unknown schema version"),
        "{}",
        reason(1)
    );
    assert!(
        reason(2).contains("malformed") && reason(2).contains("order_id"),
        "{}",
        reason(2)
    );
    assert!(reason(3).contains("test.cafe.CupServed"), "{}", reason(3));
    assert!(reason(4).contains("empty"), "{}", reason(4));
    assert_eq!(lines[5]["value"]["drink"], "tea");

    let ran = cafe.run(&["tail", &cafe.orders, "--no-follow"]).done();
    assert!(
        ran.out
            .lines()
            .next()
            .unwrap()
            .ends_with("; the bytes: 7b7d"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.matches("undecodable:").count(), 5, "{}", ran.out);
}

#[test]
fn without_schemas_values_are_shown_as_bytes_and_a_note_says_why() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    Pen::new().write(&cafe.orders, &[ordered(&cafe, 1, 0)]);
    let mut command = cafe.command(&["tail", &cafe.orders, "--no-follow", "--json"]);
    let ran = super::common::Ran::from(
        command
            .env_remove("KOLO_SCHEMAS")
            .current_dir("/")
            .output()
            .unwrap(),
    )
    .done();
    assert!(ran.err.contains("--schemas DIR"), "{}", ran.err);
    let hex = ran.lines()[0]["undecodable"]["hex"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(hex.starts_with("c301"), "{hex}");
}

#[test]
fn a_record_of_another_tool_is_shown_as_well() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let bare = Ink {
        headers: Vec::new(),
        ..ordered(&cafe, 1, 0)
    };
    Pen::new().write(&cafe.orders, &[bare]);
    let lines = cafe
        .run(&["tail", &cafe.orders, "--no-follow", "--json"])
        .done()
        .lines();
    assert_eq!(
        lines[0]["type"], "test.cafe.CupOrdered",
        "the fingerprint tells"
    );
    let topic = cafe
        .run(&["topics", "describe", &cafe.orders, "--json"])
        .done()
        .json();
    let topic = topic["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        lines[0]["id"],
        EventId::of_place(topic, 0, 0).to_string(),
        "the id that a service gives it"
    );
}

#[test]
fn a_copy_in_an_inbox_names_its_origin() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let inbox = format!("{}.inbox", cafe.orders);
    create(&inbox, 1);
    let topic = cafe
        .run(&["topics", "describe", &cafe.orders, "--json"])
        .done()
        .json();
    let copy = |topic| Stamp {
        correlation: Some(CorrelationId::of_saga(&order(1))),
        causation: None,
        writer: None,
        source: Source::Copy {
            path: Path::Route(2),
            topic,
            partition: 4,
            position: Position {
                offset: 17,
                copy: 1,
            },
            after: None,
        },
        index: 1,
        count: 1,
    };
    let known = copy(topic["id"].as_str().unwrap().parse().unwrap());
    let unknown_id = kolo_core::TopicId(uuid::Uuid::from_u128(5));
    let inks = [known, copy(unknown_id)].map(|stamp| {
        let mut ink = ordered(&cafe, 1, 0);
        ink.headers.push(("kolo", stamp.to_string()));
        ink
    });
    Pen::new().write(&inbox, &inks);
    let lines = cafe
        .run(&["tail", &inbox, "--no-follow", "--json"])
        .done()
        .lines();
    assert_eq!(
        lines[0]["source"],
        format!("copy 1 of {}[4]@17 by route 2", cafe.orders)
    );
    assert_eq!(
        lines[1]["source"],
        format!("copy 1 of topic {unknown_id}[4]@17 by route 2")
    );
    assert_eq!(lines[0]["standing"], "unfenced");
    let ran = cafe.run(&["tail", &inbox, "--no-follow"]).done();
    assert!(
        ran.out
            .lines()
            .next()
            .unwrap()
            .ends_with(&format!("(copy 1 of {}[4]@17 by route 2)", cafe.orders)),
        "{}",
        ran.out
    );
}

#[test]
fn a_missing_topic_is_named_with_those_it_may_have_been() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let typed = cafe.orders.replace("orders", "ordres");
    cafe.run(&["tail", &typed]).fails(
        1,
        &[
            &format!("no topic `{typed}`"),
            &cafe.orders,
            "kolo topics list",
        ],
    );
}
