//! The builds to come: for each event that changes, who must be deployed before whom.

use std::collections::BTreeSet;

use crate::choreography::codes::Code;
use crate::choreography::findings::Finding;
use crate::choreography::{Reads, checks};

use super::edge::{Known, Reader, consequence, readers, short, trouble, written_at};
use super::order::Order;
use super::{Gate, NextSchema};

/// The findings, and the order of all services, if there is one that is safe.
pub(super) fn findings(gate: &Gate, reads: Reads<'_>) -> (Vec<Finding>, Option<Vec<Vec<String>>>) {
    let mut findings = Vec::new();
    let mut order = Order::default();
    for next in &gate.next {
        let change = Change::of(gate, next, reads);
        match change.way() {
            Way::Any => {}
            Way::ReadersFirst => {
                order.add(&change.stale_services(), &change.writers(), next);
                findings.push(change.readers_first());
            }
            Way::WritersFirst => {
                order.add(&change.writers(), &change.reading, next);
                findings.push(change.writers_first());
            }
            Way::None => findings.push(change.no_way()),
        }
    }
    let none = findings
        .iter()
        .any(|found| found.code == Code::NoDeployOrder);
    match order.steps() {
        Ok(steps) => (findings, (!none).then_some(steps)),
        Err(cycle) => {
            findings.push(circle(&cycle.services, &cycle.events));
            (findings, None)
        }
    }
}

/// In which order the builds before and after a change can be deployed.
enum Way {
    Any,
    ReadersFirst,
    WritersFirst,
    None,
}

/// What changes about one event with the next builds.
struct Change<'g> {
    next: &'g NextSchema,
    /// The readers that run and cannot read the next version, each with the reason.
    stale: Vec<(Reader<'g>, String)>,
    /// What runs now and the next readers cannot read, with the writer's name.
    unread: Option<(String, String)>,
    /// The services that read it.
    reading: BTreeSet<String>,
    /// The services that write it.
    writing: BTreeSet<String>,
    /// Where it is written, as part of a sentence.
    written_at: String,
}

impl<'g> Change<'g> {
    fn of(gate: &'g Gate, next: &'g NextSchema, reads: Reads<'_>) -> Self {
        let event = next.event.as_str();
        let builds = gate.running.iter();
        let all: Vec<Reader<'g>> = builds.flat_map(|build| readers(build, event)).collect();
        let reading = all.iter().map(|reader| reader.build.service.clone());
        let mut change = Change {
            next,
            stale: Vec::new(),
            unread: None,
            reading: reading.collect(),
            writing: BTreeSet::new(),
            written_at: String::new(),
        };
        for (build, written) in gate.writers(event) {
            change.writing.insert(build.service.clone());
            change.written_at = written_at(&build.writers(event));
            let known = Known::from(written);
            if change.unread.is_none() && !known.writes_as(&next.into()) {
                let problem = trouble(next.into(), known, reads, gate.registry);
                change.unread = problem.map(|problem| (gate.name(build), problem));
            }
        }
        for reader in all {
            let known = Known::from(reader.known);
            if let Some(problem) = trouble(known, next.into(), reads, gate.registry) {
                let counted = |(other, _): &(Reader<'_>, String)| other.name() == reader.name();
                if !change.stale.iter().any(counted) {
                    change.stale.push((reader, problem));
                }
            }
        }
        change
    }

    fn way(&self) -> Way {
        match (self.stale.is_empty(), self.unread.is_none()) {
            (true, true) => Way::Any,
            (false, true) => Way::ReadersFirst,
            (true, false) => Way::WritersFirst,
            (false, false) => Way::None,
        }
    }

    fn event(&self) -> &str {
        short(&self.next.event)
    }

    /// The services that write it, or else those that publish it from outside, which no manifest is of.
    fn writers(&self) -> BTreeSet<String> {
        if self.writing.is_empty() {
            BTreeSet::from([OUTSIDE.to_owned()])
        } else {
            self.writing.clone()
        }
    }

    fn stale_services(&self) -> BTreeSet<String> {
        let services = self.stale.iter();
        services
            .map(|(reader, _)| reader.build.service.clone())
            .collect()
    }

    /// The first reader that is somebody else's, or else the first.
    fn first(&self) -> Option<&(Reader<'g>, String)> {
        let other = self.stale.iter().find(|(reader, _)| !reader.is_owner());
        other.or_else(|| self.stale.first())
    }

    /// `inventory.reservation (reserve, src/lib.rs:4) and order.lifecycle`
    fn stale_readers(&self) -> String {
        let names = self.stale.iter().map(|(reader, _)| match reader.place {
            Some(at) => format!(
                "`{}` (`{}`, {}:{})",
                reader.name(),
                at.name,
                at.file,
                at.line
            ),
            None => format!("`{}` (its own stream)", reader.name()),
        });
        checks::and(&names.collect::<Vec<_>>())
    }

    fn finding(&self, code: Code, message: String, next: String) -> Finding {
        let reader = self.first().map(|(reader, _)| reader);
        Finding {
            code,
            aggregate: reader.map(Reader::name),
            message,
            place: reader.and_then(|reader| reader.place).cloned(),
            next,
            accepted: None,
        }
    }

    fn readers_first(&self) -> Finding {
        let why = self.first().map_or("", |(_, problem)| problem.as_str());
        let message = format!(
            "what runs of {} cannot read the next version of `{}`{}: {why}",
            self.stale_readers(),
            self.event(),
            self.written_at
        );
        self.finding(Code::DeployOrder, message, self.steps())
    }

    /// The readers first, then the writers.
    fn steps(&self) -> String {
        let stale = self.stale_services();
        let (own, first): (BTreeSet<&String>, BTreeSet<&String>) = stale
            .iter()
            .partition(|service| self.writing.contains(*service));
        let last = if self.writing.is_empty() {
            OUTSIDE.to_owned()
        } else {
            format!("{}{}", names(&self.writing), self.about_itself(&own))
        };
        if first.is_empty() {
            format!("deploy {last}")
        } else {
            format!("deploy the readers first: {}; then {last}", names(first))
        }
    }

    /// What services do about what they write themselves and read, as part of a sentence.
    fn about_itself(&self, own: &BTreeSet<&String>) -> String {
        let within = |(reader, _): &&(Reader<'_>, String)| own.contains(&reader.build.service);
        let (owners, others): (Vec<_>, Vec<_>) = self
            .stale
            .iter()
            .filter(within)
            .partition(|(reader, _)| reader.is_owner());
        if !others.is_empty() {
            return format!(
                ", whose old processes all end before a new one starts, since it reads what it writes; or in two steps, {TWO_STEPS}"
            );
        }
        if owners.is_empty() {
            return String::new();
        }
        let raised = owners.iter().map(|(reader, _)| {
            let owner = reader.build.owner(&self.next.event);
            let version = owner.map_or(1, |known| known.version);
            format!("`.version({})` of `{}`", version + 1, reader.name())
        });
        format!(
            ", with {}, so that no old process takes a partition back",
            checks::and(&raised.collect::<Vec<_>>())
        )
    }

    fn writers_first(&self) -> Finding {
        let (writer, problem) = self.unread.clone().unwrap_or_default();
        let message = format!(
            "the next builds cannot read `{}` as {writer} writes it now{}: {problem}",
            self.event(),
            self.written_at
        );
        let next = format!(
            "deploy the writers first: {}; then, when all that is written has been read, {}",
            names(&self.writing),
            names(self.reading.difference(&self.writing))
        );
        self.finding(Code::DeployOrder, message, next)
    }

    fn no_way(&self) -> Finding {
        let (writer, unread) = self.unread.clone().unwrap_or_default();
        let (why, owner) = self.first().map_or(("", false), |(reader, problem)| {
            (problem.as_str(), reader.is_owner())
        });
        let message = format!(
            "no order of deploying is safe for `{}`{}: what runs of {} cannot read the next version ({why}), where {}; and the next builds cannot read what {writer} writes now ({unread})",
            self.event(),
            self.written_at,
            self.stale_readers(),
            consequence(owner),
        );
        let next = "do it in two steps: add the new field, with a default, or an event of another name, and deploy all; then take the old one away once nothing of it is read any more".to_owned();
        self.finding(Code::NoDeployOrder, message, next)
    }
}

/// What no service writes.
const OUTSIDE: &str = "what publishes from outside";

/// How to deploy what reads and writes in a circle.
const TWO_STEPS: &str = "first with the new version published and the old schema still in the working folder, so that every build reads the new version and none writes it; then with the new schema";

fn names<'n>(all: impl IntoIterator<Item = &'n String>) -> String {
    let names: Vec<String> = all
        .into_iter()
        .map(|name| format!("`{}`", short(name)))
        .collect();
    checks::and(&names)
}

fn circle(services: &[String], events: &[String]) -> Finding {
    Finding {
        code: Code::NoDeployOrder,
        aggregate: None,
        message: format!(
            "no order of deploying is safe: {} each would have to be deployed before the other, for {}",
            names(services),
            names(events)
        ),
        place: None,
        next: format!("do it in two steps, {TWO_STEPS}"),
        accepted: None,
    }
}
