//! The checks, by what they are about.

mod compensations;
mod ends;
mod events;
mod owners;
mod schemas;
mod waits;

use super::Reads;
use super::codes::Code;
use super::findings::Finding;
use super::follow::Followed;
use super::graph::{AggregateNo, EventNo, Graph};
use super::manifest::Declared;

/// All findings, in no order. `registry` is whether the services have a schema registry.
pub(super) fn all(graph: &Graph<'_>, reads: Reads<'_>, registry: bool) -> Vec<Finding> {
    let followed = Followed::new(graph);
    let mut checks = Checks {
        graph,
        followed: &followed,
        found: Vec::new(),
    };
    checks.events();
    checks.owners();
    checks.topics();
    checks.partitions();
    checks.compensations();
    checks.undos();
    checks.waits();
    checks.ends();
    checks.cycles();
    checks.schemas(reads, registry);
    checks.found
}

struct Checks<'c, 'a> {
    graph: &'c Graph<'a>,
    followed: &'c Followed<'c, 'a>,
    found: Vec<Finding>,
}

impl<'c> Checks<'c, '_> {
    /// Notes a finding about an aggregate.
    fn about(
        &mut self,
        code: Code,
        aggregate: AggregateNo,
        place: Option<&Declared>,
        message: String,
        next: String,
    ) {
        self.found.push(Finding {
            code,
            aggregate: Some(self.graph.aggregates[aggregate].name.clone()),
            message,
            place: place.cloned(),
            next,
            accepted: None,
        });
    }

    /// Notes a finding that is about no aggregate.
    fn about_all(&mut self, code: Code, message: String, next: String) {
        self.found.push(Finding {
            code,
            aggregate: None,
            message,
            place: None,
            next,
            accepted: None,
        });
    }

    fn aggregate(&self, aggregate: AggregateNo) -> &'c str {
        &self.graph.aggregates[aggregate].name
    }

    fn event(&self, event: EventNo) -> &'c str {
        self.graph.events[event].short()
    }

    /// `a, b and c`, as events.
    fn list(&self, events: impl IntoIterator<Item = EventNo>) -> String {
        let mut names: Vec<String> = Vec::new();
        for event in events {
            let name = format!("`{}`", self.event(event));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        and(&names)
    }

    /// The aggregates that emit an event, as `a and b`.
    fn emitters(&self, event: EventNo) -> String {
        let names = self
            .graph
            .emitters(event)
            .into_iter()
            .map(|aggregate| format!("`{}`", self.aggregate(aggregate)));
        and(&names.collect::<Vec<_>>())
    }
}

/// How many names a message has: more of them are counted.
const NAMED: usize = 12;

pub(super) fn and(names: &[String]) -> String {
    match names {
        many if many.len() > NAMED => {
            let (named, left) = many.split_at(NAMED - 1);
            format!("{} and {} more", named.join(", "), left.len())
        }
        [] => "nobody".into(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
