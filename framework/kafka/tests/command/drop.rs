//! `parked drop`.

use serde_json::{Value, json};

use crate::common::{self, Publisher};
use crate::letters::publish_to;
use crate::typed::{add, await_parked, of, parked, start};

common::counter_events!("drop.added", "drop.counted");
common::counter!("drop");

const INTAKE: &str = "drop.added";

fn drop(args: &[&str]) -> crate::typed::Typed {
    let all = ["drop", "--reason", "nobody can read it"].into_iter();
    let all: Vec<&str> = all.chain(args.iter().copied()).collect();
    parked("drop", &all)
}

fn ids(key: &str) -> Vec<String> {
    let whole = parked("drop", &["show", "--json", key]).ends(0).json();
    let records = whole[0]["records"].as_array().unwrap().iter();
    records
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn a_drop_needs_a_reason_and_frees_what_waited() {
    let publisher = Publisher::new();
    let running = start(service());
    add(&publisher, INTAKE, "p0", "key", "poison");
    add(&publisher, INTAKE, "p1", "key", "key 1");
    add(&publisher, INTAKE, "p2", "key", "poison");
    add(&publisher, INTAKE, "p3", "key", "key 1");
    publish_to(INTAKE, 0, None, "n0", "key 1");
    publish_to(INTAKE, 1, None, "n1", "key 1");
    publisher.flush();
    await_parked("drop.counted", 6);

    drop(&["key"]).fails(2, &["this is no terminal", "--yes", "Nothing was sent"]);
    drop(&[
        "key",
        "--yes",
        "--id",
        "00000000-0000-0000-0000-000000000007",
    ])
    .fails(
        2,
        &["no record of key is parked under the id", "parked show key"],
    );
    // The first goes, the second runs, and the third is found to be poison as well.
    let first = drop(&["key", "--yes"]).ends(0);
    assert!(
        first
            .err
            .contains("drop.counter, key key, before 3 other records:"),
        "{}",
        first.err
    );
    assert!(
        first.err.contains("6 bytes\n             poison"),
        "it is shown: {}",
        first.err
    );
    first.says(&[
        "drop.counter key: dropped ",
        "; still parked, tried 2 times: decode: test.Added",
    ]);
    assert_eq!(of("drop.counted", "test.Counted"), 1);
    // One in the middle; what is first stays first.
    let waiting = ids("key").remove(1);
    let middle = drop(&["key", "--yes", "--json", "--id", &waiting])
        .ends(0)
        .json();
    let said = |value: &Value| {
        (
            value["dropped"].clone(),
            value["outcome"].clone(),
            value["records"].clone(),
        )
    };
    assert_eq!(said(&middle), (json!(true), json!("parked"), json!(1)));
    drop(&["key", "--yes"])
        .ends(0)
        .says(&["; the key is free\n"]);

    // Two partitions have something without a key.
    drop(&["--no-key", "--yes"]).fails(2, &["(no key) is parked in 2 places", "--id"]);
    let both = parked("drop", &["show", "--no-key", "--json"])
        .ends(0)
        .json();
    for place in both.as_array().unwrap() {
        let id = place["records"][0]["id"].as_str().unwrap();
        drop(&["--no-key", "--yes", "--id", id])
            .ends(0)
            .says(&["the key is free"]);
    }
    parked("drop", &["list"])
        .ends(0)
        .says(&["Nothing is parked."]);
    add(&publisher, INTAKE, "p4", "key", "key 1");
    publisher.flush();
    common::await_that("the key is decided again", || {
        of("drop.counted", "test.Counted") == 2
    });
    running.stop().expect("a graceful stop");
}
