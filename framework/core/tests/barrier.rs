//! The barrier: a compensation and its step, in every order of arrival.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact};
use common::domain::*;
use kolo_core::EventId;
use kolo_core::processor::Outcome;

fn placed(offset: i64, id: &str, parts: u32) -> Stored {
    fact(
        offset,
        id,
        &OrderPlaced {
            order: "o".into(),
            amount: 5,
            parts,
        },
    )
}

fn dropped(offset: i64, id: &str) -> Stored {
    fact(offset, id, &OrderDropped { order: "o".into() })
}

fn wanted(offset: i64, id: &str) -> Stored {
    fact(
        offset,
        id,
        &MoneyWanted {
            order: "o".into(),
            cents: 7,
        },
    )
}

/// Runs the same steps live, and with a restore before each: the barrier is a fold of the stream.
fn live_and_restored(run: impl Fn(&mut Bench, &dyn Fn(&mut Bench))) {
    run(&mut Bench::holds(), &|_| {});
    run(&mut Bench::holds(), &|bench| {
        let nonce = 100 + u64::try_from(bench.log.len()).unwrap();
        *bench = bench.restored(nonce);
    });
}

const BARS: [&str; 2] = ["kolo.barred", "kolo.barred"];

#[test]
fn a_trigger_after_its_step_undoes_it_and_bars_it() {
    live_and_restored(|bench, renew| {
        assert_eq!(bench.handle(0, &placed(0, "a", 1)), ["Held"]);
        renew(bench);
        assert_eq!(
            bench.handle(0, &dropped(1, "d")),
            ["Freed", "kolo.barred", "kolo.barred"]
        );
        renew(bench);
        assert!(
            bench.handle(0, &placed(2, "b", 1)).is_empty(),
            "a late step is refused"
        );
    });
}

// failure: order | a compensation arrives before the step that it undoes | the step is barred in the stream | the
// late step is refused | nobody
#[test]
fn a_trigger_before_its_step_bars_it() {
    live_and_restored(|bench, renew| {
        assert_eq!(bench.handle(0, &dropped(0, "d")), BARS);
        renew(bench);
        for late in [placed(1, "a", 1), wanted(2, "w")] {
            assert_eq!(bench.decide(0, &late).unwrap(), Outcome::Barred);
            assert!(bench.out.is_empty());
        }
        let other = fact(
            3,
            "other",
            &OrderPlaced {
                order: "p".into(),
                amount: 5,
                parts: 1,
            },
        );
        assert_eq!(
            bench.handle(0, &other),
            ["Held"],
            "another saga is not barred"
        );
    });
}

// failure: order | a compensation arrives twice | nothing | it changes nothing | nobody
#[test]
fn a_second_trigger_changes_nothing() {
    live_and_restored(|bench, renew| {
        bench.handle(0, &placed(0, "a", 1));
        bench.handle(0, &dropped(1, "d"));
        renew(bench);
        assert!(
            bench.handle(0, &dropped(2, "d")).is_empty(),
            "the same one, published twice"
        );
        assert!(bench.handle(0, &dropped(3, "e")).is_empty(), "another one");
        renew(bench);
        assert!(bench.handle(0, &dropped(4, "f")).is_empty());
    });
}

// failure: order | a saga did several things at one key | - | they are undone in reverse order, each once | nobody
#[test]
fn several_events_are_undone_in_reverse_order_each_once() {
    live_and_restored(|bench, renew| {
        bench.handle(0, &placed(0, "a", 2));
        renew(bench);
        let second = OrderPlaced {
            order: "o".into(),
            amount: 9,
            parts: 1,
        };
        bench.handle(0, &fact(1, "b", &second));
        renew(bench);
        let from = bench.log.len();
        bench.handle(0, &dropped(2, "d"));
        let undone: Vec<&str> = bench.log[from..]
            .iter()
            .filter(|s| s.short_type() == "Freed")
            .map(Stored::text)
            .collect();
        assert_eq!(
            undone,
            ["Freed|o|9|0", "Freed|o|5|1", "Freed|o|5|0"],
            "b's, then a's second and first"
        );
        let ids: std::collections::HashSet<_> = bench.log[from..]
            .iter()
            .map(|stored| stored.id.clone())
            .collect();
        assert_eq!(
            ids.len(),
            5,
            "three undone, two barred, each with an id of its own"
        );
    });
}

// failure: order | a compensation arrives while the step's effect has no answer | the bar says what waits | answer
// and undo are one append, when the answer comes | nobody
#[test]
fn a_trigger_during_a_pending_effect_waits_and_answer_and_undo_are_one_append() {
    for (granted, expected) in [
        (
            true,
            ["Granted", "GaveBack", "kolo.barred", "kolo.barred"].as_slice(),
        ),
        (false, ["Denied", "kolo.barred", "kolo.barred"].as_slice()),
    ] {
        live_and_restored(|bench, renew| {
            assert_eq!(bench.handle(0, &wanted(0, "w")), ["Asked"]);
            let request = bench.effects[0].request;
            renew(bench);
            assert_eq!(
                bench.handle(0, &dropped(1, "d")),
                BARS,
                "it waits, and bars at once"
            );
            renew(bench);
            assert!(
                bench.handle(0, &dropped(2, "e")).is_empty(),
                "a second trigger while the first waits"
            );
            assert!(
                bench.handle(0, &placed(3, "p", 1)).is_empty(),
                "late steps are refused meanwhile"
            );
            let from = bench.log.len();
            assert_eq!(bench.answer(request, Box::new(Verdict(granted))), expected);
            let stamps: Vec<_> = bench.log[from..].iter().map(Stored::stamp).collect();
            for (at, stamp) in stamps.iter().enumerate() {
                assert_eq!(
                    (usize::from(stamp.index), usize::from(stamp.count)),
                    (at + 1, expected.len()),
                    "one answer"
                );
                assert_eq!(stamp.causation, Some(request));
            }
            renew(bench);
            assert!(bench.handle(0, &dropped(9, "f")).is_empty());
            assert!(bench.processor.pending().is_empty());
        });
    }
}

#[test]
fn what_was_done_before_a_pending_request_is_undone_after_it() {
    live_and_restored(|bench, renew| {
        bench.handle(0, &placed(0, "p", 1));
        bench.handle(0, &wanted(1, "w"));
        let request = bench.effects[0].request;
        renew(bench);
        assert_eq!(
            bench.handle(0, &dropped(2, "d")),
            BARS,
            "the hold is older than the request: it waits too"
        );
        renew(bench);
        let answer = bench.answer(request, Box::new(Verdict(true)));
        assert_eq!(
            answer,
            ["Granted", "GaveBack", "Freed", "kolo.barred", "kolo.barred"]
        );
    });
}

#[test]
fn a_trigger_waits_for_all_pending_requests_of_its_saga() {
    live_and_restored(|bench, renew| {
        bench.handle(0, &wanted(0, "v"));
        bench.handle(0, &wanted(1, "w"));
        let requests: Vec<EventId> = bench.effects.iter().map(|call| call.request).collect();
        bench.handle(0, &dropped(2, "d"));
        renew(bench);
        assert_eq!(
            bench.answer(requests[0], Box::new(Verdict(true))),
            ["Granted"]
        );
        renew(bench);
        let answer = bench.answer(requests[1], Box::new(Verdict(true)));
        assert_eq!(
            answer,
            [
                "Granted",
                "GaveBack",
                "GaveBack",
                "kolo.barred",
                "kolo.barred"
            ]
        );
    });
}

#[test]
fn after_the_pivot_nothing_is_undone() {
    live_and_restored(|bench, renew| {
        bench.handle(0, &placed(0, "a", 1));
        assert_eq!(
            bench.handle(0, &fact(1, "c", &OrderClosed { order: "o".into() })),
            ["Closed"]
        );
        renew(bench);
        assert!(bench.handle(0, &dropped(2, "d")).is_empty());
        assert_eq!(
            bench.handle(0, &placed(3, "b", 1)),
            ["Held"],
            "nothing was barred either"
        );
    });
}

#[test]
#[should_panic(
    expected = "undoes `test.Granted`, which answers a request: undo `test.Asked` instead"
)]
fn an_undo_of_an_answer_is_refused_where_it_is_declared() {
    fn late(_: &Hold, _: &kolo_core::Received<OrderDropped>, granted: &Granted) -> GaveBack {
        GaveBack {
            order: granted.order.clone(),
            cents: granted.cents,
        }
    }
    let _ = kolo_core::Aggregate::<Hold>::new("hold")
        .on(ask)
        .effect::<Bank, _>(told)
        .undo(late);
}
