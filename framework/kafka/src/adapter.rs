//! Adapters: the implementations of ports, bound to them by type where the service is started.

use std::future::Future;

use kolo_core::{CorrelationId, EventId, Port};

/// Calls the outside world for one port.
///
/// ```no_run
/// # use kolo_core::Port;
/// # use kolo_kafka::{Adapter, AdapterError, Call};
/// # fn example<Charge: Port<Reply = bool>>() where Charge::Request: Sync {
/// struct Sandbox;
/// impl<P: Port<Reply = bool>> Adapter<P> for Sandbox {
///     async fn call(&self, _call: Call<'_, P::Request>) -> Result<bool, AdapterError> {
///         Ok(true)
///     }
/// }
/// # }
/// ```
pub trait Adapter<P: Port>: Send + Sync + 'static {
    /// Makes one call. It is made at least once for each request, and always with the same idempotency key.
    ///
    /// # Errors
    /// When there is no definitive reply: refused connections, timeouts after which the call may have worked, and
    /// whatever else says nothing about the outcome. The call is made again after a pause, as the effect's
    /// [`kolo_core::CallPolicy`] says; but not after [`AdapterError::terminal`]. A panic is such an error too.
    fn call(
        &self,
        call: Call<'_, P::Request>,
    ) -> impl Future<Output = Result<P::Reply, AdapterError>> + Send;
}

/// One call of a port.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a, Q> {
    /// The event that asks.
    pub request: &'a Q,
    /// The request's event id: the same in every attempt, by every owner. Hand it to the port so that it can dedupe.
    pub idempotency_key: EventId,
    /// The saga.
    pub correlation: CorrelationId,
    /// The aggregate's key.
    pub key: &'a str,
    /// Which attempt of this owner it is, from 1.
    pub attempt: u32,
    /// The W3C trace context of the request, if it has one: hand it to the port, as its header `traceparent`.
    pub traceparent: Option<&'a str>,
}

/// A call without a definitive reply.
///
/// ```
/// use kolo_kafka::AdapterError;
///
/// fn problem(status: u16) -> AdapterError {
///     match status {
///         // It was not carried out, and never will be as it is.
///         400 | 422 => AdapterError::terminal(format!("status {status}")),
///         _ => AdapterError::new(format!("status {status}")),
///     }
/// }
/// assert!(problem(422).is_terminal() && !problem(503).is_terminal());
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct AdapterError {
    problem: String,
    terminal: bool,
}

impl AdapterError {
    /// What went wrong, for the log. The call is made again.
    pub fn new(problem: impl std::fmt::Display) -> Self {
        AdapterError {
            problem: problem.to_string(),
            terminal: false,
        }
    }

    /// What went wrong where calling again cannot help: the port does not understand the request, or does not know
    /// what it speaks of. It is not for a reply: "declined" is one, whatever the port's protocol calls it.
    pub fn terminal(problem: impl std::fmt::Display) -> Self {
        AdapterError {
            terminal: true,
            ..AdapterError::new(problem)
        }
    }

    /// Whether calling again cannot help.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }
}
