//! Does it find bugs? Every rule of the protocol that can be left out, and the sample with one function wrong, each found by
//! some oracle. `docs/defects.md` says by which.

use std::path::Path;

use kolo_core::processor::Rules;
use kolo_testing::protocol;
use kolo_testing::simulation::{Broken, Faults, Oracle, Simulation};

use crate::{services, shop, wrong};

/// In so many runs each must be seen.
const RUNS: u64 = 4_000;

struct Defect {
    name: &'static str,
    simulation: Simulation,
}

fn rule(name: &'static str, broken: Broken) -> Defect {
    Defect {
        name,
        simulation: shop(services()).broken(broken),
    }
}

fn kept(rules: Rules) -> Broken {
    Broken {
        rules,
        ..Broken::default()
    }
}

/// Rules of the protocol, left out: of the sample, or of two aggregates whose decisions depend on all that they ever were,
/// where the sample takes no notice.
fn rules() -> Vec<Defect> {
    const ALL: Rules = Rules::ALL;
    let none = Broken::default();
    let of_protocol = |name, broken, facts, faults| Defect {
        name,
        simulation: protocol::of_facts(facts).broken(broken).faults(faults),
    };
    let recreated = Faults {
        recreations: 3,
        takeovers: 4,
        ..Faults::NONE
    };
    let routers_crash = Faults {
        router_crashes: 12,
        ..Faults::NONE
    };
    let usual = protocol::FAULTS;
    vec![
        rule(
            "void records are folded",
            kept(Rules {
                validity: false,
                ..ALL
            }),
        ),
        rule(
            "records are not numbered",
            Broken {
                numbers: true,
                ..none
            },
        ),
        rule(
            "an owner restores before its fence stands",
            Broken {
                restore_after_fence: true,
                ..none
            },
        ),
        of_protocol(
            "an origin is a topic by its name",
            Broken {
                topic_ids: true,
                ..none
            },
            5,
            recreated,
        ),
        rule(
            "positions come from the group's offsets",
            Broken {
                positions_from_stream: true,
                ..none
            },
        ),
        rule(
            "a router forgets the fence in force",
            Broken {
                router_cursor: true,
                ..none
            },
        ),
        of_protocol(
            "inputs are not skipped by position",
            kept(Rules {
                skip_by_position: false,
                ..ALL
            }),
            5,
            usual,
        ),
        of_protocol(
            "inputs are not skipped by id",
            kept(Rules {
                skip_by_id: false,
                ..ALL
            }),
            5,
            usual,
        ),
        rule(
            "an idle owner writes no marker",
            Broken {
                markers: true,
                ..none
            },
        ),
        rule(
            "a torn answer is not completed",
            kept(Rules {
                complete_torn: false,
                ..ALL
            }),
        ),
        rule(
            "a failed append does not end the epoch",
            Broken {
                failure_ends_epoch: true,
                ..none
            },
        ),
        rule(
            "gaps are not read",
            kept(Rules {
                read_gaps: false,
                ..ALL
            }),
        ),
        of_protocol(
            "effects start before the append is sound",
            Broken {
                effects_when_sound: true,
                ..none
            },
            5,
            usual,
        ),
        of_protocol(
            "a router forwards void records",
            Broken {
                router_validity: true,
                ..none
            },
            5,
            usual,
        ),
        of_protocol(
            "a router commits before the acknowledgement",
            Broken {
                router_commits_after_ack: true,
                ..none
            },
            12,
            routers_crash,
        ),
        of_protocol(
            "copies are not chained",
            Broken {
                router_chain: true,
                ..none
            },
            5,
            usual,
        ),
        rule(
            "a deadline does not wait for the backlog",
            Broken {
                deadline_behind_backlog: true,
                ..none
            },
        ),
        rule(
            "a compensation leaves no bar",
            kept(Rules { bars: false, ..ALL }),
        ),
        rule(
            "a compensation does not wait for an answer",
            kept(Rules {
                undo_waits: false,
                ..ALL
            }),
        ),
        rule(
            "a request is answered again",
            kept(Rules {
                answer_once: false,
                ..ALL
            }),
        ),
        rule(
            "the events of an answer share an id",
            kept(Rules {
                ids_by_index: false,
                ..ALL
            }),
        ),
        rule(
            "the answers to copies share an id",
            kept(Rules {
                ids_by_key: false,
                ..ALL
            }),
        ),
    ]
}

/// The sample with one function wrong.
fn sample() -> Vec<Defect> {
    let wrong = wrong::all().into_iter();
    let defects = wrong.map(|(name, services)| Defect {
        name,
        simulation: shop(services),
    });
    defects.collect()
}

/// How each is seen, as rows of a table; panics where one is not.
fn seen(defects: Vec<Defect>) -> Vec<Row> {
    let (mut rows, mut missed) = (Vec::new(), Vec::new());
    for Defect { name, simulation } in defects {
        let Some(failure) = simulation.seek(0..RUNS, |_| true) else {
            missed.push(name);
            continue;
        };
        let oracle = match &failure.violation().oracle {
            Oracle::Invariant(name) => format!("*{name}*"),
            oracle => oracle.to_string(),
        };
        let (sagas, steps) = failure.size();
        rows.push(Row {
            seen: format!("| {name} | {oracle} |"),
            figures: format!(" {} | {sagas} | {steps} |", failure.runs()),
        });
    }
    assert!(missed.is_empty(), "not seen in {RUNS} runs: {missed:?}");
    rows
}

struct Row {
    /// What is broken, and which oracle sees it.
    seen: String,
    /// After how many runs, and how long the story is.
    figures: String,
}

/// The page says the same, or is made to.
fn told(table: &str, rows: &[Row]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/defects.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let head = format!("<!-- {table} -->\n");
    let (before, rest) = page.split_once(&head).unwrap();
    let (written, after) = rest.split_once("<!-- end -->").unwrap();
    if std::env::var_os("KOLO_WRITE_DOCS").is_some() {
        let rows = rows.iter();
        let rows: String = rows
            .map(|row| format!("{}{}\n", row.seen, row.figures))
            .collect();
        std::fs::write(&path, format!("{before}{head}{rows}<!-- end -->{after}")).unwrap();
        return;
    }
    let stale = rows.iter().find(|row| !written.contains(&row.seen));
    let is_stale = stale.is_some() || written.lines().count() != rows.len();
    assert!(!is_stale, "docs/defects.md is stale: run scripts/defects");
}

#[test]
fn every_rule_that_is_left_out_is_missed() {
    told("rules", &seen(rules()));
}

#[test]
fn every_wrong_function_is_seen() {
    told("sample", &seen(sample()));
}
