//! Then: what must follow, exactly.

use kolo_core::wire::FailureClass;
use kolo_core::{Emits, Event, EventId, OwnEvents, Port};

use super::difference::difference;
use super::{HasArrived, Spec, Then};

/// A request that waits for its port.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingCall<E> {
    /// What the port is handed, so that it does once what it is asked for twice: the request's event id.
    pub idempotency_key: EventId,
    /// The request, as it was recorded.
    pub request: E,
}

impl<O: OwnEvents, Step> Spec<O, Step> {
    /// Exactly these own events follow, in this order, and nothing is parked. It takes what a reaction may return: an event,
    /// or an array, `Vec`, tuple or `Option` of them.
    ///
    /// # Panics
    /// When anything else follows; the message holds what was expected beside what was found.
    #[track_caller]
    pub fn then(mut self, expected: impl Emits<O>) -> Spec<O, Then>
    where
        Step: HasArrived,
    {
        if let Some(failure) = self.stage.parked(self.from) {
            self.fail(&format!(
                "the key was parked ({}): {}",
                failure.class,
                why(&failure)
            ));
        }
        let mut wanted = Vec::new();
        expected.emit(&mut wanted);
        let found = match self.stage.events::<O>(self.from) {
            Ok(found) => found,
            Err(problem) => self.fail(&problem),
        };
        if let Some(difference) = difference(&wanted, &found) {
            self.fail(&difference);
        }
        let names = found.iter().map(|event| event.event_type().short_name());
        let names: Vec<&str> = names.collect();
        let names = if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join(", ")
        };
        self.story.push(format!("then {names}"));
        self.at()
    }

    /// No own event follows, and nothing is parked.
    ///
    /// # Panics
    /// When anything follows.
    #[track_caller]
    pub fn then_nothing(self) -> Spec<O, Then>
    where
        Step: HasArrived,
    {
        self.then(())
    }

    /// The key is parked, for a reason of this class, and no own event follows.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::{FailureClass, given};
    /// use shop_schemas::payment::PaymentEvent;
    ///
    /// given::<PaymentEvent>(&service())
    ///     .when(reserved(PANICS))
    ///     .then_parked(FailureClass::Panic)
    ///     .when(reserved(900)) // what comes for the same key waits behind it
    ///     .then_parked(FailureClass::Behind);
    /// ```
    ///
    /// # Panics
    /// When it is not; the message holds what happened instead, and why.
    #[track_caller]
    pub fn then_parked(mut self, class: FailureClass) -> Spec<O, Then>
    where
        Step: HasArrived,
    {
        let found = match self.stage.events::<O>(self.from) {
            Ok(found) => found,
            Err(problem) => self.fail(&problem),
        };
        match self.stage.parked(self.from) {
            Some(failure) if failure.class != class => self.fail(&format!(
                "the key was parked as `{}`, and not as `{class}`: {}",
                failure.class,
                why(&failure)
            )),
            Some(_) if found.is_empty() => {}
            parked => {
                let what = if parked.is_some() {
                    "and parked more"
                } else {
                    "and nothing was parked"
                };
                let nothing: [O; 0] = [];
                let found = difference(&nothing, &found);
                let found = found.unwrap_or_else(|| "no event followed".to_owned());
                self.fail(&format!(
                    "the key was to be parked as `{class}`, {what}; {found}"
                ));
            }
        }
        self.story.push(format!("then parked as `{class}`"));
        self.at()
    }

    /// The requests of a port that wait for its reply, in order.
    ///
    /// ```
    /// # mod shop { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/domain.rs")); }
    /// # use shop::*;
    /// use kolo_testing::given;
    /// use shop_schemas::payment::PaymentEvent;
    ///
    /// let key = || {
    ///     let asks = given::<PaymentEvent>(&service()).when(reserved(900)).then(asked(900));
    ///     let [call] = &asks.pending::<Charge>()[..] else { panic!("one call") };
    ///     assert_eq!(call.request, asked(900));
    ///     call.idempotency_key
    /// };
    /// assert_eq!(key(), key(), "whoever asks for it: the port charges once");
    /// ```
    ///
    /// # Panics
    /// When a request cannot be read again as it was written.
    #[track_caller]
    #[must_use]
    pub fn pending<P: Port>(&self) -> Vec<PendingCall<P::Request>> {
        let mut pending = Vec::new();
        for call in self.stage.pending::<P>() {
            match P::Request::decode(&call.value) {
                Ok(request) => pending.push(PendingCall {
                    idempotency_key: call.request,
                    request,
                }),
                Err(problem) => self.fail(&problem.to_string()),
            }
        }
        pending
    }
}

fn why(failure: &kolo_core::wire::Failure) -> String {
    match &failure.function {
        Some(function) => format!("{function}: {}", failure.message),
        None => failure.message.clone(),
    }
}
