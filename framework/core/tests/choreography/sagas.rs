//! A saga put together from its records, and what the manifests declare beyond them.

use kolo_core::choreography::Manifest;
use kolo_core::saga::{Saga, Told};
use kolo_core::wire::{BARRED, PARKED};
use kolo_core::{EventId, Mark, Timestamp};

use crate::domain::{full, manifests};

const SHOP: &str = "
    intake Placed
    success Confirmed
    failure Dropped
    shop.order on Placed -> Opened
    shop.order pivot Paid -> Confirmed?
    shop.order on Refused -> Dropped?
    shop.order deadline -> Dropped
    bank.payment on Opened -> Asked
    bank.payment call Asked -> Paid, Refused!
    bank.payment undo Dropped Asked -> Returned
    bank.payment on Dropped -> Noted?
";

/// An event `name` of `by`, caused by the event named `cause`; each name is also the id.
fn told(at: i64, name: &str, by: Option<&str>, cause: Option<&str>) -> Told {
    Told {
        id: EventId::foreign(name),
        causation: cause.map(EventId::foreign),
        event: full(name),
        by: by.map(Into::into),
        of_deadline: false,
        key: "o-1".into(),
        at: Timestamp::from_millis(at),
        topic: by.unwrap_or("intake").into(),
        partition: 0,
        offset: at,
    }
}

const ORDER: Option<&str> = Some("shop.order");
const PAYMENT: Option<&str> = Some("bank.payment");

fn asked() -> Vec<Told> {
    vec![
        told(10, "Placed", None, None),
        told(12, "Opened", ORDER, Some("Placed")),
        told(15, "Asked", PAYMENT, Some("Opened")),
    ]
}

fn with(more: impl IntoIterator<Item = Told>) -> Saga {
    Saga::of(asked().into_iter().chain(more))
}

/// `event by`, with `call` where a call is pending, and `?` where nothing may be the answer.
fn open(saga: &Saga, manifests: &[Manifest]) -> Vec<String> {
    let lines = saga.open(manifests).into_iter().map(|open| {
        let call = if open.is_call() { " call" } else { "" };
        let nothing = if open.may_be_nothing() { " ?" } else { "" };
        let event = open.event.event.trim_start_matches("test.");
        format!("{event} {}{call}{nothing}", open.by())
    });
    lines.collect()
}

/// `depth name after`, one a record.
fn tree(saga: &Saga) -> Vec<String> {
    let lines = saga.tree().into_iter().map(|branch| {
        let after = branch.after.map(|after| after.as_millis().to_string());
        let event = branch.record.event.trim_start_matches("test.");
        format!("{} {event} {}", branch.depth, after.unwrap_or("-".into()))
    });
    lines.collect()
}

#[test]
fn each_event_stands_below_its_cause_in_whatever_order_it_was_read() {
    let refused = told(40, "Refused", PAYMENT, Some("Asked"));
    let stray = told(11, "Stray", PAYMENT, Some("Deleted"));
    let mut records = asked();
    records.extend([refused, stray]);
    let expected = [
        "0 Placed -",
        "1 Opened 2",
        "2 Asked 3",
        "3 Refused 25",
        "0 Stray -",
    ];
    assert_eq!(tree(&Saga::of(records.clone())), expected);
    records.reverse();
    assert_eq!(tree(&Saga::of(records)), expected);
}

#[test]
fn a_repeat_under_the_same_id_counts_once_and_where_it_stands_first() {
    let saga = with([told(90, "Placed", None, None)]);
    assert_eq!(saga.told().len(), 3);
    assert_eq!(saga.told()[0].at, Timestamp::from_millis(10));
}

#[test]
fn a_clock_that_is_behind_and_a_circle_of_foreign_records_lose_nothing() {
    let early = told(13, "Paid", PAYMENT, Some("Asked"));
    assert_eq!(tree(&with([early]))[3], "3 Paid 0");
    let circle = Saga::of([
        told(1, "A", None, Some("B")),
        told(2, "B", None, Some("A")),
        told(3, "C", None, Some("C")),
    ]);
    assert_eq!(tree(&circle), ["0 C 0", "0 A 0", "1 B 1"]);
}

#[test]
fn what_is_declared_and_not_answered_is_open() {
    let manifests = manifests(SHOP);
    let mut records = asked();
    assert_eq!(
        open(&Saga::of(records.drain(..1)), &manifests),
        ["Placed shop.order"]
    );
    assert_eq!(open(&with([]), &manifests), ["Asked bank.payment call"]);
    let paid = told(20, "Paid", PAYMENT, Some("Asked"));
    assert_eq!(
        open(&with([paid.clone()]), &manifests),
        ["Paid shop.order ?"]
    );
    let confirmed = told(22, "Confirmed", ORDER, Some("Paid"));
    assert_eq!(
        open(&with([paid, confirmed]), &manifests),
        Vec::<String>::new()
    );
}

#[test]
fn an_answer_of_another_aggregate_or_to_a_deadline_answers_nothing() {
    let manifests = manifests(SHOP);
    let foreign = told(20, "Copied", ORDER, Some("Asked"));
    assert_eq!(
        open(&with([foreign]), &manifests),
        ["Asked bank.payment call"]
    );
    let mut dropped = told(20, "Dropped", ORDER, Some("Opened"));
    dropped.of_deadline = true;
    let mut expired = told(21, "Noted", PAYMENT, Some("Asked"));
    expired.of_deadline = true;
    assert_eq!(
        open(&with([dropped, expired]), &manifests),
        ["Asked bank.payment call", "Dropped bank.payment ?"]
    );
}

#[test]
fn a_bar_answers_its_trigger_and_a_parked_record_does_not() {
    let manifests = manifests(SHOP);
    let dropped = told(20, "Dropped", ORDER, Some("Placed"));
    let own = |name: &str| Told {
        event: name.into(),
        ..told(25, "own", PAYMENT, Some("Dropped"))
    };
    let pending = "Asked bank.payment call".to_owned();
    assert_eq!(
        open(&with([dropped.clone(), own(PARKED)]), &manifests),
        [pending.clone(), "Dropped bank.payment ?".to_owned()]
    );
    assert_eq!(open(&with([dropped, own(BARRED)]), &manifests), [pending]);
}

#[test]
fn an_aggregate_that_reacts_and_undoes_has_one_open_answer() {
    let manifests = manifests(SHOP);
    let saga = with([told(20, "Dropped", ORDER, Some("Placed"))]);
    let all = saga.open(&manifests);
    let dropped = all.iter().find(|open| open.event.event == full("Dropped"));
    assert_eq!(dropped.map(|open| open.uses.len()), Some(2));
}

#[test]
fn a_saga_ends_with_the_last_event_that_is_marked_so() {
    let manifests = manifests(SHOP);
    let end = |saga: &Saga| {
        let end = saga.end(&manifests);
        end.map(|(record, mark)| (record.event.clone(), mark))
    };
    assert_eq!(end(&with([])), None);
    let confirmed = told(22, "Confirmed", ORDER, Some("Asked"));
    let after = told(30, "Noted", PAYMENT, Some("Confirmed"));
    assert_eq!(
        end(&with([confirmed, after])),
        Some((full("Confirmed"), Mark::Success))
    );
    let dropped = told(22, "Dropped", ORDER, Some("Asked"));
    assert_eq!(
        end(&with([dropped])),
        Some((full("Dropped"), Mark::Failure))
    );
}

#[test]
fn what_a_compensation_answers_undoes_the_step_of_its_own_key() {
    let manifests = manifests(SHOP);
    let dropped = told(20, "Dropped", ORDER, Some("Placed"));
    let returned = told(25, "Returned", PAYMENT, Some("Dropped"));
    let saga = with([dropped.clone(), returned.clone()]);
    let undone = |saga: &Saga, record: &Told| {
        let step = saga.undone(record, &manifests);
        step.map(|step| step.event.clone())
    };
    assert_eq!(undone(&saga, &returned), Some(full("Asked")));
    assert_eq!(undone(&saga, &dropped), None, "a reaction undoes nothing");
    let elsewhere = Told {
        key: "o-2".into(),
        ..returned
    };
    assert_eq!(
        undone(&with([dropped, elsewhere.clone()]), &elsewhere),
        None
    );
}
