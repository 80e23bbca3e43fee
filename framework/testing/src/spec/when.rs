//! When: what can arrive. Each takes one input, by the real processor.

use std::time::Duration;

use kolo_core::{Event, OwnEvents, Port};

use super::stage::{Stage, port_name};
use super::{Spec, TakesInputs, When};

#[expect(
    clippy::needless_pass_by_value,
    reason = "a specification names its events where they arrive"
)]
impl<O: OwnEvents, Step> Spec<O, Step> {
    /// An event arrives that is keyed by the aggregate's key; its reaction, or a compensation, answers it.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::payment::PaymentEvent;
    ///
    /// given::<PaymentEvent>(&service())
    ///     .when(cancelled()) // before anything was asked for: the barrier refuses it from now on
    ///     .then_nothing()
    ///     .when(reserved(900))
    ///     .then_nothing();
    /// ```
    ///
    /// # Panics
    /// When the aggregate does not react to it, or when it is of another key than the history.
    #[track_caller]
    #[must_use = "say what follows: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"]
    pub fn when<E: Event>(self, event: E) -> Spec<O, When>
    where
        Step: TakesInputs,
    {
        self.arrives(format!("when {}", name::<E>()), |stage| {
            let id = stage.new_id();
            let record = stage.publish(&event, id)?;
            stage.read(&record)
        })
    }

    /// An event arrives, and the same record `times` times again, as it does for a consumer that starts over.
    /// What follows is said once, for all of them together.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::inventory::StockEvent;
    ///
    /// given::<StockEvent>(&service())
    ///     .when_redelivered(goods("cup"), 3)
    ///     .then(added("cup"));
    /// ```
    ///
    /// # Panics
    /// As [`Spec::when`] does.
    #[track_caller]
    #[must_use = "say what follows: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"]
    pub fn when_redelivered<E: Event>(self, event: E, times: usize) -> Spec<O, When>
    where
        Step: TakesInputs,
    {
        let line = format!("when {}, redelivered {times} times", name::<E>());
        self.arrives(line, |stage| {
            let id = stage.new_id();
            let record = stage.publish(&event, id)?;
            (0..=times).try_for_each(|_| stage.read(&record))
        })
    }

    /// An event arrives, and then once more: its publisher did not know that it had succeeded, and published it again under
    /// the same id. What follows is said once, for both together.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::inventory::StockEvent;
    ///
    /// given::<StockEvent>(&service())
    ///     .when_published_again(goods("cup"))
    ///     .then(added("cup"));
    /// ```
    ///
    /// # Panics
    /// As [`Spec::when`] does.
    #[track_caller]
    #[must_use = "say what follows: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"]
    pub fn when_published_again<E: Event>(self, event: E) -> Spec<O, When>
    where
        Step: TakesInputs,
    {
        let line = format!("when {}, published twice under one id", name::<E>());
        self.arrives(line, |stage| {
            let id = stage.new_id();
            for _ in 0..2 {
                let record = stage.publish(&event, id)?;
                stage.read(&record)?;
            }
            Ok(())
        })
    }

    /// An event is routed: a copy of it arrives at each key that the route names, in that order.
    /// What follows is said for all of them together.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::inventory::StockEvent;
    ///
    /// given::<StockEvent>(&service())
    ///     .when_routed(opened(&["cup", "pot"]))
    ///     .then([taken("cup"), taken("pot")]);
    /// ```
    ///
    /// # Panics
    /// When no route of the aggregate brings the event, or when it names none of the keys that have a history.
    #[track_caller]
    #[must_use = "say what follows: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"]
    pub fn when_routed<E: Event>(self, event: E) -> Spec<O, When>
    where
        Step: TakesInputs,
    {
        self.arrives(format!("when {} is routed", name::<E>()), |stage| {
            let id = stage.new_id();
            let copies = stage.route(&event, id)?;
            copies.iter().try_for_each(|copy| stage.read(copy))
        })
    }

    /// The port replies to the first of its requests that waits.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::payment::PaymentEvent;
    ///
    /// given::<PaymentEvent>(&service())
    ///     .when(reserved(900))
    ///     .then(asked(900))
    ///     .when_answered::<Charge>(Ok("a-1".into()))
    ///     .then(authorized(900));
    /// ```
    ///
    /// # Panics
    /// When the port was not called.
    #[track_caller]
    #[must_use = "say what follows: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"]
    pub fn when_answered<P: Port>(self, reply: P::Reply) -> Spec<O, When>
    where
        Step: TakesInputs,
    {
        self.arrives(format!("when {} replies", port_name::<P>()), |stage| {
            stage.reply::<P>(reply)
        })
    }

    /// The port is called no more for the first of its requests that waits, and has not replied: what `.exhausted(…)`
    /// declares answers it, or else the key is parked.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::payment::PaymentEvent;
    ///
    /// given::<PaymentEvent>(&service())
    ///     .events([asked(900)])
    ///     .when_given_up::<Charge>()
    ///     .then(failed(ORDER, "nobody knows"));
    /// ```
    ///
    /// # Panics
    /// When the port was not called.
    #[track_caller]
    #[must_use = "say what follows: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"]
    pub fn when_given_up<P: Port>(self) -> Spec<O, When>
    where
        Step: TakesInputs,
    {
        self.arrives(format!("when {} is given up", port_name::<P>()), |stage| {
            stage.give_up::<P>()
        })
    }

    /// Time passes, and whatever deadline is due by then with it. Time begins at 0 ms, and stands still otherwise.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use std::time::Duration;
    ///
    /// use kolo_testing::given;
    /// use shop_schemas::payment::PaymentEvent;
    ///
    /// given::<PaymentEvent>(&service())
    ///     .events([asked(900)]) // it waits for 60 s
    ///     .when_time_passes(Duration::from_secs(59))
    ///     .then_nothing()
    ///     .when_time_passes(Duration::from_secs(1))
    ///     .then(failed(ORDER, "late"));
    /// ```
    #[track_caller]
    #[must_use = "say what follows: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"]
    pub fn when_time_passes(self, time: Duration) -> Spec<O, When>
    where
        Step: TakesInputs,
    {
        self.arrives(format!("when {time:?} pass"), |stage| stage.pass_time(time))
    }

    /// Time passes up to the earliest deadline.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::payment::PaymentEvent;
    ///
    /// given::<PaymentEvent>(&service())
    ///     .events([asked(900)])
    ///     .when_due()
    ///     .then(failed(ORDER, "late"));
    /// ```
    ///
    /// # Panics
    /// When nothing is waited for.
    #[track_caller]
    #[must_use = "say what follows: `.then(…)`, `.then_nothing()` or `.then_parked(…)`"]
    pub fn when_due(self) -> Spec<O, When>
    where
        Step: TakesInputs,
    {
        self.arrives("when the deadline passes".to_owned(), Stage::pass_earliest)
    }

    #[track_caller]
    fn arrives(
        mut self,
        line: String,
        act: impl FnOnce(&mut Stage) -> Result<(), String>,
    ) -> Spec<O, When> {
        self.story.push(line);
        self.from = self.stage.end();
        if let Err(problem) = act(&mut self.stage) {
            self.fail(&problem);
        }
        self.at()
    }
}

fn name<E: Event>() -> &'static str {
    E::TYPE.short_name()
}
