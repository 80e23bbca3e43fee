//! One aggregate with its router, in every schedule of few inputs and one fault.

use inventory::stock;
use kolo::Service;
use kolo_core::processor::Rules;
use kolo_testing::simulation::{Broken, Fact, Faults, Simulation};
use shop_schemas::inventory::{
    ReservationOpened, ReturnRequested, StockAdded, StockLine, StockReceived, StockReturned,
    StockShort, StockTaken,
};
use shop_schemas::order::{CustomerId, OrderId, OrderLine};
use uuid::Uuid;

const SKU: &str = "cup";

fn opened(number: u128) -> Fact {
    Fact::of(&ReservationOpened {
        order_id: OrderId(Uuid::from_u128(number)),
        customer_id: CustomerId("c-1".into()),
        lines: vec![OrderLine {
            sku: SKU.into(),
            quantity: 2,
            unit_price_cents: 100,
        }],
        currency: "EUR".into(),
        total_cents: 200,
    })
}

/// The stock alone: what a reservation asks of it and gives back comes from outside.
fn stock() -> Simulation {
    Simulation::of([Service::new("inventory").aggregate(stock::aggregate())])
        .partitions(1)
        .faults(Faults {
            repeats: 1,
            takeovers: 1,
            crashes: 1,
            drops: 1,
            resends: 1,
            routers: 1,
            router_crashes: 1,
            router_drops: 1,
            ..Faults::NONE
        })
        .sagas(3, |n, _| match n {
            0 => vec![Fact::of(&StockReceived {
                sku: SKU.into(),
                quantity: 3,
            })],
            1 => vec![opened(1)],
            _ => vec![Fact::of(&ReturnRequested {
                order_id: OrderId(Uuid::from_u128(2)),
                lines: vec![StockLine {
                    sku: SKU.into(),
                    quantity: 1,
                }],
            })],
        })
        .invariant(
            "each is answered, and there are never fewer than none",
            |seen| {
                let added = seen.events::<StockAdded>();
                let taken = seen.events::<StockTaken>();
                let answered = taken.len() + seen.events::<StockShort>().len();
                let returned = seen.events::<StockReturned>();
                let asked = (
                    seen.events::<StockReceived>().len(),
                    seen.events::<ReservationOpened>().len(),
                    seen.events::<ReturnRequested>().len(),
                );
                let counts = (added.len(), answered, returned.len());
                if counts != asked {
                    return Err(format!("{counts:?} answers to {asked:?}"));
                }
                let pieces = added.iter().map(|added| added.quantity).sum::<i32>()
                    + returned
                        .iter()
                        .map(|returned| returned.quantity)
                        .sum::<i32>()
                    - taken.iter().map(|taken| taken.quantity).sum::<i32>();
                (pieces >= 0)
                    .then_some(())
                    .ok_or(format!("{pieces} pieces"))
            },
        )
}

#[test]
fn in_every_order_without_a_fault() {
    let visited = stock()
        .exhaustive(3, 0)
        .unwrap_or_else(|failure| panic!("{failure}"));
    println!("{visited:?}");
    assert!(visited.schedules > 1);
}

#[test]
fn in_every_order_with_one_fault() {
    let inputs = if cfg!(debug_assertions) { 2 } else { 3 };
    let visited = stock()
        .exhaustive(inputs, 1)
        .unwrap_or_else(|failure| panic!("{failure}"));
    println!("{visited:?}");
}

#[test]
fn a_rule_that_is_left_out_is_missed_in_some_order() {
    let rules = Rules {
        skip_by_id: false,
        skip_by_position: false,
        ..Rules::ALL
    };
    let broken = Broken {
        rules,
        ..Broken::default()
    };
    let failure = stock().broken(broken).exhaustive(2, 1).unwrap_err();
    println!("{failure}");
    assert!(failure.size().1 < 12, "{failure}");
}
