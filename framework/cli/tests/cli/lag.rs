//! `lag`: how far the sample's aggregates are behind, from the ends of their streams. Each test has a broker and services of its
//! own.

use std::time::Instant;

use kolo_core::partition_of;
use serde_json::{Value, json};

use super::backup::{Raw, put_to};
use super::common::{LIMIT, order as order_id};
use super::explain::{Bank, PARTITIONS, Shop, has};

impl Shop {
    /// Asks until the answer is as it should be in the end.
    #[track_caller]
    fn lag_until(&self, args: &[&str], is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let ran = self.run(&[&["lag", "--json"], args].concat());
            if ran.code == 0 && is_so(&ran.json()) {
                return ran.json();
            }
            assert!(begun.elapsed() < LIMIT, "{}{}", ran.out, ran.err);
        }
    }
}

fn aggregates(lag: &Value) -> &[Value] {
    lag["aggregates"].as_array().unwrap()
}

fn inputs(aggregate: &Value) -> &Vec<Value> {
    aggregate["inputs"].as_array().unwrap()
}

fn is_idle(lag: &Value) -> bool {
    aggregates(lag).iter().all(|one| one["behind"] == 0)
}

#[test]
fn who_has_decided_everything_is_behind_of_nothing_though_markers_come_later() {
    let shop = Shop::open(Bank::Pays);
    let id = shop.order(1);
    shop.until(&id, |told| told["status"] == "completed");
    let lag = shop.lag_until(&[], is_idle);
    let names: Vec<&str> = aggregates(&lag)
        .iter()
        .map(|one| one["aggregate"].as_str().unwrap())
        .collect();
    let all = [
        "inventory.reservation",
        "inventory.stock",
        "order.lifecycle",
        "payment.payment",
    ];
    assert_eq!(names, all);
    for one in aggregates(&lag) {
        assert_eq!(
            (&one["members"], &one["oldest"], &one["parked_keys"]),
            (&json!(1), &Value::Null, &Value::Null),
            "{one}"
        );
    }
    // What an aggregate decides, its own stream tells, and of an inbox perhaps its group; what is routed, the router's group.
    for input in aggregates(&lag).iter().flat_map(inputs) {
        let is_inbox = input["topic"].as_str().unwrap().ends_with(".inbox");
        let told_by = match input["routed"] == true {
            true => "group",
            false => "stream",
        };
        assert!(is_inbox || input["told_by"] == told_by, "{input}");
        assert!(input["next"].as_i64() <= input["end"].as_i64(), "{input}");
    }
    let topics: Vec<(&str, bool)> = inputs(&aggregates(&lag)[1])
        .iter()
        .filter(|input| input["partition"] == 0)
        .map(|input| (input["topic"].as_str().unwrap(), input["routed"] == true))
        .collect();
    assert_eq!(
        topics,
        [
            ("inventory.stock.inbox", false),
            ("stock-receipts", false),
            ("inventory", true)
        ]
    );
    shop.run(&["lag", "--max-records", "0", "--max-age", "1s"])
        .done();
    has(
        &shop.run(&["lag", "payment"]).done().out,
        &["payment.payment    1 member  nothing to decide\n"],
    );
}

#[test]
fn records_before_a_service_that_does_not_run_are_counted_and_break_the_bounds() {
    let mut shop = Shop::open(Bank::Pays);
    let id = shop.order(1);
    shop.until(&id, |told| told["status"] == "completed");
    shop.lag_until(&[], is_idle);
    shop.stop("payment");
    let behind = |lag: &Value| aggregates(lag)[0]["behind"].as_i64().unwrap();
    let known = behind(&shop.lag_until(&["payment"], |_| true));
    let ids = [shop.order(2), shop.order(3)];
    let read = ids.iter().map(|id| {
        let told = shop.until(id, |told| {
            told["status"] == "stuck" && told["waits"].as_array().unwrap().len() == 1
        });
        let events = told["events"].as_array().unwrap().iter();
        let topics = events.map(|event| event["topic"].as_str().unwrap());
        topics
            .filter(|topic| ["inventory", "orders.outcome"].contains(topic))
            .count()
    });
    let new: i64 = read.map(|count| i64::try_from(count).unwrap()).sum();
    assert!(
        new >= 4,
        "an InventoryReserved and an OrderOpened of each order"
    );
    let lag = shop.lag_until(&["payment.payment"], |lag| behind(lag) == known + new);
    let [payment] = aggregates(&lag) else {
        panic!("{lag}")
    };
    assert_eq!(payment["members"], 0);
    assert!(payment["seconds"].as_f64().unwrap() > 0.0, "{payment}");
    let late = inputs(payment)
        .iter()
        .filter(|input| input["behind"].as_i64() > Some(0));
    for input in late {
        let (next, end) = (
            input["next"].as_i64().unwrap(),
            input["end"].as_i64().unwrap(),
        );
        assert!(input["behind"].as_i64().unwrap() <= end - next, "{input}");
        assert!(input["oldest"].is_string(), "{input}");
    }

    has(
        &shop.run(&["lag"]).done().out,
        &[
            "payment.payment         0 members  ",
            "records behind, the oldest since",
            "  inventory[",
        ],
    );
    let args = ["lag", "--max-records", "3", "--max-age", "1ms"];
    let words = [
        "payment.payment is ",
        "records behind, which is more than 3",
        "has not decided a record since",
        "`payment run`",
    ];
    shop.run(&args).fails(1, &words);
    shop.run(&["lag", "--max-age", "1h"]).done();
    shop.lag_until(&["order"], is_idle);
    shop.run(&["lag", "order", "--max-records", "0"]).done();
    shop.run(&["lag", "ordr"]).fails(
        2,
        &["`ordr` has published a manifest", "Did you mean order"],
    );
}

#[test]
fn parked_keys_are_counted_where_that_is_asked_for() {
    let shop = Shop::open(Bank::Pays);
    let id = order_id(1);
    let poison = Raw {
        partition: partition_of(id.as_bytes(), PARTITIONS),
        millis: 0,
        key: Some(id.into_bytes()),
        value: Some(b"not an order".to_vec()),
        headers: vec![("ce_type".into(), Some(b"shop.order.OrderCreated".to_vec()))],
    };
    put_to(&shop.at, "orders", &[poison]);
    let keys = |lag: &Value| {
        let keys = aggregates(lag)
            .iter()
            .map(|one| one["parked_keys"].as_i64());
        keys.collect::<Vec<_>>()
    };
    let parked = [Some(1), Some(0), Some(1), Some(0)];
    shop.lag_until(&["--parked"], |lag| keys(lag) == parked && is_idle(lag));
    has(
        &shop.run(&["lag", "order", "--parked"]).done().out,
        &["nothing to decide, 1 key parked"],
    );
}
