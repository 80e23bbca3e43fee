//! `kolo schema check`: against published versions, and against all readers.

use std::io::Write;

use kolo_avro::compat::reads;
use kolo_avro::versions::{self, Broken, State};
use kolo_core::choreography::{Gate, Passage, Severity};
use serde_json::{Value, json};

use super::args::Check;
use super::graph::{Services, as_json};
use super::project::{Event, Project, short, word};
use super::{advice, count, print_json};
use crate::choreography::show;
use crate::failure::Failure;
use crate::terminal::{DIM, EVENT, KEY, WRONG, harmless, paint};

pub(super) fn run(
    args: &Check,
    project: &Project,
    services: &Services,
    json: bool,
) -> Result<(), Failure> {
    let mode = args.mode.into();
    let broken = versions::check(&project.tree, &project.published, mode, args.transitive);
    // Of what is broken anyway, no order is asked.
    let sound = |event: &Event<'_>| broken.iter().all(|broken| broken.event != event.name());
    let next = project.events().filter(sound).map(|event| event.next());
    let gate = Gate::new(services.builds().iter().cloned(), next);
    let passage = gate.check(&reads);
    let unpublished: Vec<Event<'_>> = project
        .events()
        .filter(|event| !matches!(event.state(), State::Published { .. }))
        .collect();
    if json {
        print_json(&rows(project, services, &broken, &passage))?;
    } else {
        print(project, services, &broken, &passage, &unpublished)?;
    }
    verdict(args, &broken, &passage, unpublished.len())
}

fn verdict(
    args: &Check,
    broken: &[Broken],
    passage: &Passage,
    unpublished: usize,
) -> Result<(), Failure> {
    let open = broken.len() + passage.report.count(Severity::Error);
    if open > 0 {
        return Err(Failure::run(format!(
            "{}; docs/schemas.md says what may change and how",
            count(open, "finding")
        )));
    }
    if args.frozen && unpublished > 0 {
        return Err(Failure::run(format!(
            "{} not published as it stands, and --frozen wants all to be: `kolo schema publish`",
            match unpublished {
                1 => "1 schema is".to_owned(),
                more => format!("{more} schemas are"),
            }
        )));
    }
    Ok(())
}

fn print(
    project: &Project,
    services: &Services,
    broken: &[Broken],
    passage: &Passage,
    unpublished: &[Event<'_>],
) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    for broken in broken {
        let head = paint(WRONG, format!("error[{}]", advice::code(broken.breaks)));
        writeln!(out, "{head}: {}", broken.error)?;
        for reader in services.readers(&broken.event) {
            writeln!(out, "  read by {}", harmless(&reader.to_string()))?;
        }
        writeln!(
            out,
            "{}\n",
            paint(DIM, format!("  next: {}", advice::next(broken)))
        )?;
    }
    for finding in &passage.report.findings {
        show(&mut out, finding)?;
    }
    for event in unpublished {
        let (state, next) = match event.state() {
            State::Changed { newest } => ("changed", newest + 1),
            State::New | State::Published { .. } => ("new", 1),
        };
        writeln!(
            out,
            "{} {}: not published; `kolo schema publish {}` makes it version {next}",
            paint(KEY, state),
            paint(EVENT, event.name()),
            event.short(),
        )?;
    }
    if let Some(order) = passage.order.as_ref().filter(|order| !order.is_empty()) {
        let steps = order.iter().enumerate();
        let steps =
            steps.map(|(number, step)| format!("{}. {}", number + 1, harmless(&step.join(", "))));
        writeln!(
            out,
            "deploy in this order: {}",
            steps.collect::<Vec<_>>().join("; ")
        )?;
    }
    let events = project.events().count();
    let about = if services.is_told() {
        format!(" and {}", count(services.builds().len(), "build"))
    } else {
        String::new()
    };
    writeln!(
        out,
        "{}{about}: {}, {} not published",
        count(events, "event"),
        count(
            broken.len() + passage.report.count(Severity::Error),
            "error"
        ),
        unpublished.len()
    )?;
    out.flush()?;
    Ok(())
}

fn rows(project: &Project, services: &Services, broken: &[Broken], passage: &Passage) -> Value {
    let broken = broken.iter().map(|broken| {
        json!({
            "code": advice::code(broken.breaks),
            "event": broken.event,
            "version": broken.version,
            "rule": broken.rule.map(kolo_avro::compat::Rule::name),
            "file": broken.error.file,
            "place": broken.error.place,
            "message": broken.error.problem,
            "readers": services.readers(&broken.event).iter().map(as_json).collect::<Vec<_>>(),
            "next": advice::next(broken),
        })
    });
    let events = project.events().map(|event| {
        json!({
            "event": event.name(),
            "name": short(event.name()),
            "state": word(event.state()),
            "version": event.versions().last().map(|version| version.number),
        })
    });
    let findings: Value = serde_json::from_str(&passage.report.to_json()).unwrap_or_default();
    json!({
        "broken": broken.collect::<Vec<_>>(),
        "findings": findings,
        "order": passage.order,
        "events": events.collect::<Vec<_>>(),
    })
}
