//! Routed copies: who gets one, how they are told apart, and what becomes of late and repeated ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::bench::{Bench, Stored, fact, participant, setup, topic_id};
use common::domain::*;
use kolo_core::processor::replay::{Compared, Finding, ReplayFilter, ReplayInputs, Unreadable};
use kolo_core::processor::{Outcome, ResumeAt};
use kolo_core::wire::{Record, Source, Stamp};
use kolo_core::{Aggregate, Event, EventId, OwnEvents, Path, Position, Received, Service, TopicId};

fn held(amount: i64) -> Held {
    Held {
        order: "o".into(),
        amount,
        part: 0,
    }
}

/// A copy as a router puts it into the inbox.
fn copy_of(topic: TopicId, origin: i64, copy: u32, key: &str, offset: i64, event: &Held) -> Stored {
    let place = Position {
        offset: origin,
        copy,
    };
    let stamp = Stamp {
        correlation: Some(common::bench::saga("o")),
        causation: Some(EventId::foreign("cause")),
        writer: None,
        source: Source::Copy {
            path: Path::Route(1),
            topic,
            partition: 0,
            position: place,
            after: None,
        },
        index: 1,
        count: 1,
    };
    let key = Some(key.as_bytes().to_vec());
    Stored {
        stamp: Some(stamp.to_string()),
        key,
        ..fact(offset, &format!("held {origin}"), event)
    }
}

fn copy(origin: i64, copy: u32, key: &str, offset: i64, event: &Held) -> Stored {
    copy_of(topic_id("holds"), origin, copy, key, offset, event)
}

fn shelf(nonce: u64, log: Vec<Stored>) -> Bench {
    let aggregate = participant(&service(), "shelf");
    Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log).unwrap()
}

#[test]
fn a_route_names_the_keys_of_those_whom_an_event_concerns() {
    let shelf = participant(&service(), "shelf");
    let mut value = Vec::new();
    held(101).encode(&mut value);
    let mut keys = Vec::new();
    shelf
        .route("test.Held", &value, &mut keys)
        .unwrap()
        .unwrap();
    assert_eq!(keys, ["a", "b", "a"]);
    assert!(shelf.route("test.Freed", &value, &mut keys).is_none());
    assert!(shelf.route("test.Held", b"?", &mut keys).unwrap().is_err());
    assert_eq!(service().inbox("shelf"), "test.shelf.inbox");
}

#[test]
fn copies_of_one_event_are_answered_each_at_its_own_key_with_an_id_of_its_own() {
    let mut bench = shelf(1, Vec::new());
    assert_eq!(bench.handle(0, &copy(7, 0, "a", 0, &held(5))), ["Taken"]);
    assert_eq!(bench.handle(0, &copy(7, 1, "b", 1, &held(5))), ["Taken"]);
    let [first, second] = bench.valid_events()[..] else {
        panic!("two answers")
    };
    assert_eq!((first.text(), second.text()), ("Taken|a|o", "Taken|b|o"));
    assert_ne!(first.id, second.id);
    assert_eq!(
        first.stamp().correlation,
        Some(common::bench::saga("o")),
        "the saga is that of the copied event"
    );
    assert_eq!(first.stamp().causation, Some(EventId::foreign("held 7")));
    let place = Position { offset: 7, copy: 1 };
    assert_eq!(
        second.stamp().source,
        Source::Input {
            origin: 0,
            partition: 0,
            position: place
        }
    );
}

#[test]
fn a_key_that_is_named_twice_is_told_once() {
    let mut bench = shelf(1, Vec::new());
    bench.handle(0, &copy(7, 0, "a", 0, &held(101)));
    bench.handle(0, &copy(7, 1, "b", 1, &held(101)));
    assert_eq!(
        bench.decide(0, &copy(7, 2, "a", 2, &held(101))).unwrap(),
        Outcome::Repeat
    );
    assert_eq!(bench.valid_events().len(), 2);
}

// failure: order | a router's append fails and its successor lands | a warning: a copy is passed over | the next
// router brings both, in order | nobody
#[test]
fn a_copy_behind_a_missing_one_waits_for_the_router_that_brings_both() {
    let after = |offset: i64, before: i64, at: i64| {
        let stored = copy(offset, 0, "a", at, &held(5));
        let stamp = stored
            .stamp
            .as_deref()
            .map(|stamp| stamp.replace(".0 1/1", &format!(".0~{before}.0 1/1")));
        Stored { stamp, ..stored }
    };
    let mut bench = shelf(1, Vec::new());
    // The copy of 7 is lost with its router; those behind it were in flight.
    assert_eq!(
        bench.decide(0, &after(8, 7, 0)).unwrap(),
        Outcome::Unchained
    );
    assert_eq!(
        bench.decide(0, &after(9, 8, 1)).unwrap(),
        Outcome::Unchained
    );
    assert!(bench.valid_events().is_empty());
    // The next router starts a chain of its own.
    assert_eq!(
        bench.decide(0, &copy(7, 0, "a", 2, &held(5))).unwrap(),
        Outcome::Decided(1)
    );
    assert_eq!(
        bench.decide(0, &after(8, 7, 3)).unwrap(),
        Outcome::Decided(1)
    );
    assert_eq!(
        bench.decide(0, &after(9, 8, 4)).unwrap(),
        Outcome::Decided(1)
    );
    bench.flush();
    // Who decides it again looks for each input where it was decided, and not where it was passed over.
    let mut inbox = Inbox(vec![
        after(8, 7, 0),
        after(9, 8, 1),
        copy(7, 0, "a", 2, &held(5)),
        after(8, 7, 3),
        after(9, 8, 4),
    ]);
    let shelf = participant(&service(), "shelf");
    let mut replay = shelf.replay(setup(&*shelf, "test", 0), ReplayFilter::default());
    let mut found = Vec::new();
    for stored in &bench.log {
        let mut tell = |compared: Compared| found.push(compared.finding);
        replay
            .take(&stored.record(), &mut inbox, &mut tell)
            .unwrap();
    }
    assert_eq!(found, [Finding::Same; 3]);
}

/// What stands in the inbox and has not been read.
struct Inbox(Vec<Stored>);

impl ReplayInputs for Inbox {
    fn each(
        &mut self,
        _: usize,
        take: &mut dyn FnMut(&Record<'_>) -> bool,
    ) -> Result<(), Unreadable> {
        let read = self.0.iter().take_while(|stored| take(&stored.record()));
        let read = read.count();
        self.0.drain(..read);
        Ok(())
    }
}

// failure: order | a router repeats its copies, late | nothing | positions and ids recognise them | nobody
#[test]
fn late_and_repeated_copies_are_recognised_also_after_a_restore() {
    let mut bench = shelf(1, Vec::new());
    bench.handle(0, &copy(7, 0, "a", 0, &held(5)));
    bench.handle(0, &copy(7, 1, "b", 1, &held(13)));
    bench.handle(0, &copy(9, 0, "a", 2, &held(5)));
    for mut bench in [shelf(2, bench.log.clone()), bench] {
        assert_eq!(
            bench.decide(0, &copy(7, 0, "a", 3, &held(5))).unwrap(),
            Outcome::Repeat
        );
        assert_eq!(
            bench.decide(0, &copy(7, 1, "b", 4, &held(13))).unwrap(),
            Outcome::Repeat
        );
        assert_eq!(
            bench.decide(0, &copy(8, 0, "a", 5, &held(5))).unwrap(),
            Outcome::Repeat,
            "behind what was decided"
        );
        assert_eq!(
            bench.decide(0, &copy(9, 1, "b", 6, &held(5))).unwrap(),
            Outcome::Decided(1),
            "its own second copy"
        );
    }
}

#[test]
fn positions_that_no_record_holds_are_marked_before_the_next_answer() {
    let mut bench = shelf(1, Vec::new());
    assert!(bench.handle(0, &copy(7, 0, "a", 0, &held(13))).is_empty());
    assert_eq!(
        bench.handle(0, &copy(8, 0, "a", 1, &held(5))),
        ["kolo.marker", "Taken"]
    );
    assert_eq!(
        bench.handle(0, &copy(9, 0, "a", 2, &held(5))),
        ["Taken"],
        "nothing is unmarked now"
    );
    let mut cut = bench.log.clone();
    cut.truncate(2);
    let mut restored = shelf(2, cut);
    assert_eq!(restored.start.resume, [ResumeAt::Next(1)]);
    assert_eq!(
        restored.decide(0, &copy(7, 0, "a", 1, &held(13))).unwrap(),
        Outcome::Repeat
    );
}

#[test]
fn copies_of_a_topic_that_was_created_anew_count_on_their_own() {
    let (old, new) = (topic_id("holds"), topic_id("holds, recreated"));
    let mut bench = shelf(1, Vec::new());
    bench.handle(0, &copy_of(old, 7, 0, "a", 0, &held(5)));
    // The new topic's copies come before an owner has named it in its fence.
    assert_eq!(
        bench.handle(0, &copy_of(new, 7, 1, "b", 1, &held(13))),
        Vec::<String>::new()
    );
    let early = Stored {
        id: Some(EventId::foreign("early").to_string()),
        ..copy_of(new, 8, 0, "a", 2, &held(5))
    };
    assert_eq!(bench.handle(0, &early), ["kolo.marker", "Taken"]);
    let origins = |nonce: u64, log: Vec<Stored>, first: TopicId| {
        let aggregate = participant(&service(), "shelf");
        let mut setup = setup(&*aggregate, "test", nonce);
        setup.routed[0].id = first;
        let mut bench = Bench::take_over(&*aggregate, setup, log).unwrap();
        // Leftovers of the old one, and repeats of the new one, whichever of them the fence lists.
        for repeat in [
            copy_of(old, 7, 0, "a", 3, &held(5)),
            copy_of(new, 7, 1, "b", 4, &held(13)),
            early.clone(),
        ] {
            assert_eq!(bench.decide(0, &repeat).unwrap(), Outcome::Repeat);
        }
        bench.mark();
        bench.log
    };
    let log = origins(2, bench.log.clone(), new);
    let log = origins(3, log, old);
    origins(4, log, topic_id("a third one"));
}

// failure: data | somebody publishes into an inbox | it is parked with class `origin` | nothing is decided | an
// operator drops it; publish to the intake topic instead
#[test]
fn an_inbox_record_without_an_origin_is_parked() {
    let mut bench = shelf(1, Vec::new());
    let stored = Stored {
        stamp: None,
        key: Some(b"a".to_vec()),
        ..fact(3, "x", &held(5))
    };
    assert_eq!(bench.handle(0, &stored), ["kolo.parked"]);
    let text = bench.log.last().unwrap().text().to_owned();
    let parked: kolo_core::wire::Parked = serde_json::from_str(&text).unwrap();
    let place = parked.place.unwrap();
    assert_eq!(
        (place.topic.as_str(), place.offset, place.copy_of),
        ("test.shelf.inbox", 3, None)
    );
    let message = parked.failure.message;
    assert!(
        message.contains("only routers write to an inbox"),
        "{message}"
    );
    assert_eq!(bench.decide(0, &stored).unwrap(), Outcome::Repeat);
}

#[test]
fn a_record_counts_on_the_way_that_its_reaction_is_declared_for() {
    // One event type of the topic is read directly, another is routed: the direct reader sees both.
    fn of_hold(held: &Held) -> [String; 1] {
        [held.order.clone()]
    }
    fn routed(_: &Hold, held: &Received<Held>) -> Seen {
        Seen {
            order: held.order.clone(),
            state: "routed".into(),
        }
    }
    fn direct(_: &Hold, refused: &Received<Refused>) -> Seen {
        Seen {
            order: refused.order.clone(),
            state: "direct".into(),
        }
    }
    let service = Service::new("test").aggregate(
        Aggregate::<Hold>::new("hold")
            .routed(of_hold, routed)
            .on(direct),
    );
    let aggregate = participant(&service, "hold");
    assert_eq!(aggregate.description().direct_topics(), [HoldEvent::STREAM]);
    let mut bench =
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new()).unwrap();
    let refused = Refused {
        order: "o".into(),
        amount: 1,
    };
    assert_eq!(
        bench.decide(0, &fact(0, "h", &held(5))).unwrap(),
        Outcome::Ignored
    );
    assert_eq!(bench.handle(0, &fact(1, "r", &refused)), ["Seen"]);
    assert_eq!(bench.handle(1, &copy(0, 0, "o", 0, &held(5))), ["Seen"]);
    let stamp = copy(1, 0, "o", 1, &held(5)).stamp;
    let astray = Stored {
        stamp,
        ..fact(1, "s", &refused)
    };
    assert_eq!(bench.decide(1, &astray).unwrap(), Outcome::Ignored);
}
