//! Specifications of one aggregate: given these own events, when this arrives, then exactly these own events follow.
//!
//! The real processor decides. The history is a valid stream that it restores; ids, barrier, dedup, deadlines and
//! parking are its own. There is no broker, no clock and no runtime: time passes when the test says so, and ports
//! reply what the test says.
//!
//! ```
//! # use kolo_core::{Aggregate, Received, Service, State, Timestamp};
//! # use shop_schemas::inventory::{Sku, StockAdded, StockEvent, StockReceived};
//! # #[derive(Default)]
//! # struct Stock;
//! # impl State for Stock {
//! #     type Event = StockEvent;
//! #     fn evolve(&mut self, _: &StockEvent, _: Timestamp) {}
//! # }
//! # fn receive(_: &Stock, goods: &Received<StockReceived>) -> Option<StockAdded> {
//! #     let (sku, quantity) = (goods.sku.clone(), goods.quantity);
//! #     (quantity > 0).then_some(StockAdded { sku, quantity })
//! # }
//! # fn service() -> Service { Service::new("inventory").aggregate(Aggregate::<Stock>::new("stock").on(receive)) }
//! use kolo_testing::given;
//!
//! given::<StockEvent>(&service())
//!     .when(StockReceived { sku: "cup".into(), quantity: 5 })
//!     .then([StockAdded { sku: "cup".into(), quantity: 5 }])
//!     .when(StockReceived { sku: "cup".into(), quantity: 0 })
//!     .then_nothing();
//! ```
//!
//! The steps are typed: what follows from an input must be said before the next one arrives.
//!
//! ```compile_fail,E0277
//! # use kolo_core::Service;
//! # use kolo_testing::given;
//! # use shop_schemas::inventory::{StockEvent, StockReceived};
//! # fn service() -> Service { Service::new("inventory") }
//! let goods = StockReceived { sku: "cup".into(), quantity: 5 };
//! given::<StockEvent>(&service()).when(goods.clone()).when(goods).then_nothing();
//! ```
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | a specification, and in which order its steps can be written |
//! | `history.rs` | own events as a valid stream |
//! | `setup.rs` | what a processor must know of its surroundings |
//! | `stage.rs` | one processor and its stream |
//! | `inputs.rs` | how an event comes to be read |
//! | `when.rs` | what can arrive |
//! | `then.rs` | what must follow |
//! | `difference.rs` | what was expected beside what was found |
//! | `any_order.rs` | the same inputs in every order of arrival |

mod any_order;
mod difference;
mod history;
mod inputs;
mod setup;
mod stage;
mod then;
mod when;

use std::marker::PhantomData;

use kolo_core::{OwnEvents, Service};

pub use any_order::{AnyOrder, Input, Run, due, event, given_up, reply, routed};
pub(crate) use difference::compared;
pub use history::History;
pub use then::PendingCall;

use history::Opening;
use stage::Stage;

/// Begins the specification of the aggregate whose own events are `O`, without any history.
///
/// # Panics
/// When the service has no aggregate with that stream.
#[track_caller]
#[must_use = "a specification says nothing before its first `.then(…)`"]
pub fn given<O: OwnEvents>(service: &Service) -> Spec<O, Given> {
    let opened = Opening::of(service, O::STREAM).and_then(|opening| Stage::open(&opening));
    let stage = match opened {
        Ok(stage) => stage,
        Err(problem) => panic!("{problem}"),
    };
    Spec {
        stage,
        from: 0,
        story: Vec::new(),
        step: PhantomData,
    }
}

/// A specification in the making, of the aggregate whose own events are `O`; `Step` is what was said last.
pub struct Spec<O, Step> {
    stage: Stage,
    /// Where in the stream the answer to the last input begins.
    from: usize,
    /// What was said so far, for people.
    story: Vec<String>,
    step: PhantomData<(O, Step)>,
}

/// The history was told.
#[derive(Debug)]
pub struct Given;

/// Something arrived, and what follows must be said.
#[derive(Debug)]
pub struct When;

/// What follows was said, and was so.
#[derive(Debug)]
pub struct Then;

/// After this step, the history can still be told.
#[diagnostic::on_unimplemented(
    message = "the history is told before anything arrives",
    note = "write `given(…).events(…).when(…).then(…)`"
)]
pub trait TakesHistory: sealed::Step {}

/// After this step, the next input can arrive.
#[diagnostic::on_unimplemented(
    message = "what follows from the last input has not been said yet",
    note = "say it before the next one arrives: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"
)]
pub trait TakesInputs: sealed::Step {}

/// After this step, it can be said what follows.
#[diagnostic::on_unimplemented(
    message = "nothing has arrived from which something could follow",
    note = "say what arrives first: `.when(…)`, `.when_answered::<Port>(…)` or `.when_time_passes(…)`"
)]
pub trait HasArrived: sealed::Step {}

impl TakesHistory for Given {}
impl TakesInputs for Given {}
impl TakesInputs for Then {}
impl HasArrived for When {}

mod sealed {
    pub trait Step {}
    impl Step for super::Given {}
    impl Step for super::When {}
    impl Step for super::Then {}
}

impl<O: OwnEvents, Step> Spec<O, Step> {
    /// Adds own events of one key that were recorded before: an array, a `Vec` or a tuple of them.
    ///
    /// An answer to a request of the history settles it; a request without one is pending. Told twice, the second history
    /// follows the first one, and may be another key's.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::payment::PaymentEvent;
    ///
    /// given::<PaymentEvent>(&service())
    ///     .events((asked(900), authorized(900)))
    ///     .when(cancelled())
    ///     .then(asked_back(900));
    /// ```
    ///
    /// # Panics
    /// When the events are of several keys, or when one of them only a compensation emits: then the barrier is part of
    /// the history as well, so let the compensation's trigger arrive instead.
    #[track_caller]
    #[must_use = "a specification says nothing before its first `.then(…)`"]
    pub fn events(mut self, history: impl History<O>) -> Spec<O, Given>
    where
        Step: TakesHistory,
    {
        let mut opening = self.stage.opening.clone();
        let told = history::tell(history);
        self.story
            .extend(told.iter().map(|event| format!("given {}", event.name())));
        let opened = opening.record(told).and_then(|()| Stage::open(&opening));
        match opened {
            Ok(stage) => self.stage = stage,
            Err(problem) => self.fail(&problem),
        }
        self.at()
    }

    /// The same specification, one step further.
    fn at<Next>(self) -> Spec<O, Next> {
        Spec {
            stage: self.stage,
            from: self.from,
            story: self.story,
            step: PhantomData,
        }
    }

    #[track_caller]
    fn fail(&self, problem: &str) -> ! {
        let story = self.story.join("\n  ");
        let (name, problem) = (self.stage.name(), problem.trim_end());
        panic!("{name}: {problem}\n\nso far:\n  {story}")
    }
}

impl<O, Step> std::fmt::Debug for Spec<O, Step> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec")
            .field("story", &self.story)
            .finish_non_exhaustive()
    }
}
