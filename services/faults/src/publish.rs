//! The load, published from a thread of the test, as fast as orders end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use shop::load::{Cancel, Fate, Planned, Publisher, Repeat};
use shop_schemas::OrderId;
use shop_schemas::order::CancelRequested;
use uuid::Uuid;

use crate::shop::Load;

/// Publishes until all is published, or it is dropped.
#[derive(Debug)]
pub struct Publishing {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Publishing {
    /// Publishes the orders of a load, of which no more are on their way at once than it says; `ended` counts the orders
    /// that have ended.
    pub(crate) fn start(mut publisher: Publisher, load: Load, ended: Arc<AtomicU64>) -> Publishing {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let before = ended.load(Ordering::Relaxed);
        let thread = std::thread::spawn(move || {
            let mut late = VecDeque::new();
            let pause = load.over.div_f64(load.orders.max(1) as f64);
            let mut due = Instant::now();
            for (published, planned) in (before..).zip(load.plan().orders()) {
                due += pause;
                while Instant::now() < due
                    || published > ended.load(Ordering::Relaxed) + load.on_their_way
                {
                    if stopped.load(Ordering::Relaxed) {
                        bail!("it was stopped");
                    }
                    publisher.wait_until(Instant::now() + Duration::from_millis(5))?;
                }
                publish(&planned, &mut late, &mut publisher)?;
            }
            for order in late {
                cancel(order, &mut publisher)?;
            }
            publisher.deliver_all()
        });
        Publishing {
            stop,
            thread: Some(thread),
        }
    }

    /// Whether all is published, or could not be.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until all is published.
    ///
    /// # Errors
    /// When something could not be published.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let outcome = self.thread.take().map(JoinHandle::join);
        outcome.map_or(Ok(()), |outcome| {
            outcome.map_err(|_| anyhow!("the publisher panicked"))?
        })
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Whoever drops it early does not care how it ends.
            let _ = thread.join();
        }
    }
}

/// So many customers are still of two minds while others order: each cancels when the next but so many have ordered.
const OF_TWO_MINDS: usize = 3;

fn publish(
    planned: &Planned,
    late: &mut VecDeque<OrderId>,
    publisher: &mut Publisher,
) -> anyhow::Result<()> {
    let order = planned.order.order_id;
    if planned.fate == Fate::Cancelled(Cancel::Before) {
        cancel(order, publisher)?;
    }
    publisher.publish(&planned.order, planned.id)?;
    match planned.repeat {
        None => {}
        Some(Repeat::SameId) => publisher.publish(&planned.order, planned.id)?,
        Some(Repeat::OtherId) => {
            publisher.publish(&planned.order, Uuid::new_v5(&order.0, b"again"))?;
        }
    }
    if let Fate::Cancelled(Cancel::After(_)) = planned.fate {
        late.push_back(order);
    }
    if late.len() > OF_TWO_MINDS {
        late.pop_front()
            .map_or(Ok(()), |order| cancel(order, publisher))?;
    }
    Ok(())
}

fn cancel(order_id: OrderId, publisher: &mut Publisher) -> anyhow::Result<()> {
    let id = Uuid::new_v5(&order_id.0, b"CancelRequested");
    publisher.publish(&CancelRequested { order_id }, id)
}
