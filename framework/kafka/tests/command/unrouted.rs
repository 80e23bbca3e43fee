//! `parked redrive` of what a router could not forward.

use crate::common::{Publisher, await_that, read_all};
use crate::letters::publish_to;
use crate::typed::{add, await_parked, parked, parked_events, start};

crate::common::counter_events!("unrouted.added", "unrouted.counted");
crate::common::counter_state!();

const INTAKE: &str = "unrouted.added";
const STREAM: &str = "unrouted.counted";

/// Each is for two counters.
fn both(added: &Added) -> [String; 2] {
    [
        format!("left-of-{}", added.key),
        format!("right-of-{}", added.key),
    ]
}

fn both_with_a_bug(added: &Added) -> [String; 2] {
    assert!(added.amount != 666, "no amount {} for me", added.amount);
    both(added)
}

fn count(counter: &Counter, added: &Received<Added>) -> Counted {
    Counted {
        key: added.key().to_owned(),
        amount: counter.0 + added.amount,
    }
}

pub(crate) fn service() -> Service {
    let counter = Aggregate::<Counter>::new("counter").routed(both, count);
    Service::new("unrouted").aggregate(counter)
}

fn buggy() -> Service {
    let counter = Aggregate::<Counter>::new("counter").routed(both_with_a_bug, count);
    Service::new("unrouted").aggregate(counter)
}

fn counted() -> Vec<String> {
    let all = read_all(STREAM).into_iter();
    let counted = all.filter(|seen| seen.valid && seen.event_type == "test.Counted");
    let mut values: Vec<String> = counted.map(|seen| seen.value).collect();
    values.sort();
    values
}

fn redrive(args: &[&str]) -> crate::typed::Typed {
    let all: Vec<&str> = ["redrive"]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    parked("unrouted", &all)
}

pub(crate) fn what_could_not_be_routed_is_routed_by_a_redrive() {
    let publisher = Publisher::new();
    let running = start(buggy());
    add(&publisher, INTAKE, "a bug", "a", "a 666");
    add(&publisher, INTAKE, "a 1", "a", "a 1");
    add(&publisher, INTAKE, "poison", "b", "poison");
    add(&publisher, INTAKE, "b 1", "b", "b 1");
    publish_to(INTAKE, 0, None, "none", "none 7");
    publisher.flush();
    await_parked(STREAM, 2);
    let others = [
        "left-of-a 1",
        "left-of-b 1",
        "left-of-none 7",
        "right-of-a 1",
        "right-of-b 1",
        "right-of-none 7",
    ];
    await_that("what can be routed is, behind it too", || {
        counted() == others
    });
    parked("unrouted", &["show", "a"]).ends(0).says(&[
        "panic: it panicked: no amount 666 for me\n",
        "test.Added, unrouted.added[",
        ", for keys that its route could not tell\n",
        "function  both_with_a_bug (",
    ]);

    // The binary that is typed is the mended one, the service that runs need not be.
    let routed = redrive(&["a"]).ends(0);
    routed.says(&["unrouted.counter a: free, 1 record, of which 1 record routed to 2 keys\n"]);
    await_that("both are counted", || {
        let counted = counted();
        counted.contains(&"left-of-a 667".to_owned())
            && counted.contains(&"right-of-a 667".to_owned())
    });
    let failed = redrive(&["b"]).ends(1);
    failed.says(&["unrouted.counter b: still parked, its route fails again: decode: "]);
    redrive(&["a"]).fails(2, &["nothing is parked under the key `a`"]);

    // Its owner was asked for it in vain, and the way out is told.
    publisher.publish(
        "unrouted.counter.inbox",
        kolo_core::wire::REDRIVE,
        "r",
        "b",
        b"{}",
    );
    publisher.flush();
    await_that("it is parked again", || parked_events(STREAM) == 3);
    parked("unrouted", &["show", "b"])
        .ends(0)
        .says(&["only `parked redrive` can find out"]);
    let drop = ["drop", "b", "--yes", "--reason", "nobody can read it"];
    parked("unrouted", &drop).ends(0).says(&["the key is free"]);
    assert_eq!(counted().len(), 8);
    running.stop().expect("a graceful stop");
}
