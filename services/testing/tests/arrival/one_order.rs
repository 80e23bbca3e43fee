//! One order through all services, in every order in which records and replies can arrive.

use std::cell::Cell;

use crate::shop::{LIMIT_CENTS, Shop, check_always, check_finally, order, stocked};
use shop_schemas::order::{CancelRequested, OrderCreated};
use shop_testing::{World, explore};

/// The order and its cancellation, published in every order with what the world has to publish besides.
fn every_order_of_arrival(world: &World, order: &OrderCreated) {
    let world = world.clone().with(order, "created").with(
        &CancelRequested {
            order_id: order.order_id,
        },
        "cancel",
    );
    let states = explore(&world, check_always, check_finally);
    assert!(
        states > 250,
        "only {states} states: not every order was tried"
    );
}

#[test]
fn an_order_that_nobody_cancels_is_confirmed() {
    let world = stocked(&[("cup", 5), ("pot", 5)]);
    let world = world.with(&order(1, &[("cup", 2), ("pot", 1)], 900), "created");
    let confirmed = |world: &World| {
        check_finally(world);
        assert_eq!(Shop::of(world).confirmed(), [1]);
    };
    let states = explore(&world, check_always, confirmed);
    assert!(
        states > 20,
        "only {states} states: not every order was tried"
    );
}

// failure: order | customer, stock and payment race for one order's end | - | it ends once, in every order of
// arrival, and everything is undone that must be | nobody
#[test]
fn a_cancellation_wins_or_loses_but_never_both() {
    let order = order(1, &[("cup", 2), ("pot", 1), ("cup", 1)], 900);
    let world = stocked(&[("cup", 5), ("pot", 5)]);
    let world = world.with(&order, "created again");
    every_order_of_arrival(&world, &order);
}

// failure: order | an answer and the deadline race | - | whichever is decided first stands, and the other changes
// nothing | nobody
#[test]
fn a_deadline_wins_or_loses_but_never_both() {
    let order = order(1, &[("cup", 2), ("pot", 1)], 900);
    let world = stocked(&[("cup", 5), ("pot", 5)]);
    let world = world.with(&order, "created").with_deadlines();
    let (in_time, late) = (Cell::new(0), Cell::new(0));
    let finally = |world: &World| {
        check_finally(world);
        let shop = Shop::of(world);
        in_time.set(in_time.get() + shop.confirmed().len());
        late.set(late.get() + shop.late());
    };
    let states = explore(&world, check_always, finally);
    assert!(
        states > 100,
        "only {states} states: not every order was tried"
    );
    assert!(in_time.get() > 0 && late.get() > 0, "{in_time:?} {late:?}");
}

#[test]
fn an_order_short_of_stock_holds_nothing_whether_cancelled_or_not() {
    let order = order(1, &[("cup", 2), ("pot", 1)], 900);
    let world = stocked(&[("cup", 5)]);
    every_order_of_arrival(&world, &order);
}

#[test]
fn a_declined_order_holds_nothing_whether_cancelled_or_not() {
    let order = order(1, &[("cup", 2)], LIMIT_CENTS + 1);
    let world = stocked(&[("cup", 5)]);
    every_order_of_arrival(&world, &order);
}
