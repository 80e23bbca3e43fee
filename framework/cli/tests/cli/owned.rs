//! A stream with everything in it that a stream can have, by the processor itself.

use kolo_core::EventId;
use kolo_core::processor::ResumeAt;
use kolo_core::wire::{Source, Stamp, Writer};
use rdkafka::message::{Headers, Message, OwnedMessage};

use super::backup::Raw;
use super::common::{Ink, fence};
use super::model::bench::{Bench, Stored, fact, participant, setup, topic_id};
use super::model::domain::*;

/// What a record has beside what the processor reads.
fn headers(stored: &Stored) -> Vec<(String, Option<Vec<u8>>)> {
    let text = |name: &str, value: &Option<String>| {
        let value = value.as_ref()?.clone().into_bytes();
        Some((name.to_owned(), Some(value)))
    };
    let all = [
        Some(("ce_specversion".to_owned(), Some(b"1.0".to_vec()))),
        text("ce_id", &stored.id),
        Some(("ce_source".to_owned(), Some(b"/test/hold".to_vec()))),
        text("ce_type", &stored.event_type),
        text("kolo", &stored.stamp),
        stored
            .rest
            .clone()
            .map(|rest| ("kolo_rest".to_owned(), Some(rest))),
        text("traceparent", &stored.traceparent),
    ];
    all.into_iter().flatten().collect()
}

pub(crate) fn raw(stored: &Stored, partition: i32) -> Raw {
    Raw {
        partition,
        millis: stored.at.as_millis(),
        key: stored.key.clone().filter(|key| !key.is_empty()),
        value: stored.value.clone(),
        headers: headers(stored),
    }
}

/// A record of Kafka, as the processor's bench reads it.
pub(crate) fn stored(message: &OwnedMessage) -> Stored {
    let find = |name: &str| {
        let headers = message.headers()?;
        let found = headers.iter().filter(|header| header.key == name).last()?;
        found.value.map(<[u8]>::to_vec)
    };
    let text = |name: &str| find(name).map(|value| String::from_utf8(value).unwrap());
    Stored {
        offset: message.offset(),
        at: kolo_core::Timestamp::from_millis(message.timestamp().to_millis().unwrap()),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        id: text("ce_id"),
        event_type: text("ce_type"),
        stamp: text("kolo"),
        rest: find("kolo_rest"),
        traceparent: text("traceparent"),
    }
}

fn placed(order: &str, amount: i64, parts: u32) -> OrderPlaced {
    OrderPlaced {
        order: order.into(),
        amount,
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

/// The next owner: it knows the inputs in another order, so that its fence has other numbers, and of them one more.
fn next_owner(bench: &Bench, nonce: u64, recreated: bool) -> Bench {
    let aggregate = participant(&service(), "hold");
    let mut setup = setup(&*aggregate, "test", nonce);
    if recreated {
        setup.inputs[1].id = topic_id("probes, created again");
    }
    Bench::take_over(&*aggregate, setup, bench.log.clone()).unwrap()
}

/// A late record of somebody who was replaced, or a repeated one: void.
fn late(bench: &mut Bench, of: usize) {
    let offset = bench.log.last().unwrap().offset + 1;
    let late = Stored {
        offset,
        ..bench.log[of].clone()
    };
    bench.log.push(late);
}

/// A log over several owners, with answers of several events, effects, undone steps, markers, void records, and an input
/// that was created again.
pub(crate) fn history() -> Vec<Stored> {
    let mut bench = Bench::holds();
    bench.handle(0, &fact(0, "a", &placed("o", 5, 3)));
    bench.handle(0, &fact(1, "b", &wanted("o")));
    bench.mark();
    bench.handle(0, &fact(2, "c", &placed("p", -1, 1)));
    bench.handle(1, &fact(0, "m", &Mentioned { order: "p".into() }));
    bench.mark();
    late(&mut bench, 2);

    let mut bench = next_owner(&bench, 2, true);
    late(&mut bench, 3);
    let pending = bench.processor.pending();
    assert_eq!(pending.len(), 1);
    bench.handle(0, &fact(3, "d", &dropped("o")));
    bench.answer(pending[0].request, Box::new(Verdict(true)));
    bench.handle(1, &fact(0, "s", &Probed { order: "o".into() }));
    bench.handle(0, &fact(4, "e", &dropped("q")));
    bench.mark();
    late(&mut bench, 5);

    let mut bench = next_owner(&bench, 3, false);
    bench.handle(0, &fact(5, "f", &placed("q", 5, 1)));
    bench.handle(0, &fact(6, "g", &OrderClosed { order: "p".into() }));
    bench.handle(0, &fact(7, "h", &wanted("p")));
    bench.handle(1, &fact(1, "t", &Probed { order: "p".into() }));
    bench.mark();
    bench.handle(0, &fact(8, "i", &placed("r", 7, 2)));
    bench.log
}

/// What an owner knows and says after it restored from a log: all that shows of a state.
#[derive(Debug, PartialEq)]
pub(crate) struct Knows {
    completed: Vec<(Option<String>, Option<Vec<u8>>)>,
    pending: Vec<EventId>,
    keys: usize,
    resume: Vec<ResumeAt>,
    decided: Vec<String>,
    says: Vec<Vec<String>>,
}

pub(crate) fn knows(log: &[Stored]) -> Knows {
    let restored = || {
        let mut bench = Bench::restored_from(log.to_vec(), 99);
        bench.now = 1_000_000;
        bench
    };
    let mut bench = restored();
    let fence = log.len();
    let completed = bench.log[fence + 1..]
        .iter()
        .map(|s| (s.id.clone(), s.value.clone()));
    let mut knows = Knows {
        completed: completed.collect(),
        pending: bench
            .processor
            .pending()
            .iter()
            .map(|call| call.request)
            .collect(),
        keys: bench.processor.keys(),
        resume: bench.start.resume.clone(),
        decided: Vec::new(),
        says: Vec::new(),
    };
    knows.pending.sort_unstable();
    // The positions of all origins, by what they are and not by the number that an owner gives them.
    let marker = bench.mark();
    let origins = bench.processor.origins().to_vec();
    let listed = marker.decided.iter().map(|(number, partition, at)| {
        let origin = &origins[usize::from(*number)];
        format!("{} {} [{partition}] {at:?}", origin.path, origin.id)
    });
    let others = marker.others.iter();
    let others = others.map(|(origin, partition, at)| {
        format!("{} {} [{partition}] {at:?}", origin.path, origin.id)
    });
    knows.decided = listed.chain(others).collect();
    knows.decided.sort();
    for order in ["o", "p", "q", "r", "never heard of"] {
        let probed = Probed {
            order: order.into(),
        };
        let probes = [
            (1, fact(50, "probe", &probed)),
            (0, fact(50, "new placed", &placed(order, 5, 2))),
            (0, fact(50, "new wanted", &wanted(order))),
            (0, fact(50, "new dropped", &dropped(order))),
            (0, fact(50, "a", &placed(order, 5, 2))),
            (0, fact(50, "d", &dropped(order))),
            (0, fact(4, "at a decided position", &placed(order, 5, 2))),
        ];
        for (input, probe) in &probes {
            let mut bench = restored();
            let from = bench.log.len();
            bench.handle(*input, probe);
            let said = bench.log[from..].iter();
            let said = said.filter(|stored| stored.short_type() != "kolo.marker");
            let said = said
                .map(|stored| format!("{:?} {:?} {}", stored.id, stored.event_type, stored.text()));
            knows.says.push(said.collect());
        }
    }
    for call in restored().processor.pending() {
        let mut bench = restored();
        let said = bench.answer(call.request, Box::new(Verdict(true)));
        knows.says.push(said);
    }
    knows
}

/// A stream that takes a while to import: one owner, one partition.
pub(crate) fn long_stream(records: u64) -> Vec<Raw> {
    let plain = |ink: &Ink<'_>| Raw {
        partition: 0,
        millis: 1_700_000_000_000,
        key: Some(ink.key.as_bytes().to_vec()),
        value: Some(ink.value.clone()),
        headers: ink
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(value.clone().into_bytes())))
            .collect(),
    };
    let mut all = vec![plain(&fence(7))];
    for number in 1..=records {
        let offset = i64::try_from(number).unwrap();
        let stamp = Stamp {
            source: Source::Input {
                origin: 0,
                partition: 0,
                position: kolo_core::Position::direct(offset),
            },
            ..Stamp::own(Writer {
                epoch: Some(0),
                nonce: 7,
                number,
            })
        };
        all.push(Raw {
            key: Some(format!("key-{}", number % 100).into_bytes()),
            value: Some(format!("served {number}").into_bytes()),
            headers: vec![
                (
                    "ce_id".into(),
                    Some(format!("served-{number}").into_bytes()),
                ),
                ("ce_type".into(), Some(b"test.cafe.CupServed".to_vec())),
                ("kolo".into(), Some(stamp.to_string().into_bytes())),
            ],
            ..all[0].clone()
        });
    }
    all
}
