//! What is parked: records that cannot be decided, the control records of an operator, and a service with a bug.

#![allow(dead_code, reason = "each test uses a part of it")]

use kolo_core::wire::{self, DROP, FailureClass, Parked, REDRIVE};
use kolo_core::{Aggregate, EventId, Received, Service, Timestamp};

use super::bench::{Bench, Stored, fact, participant, setup};
use super::domain::*;

pub(crate) const ORDERS: usize = 0;
pub(crate) const PROBES: usize = 1;
pub(crate) const INBOX: usize = 2;

pub(crate) fn placed(offset: i64, order: &str, amount: i64, parts: u32) -> Stored {
    let order = order.to_owned();
    let id = format!("placed {offset}");
    fact(
        offset,
        &id,
        &OrderPlaced {
            order,
            amount,
            parts,
        },
    )
}

pub(crate) fn garbage(offset: i64, order: &str) -> Stored {
    Stored {
        value: Some(b"garbage".to_vec()),
        ..placed(offset, order, 0, 0)
    }
}

pub(crate) fn control(offset: i64, event_type: &str, key: &str, value: &[u8]) -> Stored {
    Stored {
        offset,
        at: Timestamp::from_millis(offset),
        key: Some(key.as_bytes().to_vec()),
        value: Some(value.to_vec()),
        id: Some(EventId::foreign(&format!("control {offset}")).to_string()),
        event_type: Some(event_type.to_owned()),
        stamp: None,
        rest: None,
        traceparent: None,
    }
}

pub(crate) fn redrive(offset: i64, key: &str) -> Stored {
    control(offset, REDRIVE, key, b"{}")
}

pub(crate) fn drop_one(offset: i64, key: &str, id: EventId, reason: &str) -> Stored {
    let drop = wire::Drop {
        id,
        reason: reason.to_owned(),
    };
    control(offset, DROP, key, &serde_json::to_vec(&drop).unwrap())
}

/// What is parked: (key, id, class, attempts), key by key in order.
pub(crate) fn parked_now(bench: &Bench) -> Vec<(String, EventId, FailureClass, u32)> {
    let mut all = Vec::new();
    bench.processor.parked(&mut |key, parked| {
        all.push((
            key.to_owned(),
            parked.id,
            parked.failure.class,
            parked.attempts,
        ));
    });
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

pub(crate) fn ids(bench: &Bench) -> Vec<EventId> {
    parked_now(bench)
        .into_iter()
        .map(|(_, id, ..)| id)
        .collect()
}

pub(crate) fn last_parked(bench: &Bench) -> Parked {
    let stored = bench
        .log
        .iter()
        .rfind(|stored| stored.short_type() == "kolo.parked");
    serde_json::from_str(stored.expect("something parked").text()).expect("JSON")
}

/// A decision with a bug that the next version mends: it cannot bear the amount 666.
pub(crate) fn hold_with_a_bug(
    state: &Hold,
    order: &Received<OrderPlaced>,
) -> Result<Vec<Held>, Refused> {
    assert!(order.amount != 666, "no amount {} for me", order.amount);
    hold(state, order)
}

pub(crate) fn buggy() -> Service {
    let aggregate = Aggregate::<Hold>::new("hold").on(hold_with_a_bug);
    let aggregate = aggregate
        .undo(free)
        .on(ask)
        .effect::<Bank, _>(told_with_a_bug);
    Service::new("test").aggregate(aggregate.undo(give_back).on(close).pivot().on(see).on(nod))
}

pub(crate) fn told_with_a_bug(
    state: &Hold,
    asked: &Asked,
    verdict: Verdict,
) -> Result<Granted, Denied> {
    assert!(asked.cents != 666, "no {} cents for me", asked.cents);
    told(state, asked, verdict)
}

pub(crate) fn bench_of(service: &Service, log: Vec<Stored>, nonce: u64) -> Bench {
    let aggregate = participant(service, "hold");
    Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log).expect("a log")
}

pub(crate) fn last_parked_of(bench: &Bench, id: &str) -> Parked {
    let id = EventId::foreign(id);
    let mut found = None;
    bench.processor.parked(&mut |_, parked| {
        if parked.id == id {
            found = Some(parked.clone());
        }
    });
    found.expect("it is parked")
}
