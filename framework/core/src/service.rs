//! A service: one participant of the choreography, with one or more aggregates.

use std::sync::Arc;

use crate::aggregate::Aggregate;
use crate::declaration::Declaration;
use crate::description::Description;
use crate::processor::replay::{Replay, ReplayFilter};
use crate::processor::{Processor, Setup, attempt};
use crate::state::State;
use crate::wire::Failure;

/// The declaration of a service.
///
/// It is data: nothing runs before a shell takes it.
#[must_use = "a service does nothing until it is run"]
pub struct Service {
    name: &'static str,
    aggregates: Vec<Arc<dyn Participant>>,
}

impl Service {
    /// A service of this name; with each aggregate's name it makes the consumer groups.
    pub fn new(name: &'static str) -> Self {
        Service {
            name,
            aggregates: Vec::new(),
        }
    }

    /// Adds an aggregate.
    ///
    /// # Panics
    /// When the service already has an aggregate of that name, or one with the same stream.
    #[track_caller]
    pub fn aggregate<S: State>(mut self, aggregate: Aggregate<S>) -> Self {
        let added = aggregate.declaration.description();
        for known in &self.aggregates {
            let known = known.description();
            assert!(
                known.aggregate != added.aggregate,
                "the service `{}` has two aggregates named `{}`",
                self.name,
                added.aggregate
            );
            assert!(
                known.stream != added.stream,
                "the aggregates `{}` and `{}` of the service `{}` share the stream `{}`: a stream has one owner",
                known.aggregate,
                added.aggregate,
                self.name,
                added.stream
            );
        }
        self.aggregates
            .push(Arc::new(Arc::new(aggregate.declaration)));
        self
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its aggregates, in declared order.
    #[must_use]
    pub fn aggregates(&self) -> &[Arc<dyn Participant>] {
        &self.aggregates
    }

    /// The inbox topic of one of its aggregates: where routers put copies.
    #[must_use]
    pub fn inbox(&self, aggregate: &str) -> String {
        format!("{}.{aggregate}.inbox", self.name)
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let aggregates: Vec<_> = self
            .aggregates
            .iter()
            .map(|aggregate| aggregate.description().aggregate)
            .collect();
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("aggregates", &aggregates)
            .finish()
    }
}

/// An aggregate as a shell sees it, whatever its state is.
pub trait Participant: Send + Sync {
    /// The declaration as data.
    fn description(&self) -> Description;

    /// A processor for one partition of the stream.
    fn processor(&self, setup: Setup) -> Box<dyn Processor>;

    /// What decides again what one partition of the stream has recorded.
    fn replay(&self, setup: Setup, filter: ReplayFilter) -> Box<dyn Replay>;

    /// The keys of this aggregate that an event of this type concerns; `None` if it is not routed here.
    ///
    /// # Errors
    /// When the event cannot be decoded, or its route panics; what is in `keys` then says nothing.
    fn route(
        &self,
        event_type: &str,
        value: &[u8],
        keys: &mut Vec<String>,
    ) -> Option<Result<(), Failure>>;
}

impl<S: State> Participant for Arc<Declaration<S>>
where
    Declaration<S>: Send + Sync,
{
    fn description(&self) -> Description {
        Declaration::description(self)
    }

    fn processor(&self, setup: Setup) -> Box<dyn Processor> {
        self.owner(setup)
    }

    fn replay(&self, setup: Setup, filter: ReplayFilter) -> Box<dyn Replay> {
        Declaration::replay(self, setup, filter)
    }

    fn route(
        &self,
        event_type: &str,
        value: &[u8],
        keys: &mut Vec<String>,
    ) -> Option<Result<(), Failure>> {
        let reaction = self
            .reactions
            .iter()
            .find(|reaction| reaction.trigger.name == event_type)?;
        let route = reaction.route.as_ref()?;
        Some(attempt(route.function, || Ok((route.keys)(value, keys)?)))
    }
}
