//! Adapters with their ports' types erased.

use std::any::{Any, TypeId};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use hashbrown::HashMap;
use kolo_core::{EffectCall, Event, Port, Reply, message_of};

use crate::adapter::{Adapter, AdapterError, Call};

type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, AdapterError>> + Send + 'a>>;

/// An adapter with its port's types erased.
pub(super) trait AnyAdapter: Send + Sync {
    fn call<'a>(
        &'a self,
        call: &'a EffectCall,
        attempt: u32,
        traceparent: Option<&'a str>,
    ) -> CallFuture<'a>;
}

struct Bound<P, A>(A, std::marker::PhantomData<fn() -> P>);

impl<P: Port, A: Adapter<P>> AnyAdapter for Bound<P, A> {
    fn call<'a>(
        &'a self,
        call: &'a EffectCall,
        attempt: u32,
        traceparent: Option<&'a str>,
    ) -> CallFuture<'a> {
        Box::pin(async move {
            // It stands in the log as it is, and will not decode the next time either.
            let request = P::Request::decode(&call.value).map_err(AdapterError::terminal)?;
            let call = Call {
                request: &request,
                idempotency_key: call.request,
                correlation: call.correlation,
                key: &call.key,
                attempt,
                traceparent,
            };
            self.0
                .call(call)
                .await
                .map(|reply| Box::new(reply) as Reply)
        })
    }
}

/// Makes a call; a panic of the adapter is an error like any other.
pub(super) async fn call(
    adapter: &dyn AnyAdapter,
    call: &EffectCall,
    attempt: u32,
    traceparent: Option<&str>,
) -> Result<Reply, AdapterError> {
    let mut future = adapter.call(call, attempt, traceparent);
    std::future::poll_fn(move |context| {
        // After a panic the future is dropped, and the adapter was shared before: it has to bear that anyway.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(panicked(panic.as_ref()))))
    })
    .await
}

fn panicked(panic: &(dyn Any + Send)) -> AdapterError {
    AdapterError::new(format!("the adapter panicked: {}", message_of(panic)))
}

/// The adapters that a service's ports are bound to.
#[derive(Default, Clone)]
pub(crate) struct Adapters(HashMap<TypeId, Arc<dyn AnyAdapter>>);

impl Adapters {
    pub(crate) fn bind<P: Port>(&mut self, adapter: impl Adapter<P>) {
        self.0.insert(
            TypeId::of::<P>(),
            Arc::new(Bound::<P, _>(adapter, std::marker::PhantomData)),
        );
    }

    pub(super) fn get(&self, port: TypeId) -> Option<Arc<dyn AnyAdapter>> {
        self.0.get(&port).cloned()
    }
}
