//! In any order: the same inputs in every order of arrival, and what is true after each.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kolo_core::{Event, EventId, OwnEvents, Owns, Port};

use super::history::Opening;
use super::stage::{Stage, port_name};
use super::{Spec, TakesHistory};

/// More inputs have too many orders for a test that runs all.
const MAX_INPUTS: usize = 7;

type Take = Box<dyn Fn(&mut Stage, EventId) -> Result<(), String>>;

/// Something that arrives once, at any time at which it can.
pub struct Input {
    name: String,
    can: fn(&mut Stage) -> bool,
    take: Take,
}

/// This event arrives, keyed by the aggregate's key. For one that arrives twice under one id, take
/// [`Spec::when_published_again`]; listed twice here, it is two events.
#[must_use]
pub fn event<E: Event>(event: E) -> Input {
    Input {
        name: E::TYPE.short_name().to_owned(),
        can: |_| true,
        take: Box::new(move |stage, id| {
            let record = stage.publish(&event, id)?;
            stage.read(&record)
        }),
    }
}

/// This event is routed, and arrives at each key that the route names.
#[must_use]
pub fn routed<E: Event>(event: E) -> Input {
    Input {
        name: E::TYPE.short_name().to_owned(),
        can: |_| true,
        take: Box::new(move |stage, id| {
            let copies = stage.route(&event, id)?;
            copies.iter().try_for_each(|copy| stage.read(copy))
        }),
    }
}

/// The port replies this, at any time after it was called. An order in which it never is called goes without the reply.
#[must_use]
pub fn reply<P: Port>(reply: P::Reply) -> Input
where
    P::Reply: Clone,
{
    Input {
        name: format!("{} replies", port_name::<P>()),
        can: |stage| !stage.pending::<P>().is_empty(),
        take: Box::new(move |stage, _| stage.reply::<P>(reply.clone())),
    }
}

/// The port is called no more, at any time after it was called. An order in which it never is called goes without.
#[must_use]
pub fn given_up<P: Port>() -> Input {
    Input {
        name: format!("{} is given up", port_name::<P>()),
        can: |stage| !stage.pending::<P>().is_empty(),
        take: Box::new(|stage, _| stage.give_up::<P>()),
    }
}

/// The earliest deadline passes, at any time at which there is one. An order without a deadline goes without.
#[must_use]
pub fn due() -> Input {
    Input {
        name: "the deadline passes".to_owned(),
        can: |stage| stage.due().is_some(),
        take: Box::new(|stage, _| stage.pass_earliest()),
    }
}

/// Inputs that arrive in every order.
#[must_use = "say what is true after each order: `.then(|run| …)`"]
pub struct AnyOrder<O> {
    opening: Opening,
    inputs: Vec<Input>,
    own: PhantomData<O>,
}

/// What came of one order of arrival.
#[derive(Debug)]
pub struct Run<O> {
    order: Vec<String>,
    events: Vec<O>,
}

impl<O: OwnEvents, Step> Spec<O, Step> {
    /// These inputs arrive in every order that is possible: an [`event`] or a [`routed`] one at any time, a [`reply`] once its
    /// port was called, and a deadline ([`due`]) while there is one.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::{event, given, reply};
    /// use shop_schemas::payment::{PaymentAuthorized, PaymentEvent, RefundRequested};
    ///
    /// let orders = given::<PaymentEvent>(&service())
    ///     .in_any_order([event(reserved(900)), event(cancelled()), reply::<Charge>(Ok("a-1".into()))])
    ///     .then(|run| {
    ///         let charges = run.all::<PaymentAuthorized>().len();
    ///         assert_eq!(charges, run.all::<RefundRequested>().len());
    ///     });
    /// assert_eq!(orders, 3); // cancelled before, during and after the charge
    /// ```
    ///
    /// # Panics
    /// When there are more inputs than orders that a test should run: 7.
    #[track_caller]
    pub fn in_any_order(self, inputs: impl IntoIterator<Item = Input>) -> AnyOrder<O>
    where
        Step: TakesHistory,
    {
        let inputs: Vec<Input> = inputs.into_iter().collect();
        let count = inputs.len();
        if count > MAX_INPUTS {
            self.fail(&format!(
                "{count} inputs have too many orders to run them all: {MAX_INPUTS} are the most. Leave out those that do \
                 not meet"
            ));
        }
        AnyOrder {
            opening: self.stage.opening.clone(),
            inputs,
            own: PhantomData,
        }
    }
}

impl<O: OwnEvents> AnyOrder<O> {
    /// This is true of what was recorded after each order. Gives how many orders there were.
    ///
    /// # Panics
    /// When it is not, or when an input parks the key; the message holds the order.
    #[track_caller]
    pub fn then(self, check: impl Fn(&Run<O>)) -> usize {
        let mut orders = Orders {
            of: &self,
            check: &check,
            seen: 0,
        };
        if let Err(problem) = orders.follow(&mut Vec::new()) {
            panic!("{problem}");
        }
        orders.seen
    }
}

impl<O> Run<O> {
    /// What arrived, in order: events by their names, and `Charge replies`, `Charge is given up`, `the deadline passes`.
    pub fn order(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// The own events that were recorded, without the history.
    pub fn events(&self) -> &[O] {
        &self.events
    }

    /// Those of one type.
    pub fn all<E>(&self) -> Vec<&E>
    where
        O: Owns<E>,
    {
        self.events.iter().filter_map(Owns::get).collect()
    }
}

/// All orders, depth first. A processor cannot be copied, so each order is run from its beginning.
struct Orders<'a, O, C> {
    of: &'a AnyOrder<O>,
    check: &'a C,
    seen: usize,
}

impl<O: OwnEvents, C: Fn(&Run<O>)> Orders<'_, O, C> {
    fn follow(&mut self, taken: &mut Vec<usize>) -> Result<(), String> {
        let mut stage = self.run(taken)?;
        let inputs = &self.of.inputs;
        let open = (0..inputs.len()).filter(|at| !taken.contains(at));
        let open: Vec<usize> = open.filter(|&at| (inputs[at].can)(&mut stage)).collect();
        if open.is_empty() {
            self.seen += 1;
            return self.check(&stage, taken);
        }
        for next in open {
            taken.push(next);
            self.follow(taken)?;
            taken.pop();
        }
        Ok(())
    }

    fn run(&self, order: &[usize]) -> Result<Stage, String> {
        let mut stage = Stage::open(&self.of.opening)?;
        let told = |problem: String, stage: &Stage| {
            format!(
                "{}: {problem}\n\nin this order:\n{}",
                stage.name(),
                self.told(order)
            )
        };
        for &at in order {
            let id = EventId::foreign(&format!("input {at}"));
            let from = stage.end();
            (self.of.inputs[at].take)(&mut stage, id).map_err(|problem| told(problem, &stage))?;
            if let Some(failure) = stage.parked(from) {
                let problem = format!(
                    "the key was parked ({}): {}",
                    failure.class, failure.message
                );
                return Err(told(problem, &stage));
            }
        }
        Ok(stage)
    }

    fn check(&self, stage: &Stage, order: &[usize]) -> Result<(), String> {
        let run = Run {
            order: order
                .iter()
                .map(|&at| self.of.inputs[at].name.clone())
                .collect(),
            events: stage.events(self.of.opening.stream.len())?,
        };
        // The check only reads what is dropped with it.
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| (self.check)(&run))) else {
            return Ok(());
        };
        let names = run
            .events
            .iter()
            .map(|event| event.event_type().short_name());
        let names: Vec<&str> = names.collect();
        let events = if names.is_empty() {
            "nothing"
        } else {
            &names.join(", ")
        };
        Err(format!(
            "{}: {}\n\nin this order:\n{}\nrecorded: {events}",
            stage.name(),
            message(panic.as_ref()),
            self.told(order),
        ))
    }

    fn told(&self, order: &[usize]) -> String {
        let lines = order.iter().zip(1..);
        let lines = lines.map(|(&at, place)| format!("  {place} {}\n", self.of.inputs[at].name));
        lines.collect()
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it is not true")
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Input").field(&self.name).finish()
    }
}

impl<O> std::fmt::Debug for AnyOrder<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AnyOrder").field(&self.inputs).finish()
    }
}
