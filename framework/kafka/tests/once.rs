//! Once in effect, through restarts, over a broker.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Publisher, await_that, config, read_all};
use kolo_kafka::App;

common::counter_events!("once.added", "once.counted");
common::counter!("once");

fn counted() -> Vec<common::Seen> {
    read_all("once.counted")
        .into_iter()
        .filter(|seen| seen.event_type == "test.Counted" && seen.valid)
        .collect()
}

fn total(seen: &common::Seen) -> i64 {
    seen.value
        .rsplit(' ')
        .next()
        .and_then(|total| total.parse().ok())
        .expect("a total")
}

#[test]
fn every_input_is_answered_once_in_order_through_restarts_and_repeats() {
    let config = config();
    let publisher = Publisher::new();
    let publish = |round: usize| {
        for number in 0..100 {
            let key = format!("key-{}", number % 7);
            let id = format!("{round}/{number}");
            publisher.publish(
                "once.added",
                "test.Added",
                &id,
                &key,
                format!("{key} 1").as_bytes(),
            );
        }
        publisher.flush();
    };
    let first = App::new(service())
        .start(&config)
        .expect("the service starts");
    publish(0);
    await_that("the first hundred are answered", || counted().len() == 100);
    first.stop().expect("a graceful stop");

    publish(1);
    // The same ids again: another place in the log, the same events.
    publish(1);
    publish(0);
    let second = App::new(service())
        .start(&config)
        .expect("the service starts again");
    publish(2);
    await_that("all are answered", || counted().len() == 300);
    publish(2);
    publisher.publish("once.added", "test.Added", "last", "key-0", b"key-0 1000");
    publisher.flush();
    await_that("the last one is answered", || {
        counted().iter().any(|seen| total(seen) > 1000)
    });
    second.stop().expect("a graceful stop");

    let all = counted();
    assert_eq!(all.len(), 301, "one answer an input, none for a repeat");
    let mut ids: Vec<&str> = all.iter().map(|seen| seen.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 301, "no event id twice");
    for key in 0..7 {
        let key = format!("key-{key}");
        let totals = all
            .iter()
            .filter(|seen| seen.key == key && total(seen) < 1000);
        let totals: Vec<String> = totals.map(|seen| seen.value.clone()).collect();
        let expected: Vec<String> = (1..=totals.len())
            .map(|total| format!("{key} {total}"))
            .collect();
        assert_eq!(
            totals, expected,
            "each total is decided on the state that all earlier ones left"
        );
    }
}
