//! Searches the variants of the fenced log and compares what is found with what must be found.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use kolo_model::explore::Counterexample;
use kolo_model::variants::{Expected, Variant, variants};

/// Searches an explicit-state model of the fenced log.
///
/// Exits with 1 if any variant is not found as expected.
#[derive(Parser)]
struct Arguments {
    /// The variants to search; all of them if none is named.
    names: Vec<String>,
    /// Lists the variants and what is expected of each.
    #[arg(long)]
    list: bool,
    /// Searches these seeds instead of each variant's own: one, or first-last.
    #[arg(long, value_parser = seeds)]
    seeds: Option<(u64, u64)>,
    /// Allows this many faults in a run, instead of each variant's own number.
    #[arg(long)]
    faults: Option<u8>,
    /// Takes random walks for this many seconds a variant, instead of searching completely.
    #[arg(long, value_name = "SECS")]
    walk: Option<f64>,
    /// Prints the shortest counterexample that was found, step by step.
    #[arg(long)]
    trace: bool,
    /// Gives up a seed's search at this many states, about 150 bytes each.
    #[arg(long, default_value_t = 30_000_000)]
    limit_states: usize,
}

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |part: &str| {
        part.parse::<u64>()
            .map_err(|_| format!("`{part}` is no seed: give 3, or 0-11"))
    };
    Ok((number(first)?, number(last)?))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let all = variants();
    if let Some(unknown) = arguments
        .names
        .iter()
        .find(|name| all.iter().all(|variant| variant.name != **name))
    {
        println!("there is no variant `{unknown}`: `--list` shows them all");
        return ExitCode::from(2);
    }
    let chosen = all
        .into_iter()
        .filter(|it| arguments.names.is_empty() || arguments.names.iter().any(|n| n == it.name));
    println!(
        "{:6} {:40} {:9} {:12} {:>11} {:>8}",
        "rule", "variant", "expected", "found", "states", "seconds"
    );
    let mut as_expected = true;
    for variant in chosen {
        let expected = match variant.expected {
            Expected::Holds => "holds",
            Expected::Violated => "violated",
        };
        let start = format!("{:6} {:40} {expected:9}", variant.rule, variant.name);
        if arguments.list {
            println!("{start}");
            continue;
        }
        let row = run(&arguments, variant);
        println!(
            "{start} {:12} {:>11} {:>8.1}",
            row.found, row.states, row.seconds
        );
        if let Some((seed, counterexample)) = row.shortest.filter(|_| arguments.trace) {
            print(seed, &counterexample);
        }
        as_expected &= row.found == expected;
    }
    if as_expected {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Row {
    found: &'static str,
    states: usize,
    seconds: f64,
    shortest: Option<(u64, Counterexample)>,
}

fn run(arguments: &Arguments, mut variant: Variant) -> Row {
    let started = Instant::now();
    if let Some(faults) = arguments.faults {
        variant = variant.with_faults(faults);
    }
    let seeds = arguments
        .seeds
        .map_or_else(|| variant.own_seeds(), |(first, last)| first..=last);
    let budget = arguments.walk.map(Duration::from_secs_f64);
    let count = u32::try_from(seeds.clone().count())
        .unwrap_or(u32::MAX)
        .max(1);
    let mut row = Row {
        found: "holds",
        states: 0,
        seconds: 0.0,
        shortest: None,
    };
    for seed in seeds {
        let (states, complete, counterexample) = if let Some(budget) = budget {
            let walks = variant.walk(seed, budget / count);
            (walks.steps, true, walks.counterexample)
        } else {
            let search = variant.search(seed, arguments.limit_states);
            (search.states, search.complete, search.counterexample)
        };
        row.states += states;
        if let Some(found) = counterexample {
            if row
                .shortest
                .as_ref()
                .is_none_or(|(_, best)| found.steps.len() < best.steps.len())
            {
                row.shortest = Some((seed, found));
            }
        } else if !complete && row.found == "holds" {
            row.found = "not complete";
        }
    }
    if row.shortest.is_some() {
        row.found = "violated";
    }
    row.seconds = started.elapsed().as_secs_f64();
    row
}

fn print(seed: u64, counterexample: &Counterexample) {
    println!(
        "       seed {seed}, {} steps: {}",
        counterexample.steps.len(),
        counterexample.violation
    );
    for (number, step) in (1..).zip(&counterexample.steps) {
        println!("       {number:3} {step}");
    }
}
