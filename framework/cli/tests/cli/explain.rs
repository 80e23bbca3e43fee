//! `explain`: what is told of the sample's sagas, from the topics alone. Each test has a broker and services of its own.

use std::time::Instant;

use kolo_broker::Broker;
use kolo_core::{Port, Service, partition_of};
use kolo_kafka::{Adapter, AdapterError, App, Call, Config, Running};
use payment::{Charge, Charged, Refund, Refunded};
use serde_json::{Value, json};

use super::backup::{Raw, put_to};
use super::common::{LIMIT, Ran, kolo, order as order_id};

pub(super) const PARTITIONS: i32 = 2;

/// What the payment service's bank says to whoever asks for money.
#[derive(Clone, Copy)]
pub(super) enum Bank {
    Pays,
    Declines,
    IsDown,
}

impl Adapter<Charge> for Bank {
    async fn call(&self, _: Call<'_, <Charge as Port>::Request>) -> Result<Charged, AdapterError> {
        match self {
            Bank::Pays => Ok(Charged::Authorized("a-1".to_owned().into())),
            Bank::Declines => Ok(Charged::Declined("too expensive".into())),
            Bank::IsDown => Err(AdapterError::new("the bank answers with 503")),
        }
    }
}

impl Adapter<Refund> for Bank {
    async fn call(&self, _: Call<'_, <Refund as Port>::Request>) -> Result<Refunded, AdapterError> {
        Ok(Refunded)
    }
}

/// The sample on a broker, with ten cups of tea in stock.
pub(super) struct Shop {
    pub(super) at: String,
    running: Vec<(&'static str, Running)>,
    pub(super) index: tempfile::TempDir,
    _broker: Broker,
}

impl Shop {
    pub(super) fn open(bank: Bank) -> Shop {
        let broker = Broker::builder().start_blocking().unwrap();
        let mut shop = Shop {
            at: broker.bootstrap(),
            running: Vec::new(),
            index: tempfile::tempdir().unwrap(),
            _broker: broker,
        };
        shop.start("inventory", App::new(inventory::service()));
        let paying = App::new(payment::service());
        shop.start("payment", paying.bind::<Charge>(bank).bind::<Refund>(bank));
        shop.start("order", App::new(order::service()));
        shop.publish("StockReceived", &json!({"sku": "tea", "quantity": 10}));
        // The key of the receipt leads to its saga, which is the receipt alone.
        let stocked = shop.until("tea", |told| {
            events(told).contains(&"StockAdded".to_owned())
        });
        assert_eq!(events(&stocked)[0], "StockReceived");
        // A manifest is published beside the start.
        let begun = Instant::now();
        let is_known = |ran: &Ran| {
            let services: [Service; 3] =
                [order::service(), inventory::service(), payment::service()];
            services
                .iter()
                .all(|service| ran.out.contains(service.name()))
        };
        while !is_known(&shop.run(&["graph", "--all"])) {
            assert!(begun.elapsed() < LIMIT, "a manifest is missing");
        }
        shop
    }

    pub(super) fn start(&mut self, name: &'static str, app: App) {
        let mut config = Config::default();
        config.bootstrap.clone_from(&self.at);
        config.partitions = PARTITIONS;
        config.marker_interval_ms = 200;
        config.state_dir = tempfile::tempdir().unwrap().keep();
        self.running.push((name, app.start(&config).unwrap()));
    }

    pub(super) fn stop(&mut self, name: &str) {
        let at = self.running.iter().position(|(known, _)| *known == name);
        self.running.remove(at.unwrap()).1.stop().unwrap();
    }

    pub(super) fn run(&self, args: &[&str]) -> Ran {
        let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/avro");
        let mut command = kolo(args);
        command
            .env("KOLO_BOOTSTRAP", &self.at)
            .env("KOLO_SCHEMAS", schemas);
        command.output().unwrap().into()
    }

    pub(super) fn publish(&self, event: &str, json: &Value) {
        self.run(&["publish", event, &json.to_string()]).done();
    }

    pub(super) fn order(&self, number: u32) -> String {
        let id = order_id(number);
        let lines = json!([{"sku": "tea", "quantity": 2, "unit_price_cents": 450}]);
        let order = json!({"order_id": id, "customer_id": "me", "currency": "EUR",
            "total_cents": 900, "lines": lines});
        self.publish("OrderCreated", &order);
        id
    }

    /// Asks until the answer is as it should be in the end.
    #[track_caller]
    pub(super) fn until(&self, asked: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let ran = self.run(&["explain", asked, "--json"]);
            if ran.code == 0 && is_so(&ran.json()) {
                self.agrees(asked);
                return ran.json();
            }
            assert!(begun.elapsed() < LIMIT, "{}{}", ran.out, ran.err);
        }
    }

    /// An index, which is read on each time, gives the same answer as a scan once nothing moves.
    #[track_caller]
    fn agrees(&self, asked: &str) {
        let begun = Instant::now();
        loop {
            let scanned = self.run(&["explain", asked, "--json"]).done().json();
            let indexed = self.indexed(asked).done().json();
            assert!(indexed["read"]["index"]["records"].as_u64() > Some(0));
            if lasting(&scanned) == lasting(&indexed) {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{scanned}\n{indexed}");
        }
    }

    fn indexed(&self, asked: &str) -> Ran {
        let index = self.index.path().to_str().unwrap();
        self.run(&["explain", asked, "--json", "--index", index])
    }

    pub(super) fn text(&self, asked: &str) -> String {
        self.run(&["explain", asked]).done().out
    }
}

/// An answer without what was read for it, and without what moves as long as anybody writes.
fn lasting(told: &Value) -> Value {
    let mut told = told.clone();
    told["read"] = Value::Null;
    told["verdict"] = Value::Null;
    for wait in told["waits"].as_array_mut().unwrap() {
        wait["text"] = Value::Null;
        if let Some(behind) = wait.pointer_mut("/unread/behind") {
            *behind = json!(behind.is_u64());
        }
    }
    told
}

/// The short names of a saga's events, in the order of the tree.
fn events(told: &Value) -> Vec<String> {
    let all = told["events"].as_array().unwrap().iter();
    let names = all.map(|event| event["event"].as_str().unwrap());
    names
        .map(|name| name.rsplit('.').next().unwrap().to_owned())
        .collect()
}

fn event<'a>(told: &'a Value, name: &str) -> &'a Value {
    let all = told["events"].as_array().unwrap();
    let is_it = |event: &&Value| event["event"].as_str().unwrap().ends_with(name);
    all.iter().find(is_it).unwrap()
}

#[track_caller]
pub(super) fn has(text: &str, all: &[&str]) {
    for words in all {
        assert!(text.contains(words), "{words:?} is missing in: {text}");
    }
}

#[test]
fn a_confirmed_order_is_told_by_any_of_its_names_and_an_unknown_one_is_not() {
    let shop = Shop::open(Bank::Pays);
    let id = shop.order(1);
    let told = shop.until(&id, |told| told["status"] == "completed");
    assert_eq!(told["waits"], json!([]));
    assert_eq!(told["next"], json!([]));
    let confirmed = event(&told, "OrderConfirmed");
    assert_eq!(confirmed["by"], "order.lifecycle");
    assert_eq!(
        confirmed["causation"],
        event(&told, "PaymentAuthorized")["id"]
    );
    assert!(confirmed["after_ms"].is_u64(), "{confirmed}");
    let created = event(&told, "OrderCreated");
    assert_eq!(
        (&created["by"], &created["depth"]),
        (&Value::Null, &json!(0))
    );
    has(
        &shop.text(&id),
        &[
            "completed: it ended with OrderConfirmed",
            "\n  OrderOpened",
            "order.lifecycle",
            "read ",
        ],
    );
    // The saga's own id, and that of one of its events.
    for name in [&told["saga"], &confirmed["id"]] {
        let name = name.as_str().unwrap();
        for same in [shop.run(&["explain", name, "--json"]), shop.indexed(name)] {
            assert_eq!(same.done().json()["events"], told["events"]);
        }
    }
    // Bound, everything is still there: the order is the latest thing that has happened.
    let bound = shop
        .run(&["explain", &id, "--since", "10m", "--json"])
        .done();
    assert_eq!(events(&bound.json()).len(), events(&told).len());

    let unknown = &["no saga, event or key", &order_id(2), "records of"];
    shop.run(&["explain", &order_id(2)]).fails(1, unknown);
    shop.indexed(&order_id(2)).fails(1, unknown);
    // Another receipt is a saga of its own, under the same key; so is the order at the stock of its article.
    shop.publish("StockReceived", &json!({"sku": "tea", "quantity": 1}));
    let several = &["`tea` is a key of 3 sagas", "explain one of them"];
    // It says when each has got to, and the receipt may still be on its way.
    let begun = Instant::now();
    loop {
        let scanned = shop.run(&["explain", "tea"]);
        scanned.fails(2, several);
        let indexed = shop.indexed("tea");
        if indexed.err == scanned.err {
            break;
        }
        assert!(begun.elapsed() < LIMIT, "{}{}", scanned.err, indexed.err);
    }
}

#[test]
fn an_order_waits_for_a_service_that_does_not_run() {
    let mut shop = Shop::open(Bank::Pays);
    shop.stop("payment");
    let id = shop.order(1);
    let told = shop.until(&id, |told| {
        told["status"] == "stuck" && told["deadlines"][0].is_object()
    });
    let wait = &told["waits"][0];
    assert_eq!(wait["by"], "payment.payment");
    assert_eq!(
        (&wait["members"], &wait["why"]),
        (&json!(0), &json!("unread"))
    );
    assert!(
        wait["unread"]["behind"]
            .as_i64()
            .is_none_or(|behind| behind > 0),
        "{wait}"
    );
    assert_eq!(told["next"], json!(["payment run"]));
    assert_eq!(told["deadlines"][0]["by"], "order.lifecycle");
    has(
        &shop.text(&id),
        &[
            "stuck: waits for payment.payment to decide InventoryReserved since",
            "nobody is in the group payment.payment",
            "next: payment run",
            "order.lifecycle has a deadline: `give_up` answers it with OrderCancelled",
            &format!("`order state show {id}`"),
        ],
    );
    // It goes on where it stopped.
    let paying = App::new(payment::service())
        .bind::<Charge>(Bank::Pays)
        .bind::<Refund>(Bank::Pays);
    shop.start("payment", paying);
    shop.until(&id, |told| told["status"] == "completed");
}

#[test]
fn what_parks_an_order_is_told_with_the_command_that_runs_it_again() {
    let shop = Shop::open(Bank::Pays);
    let id = order_id(1);
    let poison = Raw {
        partition: partition_of(id.as_bytes(), PARTITIONS),
        millis: 0,
        key: Some(id.clone().into_bytes()),
        value: Some(b"not an order".to_vec()),
        headers: vec![
            ("ce_id".into(), Some(b"web-4711".to_vec())),
            ("ce_type".into(), Some(b"shop.order.OrderCreated".to_vec())),
        ],
    };
    put_to(&shop.at, "orders", &[poison]);
    let are_parked = |told: &Value, count: usize| {
        let waits = told["waits"].as_array().unwrap();
        waits.len() == count && waits.iter().all(|wait| wait["why"] == "parked")
    };
    let told = shop.until(&id, |told| are_parked(told, 2));
    assert_eq!(told["status"], "stuck");
    let next: Vec<String> = ["inventory", "order"]
        .map(|service| format!("{service} parked redrive {id}"))
        .into();
    assert_eq!(told["next"], json!(next));
    assert_eq!(told["waits"][0]["parked"]["class"], "decode");
    has(
        &shop.text(&id),
        &[
            "to decide OrderCreated since",
            "it is parked (decode): shop.order.OrderCreated: the value is framed neither",
            &format!("next: order parked redrive {id}"),
        ],
    );
    // What comes later waits behind it.
    shop.publish("CancelRequested", &json!({"order_id": id}));
    shop.until(&id, |told| {
        let mut waits = told["waits"].as_array().unwrap().iter();
        waits.any(|wait| wait["cause"] == "queued")
    });
    has(
        &shop.text(&id),
        &["to decide CancelRequested since", "its key is parked since"],
    );
    // The foreign id of the event leads to the saga as well.
    assert_eq!(
        shop.run(&["explain", "web-4711", "--json"]).done().json()["saga"],
        told["saga"]
    );
}

#[test]
fn a_cancelled_order_tells_what_undid_what() {
    let shop = Shop::open(Bank::Declines);
    let id = shop.order(1);
    let told = shop.until(&id, |told| told["status"] == "compensated");
    let undoing = event(&told, "InventoryReleased");
    let undone = &undoing["undoes"];
    let by_id = |event: &&Value| event["id"] == *undone;
    let step = told["events"]
        .as_array()
        .unwrap()
        .iter()
        .find(by_id)
        .unwrap();
    assert_eq!(
        (&undoing["by"], &step["by"]),
        (
            &json!("inventory.reservation"),
            &json!("inventory.reservation")
        )
    );
    has(
        &shop.text(&id),
        &[
            "compensated: it ended with OrderCancelled",
            "and what was done before is undone",
            "  undoes ",
        ],
    );
}

#[test]
fn calls_that_fail_are_told_with_their_problem() {
    let shop = Shop::open(Bank::IsDown);
    let id = shop.order(1);
    let told = shop.until(&id, |told| {
        told["status"] == "stuck" && told["waits"][0]["called"]["attempts"].is_u64()
    });
    assert_eq!(told["waits"][0]["by"], "payment.payment");
    assert_eq!(
        told["waits"][0]["called"]["problem"],
        "the bank answers with 503"
    );
    has(
        &shop.text(&id),
        &[
            "stuck: waits for payment.payment to get an answer to PaymentRequested",
            "the bank answers with 503",
        ],
    );
}
