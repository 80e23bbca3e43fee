//! What an owner makes of records that somebody else put into its stream.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Publisher, Seen, await_that, config, read_all};
use kolo_core::partition_of;
use kolo_core::wire::{FENCE, Stamp, Writer};
use kolo_kafka::App;

common::counter_events!("replaced.added", "replaced.counted");
common::counter!("replaced");

const STREAM: &str = "replaced.counted";

fn events(valid: bool) -> Vec<Seen> {
    let all = read_all(STREAM).into_iter();
    all.filter(|seen| seen.event_type == "test.Counted" && seen.valid == valid)
        .collect()
}

// failure: broker | late appends of a dead owner land between those of the living one | a gap in the acknowledged
// offsets | it is read; without a fence in it the owner goes on, with one it begins anew | nobody
#[test]
fn leftovers_are_stepped_over_and_a_fence_makes_the_owner_begin_anew() {
    let mut config = config();
    config.session_timeout_ms = 30_000;
    let running = App::new(service())
        .start(&config)
        .expect("the service starts");
    let publisher = Publisher::new();
    let add = |id: &str| {
        publisher.publish("replaced.added", "test.Added", id, "k", b"k 1");
        publisher.flush();
    };
    let partition = partition_of(b"k", config.partitions);
    add("one");
    await_that("the first is answered", || events(true).len() == 1);

    // A void leftover: the owner finds it in a gap of its acknowledged offsets, and goes on.
    let late = Stamp::own(Writer {
        epoch: Some(12_345),
        nonce: 1,
        number: 1,
    })
    .to_string();
    publisher.intrude(STREAM, partition, "test.Counted", &late, "k 99");
    add("two");
    await_that("the second is answered", || events(true).len() == 2);
    assert_eq!(events(false).len(), 1, "only the leftover is void");

    // A fence: what the owner appends behind it is void, until it has noticed and taken over again.
    let fence = Stamp::own(Writer {
        epoch: None,
        nonce: 77,
        number: 0,
    })
    .to_string();
    let value = format!(
        r#"{{"service":"replaced","aggregate":"counter","partitions":{},"version":1,"origins":[]}}"#,
        config.partitions
    );
    publisher.intrude(STREAM, partition, FENCE, &fence, &value);
    add("three");
    await_that("the third is answered by a new epoch", || {
        events(true).len() == 3
    });
    add("four");
    await_that("the fourth is answered", || events(true).len() == 4);
    running.stop().expect("a graceful stop");

    let totals: Vec<String> = events(true).into_iter().map(|seen| seen.value).collect();
    assert_eq!(totals, ["k 1", "k 2", "k 3", "k 4"]);
    let void = events(false);
    assert_eq!(
        void.len(),
        2,
        "the leftover, and the answer behind the foreign fence: {void:?}"
    );
    assert_eq!(
        void[1].value, "k 3",
        "the answer that was decided again had the same content"
    );
}
