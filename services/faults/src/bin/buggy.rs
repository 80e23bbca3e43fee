//! An order service with bugs that one may ship: of some orders it cannot bear to hear, some it suspects of fraud once they
//! are paid, and of some it forgets that they cannot be delivered.

use std::process::ExitCode;

use kolo::{Aggregate, App, Received, Service};
use order::{Order, answer_by, confirm, decline, give_up, open, reject, withdraw};
use shop_schemas::OrderId;
use shop_schemas::inventory::InventoryRejected;
use shop_schemas::order::{OrderCancelled, OrderConfirmed, OrderCreated, OrderOpened};
use shop_schemas::payment::PaymentAuthorized;

/// One of so many orders, by the last byte of its id.
fn is_one_of(order: OrderId, each: u8, which: u8) -> bool {
    order.0.as_bytes()[15] % each == which
}

fn open_most(order: &Order, created: &Received<OrderCreated>) -> Option<OrderOpened> {
    assert!(!is_one_of(created.order_id, 64, 0), "index out of bounds");
    open(order, created)
}

fn confirm_most(
    order: &Order,
    paid: &Received<PaymentAuthorized>,
) -> Result<Option<OrderConfirmed>, OrderCancelled> {
    let confirmed = confirm(order, paid);
    if confirmed.is_some() && is_one_of(paid.order_id, 16, 1) {
        let reason = "suspected of fraud".to_owned();
        let order_id = paid.order_id;
        return Err(OrderCancelled { order_id, reason });
    }
    Ok(confirmed)
}

fn reject_some(order: &Order, inventory: &Received<InventoryRejected>) -> Option<OrderCancelled> {
    let cancelled = reject(order, inventory);
    cancelled.filter(|_| is_one_of(inventory.order_id, 2, 0))
}

fn main() -> ExitCode {
    let lifecycle = Aggregate::<Order>::new("lifecycle");
    let lifecycle = lifecycle.on(open_most).on(confirm_most).pivot();
    let lifecycle = lifecycle.on(reject_some).on(decline).on(withdraw);
    let lifecycle = lifecycle.deadline(answer_by, give_up).snapshots(1);
    App::new(Service::new("order").aggregate(lifecycle)).main()
}
