//! What the manifests declare and the records do not show: answers that have not come.
//!
//! An open answer need not be missing. An aggregate may have read the event and decided with nothing, which leaves no record
//! but a position. Whoever knows how far it has read tells the two apart.

use crate::choreography::{Does, Manifest, Use};

use super::{Saga, Told};

/// An event that an aggregate declares to answer, and has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open<'a> {
    /// The event. The answer is due since its timestamp.
    pub event: &'a Told,
    /// What the aggregate would do, in declared order; several where it both reacts to the event and undoes a step on it.
    pub uses: Vec<Use<'a>>,
}

impl Open<'_> {
    /// The `<service>.<aggregate>` that has not answered.
    #[must_use]
    pub fn by(&self) -> String {
        name(&self.uses[0])
    }

    /// Whether it is a call to the outside world: then the request is pending, and nothing else can be the matter.
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.uses
            .iter()
            .all(|one| matches!(one.does, Does::Call(_)))
    }

    /// Whether the aggregate may also decide with nothing once it has read the event: where there is nothing to undo, or
    /// where what may leave may also not leave. A call is always answered.
    #[must_use]
    pub fn may_be_nothing(&self) -> bool {
        self.uses.iter().all(|one| match one.does {
            Does::Undo(_) => true,
            Does::React { .. } => one.emits.iter().all(|edge| edge.optional),
            Does::Call(_) | Does::Expire => false,
        })
    }
}

impl Saga {
    /// The answers that have not come, in the time order of their events, and by service and aggregate.
    ///
    /// A routed event counts as answered once one key has answered it: how many keys it is routed to is known to the
    /// service's code alone.
    #[must_use]
    pub fn open<'a>(&'a self, manifests: &'a [Manifest]) -> Vec<Open<'a>> {
        let mut all: Vec<Open<'a>> = Vec::new();
        for event in &self.told {
            let first = all.len();
            for one in manifests
                .iter()
                .flat_map(|known| known.readers(&event.event))
            {
                match all[first..].iter_mut().find(|open| open.takes(&one)) {
                    Some(open) => open.uses.push(one),
                    None => all.push(Open {
                        event,
                        uses: vec![one],
                    }),
                }
            }
        }
        all.retain(|open| !self.answers(open));
        all
    }

    fn answers(&self, open: &Open<'_>) -> bool {
        self.told.iter().any(|record| {
            record.causation == Some(open.event.id)
                && !record.of_deadline
                && record
                    .by
                    .as_deref()
                    .is_some_and(|by| is_of(by, &open.uses[0]))
        })
    }
}

impl Open<'_> {
    /// Whether it is the same aggregate's, which answers an event once, however much it declares about it. Its call is
    /// another thing: it follows the append of its own request, and does not read an input.
    fn takes(&self, other: &Use<'_>) -> bool {
        let first = &self.uses[0];
        let is_call = |one: &Use<'_>| matches!(one.does, Does::Call(_));
        first.service == other.service
            && first.aggregate == other.aggregate
            && is_call(first) == is_call(other)
    }
}

/// Whether this `<service>.<aggregate>` is the one that does it.
fn is_of(by: &str, one: &Use<'_>) -> bool {
    let aggregate = by
        .strip_prefix(one.service)
        .and_then(|rest| rest.strip_prefix('.'));
    aggregate == Some(one.aggregate)
}

pub(super) fn name(one: &Use<'_>) -> String {
    format!("{}.{}", one.service, one.aggregate)
}
