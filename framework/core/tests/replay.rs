//! Replay: what was recorded is decided again on the state as of then, and what today's code says otherwise is found.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;
mod histories;

use std::collections::{BTreeMap, BTreeSet};

use common::bench::{Bench, Stored, fact, participant, setup};
use common::domain::*;
use common::parked::{INBOX, ORDERS, PROBES, control, placed};
use histories::{History, holds_by};
use kolo_core::processor::Outcome;
use kolo_core::processor::replay::{Compared, Finding, ReplayFilter, ReplayInputs, Unreadable};
use kolo_core::wire::{REPLAY, Record, Source};
use kolo_core::{Aggregate, Event as _, EventId, Received, Service, Timestamp};

/// The topics that `hold` reads.
const TOPICS: [&str; 3] = ["orders", "probes", "test.hold.inbox"];

/// Input topics, and how far each was read.
#[derive(Default)]
struct Topics {
    records: [Vec<Stored>; 3],
    next: [usize; 3],
}

impl ReplayInputs for Topics {
    fn each(
        &mut self,
        input: usize,
        take: &mut dyn FnMut(&Record<'_>) -> bool,
    ) -> Result<(), Unreadable> {
        while let Some(stored) = self.records[input].get(self.next[input]) {
            if !take(&stored.record()) {
                break;
            }
            self.next[input] += 1;
        }
        Ok(())
    }
}

impl Topics {
    fn of(published: &[(usize, Stored, Outcome)]) -> Topics {
        let mut topics = Topics::default();
        for (input, stored, _) in published {
            topics.records[*input].push(stored.clone());
        }
        topics
    }
}

/// Decides a log again by this service.
fn replayed(
    service: &Service,
    log: &[Stored],
    mut topics: Topics,
    filter: ReplayFilter,
) -> Vec<Compared> {
    let aggregate = participant(service, "hold");
    let mut replay = aggregate.replay(setup(&*aggregate, "test", 0), filter);
    let mut all = Vec::new();
    loop {
        for stored in log {
            let mut tell = |compared| all.push(compared);
            replay
                .take(&stored.record(), &mut topics, &mut tell)
                .expect("a stream that can be read");
        }
        if !replay.look_again(&mut |compared| all.push(compared)) {
            return all;
        }
    }
}

fn everything() -> ReplayFilter {
    ReplayFilter::default()
}

fn as_before(state: &Hold, placed: &Received<OrderPlaced>) -> Result<Vec<Held>, Refused> {
    assert!(placed.amount != 6, "no amount {} for me", placed.amount);
    hold(state, placed)
}

/// Holds another amount than 5, nothing of 4, refuses 0, and cannot bear 3.
fn otherwise(state: &Hold, placed: &Received<OrderPlaced>) -> Result<Vec<Held>, Refused> {
    assert!(placed.amount != 3, "no amount {} for me", placed.amount);
    let order = placed.order.clone();
    match placed.amount {
        5 => {
            let mut held = as_before(state, placed)?;
            held.iter_mut().for_each(|held| held.amount = 50);
            Ok(held)
        }
        4 => Ok(Vec::new()),
        0 => Err(Refused { order, amount: 0 }),
        _ => as_before(state, placed),
    }
}

/// A history of so many steps, whose last record tells that all of it was read.
fn history(seed: u64, steps: usize, ids: usize) -> (Bench, History) {
    let service = histories::service();
    let aggregate = participant(&service, "hold");
    let own = setup(&*aggregate, "test", 1);
    let mut bench = Bench::take_over(&*aggregate, own, Vec::new()).unwrap();
    let mut history = History::new(seed);
    history.ids = ids;
    for step in 0..steps {
        if step % 50 == 49 {
            // A new owner would read over what no record tells; here it goes on where the history is.
            bench.mark();
            let own = setup(&*aggregate, "test", 2 + step as u64);
            bench = Bench::take_over(&*aggregate, own, bench.log).unwrap();
        }
        history.step(&mut bench);
    }
    bench.mark();
    (bench, history)
}

fn count(all: &[Compared]) -> BTreeMap<Finding, usize> {
    let mut counts = BTreeMap::new();
    for compared in all {
        *counts.entry(compared.finding).or_default() += 1;
    }
    counts
}

#[test]
fn the_same_code_says_the_same_of_any_history() {
    let mut total = BTreeMap::new();
    for seed in 0..60 {
        let (bench, history) = history(seed, 200, 15);
        let topics = Topics::of(&history.published);
        let all = replayed(&histories::service(), &bench.log, topics, everything());
        for compared in &all {
            assert!(!compared.finding.differs(), "seed {seed}: {compared:#?}");
            assert_ne!(
                compared.finding,
                Finding::Gone,
                "seed {seed}: {compared:#?}"
            );
        }
        for (finding, number) in count(&all) {
            *total.entry(finding).or_insert(0) += number;
        }
        let answers = bench.log.iter().filter(|stored| {
            let stamp = stored.stamp();
            stamp.index == 1
                && matches!(
                    stamp.source,
                    Source::Input { .. } | Source::Copy { .. } | Source::Deadline(_)
                )
        });
        let answers: BTreeSet<i64> = answers.map(|stored| stored.offset).collect();
        let compared: BTreeSet<i64> = all.iter().map(|compared| compared.decided.offset).collect();
        let left_out: Vec<_> = answers.difference(&compared).collect();
        assert!(
            left_out.is_empty(),
            "seed {seed}: {left_out:?} are not compared"
        );
    }
    for finding in [Finding::Same, Finding::Parked, Finding::Reply] {
        assert!(
            total.get(&finding).is_some_and(|number| *number > 200),
            "{total:?}"
        );
    }
}

#[test]
fn what_other_code_says_is_found_and_nothing_else() {
    let changed = Service::new("test").aggregate(holds_by(otherwise));
    let mut total = BTreeMap::new();
    for seed in 0..60 {
        let (bench, history) = history(seed, 200, usize::MAX);
        let topics = Topics::of(&history.published);
        let all = replayed(&changed, &bench.log, topics, everything());
        let differing = all.iter().filter(|compared| compared.finding.differs());
        // Another place is that of what was parked, and ran later.
        let of_input = differing.filter_map(|compared| {
            let place = compared.place.as_ref()?;
            let (input, _, _) = history.published.iter().find(|(input, stored, outcome)| {
                TOPICS[*input] == place.topic
                    && stored.offset == place.offset
                    && matches!(outcome, Outcome::Decided(_))
            })?;
            Some((compared.finding, *input, place.offset))
        });
        let mut found: Vec<(Finding, usize, i64)> = of_input.collect();
        let (mut certain, mut possible, mut dropped) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (input, stored, outcome) in &history.published {
            if stored.short_type() == "OrderDropped" {
                dropped.insert(stored.key.clone());
            }
            let Outcome::Decided(records) = outcome else {
                continue;
            };
            if stored.short_type() != "OrderPlaced" {
                continue;
            }
            let placed = OrderPlaced::decode(stored.value.as_deref().unwrap()).unwrap();
            let finding = match (placed.amount, records) {
                (5, 1..) => Finding::Different,
                (4, 1..) => Finding::Extra,
                (0, 0) => Finding::Missing,
                (3, _) => Finding::Undecidable,
                _ => continue,
            };
            let found = (finding, *input, stored.offset);
            possible.push(found);
            // Behind an undo, nothing is decided by any code.
            if *records > 0 || !dropped.contains(&stored.key) {
                certain.push(found);
            }
        }
        found.sort_unstable();
        possible.retain(|known| certain.contains(known) || found.contains(known));
        possible.sort_unstable();
        assert_eq!(found, possible, "seed {seed}");
        for (finding, number) in count(&all) {
            *total.entry(finding).or_insert(0) += number;
        }
    }
    for finding in [
        Finding::Different,
        Finding::Extra,
        Finding::Missing,
        Finding::Undecidable,
    ] {
        assert!(
            total.get(&finding).is_some_and(|number| *number > 20),
            "{total:?}"
        );
    }
}

/// A hold that decides by this, on a log.
fn bench_by(service: &Service, log: Vec<Stored>, nonce: u64) -> Bench {
    let aggregate = participant(service, "hold");
    Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log).unwrap()
}

fn changed() -> Service {
    Service::new("test").aggregate(holds_by(otherwise))
}

fn mentioned(offset: i64, order: &str) -> Stored {
    let order = order.to_owned();
    fact(offset, &format!("mentioned {offset}"), &Mentioned { order })
}

/// What happened: each input with what it is, and a marker behind them all.
fn recorded(bench: &mut Bench, inputs: &[(usize, Stored)]) -> Topics {
    let mut topics = Topics::default();
    for (input, stored) in inputs {
        bench.handle(*input, stored);
        topics.records[*input].push(stored.clone());
    }
    bench.mark();
    topics
}

/// The control record that has the input of a finding decided.
fn apply(offset: i64, compared: &Compared) -> Stored {
    let replay = compared.replay.as_ref().expect("an answer is missing");
    let value = serde_json::to_vec(replay).unwrap();
    control(offset, REPLAY, &compared.key, &value)
}

// failure: code | a version decided inputs with nothing that it should have answered | nothing, until somebody compares |
// `replay plan` names them, and `replay apply` has their owner answer them once | an operator
#[test]
fn a_missing_answer_is_given_once_whoever_asks_and_however_often() {
    let mut bench = bench_by(&histories::service(), Vec::new(), 1);
    let topics = recorded(
        &mut bench,
        &[
            (ORDERS, placed(0, "o", 0, 1)),
            (ORDERS, placed(1, "o", 7, 1)),
        ],
    );
    let all = replayed(&changed(), &bench.log, topics, everything());
    let missing: Vec<_> = all.iter().filter(|found| found.finding.differs()).collect();
    assert_eq!(missing.len(), 1, "{all:#?}");
    let missing = missing[0];
    assert_eq!(
        (missing.finding, missing.id),
        (Finding::Missing, EventId::foreign("placed 0"))
    );
    assert_eq!(missing.today[0].event_type, "test.Refused");

    let mut bench = bench_by(&changed(), bench.log, 2);
    assert_eq!(bench.handle(INBOX, &apply(0, missing)), ["Refused"]);
    let refused = bench.log.last().unwrap();
    assert_eq!(
        refused.id.as_deref(),
        Some(&*missing.today[0].id.to_string()),
        "the id that it would have had"
    );
    assert_eq!(refused.stamp().causation, Some(missing.id));
    // The same control record read again, another one, and another owner.
    assert_eq!(bench.handle(INBOX, &apply(0, missing)), [] as [&str; 0]);
    assert_eq!(bench.handle(INBOX, &apply(1, missing)), [] as [&str; 0]);
    let log = bench.log.clone();
    for cut in 0..=log.len() {
        let mut bench = bench_by(&changed(), log[..cut].to_vec(), 3);
        let from = bench.log.len();
        bench.handle(INBOX, &apply(0, missing));
        bench.handle(INBOX, &apply(1, missing));
        let valid = bench.valid_events();
        let refused = valid.iter().filter(|event| event.short_type() == "Refused");
        assert_eq!(
            refused.count(),
            1,
            "cut at {cut}: {:?}",
            bench.types_from(from)
        );
    }
    // Compared again, nothing is missing.
    bench.mark();
    let mut topics = recorded(
        &mut bench_by(&histories::service(), Vec::new(), 1),
        &[
            (ORDERS, placed(0, "o", 0, 1)),
            (ORDERS, placed(1, "o", 7, 1)),
        ],
    );
    topics.records[INBOX] = vec![apply(0, missing), apply(0, missing), apply(1, missing)];
    for (offset, stored) in topics.records[INBOX].iter_mut().enumerate() {
        stored.offset = i64::try_from(offset).unwrap();
    }
    let all = replayed(&changed(), &bench.log, topics, everything());
    let differing: Vec<_> = all.iter().filter(|found| found.finding.differs()).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn what_cannot_be_decided_now_is_parked_in_its_turn() {
    let mut bench = bench_by(&histories::service(), Vec::new(), 1);
    let topics = recorded(
        &mut bench,
        &[
            (ORDERS, placed(0, "o", 0, 1)),
            (ORDERS, placed(1, "o", 6, 1)),
        ],
    );
    let all = replayed(&changed(), &bench.log, topics, everything());
    let missing = all
        .iter()
        .find(|found| found.finding == Finding::Missing)
        .unwrap();
    let mut bench = bench_by(&changed(), bench.log, 2);
    assert_eq!(
        bench.handle(INBOX, &apply(0, missing)),
        ["kolo.parked"],
        "behind what its key has parked"
    );
    assert_eq!(
        bench.handle(INBOX, &apply(1, missing)),
        [] as [&str; 0],
        "once"
    );
    let redriven = control(
        2,
        kolo_core::wire::DROP,
        "o",
        format!(
            r#"{{"id":"{}","reason":"a test"}}"#,
            EventId::foreign("placed 1")
        )
        .as_bytes(),
    );
    assert_eq!(
        bench.handle(INBOX, &redriven),
        ["kolo.marker", "kolo.unparked", "Refused", "kolo.unparked"]
    );
}

#[test]
fn a_control_record_that_says_nothing_changes_nothing() {
    let mut bench = bench_by(&histories::service(), Vec::new(), 1);
    for (offset, value) in [&b""[..], b"{}", b"null", br#"{"id":"x"}"#]
        .into_iter()
        .enumerate()
    {
        let offset = i64::try_from(offset).unwrap();
        let outcome = bench
            .decide(INBOX, &control(offset, REPLAY, "o", value))
            .unwrap();
        assert_eq!(outcome, Outcome::NotUnderstood);
    }
}

/// Says something where anything was held before.
fn remark(state: &Hold, mentioned: &Received<Mentioned>) -> Option<Seen> {
    let order = mentioned.order.clone();
    let state = state.seen.join(",");
    (!state.is_empty()).then_some(Seen { order, state })
}

fn always(_: &Hold, mentioned: &Received<Mentioned>) -> Seen {
    let order = mentioned.order.clone();
    Seen {
        order,
        state: String::new(),
    }
}

#[test]
fn an_answer_is_missing_only_if_there_was_no_moment_to_give_none() {
    let remarks =
        || Service::new("test").aggregate(Aggregate::<Hold>::new("hold").on(hold).on(remark));
    let says = Service::new("test").aggregate(Aggregate::<Hold>::new("hold").on(hold).on(always));
    let mut bench = bench_by(&remarks(), Vec::new(), 1);
    // Mentioned before anything was held; that is told only by the marker behind.
    let inputs = [
        (PROBES, mentioned(0, "o")),
        (ORDERS, placed(0, "o", 7, 1)),
        (ORDERS, placed(1, "p", 7, 1)),
        (PROBES, mentioned(1, "p")),
    ];
    let topics = recorded(&mut bench, &inputs);
    let all = replayed(&remarks(), &bench.log, topics, everything());
    assert_eq!(
        count(&all),
        BTreeMap::from([(Finding::Same, 4)]),
        "{all:#?}"
    );

    let mut bench = bench_by(&histories::service(), Vec::new(), 1);
    let topics = || {
        Topics::of(
            &inputs
                .clone()
                .map(|(input, stored)| (input, stored, Outcome::Skipped)),
        )
    };
    recorded(&mut bench, &inputs);
    let all = replayed(&says, &bench.log, topics(), everything());
    assert_eq!(
        count(&all),
        BTreeMap::from([(Finding::Same, 2), (Finding::Missing, 2)])
    );
    // `o` was mentioned before it was held, as far as anybody can tell; `p` may have been, too: no answer came between.
    let all = replayed(&remarks(), &bench.log, topics(), everything());
    assert_eq!(count(&all), BTreeMap::from([(Finding::Same, 4)]));
}

#[test]
fn an_input_that_is_gone_is_said_to_be() {
    let mut bench = bench_by(&histories::service(), Vec::new(), 1);
    let mut topics = recorded(
        &mut bench,
        &[
            (ORDERS, placed(0, "o", 0, 1)),
            (ORDERS, placed(1, "o", 7, 1)),
            (ORDERS, placed(2, "p", 5, 1)),
        ],
    );
    // Retention has removed the first two.
    topics.records[ORDERS].drain(..2);
    let all = replayed(&changed(), &bench.log, topics, everything());
    assert_eq!(
        count(&all),
        BTreeMap::from([(Finding::Gone, 1), (Finding::Different, 1)])
    );
}

#[test]
fn only_what_is_asked_for_is_compared() {
    let mut bench = bench_by(&histories::service(), Vec::new(), 1);
    let inputs = [
        (ORDERS, placed(0, "o", 5, 1)),
        (ORDERS, placed(1, "p", 5, 1)),
        (ORDERS, placed(2, "o", 4, 1)),
        (ORDERS, placed(3, "q", 0, 1)),
    ];
    recorded(&mut bench, &inputs);
    let found = |filter: ReplayFilter| {
        let topics = Topics::of(
            &inputs
                .clone()
                .map(|(input, stored)| (input, stored, Outcome::Skipped)),
        );
        let all = replayed(&changed(), &bench.log, topics, filter);
        let mut ids: Vec<i64> = all
            .iter()
            .map(|found| found.place.as_ref().unwrap().offset)
            .collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(found(everything()), [0, 1, 2, 3]);
    let key = Some("o".to_owned());
    assert_eq!(
        found(ReplayFilter {
            key,
            ..everything()
        }),
        [0, 2]
    );
    let correlation = Some(common::bench::saga("q"));
    assert_eq!(
        found(ReplayFilter {
            correlation,
            ..everything()
        }),
        [3]
    );
    // Published before 2, and decided at the time of the second answer or later.
    let second = bench.valid_events()[1].at;
    let (from, to) = (Some(second), Some(Timestamp::from_millis(2)));
    assert_eq!(
        found(ReplayFilter {
            from,
            to,
            ..everything()
        }),
        [1]
    );
}

#[test]
fn a_deadline_is_decided_again_as_of_its_time() {
    let mut bench = bench_by(&histories::service(), Vec::new(), 1);
    let topics = || Topics::of(&[(ORDERS, placed(0, "o", 7, 1), Outcome::Skipped)]);
    recorded(&mut bench, &[(ORDERS, placed(0, "o", 7, 1))]);
    let now = Timestamp::from_millis(bench.now + 100);
    assert_eq!(
        bench
            .processor
            .pass_deadlines(now, 9, now, &mut bench.out)
            .unwrap(),
        1
    );
    bench.flush();
    let same = replayed(&histories::service(), &bench.log, topics(), everything());
    assert_eq!(count(&same), BTreeMap::from([(Finding::Same, 2)]));
    // Without the deadline, nobody would have said that.
    let without = Service::new("test").aggregate(Aggregate::<Hold>::new("hold").on(hold));
    let all = replayed(&without, &bench.log, topics(), everything());
    let extra = all
        .iter()
        .find(|found| found.finding == Finding::Extra)
        .unwrap();
    assert_eq!(
        (&*extra.on, &*extra.recorded[0].event_type),
        ("deadline", "test.Closed")
    );
}
