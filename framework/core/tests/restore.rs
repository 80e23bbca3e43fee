//! Restore: the fold of the stream gives what the live owner had, and a stream that is not ours is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact, participant, setup, topic, topic_id};
use common::domain::*;
use kolo_core::processor::ResumeAt;
use kolo_core::wire::Marker;
use kolo_core::{Path, Position, Service};

/// What a run feeds to the processor.
enum Step {
    Input(usize, Stored),
    /// The reply to the n-th effect that was started.
    Reply(usize, bool),
    Mark,
}

fn orders<E: kolo_core::Event>(offset: i64, id: &str, event: &E) -> Step {
    Step::Input(0, fact(offset, id, event))
}

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

fn dropped(order: &str) -> OrderDropped {
    OrderDropped {
        order: order.into(),
    }
}

/// Everything that a stream can hold, over three keys.
fn history() -> Vec<Step> {
    vec![
        orders(0, "a", &placed("o", 2)),
        orders(1, "b", &wanted("o")),
        orders(2, "a", &placed("o", 2)),
        Step::Mark,
        orders(
            3,
            "c",
            &OrderPlaced {
                order: "p".into(),
                amount: -1,
                parts: 1,
            },
        ),
        orders(
            4,
            "d",
            &OrderPlaced {
                order: "p".into(),
                amount: 0,
                parts: 1,
            },
        ),
        Step::Input(1, fact(0, "m", &Mentioned { order: "p".into() })),
        Step::Mark,
        orders(5, "e", &dropped("o")),
        orders(6, "f", &wanted("p")),
        Step::Reply(0, true),
        orders(7, "g", &OrderClosed { order: "q".into() }),
        orders(8, "h", &dropped("q")),
        orders(9, "i", &dropped("p")),
        Step::Mark,
        orders(10, "j", &placed("q", 1)),
        Step::Reply(1, false),
        orders(11, "k", &wanted("q")),
    ]
}

fn run(steps: &[Step]) -> Bench {
    let mut bench = Bench::holds();
    for step in steps {
        match step {
            Step::Input(input, stored) => drop(bench.handle(*input, stored)),
            Step::Reply(at, granted) => {
                let request = bench.effects[*at].request;
                assert!(
                    !bench
                        .answer(request, Box::new(Verdict(*granted)))
                        .is_empty()
                );
            }
            Step::Mark => drop(bench.mark()),
        }
    }
    bench
}

/// What an owner says to an input, without who says it.
fn says(bench: &mut Bench, input: usize, stored: &Stored) -> Vec<String> {
    let from = bench.log.len();
    bench.handle(input, stored);
    let said = bench.log[from..]
        .iter()
        .filter(|stored| stored.short_type() != "kolo.marker");
    said.map(|stored| {
        format!(
            "{:?} {:?} {} {:?}",
            stored.id,
            stored.event_type,
            stored.text(),
            stored.stamp().source
        )
    })
    .collect()
}

#[test]
fn a_restored_owner_is_the_live_one_after_every_prefix() {
    let steps = history();
    for end in 0..=steps.len() {
        let live = || run(&steps[..end]);
        let restored = || live().restored(77);
        assert_eq!(
            live().processor.pending(),
            restored().processor.pending(),
            "pending after {end}"
        );
        assert_eq!(
            live().processor.keys(),
            restored().processor.keys(),
            "keys after {end}"
        );
        for order in ["o", "p", "q", "never heard of"] {
            // The state, with its times; the barrier of each step; the pivot; and the ids that were answered.
            let probes = [
                (
                    1,
                    fact(
                        50,
                        "probe",
                        &Probed {
                            order: order.into(),
                        },
                    ),
                ),
                (0, fact(50, "new placed", &placed(order, 2))),
                (0, fact(50, "new wanted", &wanted(order))),
                (0, fact(50, "new dropped", &dropped(order))),
                (0, fact(50, "a", &placed(order, 2))),
                (0, fact(50, "e", &dropped(order))),
            ];
            for (input, probe) in &probes {
                let (mut live, mut restored) = (live(), restored());
                restored.now = live.now;
                assert_eq!(
                    says(&mut live, *input, probe),
                    says(&mut restored, *input, probe),
                    "{} for {order} after {end}",
                    probe.short_type()
                );
            }
        }
        for call in live().processor.pending() {
            let answers = [live(), restored()].map(|mut bench| {
                let from = bench.log.len();
                bench.answer(call.request, Box::new(Verdict(true)));
                bench.log[from..]
                    .iter()
                    .map(|stored| (stored.id.clone(), stored.text().to_owned()))
                    .collect::<Vec<_>>()
            });
            assert_eq!(
                answers[0], answers[1],
                "the answer to {} after {end}",
                call.request
            );
        }
    }
}

#[test]
fn positions_are_those_of_the_stream_and_reading_resumes_at_the_last_decided_record() {
    let mut bench = Bench::holds();
    assert_eq!(bench.resumes(), [ResumeAt::Beginning, ResumeAt::Beginning]);
    bench.handle(0, &fact(4, "a", &placed("o", 1)));
    bench.handle(
        0,
        &fact(
            5,
            "b",
            &OrderPlaced {
                order: "o".into(),
                amount: 0,
                parts: 1,
            },
        ),
    );
    bench.handle(1, &fact(2, "m", &Mentioned { order: "o".into() }));
    assert_eq!(
        bench.restored(2).resumes(),
        [ResumeAt::Decided(4), ResumeAt::Beginning],
        "no record tells of b and m"
    );
    let marker = bench.mark();
    let next = |topic: &str| {
        marker
            .reads
            .iter()
            .find(|read| read.topic == topic_id(topic))
            .map(|read| read.next)
    };
    assert_eq!((next("orders"), next("probes")), (Some(6), Some(3)));
    assert_eq!(
        marker.decided,
        [(0, 0, Position::direct(5)), (1, 0, Position::direct(2))]
    );
    assert_eq!(bench.processor.unmarked(), 0);
    assert_eq!(
        bench.restored(2).resumes(),
        [ResumeAt::Next(6), ResumeAt::Next(3)]
    );
    bench.handle(0, &fact(9, "c", &placed("p", 1)));
    let mut restored = bench.restored(2);
    assert_eq!(
        restored.resumes(),
        [ResumeAt::Decided(9), ResumeAt::Next(3)]
    );
    assert!(
        restored
            .handle(0, &fact(9, "never seen", &placed("q", 1)))
            .is_empty(),
        "decided before, by its position"
    );
}

#[test]
fn a_marker_in_the_middle_of_an_input_does_not_claim_it() {
    // A copy that was decided with no event forces a marker before the next answer.
    let aggregate = participant(&service(), "shelf");
    let mut bench =
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new()).unwrap();
    let copy = |offset: i64, amount: i64| {
        let held = Held {
            order: "o".into(),
            amount,
            part: 0,
        };
        let stamp = format!(
            "1 - - - r1/{}:0:{offset}.0 1/1",
            base64(topic_id("holds").0)
        );
        let key = Some(b"a".to_vec());
        Stored {
            stamp: Some(stamp),
            key,
            ..fact(offset, &format!("h{offset}"), &held)
        }
    };
    assert!(bench.handle(0, &copy(0, 13)).is_empty());
    assert_eq!(bench.handle(0, &copy(1, 5)), ["kolo.marker", "Taken"]);
    let marker: Marker = serde_json::from_str(bench.log[bench.log.len() - 2].text()).unwrap();
    assert_eq!(marker.decided, [(0, 0, Position { offset: 0, copy: 0 })]);
    assert_eq!(
        marker.reads[0].next, 1,
        "offset 1 is not read before its answer is in the log"
    );
    let cut = bench.log[..bench.log.len() - 1].to_vec();
    let restored = Bench::take_over(&*aggregate, setup(&*aggregate, "test", 2), cut).unwrap();
    assert_eq!(restored.start.resume, [ResumeAt::Next(1)]);
}

fn base64(id: uuid::Uuid) -> String {
    let stamp = kolo_core::wire::Stamp {
        correlation: Some(kolo_core::CorrelationId(id)),
        ..kolo_core::wire::Stamp::own(kolo_core::wire::Writer {
            epoch: None,
            nonce: 0,
            number: 0,
        })
    };
    stamp.to_string().split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn origins_may_be_numbered_anew_by_each_owner() {
    // The second owner reads another topic first, so that the numbers of the origins change places.
    fn note(_: &Hold, probed: &kolo_core::Received<Probed>) -> Closed {
        Closed {
            order: probed.order.clone(),
        }
    }
    let before =
        Service::new("test").aggregate(kolo_core::Aggregate::<Hold>::new("hold").on(hold).on(note));
    let after =
        Service::new("test").aggregate(kolo_core::Aggregate::<Hold>::new("hold").on(note).on(hold));
    let (before, after) = (participant(&before, "hold"), participant(&after, "hold"));
    let mut first = Bench::take_over(&*before, setup(&*before, "test", 1), Vec::new()).unwrap();
    first.handle(1, &fact(8, "n", &Probed { order: "o".into() }));
    first.handle(0, &fact(5, "a", &placed("o", 2)));
    first.log.pop();
    let mut second = Bench::take_over(&*after, setup(&*after, "test", 2), first.log).unwrap();
    assert_eq!(
        second.resumes(),
        [ResumeAt::Decided(8), ResumeAt::Decided(5)],
        "probes come first now"
    );
    second.mark();
    let third = Bench::take_over(&*before, setup(&*before, "test", 3), second.log).unwrap();
    assert_eq!(
        third.resumes(),
        [ResumeAt::Decided(5), ResumeAt::Decided(8)]
    );
    assert_eq!(third.processor.origins().len(), 2);
}

#[test]
fn a_topic_that_was_created_anew_is_read_from_its_beginning_and_ids_still_tell() {
    let mut bench = Bench::holds();
    bench.handle(0, &fact(7, "a", &placed("o", 1)));
    let aggregate = participant(&service(), "hold");
    let mut anew = setup(&*aggregate, "test", 2);
    anew.inputs[0].id = topic_id("orders, recreated");
    let mut bench = Bench::take_over(&*aggregate, anew, bench.log).unwrap();
    assert_eq!(bench.resumes()[0], ResumeAt::Beginning);
    assert!(
        bench.handle(0, &fact(0, "a", &placed("o", 1))).is_empty(),
        "published again: its id was answered"
    );
    assert_eq!(bench.handle(0, &fact(1, "b", &placed("o", 1))), ["Held"]);
}

#[test]
fn a_reader_that_resumes_at_a_record_claims_no_cursor_before_it_has_read_it() {
    // An owner that marks before it has read anything must not record a fence that it has not seen.
    let mut bench = Bench::holds();
    bench.handle(0, &fact(3, "a", &placed("o", 1)));
    let mut second = bench.restored(2);
    let marker = second.mark();
    assert!(marker.reads.is_empty(), "{marker:?}");
    assert_eq!(marker.decided, [(0, 0, Position::direct(3))]);
    assert_eq!(second.restored(3).resumes()[0], ResumeAt::Decided(3));
}

#[test]
fn the_place_in_an_input_stream_is_kept_with_its_fence() {
    fn mirror(_: &Hold, held: &kolo_core::Received<Held>) -> Option<Closed> {
        (held.amount != 5).then(|| Closed {
            order: held.order.clone(),
        })
    }
    let mirrors = Service::new("m").aggregate(kolo_core::Aggregate::<Hold>::new("m").on(mirror));
    let mirrors = participant(&mirrors, "m");
    let mut source = Bench::holds();
    source.handle(0, &fact(0, "a", &placed("o", 1)));
    source.handle(
        0,
        &fact(
            1,
            "b",
            &OrderPlaced {
                order: "o".into(),
                amount: 6,
                parts: 1,
            },
        ),
    );
    source.handle(0, &fact(2, "c", &placed("o", 1)));
    let mut reader = Bench::take_over(&*mirrors, setup(&*mirrors, "m", 1), Vec::new()).unwrap();
    let said: Vec<usize> = source
        .log
        .iter()
        .map(|stored| reader.handle(0, stored).len())
        .collect();
    assert_eq!(said, [0, 0, 1, 0]);
    // Resumed at the answered record, whose epoch tells the fence in force.
    let mut resumed =
        Bench::take_over(&*mirrors, setup(&*mirrors, "m", 2), reader.log.clone()).unwrap();
    assert_eq!(resumed.resumes(), [ResumeAt::Decided(2)]);
    let gone = resumed.decide(0, &source.log[3]).unwrap_err().to_string();
    assert!(
        gone.contains("offset 2, the last decided record, is gone"),
        "{gone}"
    );
    // Resumed behind a marker, which keeps the fence itself.
    let marker = reader.mark();
    assert_eq!(
        marker.reads[0]
            .cursor
            .map(|cursor| (cursor.epoch, cursor.nonce, cursor.number)),
        Some((0, 1, 3))
    );
    let mut resumed = Bench::take_over(&*mirrors, setup(&*mirrors, "m", 3), reader.log).unwrap();
    assert_eq!(resumed.resumes(), [ResumeAt::Next(4)]);
    source.handle(
        0,
        &fact(
            3,
            "d",
            &OrderPlaced {
                order: "o".into(),
                amount: 7,
                parts: 1,
            },
        ),
    );
    assert_eq!(resumed.handle(0, &source.log[4]), ["Closed"]);
}

#[test]
fn the_fence_lists_the_origins_by_which_records_are_numbered() {
    let bench = Bench::holds();
    let fence: kolo_core::wire::Fence = serde_json::from_str(bench.log[0].text()).unwrap();
    let origins: Vec<_> = fence
        .origins
        .iter()
        .map(|origin| (origin.path, origin.topic.as_str(), origin.id))
        .collect();
    assert_eq!(
        origins,
        [
            (Path::Direct, "orders", topic("orders").id),
            (Path::Direct, "probes", topic("probes").id)
        ]
    );
    assert_eq!(
        (
            fence.service.as_str(),
            fence.aggregate.as_str(),
            fence.partitions,
            fence.version
        ),
        ("test", "hold", 1, 1)
    );
}
