//! The sample's services in a simulated world, in which everything that can fail does: the books balance all the same.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it saw"
)]

mod books;
mod defects;
mod exhaustive;
mod speed;
mod whole;
mod workload;
mod wrong;

use kolo::{Aggregate, Service};
use kolo_testing::simulation::Simulation;
use order::Order;
use payment::{Charge, Charged, Refund, Refunded};
use shop_schemas::payment::AuthorizationId;

use books::Books;

/// The gateway declines what costs more.
const LIMIT_CENTS: i64 = 10_000;

fn services() -> [Service; 3] {
    [order::service(), inventory::service(), payment::service()]
}

/// The order service of the next version, which decides as this one does.
fn next_order() -> Service {
    let lifecycle = Aggregate::<Order>::new("lifecycle").version(2);
    let lifecycle = lifecycle.on(order::open).on(order::confirm).pivot();
    let lifecycle = lifecycle.on(order::reject).on(order::decline);
    let lifecycle = lifecycle.on(order::withdraw);
    let lifecycle = lifecycle.deadline(order::answer_by, order::give_up);
    Service::new("order").aggregate(lifecycle.snapshots(1))
}

/// These services, and what they are to sell.
fn shop(services: impl IntoIterator<Item = Service>) -> Simulation {
    Simulation::of(services)
        .port::<Charge>(|asked| {
            if asked.amount_cents <= LIMIT_CENTS {
                Charged::Authorized(AuthorizationId(format!("for {}", asked.order_id)))
            } else {
                Charged::Declined("over the limit".into())
            }
        })
        .port::<Refund>(|_| Refunded)
        .given(workload::stock())
        .sagas(3, workload::order)
        .invariant("the books balance", |seen| Books::of(seen).balance())
}

#[test]
fn the_books_balance_whatever_happens() {
    shop(services())
        .redeploys([next_order()])
        .regressions(include_str!("regressions.txt"))
        .check();
}
