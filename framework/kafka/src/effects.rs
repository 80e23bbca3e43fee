//! Effects: ports are called here, after their requests were found sound, until there is a definitive reply.

use std::any::TypeId;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use crossbeam_channel::Sender;
use hashbrown::HashMap;
use kolo_core::{EffectCall, EffectDescription, Event, EventId, Port, Reply};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::adapter::{Adapter, AdapterError, Call};
use crate::wake::Waker;

type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, AdapterError>> + Send + 'a>>;

/// An adapter with its port's types erased.
trait AnyAdapter: Send + Sync {
    fn call<'a>(&'a self, call: &'a EffectCall, attempt: u32) -> CallFuture<'a>;
}

struct Bound<P, A>(A, std::marker::PhantomData<fn() -> P>);

impl<P: Port, A: Adapter<P>> AnyAdapter for Bound<P, A> {
    fn call<'a>(&'a self, call: &'a EffectCall, attempt: u32) -> CallFuture<'a> {
        Box::pin(async move {
            let request = P::Request::decode(&call.value).map_err(AdapterError::new)?;
            let call = Call {
                request: &request,
                idempotency_key: call.request,
                correlation: call.correlation,
                key: &call.key,
                attempt,
            };
            self.0
                .call(call)
                .await
                .map(|reply| Box::new(reply) as Reply)
        })
    }
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

    pub(crate) fn binds(&self, effect: &EffectDescription) -> bool {
        self.0.contains_key(&effect.port)
    }
}

/// Says whether the owner that started an effect still owns the partition.
#[derive(Clone, Default)]
pub(crate) struct Ownership(Arc<AtomicBool>);

impl Ownership {
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_ended(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A reply for the worker that asked.
pub(crate) struct Replied {
    pub(crate) partition: i32,
    pub(crate) ownership: Ownership,
    pub(crate) request: EventId,
    pub(crate) reply: Reply,
}

impl Replied {
    pub(crate) fn is_current(&self, ownership: &Ownership) -> bool {
        Arc::ptr_eq(&self.ownership.0, &ownership.0)
    }
}

/// Where the replies of one worker go.
#[derive(Clone)]
pub(crate) struct ReplyTo {
    pub(crate) replies: Sender<Replied>,
    pub(crate) waker: Waker,
}

/// Runs the effects of a process.
pub(crate) struct EffectPool {
    runtime: Handle,
    adapters: Adapters,
    permits: Arc<Semaphore>,
    timeout: Duration,
}

impl EffectPool {
    pub(crate) fn new(
        runtime: Handle,
        adapters: Adapters,
        max_effects: usize,
        timeout: Duration,
    ) -> Self {
        EffectPool {
            runtime,
            adapters,
            permits: Arc::new(Semaphore::new(max_effects.max(1))),
            timeout,
        }
    }

    /// Calls the port until it replies, or until the partition is owned no more.
    pub(crate) fn start(
        &self,
        call: EffectCall,
        effect: &EffectDescription,
        partition: i32,
        ownership: Ownership,
        reply_to: ReplyTo,
    ) {
        let Some(adapter) = self.adapters.0.get(&effect.port).cloned() else {
            return;
        };
        let permits = Arc::clone(&self.permits);
        let timeout = self.timeout;
        let port = effect.port_name;
        self.runtime.spawn(async move {
            // Retried for as long as it takes: a request stays pending until there is a definitive reply.
            let mut pauses = ExponentialBuilder::default()
                .with_min_delay(Duration::from_millis(100))
                .with_max_delay(Duration::from_secs(10))
                .with_jitter()
                .without_max_times()
                .build();
            for attempt in 1u32.. {
                // The permit is given back while the effect pauses.
                let Ok(permit) = permits.acquire().await else { return };
                if ownership.has_ended() {
                    return;
                }
                let outcome = tokio::time::timeout(timeout, adapter.call(&call, attempt)).await;
                drop(permit);
                let problem = match outcome {
                    Ok(Ok(reply)) => {
                        let request = call.request;
                        // The worker may be gone by now; then another owner has the request.
                        let _ = reply_to.replies.send(Replied { partition, ownership, request, reply });
                        reply_to.waker.wake();
                        return;
                    }
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => format!("no reply within {timeout:?}"),
                };
                let pause = pauses.next().unwrap_or(Duration::from_secs(10));
                tracing::warn!(
                    port, request = %call.request, saga = %call.correlation, key = %call.key, partition, attempt,
                    "the effect has no definitive reply and is called again in {pause:?}: {problem}"
                );
                tokio::time::sleep(pause).await;
            }
        });
    }
}
