//! `parked show` of events whose schema has a sensitive field.

use serde_json::{Value, json};

use crate::common::{self, Publisher};
use crate::typed::{Typed, add, await_parked, parked, start};

common::counter_events!(
    "sensitive.added",
    "sensitive.counted",
    r#"{"type": "record", "name": "test.Any", "fields": [{"name": "amount", "type": "long", "sensitive": true}]}"#
);
common::counter!("sensitive");

const INTAKE: &str = "sensitive.added";

fn show(more: &[&str]) -> Typed {
    parked("sensitive", &[&["show", "k"], more].concat()).ends(0)
}

fn value(more: &[&str]) -> Value {
    show(&[&["--json"], more].concat()).json()[0]["records"][0]["value"].clone()
}

pub(crate) fn what_is_parked_is_shown_without_its_value_unless_it_is_revealed() {
    let publisher = Publisher::new();
    let running = start(service());
    add(&publisher, INTAKE, "1", "k", "poison of ada");
    publisher.flush();
    await_parked("sensitive.counted", 1);

    let hidden = show(&[]).says(&["value     13 bytes\n", "(hidden), ", "--reveal"]);
    assert!(!hidden.out.contains("ada"), "{}", hidden.out);
    show(&["--reveal"]).says(&["             poison of ada\n"]);
    assert_eq!(value(&[]), json!({"hidden_bytes": 13}));
    assert_eq!(value(&["--reveal"]), "poison of ada");
    // What is about to be dropped is shown as well.
    let args = ["drop", "k", "--reason", "a test", "--yes"];
    let dropped = parked("sensitive", &args).ends(0);
    assert!(dropped.err.contains("(hidden)"), "{}", dropped.err);
    assert!(!dropped.err.contains("ada"), "{}", dropped.err);
    running.stop().expect("a graceful stop");
}
