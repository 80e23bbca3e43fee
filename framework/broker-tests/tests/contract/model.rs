//! The simulator's log, held against the broker: the same random scripts of operations on both.
//!
//! A simulation of `kolo_testing` proves as much as its log is like Kafka's. So scripts are drawn from a seed and run on the
//! broker under test, and `check` asks whether the simulator's own log could have done what was seen. What is promised is
//! compared exactly; what is not, when and in which order the records of several producers arrive, is taken from what was
//! seen.
//!
//! `KOLO_SEED=N` runs the script of that seed first, `KOLO_SCRIPTS` says how many are run.

mod arrivals;
mod broker;
mod check;
mod producer;
mod record;
mod script;
mod seen;
mod stalled;
mod subject;

use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use crate::common::broker::is_embedded;
use check::{Difference, check};
use script::{Op, Told, drawn, settled};
use subject::{Fault, Subject};

/// How long it may take to make a script smaller that has failed for no known reason.
const SHRINK: Duration = Duration::from_secs(30);

/// A wrong model must be told from the broker within so many scripts.
const UNTIL_FOUND: u64 = 40;

/// How many scripts: on Apache Kafka topics take their time to be created.
fn scripts() -> u64 {
    number("KOLO_SCRIPTS").unwrap_or(if is_embedded() { 150 } else { 50 })
}

/// Whatever the broker does in a random script, the simulator's log could have done.
#[test]
fn the_simulators_log_can_do_what_the_broker_does() {
    let (first, begun) = (seed(), Instant::now());
    for seed in first..first + scripts() {
        if let Err(failure) = hold(seed, None) {
            panic!("{failure}");
        }
    }
    let scripts = scripts();
    println!("{scripts} scripts in {:.1?}", begun.elapsed());
}

/// A model that is wrong in any of nine ways is told from the broker, each within 40 scripts.
#[test]
fn a_wrong_model_is_told_from_the_broker() {
    let first = seed();
    let mut faults = Fault::ALL.to_vec();
    for seed in first..first + UNTIL_FOUND {
        let tree = drawn()
            .new_tree(&mut runner(seed, SHRINK))
            .expect("a script");
        let script = settled(&tree.current());
        let seen = broker::run(&script);
        faults.retain(|&fault| {
            let found = check(&script, &seen, Subject::new(Some(fault))).is_err();
            if found {
                println!("{fault:?}: found in script {}", seed - first + 1);
            }
            !found
        });
        if faults.is_empty() {
            return;
        }
    }
    panic!("{faults:?} not found in {UNTIL_FOUND} scripts");
}

/// Embedded broker only: a script that shows a difference is shrunk to the one operation that it takes.
#[test]
fn a_failing_script_is_shrunk() {
    if !is_embedded() {
        return;
    }
    let first = seed();
    let mut failures =
        (first..first + UNTIL_FOUND).filter_map(|seed| hold(seed, Some(Fault::KeepsIds)).err());
    let failure = failures.next().expect("a script that shows it");
    println!("{failure}");
    assert!(
        matches!(failure.drawn[..], [Op::Recreate { .. }]),
        "{failure}"
    );
}

/// The first seed: that of `KOLO_SEED`, or any.
#[expect(clippy::print_stdout, reason = "what fails is repeated by its seed")]
fn seed() -> u64 {
    let seed = number("KOLO_SEED").unwrap_or_else(|| fastrand::u64(..u64::MAX / 2));
    println!("scripts from KOLO_SEED={seed} on");
    seed
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is to be a number, not {text:?}")))
}

fn runner(seed: u64, shrink: Duration) -> TestRunner {
    TestRunner::new(Config {
        cases: 1,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        // By default a number that goes by that of the cases.
        max_shrink_iters: 10_000,
        max_shrink_time: shrink.as_millis() as u32,
        ..Config::default()
    })
}

/// A script in which the broker did what the model cannot do.
struct Failure {
    seed: u64,
    difference: Difference,
    drawn: Vec<Op>,
}

/// Runs the script of a seed, and holds what is seen against a model.
fn hold(seed: u64, fault: Option<Fault>) -> Result<(), Failure> {
    let smallest = RefCell::new(None);
    // Zero is no limit: what is done to see a known fault shrunk ends with that.
    let shrink = if fault.is_some() {
        Duration::ZERO
    } else {
        SHRINK
    };
    let held = runner(seed, shrink).run(&drawn(), |drawn| {
        let script = settled(&drawn);
        let seen = broker::run(&script);
        check(&script, &seen, Subject::new(fault)).map_err(|difference| {
            let reason = difference.to_string();
            smallest.replace(Some(Failure {
                seed,
                difference,
                drawn,
            }));
            TestCaseError::fail(reason)
        })
    });
    match (held, smallest.take()) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(failure)) => Err(failure),
        (Err(error), None) => panic!("the script of KOLO_SEED={seed} did not end: {error}"),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            seed,
            difference,
            drawn,
        } = self;
        writeln!(
            f,
            "the simulator's log cannot do what the broker did in {difference}\n"
        )?;
        let settled = settled(drawn);
        let test = if is_embedded() {
            "cargo test"
        } else {
            "scripts/test"
        };
        let drawn = drawn.len();
        writeln!(
            f,
            "the script of seed {seed}, shrunk to {drawn} operations, as it was run:"
        )?;
        writeln!(f, "{}", Told(&settled))?;
        write!(
            f,
            "to see it again: KOLO_SEED={seed} {test} -p kolo-broker-tests --test contract model::"
        )
    }
}
