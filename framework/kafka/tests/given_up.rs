//! A request whose port does not reply is answered as declared, or its key parked until somebody helps, over a broker.

#![allow(
    dead_code,
    clippy::expect_used,
    reason = "a test fails by panicking, and counts nothing"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Publisher, await_that, config, read_all};
use kolo_core::wire::{self, FailureClass, ParkedKind};
use kolo_core::{CallPolicy, Pauses, Retries};
use kolo_kafka::{Adapter, AdapterError, App, Call};

common::counter_events!("given-up.added", "given-up.counted");
common::asker!("given-up.asks", Left);

/// Knows all keys but `unknown`, and that one too once it was told.
struct Knows(Arc<AtomicBool>);

impl Adapter<Bank> for Knows {
    async fn call(&self, call: Call<'_, Asked>) -> Result<(), AdapterError> {
        match call.key {
            "away" => Err(AdapterError::new("nobody is there")),
            "unknown" if !self.0.load(Ordering::Relaxed) => {
                Err(AdapterError::terminal("no such account"))
            }
            _ => Ok(()),
        }
    }
}

fn left(_: &Asker, asked: &Asked) -> Left {
    let (key, amount) = (asked.key.clone(), asked.amount);
    Left { key, amount }
}

fn asker() -> Aggregate<Asker> {
    const PAUSES: Pauses = Pauses::between(Duration::from_millis(5), Duration::from_millis(20));
    Aggregate::new("asker")
        .on(ask)
        .effect::<Bank, _>(told)
        .policy(
            CallPolicy::new()
                .retries(Retries::at_most(3))
                .pauses(PAUSES),
        )
}

/// What the aggregate said of a key, in order.
fn said(key: &str) -> Vec<String> {
    let all = read_all("given-up.asks").into_iter();
    let own =
        all.filter(|seen| seen.valid && seen.key == key && seen.event_type.starts_with("test."));
    own.map(|seen| format!("{} {}", seen.event_type, seen.value))
        .collect()
}

#[test]
fn a_request_without_a_reply_is_answered_as_declared_or_parks_its_key() {
    let publisher = Publisher::new();
    let publish = |id: &str, key: &str| {
        let value = format!("{key} 1");
        publisher.publish("given-up.added", "test.Added", id, key, value.as_bytes());
        publisher.flush();
    };
    let start = |asker: Aggregate<Asker>, helped: &Arc<AtomicBool>| {
        App::new(Service::new("given-up").aggregate(asker))
            .bind::<Bank>(Knows(Arc::clone(helped)))
            .start(&config())
            .expect("the service starts")
    };
    let helped = Arc::new(AtomicBool::new(false));
    let answers = start(asker().exhausted(left), &helped);
    for key in ["away", "known"] {
        publish(key, key);
    }
    await_that("both are answered", || {
        said("away").len() + said("known").len() == 4
    });
    assert_eq!(said("away"), ["test.Asked away 1", "test.Left away 1"]);
    assert_eq!(said("known"), ["test.Asked known 1", "test.Told known 1"]);
    answers.stop().expect("a graceful stop");

    let parks = start(asker(), &helped);
    publish("u1", "unknown");
    publish("u2", "unknown");
    publish("k2", "known");
    let parked = || -> Vec<wire::Parked> {
        let all = read_all("given-up.asks").into_iter();
        let parked = all.filter(|seen| seen.valid && seen.event_type == wire::PARKED);
        parked
            .map(|seen| serde_json::from_str(&seen.value).expect("JSON"))
            .collect()
    };
    await_that("both are parked", || parked().len() == 2);
    let first = parked().remove(0);
    assert_eq!(
        (first.kind, first.failure.class),
        (ParkedKind::Request, FailureClass::Effect)
    );
    assert_eq!(
        first.failure.message,
        "calling again cannot help, after 1 calls: no such account"
    );
    await_that("other keys go on", || said("known").len() == 4);
    assert!(parks.pending_effects().is_empty(), "nobody is called");
    helped.store(true, Ordering::Relaxed);
    let inbox = "given-up.asker.inbox";
    publisher.publish(inbox, wire::REDRIVE, "r", "unknown", b"{}");
    publisher.flush();
    await_that("both are answered", || said("unknown").len() == 4);
    parks.stop().expect("a graceful stop");
}
