//! `kolo topics` against a broker.

use serde_json::{Value, json};

use super::common::{Cafe, Ink, Pen, create, fence};

#[test]
fn the_list_says_what_each_topic_is_and_whose() {
    let cafe = Cafe::new();
    let inbox = format!("{}.inbox", cafe.served);
    create(&cafe.orders, 3);
    create(&cafe.served, 2);
    create(&inbox, 1);
    Pen::new().write(
        &cafe.served,
        &[Ink {
            partition: 1,
            ..fence(7)
        }],
    );
    let all = cafe.run(&["topics", "list", "--json"]).done().json();
    let of = |name: &str| {
        all.as_array()
            .unwrap()
            .iter()
            .find(|topic| topic["topic"] == name)
            .cloned()
            .unwrap()
    };
    let expected = |name: &str, partitions: i32, kind: &str, owner: Value| json!({ "topic": name, "partitions": partitions, "replicas": 1, "kind": kind, "owner": owner });
    assert_eq!(
        of(&cafe.orders),
        expected(&cafe.orders, 3, "open", Value::Null)
    );
    assert_eq!(
        of(&cafe.served),
        expected(&cafe.served, 2, "stream", json!("cafe.counter"))
    );
    assert_eq!(of(&inbox), expected(&inbox, 1, "inbox", Value::Null));

    let ran = cafe.run(&["topics", "list"]).done();
    let line = ran
        .out
        .lines()
        .find(|line| line.starts_with(&format!("{} ", cafe.served)))
        .unwrap();
    assert!(
        line.ends_with("2 partitions  1 replicas  stream of cafe.counter"),
        "{line}"
    );
}

#[test]
fn a_description_has_the_id_the_settings_and_warnings() {
    let cafe = Cafe::new();
    create(&cafe.served, 2);
    Pen::new().write(&cafe.served, &[fence(7)]);
    let topic = cafe
        .run(&["topics", "describe", &cafe.served, "--json"])
        .done()
        .json();
    assert!(
        !topic["id"]
            .as_str()
            .unwrap()
            .parse::<uuid::Uuid>()
            .unwrap()
            .is_nil()
    );
    assert_eq!(topic["kind"], "stream");
    assert_eq!(topic["owner"], "cafe.counter");
    let partition =
        |number: i32| json!({ "partition": number, "leader": 1, "replicas": [1], "in_sync": [1] });
    assert_eq!(topic["partitions"], json!([partition(0), partition(1)]));
    assert_eq!(topic["settings"]["retention.ms"], "-1");
    assert_eq!(topic["settings"]["cleanup.policy"], "delete");
    assert_eq!(topic["settings"]["min.insync.replicas"], "1");
    assert_eq!(topic["warnings"], json!([]));

    let ran = cafe.run(&["topics", "describe", &cafe.served]).done();
    for words in [
        "stream of cafe.counter",
        "3 of the declaration",
        "reads       cafe-orders",
        "cleanup.policy",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn a_stream_that_would_lose_events_is_warned_of() {
    use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};
    let cafe = Cafe::new();
    create(&cafe.served, 1);
    Pen::new().write(&cafe.served, &[fence(7)]);
    for (setting, value, words) in [
        (
            "retention.ms",
            "60000",
            "retention deletes events of a stream",
        ),
        (
            "cleanup.policy",
            "compact",
            "cleanup.policy=compact deletes events of a stream",
        ),
    ] {
        let change = AlterConfig::new(ResourceSpecifier::Topic(&cafe.served)).set(setting, value);
        let options = AdminOptions::new();
        let changed =
            super::common::block(super::common::admin().alter_configs([&change], &options))
                .unwrap();
        changed.into_iter().for_each(|result| drop(result.unwrap()));
        let ran = cafe.run(&["topics", "describe", &cafe.served]).done();
        assert!(
            ran.out.contains(&format!("warning: {words}")),
            "{}",
            ran.out
        );
    }
}

#[test]
fn offsets_are_those_of_each_partition() {
    let cafe = Cafe::new();
    create(&cafe.orders, 2);
    let ink = |partition| Ink {
        partition,
        value: b"x".to_vec(),
        ..Ink::default()
    };
    Pen::new().write(&cafe.orders, &[ink(1), ink(1), ink(1)]);
    let offsets = cafe
        .run(&["topics", "offsets", &cafe.orders, "--json"])
        .done()
        .json();
    assert_eq!(
        offsets,
        json!([
            { "partition": 0, "first": 0, "next": 0, "records": 0 },
            { "partition": 1, "first": 0, "next": 3, "records": 3 },
        ])
    );
    let ran = cafe.run(&["topics", "offsets", &cafe.orders]).done();
    let last: Vec<&str> = ran.out.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(last, ["all", "3"]);
    cafe.run(&["topics", "offsets", "nope"])
        .fails(1, &["no topic `nope`"]);
}
