//! `kolo publish` against a broker.

use kolo_core::partition_of;
use rdkafka::message::Message;
use serde_json::json;

use super::common::{
    Cafe, Ink, Pen, count, create, cup, encoded, fence, headers_of, kolo, order, records, served,
};

#[test]
fn a_record_is_what_a_service_expects_from_outside() {
    let cafe = Cafe::new();
    create(&cafe.orders, 6);
    let json = json!({
        "order_id": order(1), "drink": "čaj", "cups": 2, "sugar": [{"grams": 5, "brown": true}],
        "price": "12.50", "wanted_at": "2026-11-23T08:00:00Z",
    });
    let ran = cafe
        .run(&[
            "publish",
            "CupOrdered",
            &json.to_string(),
            "--id",
            "order-1",
            "--json",
        ])
        .done();

    let found = records(&cafe.orders);
    assert_eq!(found.len(), 1);
    let partition = partition_of(order(1).as_bytes(), 6);
    assert_eq!(
        ran.lines(),
        [json!({
            "event": "test.cafe.CupOrdered", "topic": cafe.orders, "key": order(1), "id": "order-1", "line": null,
            "acknowledged": true, "partition": partition, "offset": 0,
        })]
    );
    assert_eq!(
        found[0].partition(),
        partition,
        "where every other producer puts the key"
    );
    assert_eq!(found[0].key(), Some(order(1).as_bytes()));
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", "order-1"),
        ("ce_source", "/kolo/publish"),
        ("ce_type", "test.cafe.CupOrdered"),
    ];
    assert_eq!(
        headers_of(&found[0]),
        headers.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(
        found[0].payload(),
        Some(encoded(&cafe, "CupOrdered", &json).as_slice())
    );
}

#[test]
fn published_again_under_its_id_an_event_is_the_same_to_every_reader() {
    let cafe = Cafe::new();
    create(&cafe.orders, 3);
    for _ in 0..2 {
        let ran = cafe
            .run(&["publish", "CupOrdered", &cup(1, 1), "--id", "order-1"])
            .done();
        assert!(ran.out.contains("id order-1"), "{}", ran.out);
    }
    let found = records(&cafe.orders);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].partition(), found[1].partition());
    assert_eq!(headers_of(&found[0]), headers_of(&found[1]));
    assert_eq!(found[0].payload(), found[1].payload());
}

#[test]
fn the_id_that_was_drawn_is_printed() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let ran = cafe.run(&["publish", "CupOrdered", &cup(1, 1)]).done();
    let (_, id) = headers_of(&records(&cafe.orders)[0])[1].clone();
    assert!(
        ran.out.trim_end().ends_with(&format!("id {id}")),
        "{} {id}",
        ran.out
    );
    assert!(
        ran.out.contains(&format!("{}[0]@0", cafe.orders)),
        "{}",
        ran.out
    );
    assert!(
        !ran.out.contains('\u{1b}'),
        "no colours where nobody sees them: {:?}",
        ran.out
    );
}

#[test]
fn a_file_keeps_the_order_of_its_lines_within_a_key_and_one_bad_line_publishes_nothing() {
    let cafe = Cafe::new();
    create(&cafe.orders, 3);
    let lines: Vec<String> = (0..200)
        .map(|number| cup(number % 7, i64::from(number)))
        .collect();
    let bad = cafe.file("bad.jsonl", &format!("{}\n{{}}\n", lines.join("\n")));
    cafe.run(&["publish", "CupOrdered", "--file", &bad])
        .fails(2, &["line 201", "nothing was published"]);
    assert_eq!(count(&cafe.orders), 0);

    let good = cafe.file("good.jsonl", &lines.join("\n"));
    let ran = cafe
        .run(&["publish", "CupOrdered", "--file", &good, "--id", "batch"])
        .done();
    assert!(
        ran.out.starts_with("200 of 200 events acknowledged"),
        "{}",
        ran.out
    );
    let found = records(&cafe.orders);
    assert_eq!(found.len(), 200);
    for key in 0..7 {
        let key = order(key);
        let of_key = found
            .iter()
            .filter(|message| message.key() == Some(key.as_bytes()));
        let ids: Vec<String> = of_key
            .map(|message| headers_of(message)[1].1.clone())
            .collect();
        let mut sorted = ids.clone();
        sorted.sort_by_key(|id| id.strip_prefix("batch#").unwrap().parse::<u32>().unwrap());
        assert_eq!(ids, sorted);
        assert!(ids.len() >= 28);
    }
}

#[test]
fn the_standard_input_is_a_file_too() {
    use std::io::Write;
    use std::process::Stdio;
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let mut child = cafe
        .command(&["publish", "CupOrdered", "--file", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    write!(
        child.stdin.take().unwrap(),
        "{}\n{}\n",
        cup(1, 1),
        cup(2, 1)
    )
    .unwrap();
    let ran = super::common::Ran::from(child.wait_with_output().unwrap()).done();
    let lines: Vec<_> = ran
        .lines()
        .iter()
        .map(|line| (line["line"].clone(), line["offset"].clone()))
        .collect();
    assert_eq!(lines, [(json!(1), json!(0)), (json!(2), json!(1))]);
}

#[test]
fn the_rate_is_kept() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let file = cafe.file(
        "cups.jsonl",
        &(0..6)
            .map(|number| cup(number, 1) + "\n")
            .collect::<String>(),
    );
    cafe.run(&["publish", "CupOrdered", "--file", &file, "--rate", "2"])
        .done();
    let times: Vec<i64> = records(&cafe.orders)
        .iter()
        .map(|record| record.timestamp().to_millis().unwrap())
        .collect();
    assert!(
        times[5] - times[0] >= 1_500,
        "six events at two a second take two and a half seconds: {times:?}"
    );
}

#[test]
fn a_stream_is_refused_with_its_owner_and_stays_as_it_is() {
    let cafe = Cafe::new();
    create(&cafe.served, 2);
    // Somebody wrote to one partition before the aggregate's first start; only the other one has a fence.
    let foreign = Ink {
        partition: 0,
        value: b"x".to_vec(),
        ..Ink::default()
    };
    Pen::new().write(
        &cafe.served,
        &[
            foreign,
            Ink {
                partition: 1,
                ..fence(7)
            },
        ],
    );
    let ran = cafe.run(&[
        "publish",
        "CupServed",
        &format!(r#"{{"order_id": "{}"}}"#, order(1)),
    ]);
    ran.fails(
        2,
        &[
            "CupServed cannot be published",
            &cafe.served,
            "the stream of cafe.counter",
            "partition 1",
            "kolo tail",
        ],
    );
    assert_eq!(count(&cafe.served), 2);
}

#[test]
fn a_stream_whose_fence_is_gone_is_known_by_its_records() {
    let cafe = Cafe::new();
    create(&cafe.served, 1);
    Pen::new().write(&cafe.served, &[served(&cafe, 5, 7, 9, 1)]);
    let ran = cafe.run(&[
        "publish",
        "CupServed",
        &format!(r#"{{"order_id": "{}"}}"#, order(1)),
    ]);
    ran.fails(2, &["nobody but its owner writes a stream"]);
}

#[test]
fn an_inbox_and_a_topic_of_kolos_own_are_refused() {
    let cafe = Cafe::new();
    for (event, topic, word) in [
        ("Copied", format!("{}.inbox", cafe.orders), "a router fills"),
        ("Declared", format!("kolo.{}", cafe.orders), "kolo's own"),
    ] {
        cafe.schema(
            "cafe",
            event,
            &topic,
            r#"{"name": "order_id", "type": "string"}"#,
        );
        create(&topic, 1);
        cafe.run(&["publish", event, r#"{"order_id": "1"}"#])
            .fails(2, &[word, &topic]);
        assert_eq!(count(&topic), 0);
    }
}

#[test]
fn a_missing_topic_is_named_with_what_to_do() {
    let cafe = Cafe::new();
    create(&format!("{}x", cafe.orders), 1);
    let ran = cafe.run(&["publish", "CupOrdered", &cup(1, 1)]);
    let near = format!("Did you mean {}x", cafe.orders);
    ran.fails(
        1,
        &[
            &format!("no topic `{}`", cafe.orders),
            &near,
            "A service creates its topics",
            "kolo topics list",
        ],
    );
}

#[test]
fn the_address_may_come_from_the_command_line() {
    let cafe = Cafe::new();
    create(&cafe.orders, 1);
    let bootstrap = super::common::bootstrap();
    let args = [
        "publish",
        "CupOrdered",
        &cup(1, 1),
        "--schemas",
        &cafe.schemas(),
        "--bootstrap",
        bootstrap,
    ];
    super::common::Ran::from(kolo(&args).output().unwrap()).done();
    assert_eq!(count(&cafe.orders), 1);
}
