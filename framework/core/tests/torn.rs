//! Torn answers: completed before anything else, whoever dies in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact, participant, setup};
use common::domain::*;
use kolo_core::{EventId, Service};

fn placed(order: &str, parts: u32) -> OrderPlaced {
    OrderPlaced {
        order: order.into(),
        amount: 5,
        parts,
    }
}

fn wanted(order: &str) -> MoneyWanted {
    MoneyWanted {
        order: order.into(),
        cents: 3,
    }
}

// failure: process | the owner dies between two records of one answer | half an answer at the end of the stream |
// the next owner appends the rest, as the first record carries it, before anything else | nobody
#[test]
fn a_torn_answer_is_completed_before_anything_else_whoever_dies_in_between() {
    let mut whole = Bench::holds();
    whole.handle(0, &fact(0, "a", &placed("o", 3)));
    assert_eq!(whole.types_from(1), ["Held", "Held", "Held"]);
    let expected: Vec<_> = whole
        .valid_events()
        .iter()
        .map(|s| (s.id.clone(), s.value.clone()))
        .collect();
    for cut in 1..3 {
        // The first owner dies after `cut` of the answer's records.
        let torn = whole.log[..=cut].to_vec();
        for second_cut in 0..(3 - cut) {
            // The second one dies after `second_cut` of the missing ones.
            let mut second = Bench::restored_from(torn.clone(), 2);
            let fence = torn.len();
            assert_eq!(
                second.types_from(fence),
                [vec!["kolo.fence"], vec!["Held"; 3 - cut]].concat()
            );
            second.log.truncate(fence + 1 + second_cut);
            // The late rest of the first owner's answer is void behind the fence.
            let late = whole.log[cut + 1..].iter().zip(second.log.len()..);
            let late: Vec<Stored> = late
                .map(|(s, at)| Stored {
                    offset: i64::try_from(at).unwrap(),
                    ..s.clone()
                })
                .collect();
            second.log.extend(late);
            let mut third = Bench::restored_from(second.log, 3);
            let found: Vec<_> = third
                .valid_events()
                .iter()
                .map(|s| (s.id.clone(), s.value.clone()))
                .collect();
            assert_eq!(found, expected, "cut after {cut} and {second_cut}");
            let indexes: Vec<_> = third
                .valid_events()
                .iter()
                .map(|s| (s.stamp().index, s.stamp().count))
                .collect();
            assert_eq!(indexes, [(1, 3), (2, 3), (3, 3)]);
            assert!(third.handle(0, &fact(0, "a", &placed("o", 3))).is_empty());
            assert_eq!(third.processor.keys(), 1);
        }
    }
}

// failure: process | the missing half of a torn answer requests an effect | no call | the effect starts once, when
// the completed record is sound | nobody
#[test]
fn a_request_in_the_missing_half_of_a_torn_answer_starts_once() {
    fn both(_: &Hold, wanted: &kolo_core::Received<MoneyWanted>) -> (Closed, Asked) {
        (
            Closed {
                order: wanted.order.clone(),
            },
            Asked {
                order: wanted.order.clone(),
                cents: 1,
            },
        )
    }
    let service = Service::new("test").aggregate(
        kolo_core::Aggregate::<Hold>::new("hold")
            .on(both)
            .effect::<Bank, _>(told),
    );
    let aggregate = participant(&service, "hold");
    let take_over =
        |nonce, log| Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log).unwrap();
    let mut bench = take_over(1, Vec::new());
    assert_eq!(
        bench.handle(0, &fact(0, "w", &wanted("o"))),
        ["Closed", "Asked"]
    );
    let request = bench.effects[0].request;
    bench.log.pop();
    let second = take_over(2, bench.log);
    assert!(
        second.start.effects.is_empty(),
        "its append is not sound yet at the start"
    );
    let called: Vec<EventId> = second.effects.iter().map(|call| call.request).collect();
    assert_eq!(called, [request]);
}
