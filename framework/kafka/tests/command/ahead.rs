//! `replay ahead`.

use kolo_core::wire::{self, FENCE, Fence, Source, Stamp, Writer};
use kolo_core::{CorrelationId, EventId, Origin, Path, Position, ReactionId, TopicId};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use serde_json::Value;

use crate::common::{Publisher, await_that};
use crate::letters::{client, create_topic};
use crate::typed::{Typed, add, command, of, start};

crate::common::counter_events!("ahead.added", "ahead.counted");
crate::common::counter!("ahead");

const INTAKE: &str = "ahead.added";
const STREAM: &str = "ahead.counted";
const INBOX: &str = "elsewhere.books.inbox";
const BOOKS: &str = "elsewhere.books";

fn ahead(args: &[&str]) -> Typed {
    let all: Vec<&str> = ["replay", "ahead"]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    command("ahead", &all).output().unwrap().into()
}

/// The event that answers the input with this id.
fn answer_to(input: &str) -> EventId {
    let on = ReactionId::of_name("ahead.counter on test.Added");
    EventId::derive(wire::event_id(input), &on, 0, None)
}

fn put(topic: &str, event_type: &str, id: EventId, stamp: &Stamp, key: &str, value: &str) {
    let producer: ThreadedProducer<rdkafka::producer::DefaultProducerContext> =
        client().create().unwrap();
    let (id, stamp) = (id.to_string(), stamp.to_string());
    let header = |key, value| Header {
        key,
        value: Some(value),
    };
    let headers = OwnedHeaders::new()
        .insert(header("ce_id", id.as_str()))
        .insert(header("ce_type", event_type))
        .insert(header("kolo", &stamp));
    let record = BaseRecord::<str, str>::to(topic).partition(0);
    let record = record.key(key).payload(value).headers(headers);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(std::time::Duration::from_secs(20)).unwrap();
}

/// A copy of an event of the stream, when it was another topic.
fn copy(offset: i64, id: EventId, key: &str, value: &str) {
    let stamp = Stamp {
        correlation: Some(CorrelationId::of_saga(key)),
        causation: None,
        writer: None,
        source: Source::Copy {
            path: Path::CURRENT_ROUTE,
            topic: TopicId(EventId::foreign("the stream that was lost").0),
            partition: 0,
            position: Position::direct(offset),
            after: None,
        },
        index: 1,
        count: 1,
    };
    put(INBOX, "test.Counted", id, &stamp, key, value);
}

/// An event of another stream, which names this one as its cause.
fn caused_by(cause: EventId) {
    let writer = |epoch, number| Writer {
        epoch,
        nonce: 7,
        number,
    };
    let fence = Fence {
        service: "elsewhere".into(),
        aggregate: "books".into(),
        partitions: 1,
        version: 1,
        origins: vec![Origin {
            path: Path::Direct,
            id: TopicId(EventId::foreign("the stream that was lost").0),
            topic: STREAM.into(),
        }],
    };
    let value = serde_json::to_string(&fence).unwrap();
    put(
        BOOKS,
        FENCE,
        EventId::foreign("fence"),
        &Stamp::own(writer(None, 0)),
        "",
        &value,
    );
    let stamp = Stamp {
        causation: Some(cause),
        source: Source::Input {
            origin: 0,
            partition: 0,
            position: Position::direct(3),
        },
        ..Stamp::own(writer(Some(0), 1))
    };
    put(
        BOOKS,
        "test.Booked",
        EventId::foreign("booked"),
        &stamp,
        "one",
        "{}",
    );
}

fn conflicts(found: &Value) -> Vec<(String, Value)> {
    let all = found["aggregates"][0]["conflicts"]
        .as_array()
        .unwrap()
        .iter();
    let mut all: Vec<_> = all
        .map(|one| (one["id"].as_str().unwrap().to_owned(), one["now"].clone()))
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

pub(crate) fn what_others_have_seen_is_held_against_what_will_be_said() {
    ahead(&[]).fails(1, &["no topic `ahead.counted`"]);
    let publisher = Publisher::new();
    let running = start(service());
    add(&publisher, INTAKE, "1", "one", "one 1");
    publisher.flush();
    await_that("one is counted", || of(STREAM, "test.Counted") == 1);
    running.stop().expect("a graceful stop");
    add(&publisher, INTAKE, "2", "one", "one 10");
    add(&publisher, INTAKE, "3", "three", "three 3");
    publisher.flush();
    ahead(&[])
        .ends(0)
        .says(&["ahead.counter: 2 inputs will be decided, with 2 events\n"]);

    create_topic(INBOX);
    create_topic(BOOKS);
    copy(0, answer_to("1"), "one", "one 1");
    copy(1, answer_to("3"), "three", "three 3");
    ahead(&[]).ends(0);
    copy(2, answer_to("2"), "one", "one 99");
    let lost = EventId::foreign("nobody says this again");
    copy(3, lost, "lost", "lost 7");
    let said = ahead(&[]).ends(3);
    let said = said.says(&[
        "conflict: one, ",
        "  seen in elsewhere.books.inbox[0]@2: Counted(Counted { key: \"one\", amount: 99 })\n",
        "  now Counted(Counted { key: \"one\", amount: 11 })\n",
        "conflict: lost, ",
        "  now nothing has this id\n",
        "  2 conflicts: ",
    ]);
    assert!(!said.out.contains("three"), "{}", said.out);
    let mut expected = [
        (
            answer_to("2").to_string(),
            "Counted(Counted { key: \"one\", amount: 11 })".into(),
        ),
        (lost.to_string(), Value::Null),
    ];
    expected.sort_by(|one: &(String, Value), other| one.0.cmp(&other.0));
    assert_eq!(conflicts(&ahead(&["--json"]).ends(3).json()), expected);

    ahead(&["--seen", "nowhere"]).fails(2, &["no topic `nowhere`"]);
    ahead(&["--seen", BOOKS]).ends(0);
    caused_by(lost);
    ahead(&["--seen", BOOKS])
        .ends(3)
        .says(&["  the cause of test.Booked in elsewhere.books[0]@1\n"]);

    // It is what the owner says then.
    let running = start(service());
    await_that("all is counted", || of(STREAM, "test.Counted") == 3);
    running.stop().expect("a graceful stop");
    assert_eq!(conflicts(&ahead(&["--json"]).ends(3).json()), expected);
}
