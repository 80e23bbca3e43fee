//! `kolo schema check`: against published and registered versions, and against all readers.

use std::io::Write;

use kolo_avro::compat::reads;
use kolo_avro::versions::{self, Broken, State};
use kolo_core::choreography::{Gate, Passage, Severity};
use kolo_kafka::Config;
use serde_json::{Value, json};

use super::args::Check;
use super::graph::{Services, as_json};
use super::project::{Event, Project, short, word};
use super::registered::Registered;
use super::{advice, count, print_json};
use crate::choreography::show;
use crate::failure::Failure;
use crate::terminal::{DIM, EVENT, KEY, WRONG, harmless, paint};

pub(super) fn run(
    args: &Check,
    project: &Project,
    services: &Services,
    config: &Config,
    json: bool,
) -> Result<(), Failure> {
    let mode = args.mode.into();
    let broken = versions::check(&project.tree, &project.published, mode, args.transitive);
    let registered = match config.registry.is_set() && !args.offline {
        true => Registered::ask(project, &config.registry, mode, args.transitive)?,
        false => Registered::default(),
    };
    // Of what is broken anyway, no order is asked.
    let sound = |event: &Event<'_>| {
        let mut names = broken.iter().map(|broken| &broken.event);
        names.all(|broken| broken != event.name()) && !registered.breaks(event.name())
    };
    let next = project.events().filter(sound).map(|event| event.next());
    let mut gate = Gate::new(services.builds().iter().cloned(), next);
    if config.registry.is_set() {
        gate = gate.with_registry();
    }
    let passage = gate.check(&reads);
    let unpublished: Vec<Event<'_>> = project
        .events()
        .filter(|event| !matches!(event.state(), State::Published { .. }))
        .collect();
    if json {
        let mut rows = rows(project, services, &broken, &passage);
        rows["registered"] = registered.rows(services);
        print_json(&rows)?;
    } else {
        print(
            project,
            services,
            &broken,
            &registered,
            &passage,
            &unpublished,
        )?;
    }
    let open = broken.len() + registered.findings() + passage.report.count(Severity::Error);
    verdict(args, open, unpublished.len())
}

fn verdict(args: &Check, open: usize, unpublished: usize) -> Result<(), Failure> {
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
    registered: &Registered,
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
    registered.print(&mut out, services)?;
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
    let errors = broken.len() + registered.findings() + passage.report.count(Severity::Error);
    writeln!(
        out,
        "{}{about}{}: {}, {} not published",
        count(events, "event"),
        registered.about(),
        count(errors, "error"),
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
