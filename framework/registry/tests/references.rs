//! Schemas that refer to other subjects: put together by the client, and read as if they stood in one text.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod fake;

use std::sync::atomic::Ordering;

use fake::{Fake, await_that, flag, open, serve};
use kolo_avro::codec::frame::{self, Closed};
use kolo_avro::codec::{Meaning, ids};
use kolo_avro::schema::{Document, canonical};
use serde_json::{Value, json};

/// What a text that says all by itself would be.
fn fingerprint(text: &str) -> u64 {
    let document = Document::parse(text).unwrap();
    canonical::fingerprint(&document.root, &document.types)
}

fn reference(name: &str, subject: &str, version: u32) -> Value {
    json!({"name": name, "subject": subject, "version": version})
}

/// A record with fields of these types.
fn record(name: &str, types: &[&str]) -> Value {
    let fields = types.iter().enumerate();
    let fields: Vec<Value> = fields
        .map(|(at, of)| json!({"name": format!("f{at}"), "type": of}))
        .collect();
    json!({"type": "record", "name": name, "fields": fields})
}

fn version(fake: &Fake, subject: &str, number: u32, id: u32, schema: &Value, refers: &[Value]) {
    let body = json!({
        "subject": subject, "version": number, "id": id,
        "schema": schema.to_string(), "references": refers,
    });
    let path = format!("GET /subjects/{subject}/versions/{number}");
    fake.put(&path, 200, body.to_string());
    fake.put(
        &format!("GET /schemas/ids/{id}?deleted=true"),
        200,
        body.to_string(),
    );
}

/// Has an id asked for, and waits for the answer.
fn ask(registry: &kolo_registry::Registry, id: u32) {
    let (told, wake) = flag();
    registry.ask(id, wake);
    await_that("there is an answer", || told.load(Ordering::Relaxed));
}

fn refused(id: u32) -> String {
    match frame::open(&frame::registry_frame(id)) {
        Err(Closed::NoSchema(_, problem)) => problem,
        other => panic!("{id}: {other:?}"),
    }
}

#[test]
fn a_schema_is_put_together_and_each_version_asked_for_once() {
    let (fake, url) = serve();
    let registry = open(&url);
    // `Money` is named by both others, and by the event itself.
    let money = record("shop.Money", &["long", "string"]);
    version(&fake, "money", 1, 50_001, &money, &[]);
    let to_money = reference("shop.Money", "money", 1);
    let line = record("shop.Line", &["string", "shop.Money"]);
    version(
        &fake,
        "line",
        2,
        50_002,
        &line,
        std::slice::from_ref(&to_money),
    );
    let fee = record("shop.Fee", &["shop.Money"]);
    version(
        &fake,
        "fee",
        1,
        50_003,
        &fee,
        std::slice::from_ref(&to_money),
    );
    let order = record("shop.Ordered", &["shop.Line", "shop.Fee", "shop.Money"]);
    let all = [
        reference("shop.Line", "line", 2),
        reference("shop.Fee", "fee", 1),
        to_money,
    ];
    version(&fake, "shop.Ordered", 1, 50_004, &order, &all);
    ask(&registry, 50_004);
    assert_eq!(fake.asked(), 4);
    let whole = r#"{"type": "record", "name": "shop.Ordered", "fields": [
        {"name": "f0", "type": {"type": "record", "name": "shop.Line", "fields": [
            {"name": "f0", "type": "string"},
            {"name": "f1", "type": {"type": "record", "name": "shop.Money", "fields": [
                {"name": "f0", "type": "long"}, {"name": "f1", "type": "string"}]}}]}},
        {"name": "f1", "type": {"type": "record", "name": "shop.Fee", "fields": [{"name": "f0", "type": "shop.Money"}]}},
        {"name": "f2", "type": "shop.Money"}]}"#;
    let Some(Meaning::Schema {
        fingerprint: print,
        name,
        text,
    }) = ids::meaning(50_004)
    else {
        panic!("{:?}", ids::meaning(50_004));
    };
    assert_eq!((print, &*name), (fingerprint(whole), "shop.Ordered"));
    assert_eq!(fingerprint(&text), print, "the text says all by itself");
}

#[test]
fn a_version_that_is_missing_is_told_and_an_outage_is_waited_for() {
    let (fake, url) = serve();
    let registry = open(&url);
    let order = record("shop.Broken", &["shop.Gone"]);
    let to = [reference("shop.Gone", "gone", 3)];
    version(&fake, "shop.Broken", 1, 50_011, &order, &to);
    ask(&registry, 50_011);
    let problem = refused(50_011);
    let words = "knows nothing of version 3 of the subject `gone`, to which the schema with the id 50011 refers for `shop.Gone`";
    assert!(problem.contains(words), "{problem}");
    // The same in an outage of that one version is no answer.
    let late = record("shop.Late", &["shop.Slow"]);
    let to = [reference("shop.Slow", "slow", 1)];
    version(&fake, "shop.Late", 1, 50_012, &late, &to);
    let path = "GET /subjects/slow/versions/1";
    fake.put(
        path,
        503,
        r#"{"error_code": 50003, "message": "no leader"}"#,
    );
    let (told, wake) = flag();
    registry.ask(50_012, wake);
    let before = fake.asked();
    await_that("it is asked again", || fake.asked() > before + 3);
    assert!(!told.load(Ordering::Relaxed));
    assert_eq!(ids::meaning(50_012), None);
    version(&fake, "slow", 1, 50_013, &record("shop.Slow", &[]), &[]);
    await_that("it is known", || told.load(Ordering::Relaxed));
    assert!(frame::open(&frame::registry_frame(50_012)).is_ok());
}

#[test]
fn what_cannot_be_put_together_is_told() {
    let (fake, url) = serve();
    let registry = open(&url);
    // Two that refer to each other: each is asked for once, and Avro allows it; events do not nest without end.
    let (a, b) = (
        record("n.A", &["n.B"]),
        json!({"type": "record", "name": "n.B", "fields": [
            {"name": "f0", "type": ["null", "n.A"]}]}),
    );
    version(&fake, "a", 1, 50_021, &a, &[reference("n.B", "b", 1)]);
    version(&fake, "b", 1, 50_022, &b, &[reference("n.A", "a", 1)]);
    ask(&registry, 50_021);
    assert!(fake.asked() <= 3, "{}", fake.asked());
    assert!(frame::open(&frame::registry_frame(50_021)).is_ok());
    // A name that none of the texts defines, and one that two define.
    let c = record("n.C", &["n.Nowhere"]);
    version(&fake, "c", 1, 50_023, &c, &[reference("n.B", "b", 1)]);
    ask(&registry, 50_023);
    let problem = refused(50_023);
    assert!(problem.contains("n.Nowhere"), "{problem}");
    version(&fake, "b2", 1, 50_024, &record("n.B", &["int"]), &[]);
    let d = record("n.D", &["n.B"]);
    let both = [reference("n.A", "a", 1), reference("n.B", "b2", 1)];
    version(&fake, "d", 1, 50_025, &d, &both);
    ask(&registry, 50_025);
    let problem = refused(50_025);
    assert!(problem.contains("two texts define `n.B`"), "{problem}");
    // Without end, or nearly so.
    for number in 1..=300 {
        let next = [reference("n.Deep", "deep", number + 1)];
        let id = 51_000 + number;
        version(&fake, "deep", number, id, &record("n.Deep", &[]), &next);
    }
    ask(&registry, 51_001);
    let problem = refused(51_001);
    assert!(problem.contains("more than 200 versions"), "{problem}");
    // What is referred to is no Avro.
    fake.put(
        "GET /subjects/proto/versions/1",
        200,
        r#"{"subject": "proto", "version": 1, "id": 9, "schema": "syntax", "schemaType": "PROTOBUF"}"#,
    );
    let e = record("n.E", &["n.P"]);
    version(&fake, "e", 1, 50_026, &e, &[reference("n.P", "proto", 1)]);
    ask(&registry, 50_026);
    assert!(refused(50_026).contains("Protobuf"));
}

/// On the registry that `KOLO_REGISTRY_URL` names, or on the embedded one.
#[test]
fn a_registry_in_earnest_gives_all_that_is_needed() {
    let url = kolo_registry_server::testing::url();
    let registry = open(url);
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let space = format!("kolo.refer{unique}");
    let post = |subject: &str, body: Value| -> u64 {
        let path = format!("{url}/subjects/{subject}/versions");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::new();
            let sent = client.post(path).json(&body).send().await.unwrap();
            let answer: Value = sent.json().await.unwrap();
            answer["id"].as_u64().unwrap_or_else(|| panic!("{answer}"))
        })
    };
    let (line_subject, subject) = (format!("{space}.Line"), format!("{space}.Ordered"));
    let line = record(&line_subject, &["string", "long"]);
    post(&line_subject, json!({"schema": line.to_string()}));
    let order = record(&subject, &["string", &line_subject]);
    let refers = [reference(&line_subject, &line_subject, 1)];
    let id = post(
        &subject,
        json!({"schema": order.to_string(), "references": refers}),
    );
    let id = u32::try_from(id).unwrap();
    let whole = order.to_string().replace(
        &format!(r#""type":"{line_subject}""#),
        &format!(r#""type":{line}"#),
    );
    let found = registry.versions("orders", &subject).unwrap();
    let [only] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!((only.number, only.id), (1, id));
    assert_eq!(
        fingerprint(only.text.as_deref().unwrap()),
        fingerprint(&whole)
    );
    registry.learn_versions([("orders", subject.as_str())]);
    assert_eq!(ids::fingerprint(id), Some(fingerprint(&whole)));
    assert_eq!(registry.versions("orders", "kolo.nobody"), Ok(Vec::new()));
}
