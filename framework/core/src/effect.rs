//! Effects: calls to the outside world, requested by an own event and answered by an own event.

use std::any::Any;
use std::fmt;

use crate::emits::Emits;
use crate::event::{Event, OwnEvents};
use crate::id::{CorrelationId, EventId};
use crate::time::Timestamp;

/// One question to the outside world, declared by type; an adapter is bound to it where the service is started.
///
/// ```text
/// pub struct Charge;
///
/// impl Port for Charge {
///     type Request = PaymentRequested;
///     type Reply = Charged;
/// }
///
/// Aggregate::<Payment>::new("payment").on(request).effect::<Charge, _>(charged)
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a port",
    label = "expected a type that implements `Port`",
    note = "a port names its request event and its reply: `impl Port for {Self} {{ type Request = …; type Reply = …; }}`"
)]
pub trait Port: 'static {
    /// The own event that asks.
    type Request: Event;
    /// The definitive reply: also "declined" is one. A timeout after which the call may have worked is not: the adapter
    /// returns an error, and is called again with the same idempotency key.
    type Reply: Send + 'static;
}

/// What the `then` of an effect may return: like [`Emits`], but never nothing, since a request ends with its answer.
#[diagnostic::on_unimplemented(
    message = "an effect cannot be answered by `{Self}`",
    label = "expected an own event, or a Result or tuple of own events",
    note = "a request is pending until an own event answers it, so the answer cannot be optional"
)]
pub trait Answers<O: OwnEvents>: Emits<O> {}

impl<O: OwnEvents, T: Answers<O>, F: Answers<O>> Answers<O> for Result<T, F> {}
impl<O: OwnEvents, A: Answers<O>, B: Emits<O>> Answers<O> for (A, B) {}
impl<O: OwnEvents, A: Answers<O>, B: Emits<O>, C: Emits<O>> Answers<O> for (A, B, C) {}

/// A reply on its way from an adapter to the `then` of the effect.
pub type Reply = Box<dyn Any + Send>;

/// A request whose append is acknowledged and known to be valid: the port is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectCall {
    /// Which effect of the aggregate, by its place in [`crate::Description::effects`].
    pub effect: usize,
    /// The request's event id: the idempotency key.
    pub request: EventId,
    /// The saga.
    pub correlation: CorrelationId,
    /// The aggregate's key.
    pub key: Box<str>,
    /// The framed request event.
    pub value: Box<[u8]>,
    /// When the request was recorded.
    pub at: Timestamp,
    /// The W3C trace context that the request carries on, if it has one.
    pub traceparent: Option<Box<str>>,
}

/// Why a request has no reply and no more call is made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// What went wrong last.
    pub problem: String,
    /// How many calls this owner has made.
    pub attempts: u32,
    /// Whether the adapter said that calling again cannot help; else the policy's bound was reached, and the last call may
    /// have worked.
    pub terminal: bool,
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallFailure {
            problem, attempts, ..
        } = self;
        let why = if self.terminal {
            "calling again cannot help"
        } else {
            "its policy allows no more calls"
        };
        write!(f, "{why}, after {attempts} calls: {problem}")
    }
}
