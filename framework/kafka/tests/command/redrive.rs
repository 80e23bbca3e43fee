//! `parked redrive`.

use kolo_core::partition_of;

use crate::common::{self, Publisher};
use crate::letters::publish_to;
use crate::typed::{add, await_parked, of, parked, start};

common::counter_events!("redrive.added", "redrive.counted");
common::counter!("redrive");

const INTAKE: &str = "redrive.added";

/// Cannot bear the amount 666; the next version can.
fn count_with_a_bug(counter: &Counter, added: &Received<Added>) -> Counted {
    assert!(added.amount != 666, "no amount {} for me", added.amount);
    count(counter, added)
}

fn buggy() -> Service {
    let counter = Aggregate::<Counter>::new("counter").on(count_with_a_bug);
    Service::new("redrive").aggregate(counter)
}

fn redrive(args: &[&str]) -> crate::typed::Typed {
    let all: Vec<&str> = ["redrive"]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    parked("redrive", &all)
}

pub(crate) fn a_redrive_reports_what_became_of_each_key() {
    let publisher = Publisher::new();
    let running = start(buggy());
    for key in ["one", "two"] {
        add(
            &publisher,
            INTAKE,
            &format!("{key} bug"),
            key,
            &format!("{key} 666"),
        );
        add(
            &publisher,
            INTAKE,
            &format!("{key} 1"),
            key,
            &format!("{key} 1"),
        );
    }
    // A key on another partition than its own: only the one in which it was found knows of it.
    let astray = (partition_of(b"astray", 3) + 1) % 3;
    publish_to(INTAKE, astray, Some("astray"), "a", "astray 1");
    publisher.flush();
    await_parked("redrive.counted", 5);

    let failed = redrive(&["one", "astray"]).ends(1);
    failed.says(&[
        "redrive.counter one: still parked, tried 2 times: panic: it panicked: no amount 666 for me\n",
        "redrive.counter astray: still parked, tried 2 times: key: ",
        "0 of 2 keys are free\n",
    ]);
    running.stop().expect("a graceful stop");

    // Nobody is there to be asked; what was asked is done later.
    let down = redrive(&["one", "--timeout", "1s"]).ends(1);
    assert!(
        down.out.contains("redrive.counter one: not handled yet\n"),
        "{}",
        down.out
    );
    assert!(
        down.err
            .contains("has not answered for 1s: is `redrive` running?"),
        "{}",
        down.err
    );
    let json = redrive(&["one", "--timeout", "1s", "--json"])
        .ends(1)
        .json();
    assert_eq!(
        (&json[0]["key"], &json[0]["outcome"]),
        (&"one".into(), &"pending".into())
    );

    let running = start(service());
    common::await_that("what was asked before is done", || {
        of("redrive.counted", "test.Counted") == 2
    });
    let all = redrive(&["--class", "panic", "--fingerprint", "no amount"]).ends(0);
    all.says(&["redrive.counter two: free, 2 records decided\n"]);
    let left = redrive(&["--all", "--json"]).ends(1).json();
    assert_eq!(left.as_array().unwrap().len(), 1, "{left:#}");
    assert_eq!(left[0]["outcome"], "parked");
    assert_eq!(left[0]["first"]["attempts"], 3);
    let gone = redrive(&["two"]);
    gone.fails(2, &["nothing is parked under the key `two`"]);
    running.stop().expect("a graceful stop");
}
