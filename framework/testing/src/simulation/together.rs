//! Together: several services in one process, without faults: publish, settle, and say what follows.

use std::time::Duration;

use kolo_core::{Event, EventId, Port, Timestamp};

use super::builder::Simulation;
use super::fact::Fact;
use super::oracle;
use super::seen::Seen;
use super::story;
use super::violation::Violation;
use super::world::World;
use crate::spec::compared;

/// Services that work together, one step at a time.
///
/// Each step names the line of the test that it stands in when it fails, and tells what has happened so far.
pub struct Together<'s> {
    world: World<'s>,
    published: usize,
}

impl std::fmt::Debug for Together<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&story::topics(&Seen::of(&self.world)))
    }
}

impl Simulation {
    /// The services at work, with what is given and nothing else.
    ///
    /// ```
    /// # use kolo_core::{Aggregate, Received, Service, State, Timestamp};
    /// # use shop_schemas::inventory::{StockAdded, StockEvent, StockReceived};
    /// # #[derive(Default)]
    /// # struct Stock;
    /// # impl State for Stock {
    /// #     type Event = StockEvent;
    /// #     fn evolve(&mut self, _: &StockEvent, _: Timestamp) {}
    /// # }
    /// # fn receive(_: &Stock, goods: &Received<StockReceived>) -> StockAdded {
    /// #     StockAdded { sku: goods.sku.clone(), quantity: goods.quantity }
    /// # }
    /// # fn service() -> Service { Service::new("inventory").aggregate(Aggregate::<Stock>::new("stock").on(receive)) }
    /// use kolo_testing::simulation::Simulation;
    ///
    /// let services = Simulation::of([service()]);
    /// services
    ///     .together()
    ///     .publish(StockReceived { sku: "cup".into(), quantity: 5 })
    ///     .settle()
    ///     .expect([StockAdded { sku: "cup".into(), quantity: 5 }]);
    /// ```
    ///
    /// # Panics
    /// When a port is not bound.
    #[track_caller]
    #[must_use]
    pub fn together(&self) -> Together<'_> {
        self.ready();
        Together {
            world: World::new(&self.plan, Vec::new()),
            published: 0,
        }
    }
}

impl Together<'_> {
    /// An event comes from outside. Nobody has reacted to it before [`settle`](Self::settle).
    ///
    /// # Panics
    /// When none of the services reads its topic.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a test names its events where they are published"
    )]
    pub fn publish<E: Event>(&mut self, event: E) -> &mut Self {
        if self.world.plan.cast.known(E::TYPE.topic).is_none() {
            fail(&format!(
                "none of the services reads `{}`, to which `{}` is published",
                E::TYPE.topic,
                E::TYPE.short_name()
            ));
        }
        self.published += 1;
        let id = EventId::foreign(&format!("published {}", self.published));
        self.world.publish(&Fact::of(&event), id);
        self
    }

    /// All do what they can until nothing is left to do, with the time as it is: what waits for a deadline goes on waiting.
    ///
    /// # Panics
    /// When that is never, when something is parked, or an oracle of the simulation sees what may never be.
    #[track_caller]
    pub fn settle(&mut self) -> &mut Self {
        let settled = self.world.settle(false);
        let seen = Seen::of(&self.world);
        let settled = settled.and_then(|()| oracle::along_the_way(&seen));
        if let Err(violation) = settled {
            self.fail(&violation);
        }
        self
    }

    /// So much time passes; what is due by then is answered, and all is settled again.
    ///
    /// # Panics
    /// As [`settle`](Self::settle) does.
    #[track_caller]
    pub fn pass(&mut self, time: Duration) -> &mut Self {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let until = self.world.clock.as_millis().saturating_add(millis);
        let until = Timestamp::from_millis(until);
        while self
            .world
            .earliest_deadline()
            .is_some_and(|due| due <= until)
            && self.world.wait()
        {
            self.settle();
        }
        self.world.clock = self.world.clock.max(until);
        self.settle()
    }

    /// There are exactly these events of their type so far, each partition's in its order.
    ///
    /// # Panics
    /// When there are others; both sides are shown.
    #[track_caller]
    pub fn expect<E: Event>(&mut self, events: impl IntoIterator<Item = E>) -> &mut Self {
        let expected: Vec<E> = events.into_iter().collect();
        let found = self.seen().events::<E>();
        if expected != found {
            let difference = compared(&expected, &found);
            let story = self.story();
            fail(&format!(
                "other `{}` than expected\n\n{difference}\nso far:\n{story}",
                E::TYPE.short_name()
            ));
        }
        self
    }

    /// There is no event of this type so far.
    ///
    /// # Panics
    /// When there is one.
    #[track_caller]
    pub fn expect_no<E: Event>(&mut self) -> &mut Self {
        self.expect::<E>([])
    }

    /// The port was asked exactly this, each idempotency key once.
    ///
    /// # Panics
    /// When it was asked something else.
    #[track_caller]
    pub fn expect_calls<P: Port>(
        &mut self,
        requests: impl IntoIterator<Item = P::Request>,
    ) -> &mut Self {
        let expected: Vec<P::Request> = requests.into_iter().collect();
        let found = self.seen().calls::<P>();
        if expected != found {
            let difference = compared(&expected, &found);
            fail(&format!(
                "the port was asked something else\n\n{difference}"
            ));
        }
        self
    }

    /// What stands in the topics, and what the ports were asked.
    #[must_use]
    pub fn seen(&self) -> Seen<'_> {
        Seen::of(&self.world)
    }

    fn story(&self) -> String {
        story::topics(&self.seen())
    }

    #[track_caller]
    fn fail(&self, violation: &Violation) -> ! {
        fail(&format!("{violation}\n\nso far:\n{}", self.story()))
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}
