//! `kolo schema check` and `show` beside a schema registry, the embedded one.

use kolo_registry_server::Registry;
use serde_json::{Value, json};

use super::{Shop, has};

const FAILED: &str = "shop.payment.PaymentFailed";

/// A registry of a test's own, with what it is asked to keep.
struct Registered(Registry);

impl Registered {
    /// With the sample's schemas.
    fn of(shop: &Shop) -> Self {
        let registry = Registry::builder().start_blocking().unwrap();
        let registered = Registered(registry);
        shop.schema(&["register", "--registry", &registered.url()])
            .done();
        registered
    }

    fn url(&self) -> String {
        self.0.url()
    }

    /// Registers a version, whatever is before it.
    fn put(&self, subject: &str, body: &Value) {
        let level = json!({"compatibility": "NONE"});
        self.send(reqwest::Method::PUT, &format!("config/{subject}"), &level);
        let path = format!("subjects/{subject}/versions");
        self.send(reqwest::Method::POST, &path, body);
    }

    fn send(&self, method: reqwest::Method, path: &str, body: &Value) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let url = format!("{}/{path}", self.url());
        let sent = reqwest::Client::new()
            .request(method, url)
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = runtime.block_on(async { sent.send().await.unwrap().text().await.unwrap() });
        assert!(!answer.contains("error_code"), "{answer}");
    }
}

/// `PaymentFailed` with these fields behind its key.
fn failed(fields: &[Value]) -> Value {
    let key = json!({"name": "order_id", "type": {"type": "string", "logicalType": "uuid"}});
    let fields: Vec<&Value> = std::iter::once(&key).chain(fields).collect();
    json!({"type": "record", "name": FAILED, "fields": fields})
}

fn text(schema: &Value) -> Value {
    json!({"schema": schema.to_string()})
}

#[test]
fn what_is_registered_as_it_is_published_passes() {
    let shop = Shop::new();
    let registry = Registered::of(&shop);
    let ran = shop.with_services(&["check", "--registry", &registry.url()]);
    let expected = format!(
        "22 events and 3 builds, 22 versions registered at {}: 0 errors, 0 not published\n",
        registry.url()
    );
    assert_eq!(ran.done().out, expected);
}

#[test]
fn a_registered_version_that_no_build_can_know_is_found() {
    let shop = Shop::new();
    let registry = Registered::of(&shop);
    let reason = json!({"name": "reason", "type": "string"});
    let code = json!({"name": "code", "type": "int", "default": 0});
    registry.put(FAILED, &text(&failed(&[reason, code])));
    let ran = shop.with_services(&["check", "--registry", &registry.url()]);
    ran.fails(1, &["1 finding"]);
    has(
        &ran.out,
        &[
            "error[registered-not-published]: schemas/avro/payment/PaymentFailed.avsc: version 2 of the subject `shop.payment.PaymentFailed` (id ",
            "\n  read by order.lifecycle `decline` (services/order/src/lib.rs:",
            "next: `kolo schema show PaymentFailed --registered 2 --raw > schemas/avro/payment/PaymentFailed.avsc`, `kolo schema publish PaymentFailed`, and put the file back",
        ],
    );
    let json = shop
        .with_services(&["check", "--registry", &registry.url(), "--json"])
        .json();
    let rows = json["registered"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{json}");
    let expected = json!({"code": "registered-not-published", "event": FAILED, "subject": FAILED, "version": 2});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&rows[0][name], value, "{json}");
    }
    assert!(rows[0]["id"].as_u64() > Some(0));
    assert_eq!(rows[0]["readers"].as_array().unwrap().len(), 2);
    // The next step, as it is told: with topic and key, which the registry did not have.
    let raw = shop.schema(&[
        "show",
        "PaymentFailed",
        "--registered",
        "2",
        "--registry",
        &registry.url(),
        "--raw",
    ]);
    assert!(raw.done().out.contains(r#""name": "code""#));
    shop.add(
        "payment/PaymentFailed",
        "words.",
        r#"{"name": "code", "type": "int", "default": 0, "doc": "x"}"#,
    );
    shop.schema(&["publish", "PaymentFailed"]).done();
    shop.with_services(&["check", "--registry", &registry.url()])
        .done();
}

#[test]
fn a_working_schema_is_held_against_what_is_registered() {
    let shop = Shop::new();
    let registry = Registered::of(&shop);
    // Nobody has published it here, and a number is no text.
    let reason = json!({"name": "reason", "type": "long"});
    registry.put(FAILED, &text(&failed(&[reason])));
    let url = registry.url();
    let check = |more: &[&str]| {
        let args = [&["check", "--registry", &url], more].concat();
        shop.with_services(&args)
    };
    let codes = |more: &[&str]| -> Vec<String> {
        let json = check(&[&["--json"], more].concat()).json();
        let rows = json["registered"].as_array().unwrap().iter();
        rows.map(|row| row["code"].as_str().unwrap().to_owned())
            .collect()
    };
    let ran = check(&[]);
    ran.fails(1, &["3 findings"]);
    has(
        &ran.out,
        &[
            "error[unreadable-log]: schemas/avro/payment/PaymentFailed.avsc: PaymentFailed.reason: the writer's long cannot be read as string (TYPE_MISMATCH); records written with version 2 of the subject `shop.payment.PaymentFailed` (id ",
            "error[unreadable-by-older]: ",
            "next: keep the type",
        ],
    );
    let unpublished = "registered-not-published";
    assert_eq!(
        codes(&["--mode", "backward"]),
        [unpublished, "unreadable-log"]
    );
    assert_eq!(
        codes(&["--mode", "forward"]),
        [unpublished, "unreadable-by-older"]
    );
    assert_eq!(codes(&["--mode", "none"]), [unpublished]);
    // The newest alone is the first again.
    let reason = json!({"name": "reason", "type": "string"});
    registry.put(
        FAILED,
        &text(&failed(&[
            reason,
            json!({"name": "why", "type": ["null", "string"], "default": null}),
        ])),
    );
    assert_eq!(codes(&["--transitive=false"]), [unpublished]);
    assert_eq!(codes(&[]).len(), 4);
    // Who does not ask finds nothing.
    check(&["--offline"]).done();
    shop.with_services(&["check"]).done();
}

#[test]
fn a_schema_that_refers_to_other_subjects_is_compared_and_shown_whole() {
    let shop = Shop::new();
    let registry = Registered::of(&shop);
    let why = json!({"type": "record", "name": "shop.payment.Why", "fields": [{"name": "words", "type": "string"}]});
    registry.put("why", &text(&why));
    let mut body = text(&failed(&[
        json!({"name": "reason", "type": "shop.payment.Why"}),
    ]));
    body["references"] = json!([{"name": "shop.payment.Why", "subject": "why", "version": 1}]);
    registry.put(FAILED, &body);
    let url = registry.url();
    let ran = shop.schema(&["check", "--registry", &url]);
    ran.fails(1, &["3 findings"]);
    has(
        &ran.out,
        &["PaymentFailed.reason: the writer's shop.payment.Why cannot be read as string"],
    );
    let show = |more: &[&str]| {
        let args = [
            "show",
            "PaymentFailed",
            "--registered",
            "2",
            "--registry",
            &url,
        ];
        shop.schema(&[args.as_slice(), more].concat())
    };
    has(
        &show(&[]).done().out,
        &[
            "version 2 of the subject `shop.payment.PaymentFailed`, id ",
            "Why",
        ],
    );
    let json = show(&["--json"]).done().json();
    assert_eq!(json["registered"]["version"], 2, "{json}");
    assert_eq!(json["types"][0]["name"], "shop.payment.Why", "{json}");
    assert!(show(&["--raw"]).done().out.contains(r#""name": "words""#));
}

#[test]
fn a_registry_that_says_nothing_is_no_finding() {
    let shop = Shop::new();
    let nobody = "http://127.0.0.1:1";
    let ran = shop.schema(&["check", "--registry", nobody]);
    ran.fails(2, &["does not answer", nobody, "--offline"]);
    shop.schema(&["check", "--registry", nobody, "--offline"])
        .done();
    let show = ["show", "PaymentFailed", "--registered", "9"];
    shop.schema(&show).fails(2, &["KOLO_REGISTRY_URL"]);
    let registry = Registered::of(&shop);
    let url = registry.url();
    shop.schema(&[show.as_slice(), &["--registry", &url]].concat())
        .fails(2, &["is not registered at", "these are: 1"]);
}

#[test]
fn what_is_registered_and_cannot_be_used_is_told() {
    let shop = Shop::new();
    let registry = Registered::of(&shop);
    let other = json!({"type": "record", "name": "shop.Other", "fields": []});
    registry.put(FAILED, &text(&other));
    let ran = shop.schema(&["check", "--registry", &registry.url()]);
    ran.fails(1, &["1 finding"]);
    has(
        &ran.out,
        &[
            "error[registered-unusable]: schemas/avro/payment/PaymentFailed.avsc: version 2 of the subject `shop.payment.PaymentFailed` (id ",
            "is of `shop.Other`",
        ],
    );
}
