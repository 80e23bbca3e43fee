//! The load: goods that arrive, orders, and customers who change their minds. It publishes and reads nothing.

mod command;
mod plan;
mod publisher;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use shop_schemas::OrderId;
use shop_schemas::inventory::StockReceived;
use shop_schemas::order::{CancelRequested, OrderCreated};
use uuid::Uuid;

pub(crate) use command::progress;
pub use command::{LoadArgs, RunLoadArgs, run};
pub use plan::{CURRENCY, Cancel, Fate, Plan, Planned, Repeat};
pub use publisher::Publisher;

/// The topics that a load writes to.
#[must_use]
pub fn topics() -> [&'static str; 2] {
    use kolo::Event;
    [OrderCreated::TYPE.topic, StockReceived::TYPE.topic]
}

/// How often the progress is drawn, and the caller asked whether to go on.
const LOOK: Duration = Duration::from_millis(50);

/// Publishes the goods of a plan, and waits until they are delivered.
///
/// # Errors
/// When an event cannot be published.
pub fn publish_stock(plan: Plan, publisher: &mut Publisher) -> anyhow::Result<()> {
    for receipt in plan.receipts() {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, receipt.sku.0.as_bytes());
        publisher.publish(&receipt, id)?;
    }
    publisher.deliver_all()
}

/// Publishes the orders of a plan and the cancellations, `rate` orders a second or as fast as it goes, and waits until
/// they are delivered. `go_on` is asked now and then.
///
/// # Errors
/// When an event cannot be published, or `go_on` says so.
pub fn publish_orders(
    plan: Plan,
    rate: Option<f64>,
    publisher: &mut Publisher,
    progress: &ProgressBar,
    mut go_on: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut looked = begun;
    let mut cancels = Cancels::default();
    for (number, planned) in (0u32..).zip(plan.orders()) {
        if let Some(rate) = rate {
            let due = begun + Duration::from_secs_f64(f64::from(number) / rate);
            while let Some(cancel) = cancels.next_before(due) {
                publisher.wait_until(cancel)?;
                cancels.publish_due(publisher)?;
            }
            publisher.wait_until(due)?;
        }
        cancels.publish_due(publisher)?;
        publish_order(&planned, &mut cancels, publisher)?;
        if looked.elapsed() > LOOK {
            looked = Instant::now();
            progress.set_position(u64::from(number) + 1);
            go_on()?;
        }
    }
    while let Some(due) = cancels.next() {
        publisher.wait_until(due)?;
        cancels.publish_due(publisher)?;
    }
    publisher.deliver_all()
}

fn publish_order(
    planned: &Planned,
    cancels: &mut Cancels,
    publisher: &mut Publisher,
) -> anyhow::Result<()> {
    let order_id = planned.order.order_id;
    if planned.fate == Fate::Cancelled(Cancel::Before) {
        cancel(order_id, publisher)?;
    }
    publisher.publish(&planned.order, planned.id)?;
    match planned.repeat {
        None => {}
        Some(Repeat::SameId) => publisher.publish(&planned.order, planned.id)?,
        Some(Repeat::OtherId) => {
            publisher.publish(
                &planned.order,
                Uuid::new_v5(&order_id.0, b"OrderCreated again"),
            )?;
        }
    }
    if let Fate::Cancelled(Cancel::After(delay)) = planned.fate {
        cancels.0.push(Reverse((Instant::now() + delay, order_id)));
    }
    Ok(())
}

fn cancel(order_id: OrderId, publisher: &mut Publisher) -> anyhow::Result<()> {
    publisher.publish(
        &CancelRequested { order_id },
        Uuid::new_v5(&order_id.0, b"CancelRequested"),
    )
}

/// The cancellations that wait for their time.
#[derive(Default)]
struct Cancels(BinaryHeap<Reverse<(Instant, OrderId)>>);

impl Cancels {
    fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((due, _))| *due)
    }

    fn next_before(&self, time: Instant) -> Option<Instant> {
        self.next().filter(|&due| due < time)
    }

    fn publish_due(&mut self, publisher: &mut Publisher) -> anyhow::Result<()> {
        while self.next().is_some_and(|due| due <= Instant::now())
            && let Some(Reverse((_, order_id))) = self.0.pop()
        {
            cancel(order_id, publisher)?;
        }
        Ok(())
    }
}
