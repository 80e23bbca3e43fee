//! The client against servers that answer as registries do, and as they should not.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod fake;

use std::sync::atomic::{AtomicUsize, Ordering};

use fake::{await_that, flag, open, patient, serve, text};
use kolo_avro::codec::frame::{self, Closed};
use kolo_avro::codec::{Meaning, ids};
use kolo_registry::{Registry, RegistryError, Schema, Subjects};

#[test]
fn an_id_is_asked_for_once_and_an_outage_is_not_noticed_then() {
    let (fake, url) = serve();
    let registry = open(&url);
    fake.schema(101, &text("shop.Once"));
    let value = frame::registry_frame(101);
    assert_eq!(registry.must_ask(&value), Some(101));
    let (woken, wake) = flag();
    registry.ask(101, wake);
    await_that("it is known", || woken.load(Ordering::Relaxed));
    assert_eq!(registry.must_ask(&value), None);
    let asked = fake.asked();
    fake.is_down.store(true, Ordering::Relaxed);
    assert!(frame::open(&value).is_ok());
    assert_eq!(registry.must_ask(&value), None);
    assert_eq!(fake.asked(), asked);
    let Some(Meaning::Schema { name, .. }) = ids::meaning(101) else {
        panic!("{:?}", ids::meaning(101));
    };
    assert_eq!(&*name, "shop.Once");
}

#[test]
fn whoever_asks_in_an_outage_is_woken_when_it_is_over() {
    let (fake, url) = serve();
    fake.is_down.store(true, Ordering::Relaxed);
    let registry = open(&url);
    fake.schema(102, &text("shop.Late"));
    let (one, wake_one) = flag();
    let (two, wake_two) = flag();
    registry.ask(102, wake_one);
    registry.ask(102, wake_two);
    await_that("it is asked again", || fake.asked() > 2);
    assert!(!one.load(Ordering::Relaxed));
    assert_eq!(registry.must_ask(&frame::registry_frame(102)), Some(102));
    fake.is_down.store(false, Ordering::Relaxed);
    await_that("both are woken", || {
        one.load(Ordering::Relaxed) && two.load(Ordering::Relaxed)
    });
    assert_eq!(registry.must_ask(&frame::registry_frame(102)), None);
}

#[test]
fn an_id_of_nothing_is_an_answer_that_is_not_believed_for_ever() {
    let (fake, url) = serve();
    let registry = open(&url);
    let value = frame::registry_frame(103);
    let (told, wake) = flag();
    registry.ask(103, wake);
    await_that("there is an answer", || told.load(Ordering::Relaxed));
    assert_eq!(registry.must_ask(&value), None);
    let Err(Closed::NoSchema(103, problem)) = frame::open(&value) else {
        panic!("{:?}", frame::open(&value));
    };
    assert!(
        problem.contains("knows nothing of the schema with the id 103"),
        "{problem}"
    );
    assert!(
        problem.contains("40403") && problem.contains(&url),
        "{problem}"
    );
    // It is registered now.
    fake.schema(103, &text("shop.Now"));
    await_that("it is asked for again", || {
        registry.must_ask(&value).is_some()
    });
    let (told, wake) = flag();
    registry.ask(103, wake);
    await_that("there is another answer", || told.load(Ordering::Relaxed));
    assert!(frame::open(&value).is_ok());
}

#[test]
fn what_is_no_schema_of_an_event_is_told() {
    let (fake, url) = serve();
    let registry = open(&url);
    let strange = [
        (
            104,
            r#"{"schema": "\"string\""}"#.to_owned(),
            "it is no record",
        ),
        (
            105,
            r#"{"schema": "{}", "schemaType": "JSON"}"#.to_owned(),
            "Json",
        ),
        (
            106,
            r#"{"schema": "{\"type\": \"recor"}"#.to_owned(),
            "cannot be used",
        ),
        (
            107,
            serde_json::json!({
                "schema": text("shop.Referring"),
                "references": [{"name": "shop.Line", "subject": "line", "version": 1}],
            })
            .to_string(),
            "`shop.Line`",
        ),
    ];
    for (id, body, expected) in strange {
        fake.put(&format!("GET /schemas/ids/{id}?deleted=true"), 200, body);
        let (told, wake) = flag();
        registry.ask(id, wake);
        await_that("there is an answer", || told.load(Ordering::Relaxed));
        let Err(Closed::NoSchema(_, problem)) = frame::open(&frame::registry_frame(id)) else {
            panic!("{id}: {:?}", ids::meaning(id));
        };
        assert!(problem.contains(expected), "{id}: {problem}");
    }
}

#[test]
fn subjects_are_escaped_and_whoever_asks_says_who() {
    let (fake, url) = serve();
    let schema = text("shop.Made");
    let made = Schema {
        event: "shop.Made",
        topic: "a%b/c",
        text: &schema,
    };
    fake.put(
        "POST /subjects/a%25b%2Fc-value/versions",
        200,
        r#"{"id": 7}"#,
    );
    fake.put(
        "POST /subjects/a%25b%2Fc-value?deleted=false",
        200,
        r#"{"id": 7, "version": 1}"#,
    );
    let mut settings = patient(&url);
    settings.subjects = Subjects::Topic;
    settings.user = "me".into();
    settings.password = "s3cret".into();
    let registry = Registry::open(&settings).unwrap();
    assert_eq!(registry.register(made), Ok(7));
    assert_eq!(registry.look_up(made), Ok(7));
    let (path, auth) = fake.last.lock().unwrap().clone();
    assert_eq!(path, "/subjects/a%25b%2Fc-value");
    assert_eq!(auth, "Basic bWU6czNjcmV0");
    settings.user.clear();
    settings.token = "t0ken".into();
    let registry = Registry::open(&settings).unwrap();
    assert_eq!(registry.look_up(made), Ok(7));
    assert_eq!(fake.last.lock().unwrap().1, "Bearer t0ken");
}

#[test]
fn all_versions_of_a_subject_are_learnt_at_once() {
    let (fake, url) = serve();
    let registry = open(&url);
    let version = |id: u32, number: u32, text: &str| {
        serde_json::json!({ "id": id, "version": number, "schema": text }).to_string()
    };
    let wider = text("shop.Grown").replace(r#""string""#, r#"["null", "string"]"#);
    let path = "GET /subjects/shop.Grown/versions";
    fake.put(&format!("{path}/latest"), 200, version(113, 3, &wider));
    // The second was deleted.
    fake.put(
        &format!("{path}/1"),
        200,
        version(111, 1, &text("shop.Grown")),
    );
    registry.learn_versions([("t", "shop.Grown"), ("t", "shop.NobodyRegistered")]);
    let print = |id| ids::fingerprint(id).unwrap();
    assert_ne!(print(111), print(113));
    assert_eq!(registry.must_ask(&frame::registry_frame(113)), None);
    assert_eq!(ids::meaning(112), None);
    // It is no reason to wait, or to fail.
    fake.is_down.store(true, Ordering::Relaxed);
    registry.learn_versions([("t", "shop.Grown")]);
}

#[test]
fn errors_are_told_apart() {
    let (fake, url) = serve();
    let schema = text("shop.Wrong");
    let wrong = Schema {
        event: "shop.Wrong",
        topic: "t",
        text: &schema,
    };
    let path = "POST /subjects/shop.Wrong/versions";
    let registry = open(&url);
    let answers = |status: u16, body: &str| {
        fake.put(path, status, body);
        registry.register(wrong).unwrap_err()
    };
    let error = answers(409, r#"{"error_code": 409, "message": "reader lacks `b`"}"#);
    assert!(
        matches!(error, RegistryError::Incompatible { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("reader lacks `b`"), "{error}");
    let error = answers(401, r#"{"error_code": 401, "message": "Unauthorized"}"#);
    assert!(
        error.is_a_matter_of_time(),
        "an operator mends it: {error:?}"
    );
    assert!(error.to_string().contains("KOLO_REGISTRY_USER"), "{error}");
    let error = answers(422, r#"{"error_code": 42201, "message": "Invalid schema"}"#);
    assert!(
        matches!(error, RegistryError::Refused { status: 422, .. }),
        "{error:?}"
    );
    let error = answers(500, "no JSON at all");
    assert!(
        matches!(error, RegistryError::Trouble { status: 500, .. }),
        "{error:?}"
    );
    // Another server stands there.
    let error = answers(404, "<html>not found</html>");
    assert!(
        matches!(error, RegistryError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("path"), "{error}");
    let error = answers(200, r#"{"version": 1}"#);
    assert!(matches!(error, RegistryError::Unusable { .. }), "{error:?}");
    let nobody = open("http://127.0.0.1:1").look_up(wrong).unwrap_err();
    assert!(nobody.is_a_matter_of_time(), "{nobody:?}");
    assert!(nobody.to_string().contains("refused"), "{nobody}");
}

#[test]
fn a_writer_waits_for_the_registry_and_not_for_a_schema_that_nobody_registered() {
    let (fake, url) = serve();
    let schema = text("shop.Own");
    let own = [Schema {
        event: "shop.Own",
        topic: "t",
        text: &schema,
    }];
    fake.is_down.store(true, Ordering::Relaxed);
    let registry = open(&url);
    let looks = AtomicUsize::new(0);
    let stopped = registry.writer_in_the_end(&own, || looks.fetch_add(1, Ordering::Relaxed) > 3);
    assert!(matches!(stopped, Ok(None)));
    let waiting = {
        let registry = registry.clone();
        let schema = schema.clone();
        std::thread::spawn(move || {
            let own = [Schema {
                event: "shop.Own",
                topic: "t",
                text: &schema,
            }];
            registry.writer_in_the_end(&own, || false)
        })
    };
    let before = fake.asked();
    await_that("it asks again", || fake.asked() > before);
    fake.put(
        "POST /subjects/shop.Own?deleted=false",
        200,
        r#"{"id": 108, "version": 1}"#,
    );
    fake.is_down.store(false, Ordering::Relaxed);
    let writer = waiting.join().unwrap().unwrap().expect("nobody stops it");
    let Some(Meaning::Schema { fingerprint, .. }) = ids::meaning(108) else {
        panic!("its own schemas are known: {:?}", ids::meaning(108));
    };
    assert_eq!(writer.id(fingerprint), Some(108));

    let other = text("shop.Other");
    let other = [Schema {
        event: "shop.Other",
        topic: "t",
        text: &other,
    }];
    let error = registry.writer_in_the_end(&other, || false).unwrap_err();
    assert!(matches!(error, RegistryError::Absent { .. }), "{error:?}");
    assert!(error.to_string().contains("`shop.Other`"), "{error}");
    // Where it may, it registers.
    let mut settings = patient(&url);
    settings.register = true;
    fake.put("POST /subjects/shop.Other/versions", 200, r#"{"id": 109}"#);
    let registry = Registry::open(&settings).unwrap();
    let writer = registry.writer(&other).unwrap();
    assert!(ids::fingerprint(109).is_some_and(|print| writer.id(print) == Some(109)));
}
