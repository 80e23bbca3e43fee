//! What is simulated: services, ports, what sagas publish, and what must hold.

use kolo_core::{Port, Service};

use super::broken::Broken;
use super::cast::Cast;
use super::draw::Draw;
use super::fact::Fact;
use super::faults::Faults;
use super::outside::Ports;
use super::plan::{Invariant, Plan};
use super::script::Script;
use super::seen::Seen;

/// Services in a simulated world.
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
/// use kolo_testing::simulation::{Fact, Simulation};
///
/// Simulation::of([service()])
///     .sagas(3, |n, _| vec![Fact::of(&StockReceived { sku: format!("cup {n}").into(), quantity: 5 })])
///     .invariant("what is received is added", |seen| {
///         let (received, added) = (seen.events::<StockReceived>(), seen.events::<StockAdded>());
///         if received.len() == added.len() { Ok(()) } else { Err(format!("{received:?}, and {added:?}")) }
///     })
///     .check();
/// ```
#[must_use = "a simulation runs when it is checked"]
pub struct Simulation {
    pub(super) plan: Plan,
    pub(super) regressions: Vec<(usize, Result<Script, String>)>,
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members: Vec<_> = self
            .plan
            .cast
            .members
            .iter()
            .map(|member| &member.name)
            .collect();
        f.debug_struct("Simulation")
            .field("aggregates", &members)
            .finish_non_exhaustive()
    }
}

impl Simulation {
    /// These services, all of whose topics have two partitions.
    pub fn of(services: impl IntoIterator<Item = Service>) -> Self {
        let services: Vec<Service> = services.into_iter().collect();
        Simulation {
            plan: Plan {
                cast: Cast::new(&services, 2),
                ports: Ports::default(),
                given: Vec::new(),
                sagas: Box::new(|_, _| Vec::new()),
                at_once: 1,
                invariants: Vec::new(),
                faults: Faults::default(),
                broken: Broken::default(),
                steps: 240,
                window: 4,
                decides_alike: false,
            },
            regressions: Vec::new(),
        }
    }

    /// How many partitions each topic has.
    ///
    /// # Panics
    /// When that is none, or more than 255.
    pub fn partitions(mut self, partitions: u8) -> Self {
        assert!(partitions > 0, "a topic has at least one partition");
        self.plan.cast.partitions = partitions.into();
        self
    }

    /// What a port replies to a request. It honours the idempotency key as long as the reply depends on the request alone.
    pub fn port<P: Port>(
        mut self,
        reply: impl Fn(&P::Request) -> P::Reply + Send + Sync + 'static,
    ) -> Self {
        self.plan.ports.bind::<P>(reply);
        self
    }

    /// What was published before a run begins.
    pub fn given(mut self, facts: impl IntoIterator<Item = Fact>) -> Self {
        for fact in facts {
            let name = format!("given {}", self.plan.given.len());
            self.plan.given.push(fact.known_as(&name));
        }
        self
    }

    /// What each saga publishes, in its order, by its number and by what is drawn for it. A run has up to so many.
    ///
    /// # Panics
    /// When that is none, or more than 255.
    pub fn sagas(
        mut self,
        at_once: u8,
        facts: impl Fn(u64, &mut Draw) -> Vec<Fact> + Send + Sync + 'static,
    ) -> Self {
        assert!(at_once > 0, "a run has at least one saga");
        self.plan.at_once = at_once.into();
        self.plan.sagas = Box::new(facts);
        self
    }

    /// What must hold once everything is at rest; the error says what does not.
    pub fn invariant(
        mut self,
        name: &str,
        holds: impl Fn(&Seen<'_>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.plan.invariants.push(Invariant {
            name: name.to_owned(),
            holds: Box::new(holds),
        });
        self
    }

    /// Which faults may happen, and how often; [`Faults::default`] unless told.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.plan.faults = faults;
        self
    }

    /// How many steps are drawn at most before the faults cease; 240 unless told.
    pub fn steps(mut self, steps: usize) -> Self {
        self.plan.steps = steps;
        self
    }

    /// What some of the services are after a deploy, which may happen at any moment. Their declarations need a higher
    /// version; what they decided is not decided again to compare it.
    ///
    /// # Panics
    /// When one of them has an aggregate that is not among the services.
    #[track_caller]
    pub fn deploys(mut self, services: impl IntoIterator<Item = Service>) -> Self {
        let services: Vec<Service> = services.into_iter().collect();
        if let Err(name) = self.plan.cast.deploys(&services) {
            unknown(&name);
        }
        self
    }

    /// The same for declarations that decide as the older ones do: what was decided is decided again all the same.
    ///
    /// # Panics
    /// When one of them has an aggregate that is not among the services.
    #[track_caller]
    pub fn redeploys(mut self, services: impl IntoIterator<Item = Service>) -> Self {
        self.plan.decides_alike = true;
        self.deploys(services)
    }

    /// Rules that are left out, to show that the simulation sees it.
    pub fn broken(mut self, broken: Broken) -> Self {
        self.plan.broken = broken;
        self
    }

    /// Runs that failed once, which [`check`](Self::check) runs first: one on each line as a failure prints it; what
    /// begins with `#` says why. Kept in a file beside the test: `include_str!("regressions.txt")`.
    pub fn regressions(mut self, text: &str) -> Self {
        let lines = (1..).zip(text.lines().map(str::trim));
        let scripts = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        self.regressions
            .extend(scripts.map(|(at, line)| (at, line.parse())));
        self
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a simulation that cannot be what it says")]
fn unknown(name: &str) -> ! {
    panic!("`{name}` is deployed, and is none of the simulated services' aggregates")
}
