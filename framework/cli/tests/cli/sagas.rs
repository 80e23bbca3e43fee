//! `sagas`: all of the sample's sagas in a list, which says of each what `explain` says. Each test has a broker and services of
//! its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kolo_core::partition_of;
use kolo_kafka::App;
use payment::{Charge, Refund};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};

use super::backup::{Raw, put_to};
use super::common::{LIMIT, order as order_id};
use super::explain::{Bank, PARTITIONS, Shop, has};

impl Shop {
    /// Lists until the answer is as it should be in the end, and holds it against `explain`.
    #[track_caller]
    fn list_until(&self, args: &[&str], is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let ran = self.run(&[&["sagas", "--json"], args].concat());
            if ran.code == 0 && is_so(&ran.json()) {
                self.lists_alike(args);
                return ran.json();
            }
            assert!(begun.elapsed() < LIMIT, "{}{}", ran.out, ran.err);
        }
    }

    /// An index, which is read on each time, lists the same once nothing moves.
    #[track_caller]
    fn lists_alike(&self, args: &[&str]) {
        let index = self.index.path().to_str().unwrap();
        let begun = Instant::now();
        loop {
            let scanned = self.run(&[&["sagas", "--json"], args].concat());
            let indexed = [&["sagas", "--json", "--index", index], args].concat();
            let [scanned, indexed] = [scanned, self.run(&indexed)].map(|ran| ran.done().json());
            if lasting(&scanned) == lasting(&indexed) {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{scanned}\n{indexed}");
        }
    }

    /// `explain` says the same of each saga in the list.
    #[track_caller]
    fn explains_alike(&self, list: &Value) {
        for row in sagas(list) {
            let name = row["name"].as_str().unwrap();
            let told = self.run(&["explain", name, "--json"]).done().json();
            let worst = &told["waits"][0];
            assert_eq!(
                [&row["saga"], &row["status"], &row["by"], &row["cause"]],
                [
                    &told["saga"],
                    &told["status"],
                    &worst["by"],
                    &worst["cause"]
                ],
                "{row} {told}"
            );
            if row["status"] == "stuck" {
                assert_eq!(row["next"], told["next"][0]);
            }
        }
    }
}

/// What of a list stays as long as nothing happens, and does not say what was over before.
pub(super) fn lasting(list: &Value) -> Vec<[Value; 7]> {
    let rows = sagas(list).iter().map(|row| {
        [
            "saga",
            "name",
            "status",
            "since",
            "cause",
            "waits_for",
            "next",
        ]
        .map(|field| row[field].clone())
    });
    rows.collect()
}

pub(super) fn sagas(list: &Value) -> &[Value] {
    list["sagas"].as_array().unwrap()
}

pub(super) fn names(list: &Value) -> BTreeSet<&str> {
    let names = sagas(list).iter().map(|row| row["name"].as_str().unwrap());
    names.collect()
}

/// Whether these sagas are listed, each for this cause.
fn are(list: &Value, ids: &[&String], cause: &str) -> bool {
    let wanted: BTreeSet<&str> = ids.iter().map(|id| id.as_str()).collect();
    names(list) == wanted && sagas(list).iter().all(|row| row["cause"] == cause)
}

/// A member of an aggregate's group that decides nothing.
pub(super) fn idle_member(shop: &Shop, group: &str, stream: &str) -> BaseConsumer {
    let member: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &shop.at)
        .set("group.id", group)
        .create()
        .unwrap();
    member.subscribe(&[stream]).unwrap();
    let begun = Instant::now();
    while member.assignment().unwrap().count() == 0 {
        let _ = member.poll(Duration::from_millis(50));
        assert!(begun.elapsed() < LIMIT, "no partition is assigned");
    }
    member
}

#[test]
fn orders_behind_a_service_that_does_not_run_are_one_cause_and_go_on_with_it() {
    let mut shop = Shop::open(Bank::Pays);
    let done = shop.order(1);
    shop.until(&done, |told| told["status"] == "completed");
    shop.stop("payment");
    let one = shop.order(2);
    shop.until(&one, |told| told["status"] == "stuck");
    let other = shop.order(3);
    let list = shop.list_until(&["--stuck"], |list| are(list, &[&one, &other], "down"));
    shop.explains_alike(&list);
    let cause = &list["causes"][0];
    assert_eq!(list["causes"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&cause["by"], &cause["sagas"], &cause["next"]),
        (&json!("payment.payment"), &json!(2), &json!("payment run"))
    );
    assert_eq!(
        cause["text"],
        "wait for payment.payment: nobody is in its group"
    );
    // The oldest is the example, and stands first.
    assert_eq!(
        (&cause["example"], &sagas(&list)[0]["name"]),
        (&json!(one), &json!(one))
    );
    // The receipt of the tea and the first order are over.
    assert_eq!(list["counts"], json!({"stuck": 2, "completed": 2}));

    let bound = |args: &[&str]| {
        shop.run(&[&["sagas", "--json"], args].concat())
            .done()
            .json()
    };
    assert_eq!(names(&bound(&["--waits-for", "payment"])).len(), 2);
    assert_eq!(names(&bound(&["--waits-for", "inventory.stock"])).len(), 0);
    assert_eq!(names(&bound(&["--older", "1h"])).len(), 0);
    assert_eq!(names(&bound(&["--since", "10m"])).len(), 2);
    let limited = bound(&["--limit", "1"]);
    assert_eq!(
        (sagas(&limited).len(), &limited["matching"]),
        (1, &json!(2))
    );
    let over = bound(&["--status", "completed,failed"]);
    assert!(names(&over).contains(&*done), "{over}");
    assert_eq!(names(&over).len(), 2);
    assert_eq!(names(&bound(&["--status", "all"])).len(), 4);
    has(
        &shop.run(&["sagas", "--limit", "1"]).done().out,
        &[
            &format!("{one}  stuck"),
            "payment.payment to decide InventoryReserved: ",
            "… and 1 more",
            "4 sagas: 2 stuck, 2 completed",
            "2 wait for payment.payment: nobody is in its group; the oldest since",
            "next: payment run",
            "read ",
        ],
    );
    shop.run(&["sagas", "--waits-for", "payments"])
        .fails(2, &["`payments` has published", "Did you mean payment"]);

    let paying = App::new(payment::service());
    shop.start(
        "payment",
        paying.bind::<Charge>(Bank::Pays).bind::<Refund>(Bank::Pays),
    );
    let list = shop.list_until(&[], |list| sagas(list).is_empty());
    assert_eq!(list["counts"], json!({"completed": 4}));
    assert_eq!(list["causes"], json!([]));
}

#[test]
fn an_order_behind_a_service_that_is_merely_slow_is_no_stuck_one_and_is_listed_once_it_is_old() {
    let mut shop = Shop::open(Bank::Pays);
    shop.stop("payment");
    let member = idle_member(&shop, "payment.payment", "payments");
    let id = shop.order(1);
    // Until it has got to payment, it is others who are behind.
    let list = shop.list_until(&[], |list| {
        are(list, &[&id], "behind") && sagas(list)[0]["by"] == "payment.payment"
    });
    shop.explains_alike(&list);
    assert_eq!(sagas(&list)[0]["status"], "running");
    assert_eq!(sagas(&list)[0]["next"], "kolo lag payment.payment");
    let text = list["causes"][0]["text"].as_str().unwrap().to_owned();
    has(&text, &["waits for payment.payment: "]);
    assert!(
        text.contains("is behind") || text.contains("not told"),
        "{text}"
    );
    // A minute has not passed, but some time has.
    assert!(sagas(&shop.run(&["sagas", "--stuck", "--json"]).done().json()).is_empty());
    shop.list_until(&["--stuck", "--older", "100ms"], |list| {
        are(list, &[&id], "behind")
    });
    has(&shop.text(&id), &["next: kolo lag payment.payment"]);
    drop(member);
}

#[test]
fn what_is_parked_is_listed_with_its_class_and_what_is_queued_behind_it() {
    let shop = Shop::open(Bank::Pays);
    let ids = [order_id(1), order_id(2)];
    let poison = ids.each_ref().map(|id| Raw {
        partition: partition_of(id.as_bytes(), PARTITIONS),
        millis: 0,
        key: Some(id.clone().into_bytes()),
        value: Some(b"not an order".to_vec()),
        headers: vec![("ce_type".into(), Some(b"shop.order.OrderCreated".to_vec()))],
    });
    put_to(&shop.at, "orders", &poison);
    let [one, other] = &ids;
    let in_two = |list: &Value| {
        let both =
            |row: &Value| row["waits_for"] == json!(["inventory.reservation", "order.lifecycle"]);
        are(list, &[one, other], "parked") && sagas(list).iter().all(both)
    };
    let list = shop.list_until(&["--stuck"], in_two);
    shop.explains_alike(&list);
    let cause = &list["causes"][0];
    assert_eq!(cause["sagas"], 2);
    assert_eq!(
        cause["next"],
        format!(
            "{} parked list --by fingerprint",
            cause["by"].as_str().unwrap().split('.').next().unwrap()
        )
    );
    has(
        cause["text"].as_str().unwrap(),
        &["it is parked (decode): ", "(for example)"],
    );
}

#[test]
fn calls_that_fail_are_a_cause_with_their_problem() {
    let shop = Shop::open(Bank::IsDown);
    let ids = [shop.order(1), shop.order(2)];
    let [one, other] = &ids;
    let fails =
        |list: &Value| are(list, &[one, other], "failing") || are(list, &[one, other], "breaker");
    let list = shop.list_until(&["--stuck"], fails);
    let cause = &list["causes"][0];
    assert_eq!(
        (&cause["by"], &cause["sagas"], &cause["next"]),
        (
            &json!("payment.payment"),
            &json!(2),
            &json!("kolo tail kolo.effects")
        )
    );
    has(
        cause["text"].as_str().unwrap(),
        &[
            "wait for payment.payment: PaymentRequested: ",
            "the bank answers with 503",
        ],
    );
}
