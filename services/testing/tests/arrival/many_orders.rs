//! Orders that want the same pieces, and owners that crash anywhere: before an append, between two of one answer, after
//! the gateway was called and before its reply was recorded. Routers put every copy twice, as they do that crash before
//! they commit.

use std::cell::Cell;

use crate::shop::{LIMIT_CENTS, Shop, check_always, check_finally, order, stocked};
use shop_schemas::order::CancelRequested;
use shop_testing::walk;

// failure: process | owners crash before, in and after an append, with routers that repeat and deadlines that pass
// | - | in every one of the walked orders of events the books balance | nobody
#[test]
fn the_books_balance_through_crashes_whatever_arrives_when() {
    let mut world = stocked(&[("cup", 6), ("pot", 3)]).with_copies(2);
    let lines: [&[(&str, i32)]; 6] = [
        &[("cup", 2), ("pot", 1)],
        &[("cup", 2)],
        &[("pot", 2), ("cup", 1)],
        &[("cup", 1), ("pot", 1), ("cup", 1)],
        &[("jug", 1), ("cup", 1)],
        &[("pot", 1)],
    ];
    for (lines, number) in lines.iter().zip(1..) {
        let total_cents = if number == 2 { LIMIT_CENTS + 1 } else { 900 };
        let order = order(number, lines, total_cents);
        if number % 3 == 0 {
            let cancel = CancelRequested {
                order_id: order.order_id,
            };
            world = world.with(&cancel, &format!("cancel {number}"));
        }
        world = world.with(&order, &format!("created {number}"));
        world = world.with(&order, &format!("created again {number}"));
    }
    let (confirmed, cancelled, late) = (Cell::new(0), Cell::new(0), Cell::new(0));
    for seed in 0..60 {
        let world = match seed % 3 {
            0 | 1 => world.clone(),
            _ => world.clone().with_deadlines(),
        };
        walk(world, seed, 12, check_always, |world| {
            check_finally(world);
            let shop = Shop::of(world);
            confirmed.set(confirmed.get() + shop.confirmed().len());
            cancelled.set(cancelled.get() + shop.cancelled());
            late.set(late.get() + shop.late());
        });
    }
    // Each walk has an order that is declined, and one that no stock can serve.
    assert!(cancelled.get() > 2 * 60, "{cancelled:?} cancelled");
    assert!(confirmed.get() > 40, "{confirmed:?} confirmed");
    assert!(late.get() > 20, "{late:?} late");
}
