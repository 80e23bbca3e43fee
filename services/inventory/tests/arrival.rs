//! One order's inputs in every order of arrival, at its reservation and at the stocks: nothing stays held for an order
//! that is rejected or cancelled, and pieces neither vanish nor appear.

use std::any::TypeId;
use std::collections::BTreeMap;

use kolo::{EffectCall, Reply};
use shop_schemas::inventory::{
    InventoryRejected, InventoryReleased, InventoryReserved, LineHeld, LineMissing,
    ReservationOpened, ReturnRequested, StockAdded, StockLine, StockReceived, StockReturned,
    StockShort, StockTaken,
};
use shop_schemas::order::{CustomerId, OrderCancelled, OrderCreated, OrderId, OrderLine, Sku};
use shop_schemas::payment::PaymentFailed;
use shop_testing::{World, explore, walk};
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));

fn nobody(_: TypeId, call: &EffectCall) -> Reply {
    panic!("the inventory calls nobody: {call:?}")
}

fn reservation() -> World {
    World::only(&inventory::service(), "reservation", nobody)
}

fn stock() -> World {
    World::only(&inventory::service(), "stock", nobody)
}

fn line(sku: &str, quantity: i32) -> OrderLine {
    OrderLine {
        sku: sku.into(),
        quantity,
        unit_price_cents: 100,
    }
}

fn pieces(sku: &str, quantity: i32) -> StockLine {
    StockLine {
        sku: sku.into(),
        quantity,
    }
}

fn created(lines: &[OrderLine]) -> OrderCreated {
    OrderCreated {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: lines.to_vec(),
        currency: "EUR".into(),
        total_cents: 300,
        answer_within_seconds: None,
    }
}

fn opened(lines: &[OrderLine]) -> ReservationOpened {
    let OrderCreated {
        order_id,
        customer_id,
        lines,
        currency,
        total_cents,
        ..
    } = created(lines);
    ReservationOpened {
        order_id,
        customer_id,
        lines,
        currency,
        total_cents,
    }
}

fn received(sku: &str, quantity: i32) -> StockReceived {
    StockReceived {
        sku: sku.into(),
        quantity,
    }
}

fn taken(sku: &str, quantity: i32) -> StockTaken {
    StockTaken {
        order_id: ORDER,
        sku: sku.into(),
        quantity,
    }
}

fn short(sku: &str, quantity: i32) -> StockShort {
    StockShort {
        order_id: ORDER,
        sku: sku.into(),
        quantity,
        available: 0,
    }
}

fn cancelled() -> OrderCancelled {
    OrderCancelled {
        order_id: ORDER,
        reason: "cancelled by the customer".into(),
    }
}

fn failed() -> PaymentFailed {
    PaymentFailed {
        order_id: ORDER,
        reason: "no funds".into(),
    }
}

fn back(lines: &[StockLine]) -> ReturnRequested {
    ReturnRequested {
        order_id: ORDER,
        lines: lines.to_vec(),
    }
}

type Pieces = BTreeMap<Sku, i64>;

fn sum(lines: impl IntoIterator<Item = (Sku, i32)>) -> Pieces {
    let mut sums = Pieces::new();
    for (sku, quantity) in lines {
        *sums.entry(sku).or_default() += i64::from(quantity);
    }
    sums
}

fn asked_back(world: &World) -> Pieces {
    let requests = world.events::<ReturnRequested>().into_iter();
    sum(requests
        .flat_map(|request| request.lines)
        .map(|line| (line.sku, line.quantity)))
}

#[test]
fn an_order_is_reserved_when_the_last_of_its_articles_is_held() {
    let lines = [line("cup", 2), line("pot", 1), line("cup", 3)];
    let mut world = reservation();
    world.arrive(&created(&lines), "created");
    assert_eq!(world.events::<ReservationOpened>(), [opened(&lines)]);
    world.arrive(&taken("cup", 5), "cup");
    assert_eq!(world.events::<InventoryReserved>(), []);
    world.arrive(&taken("pot", 1), "pot");
    let held = |sku: &str, quantity| LineHeld {
        order_id: ORDER,
        sku: sku.into(),
        quantity,
    };
    assert_eq!(world.events::<LineHeld>(), [held("cup", 5), held("pot", 1)]);
    let reserved = InventoryReserved {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: lines.to_vec(),
        currency: "EUR".into(),
        total_cents: 300,
    };
    assert_eq!(world.events::<InventoryReserved>(), [reserved]);
}

#[test]
fn the_first_short_article_rejects_the_order_and_all_pieces_go_back() {
    let mut world = reservation();
    world.arrive(
        &created(&[line("cup", 2), line("pot", 1), line("jug", 1)]),
        "created",
    );
    world.arrive(&taken("cup", 2), "cup");
    world.arrive(&short("pot", 1), "pot");
    let missing = LineMissing {
        order_id: ORDER,
        sku: "pot".into(),
        quantity: 1,
    };
    assert_eq!(world.events::<LineMissing>(), [missing]);
    let rejected = InventoryRejected {
        order_id: ORDER,
        reason: "pot is short: 0 in stock, 1 asked for".into(),
        missing: vec!["pot".into()],
    };
    assert_eq!(world.events::<InventoryRejected>(), [rejected]);
    assert_eq!(
        world.events::<ReturnRequested>(),
        [back(&[pieces("cup", 2)])]
    );
    world.arrive(&taken("jug", 1), "jug, late");
    assert_eq!(
        world.events::<ReturnRequested>(),
        [back(&[pieces("cup", 2)]), back(&[pieces("jug", 1)])]
    );
    // The order's cancellation finds nothing left to release.
    world.arrive(&cancelled(), "cancelled");
    assert_eq!(world.events::<InventoryReleased>(), []);
    assert_eq!(world.events::<ReturnRequested>().len(), 2);
}

#[test]
fn a_failed_payment_releases_what_is_held_and_the_cancellation_behind_it_adds_nothing() {
    let mut world = reservation();
    world.arrive(&created(&[line("cup", 2)]), "created");
    world.arrive(&taken("cup", 2), "cup");
    world.arrive(&failed(), "failed");
    world.arrive(&cancelled(), "cancelled");
    let released = InventoryReleased {
        order_id: ORDER,
        lines: vec![pieces("cup", 2)],
    };
    assert_eq!(world.events::<InventoryReleased>(), [released]);
    assert_eq!(
        world.events::<ReturnRequested>(),
        [back(&[pieces("cup", 2)])]
    );
}

#[test]
fn an_order_that_was_cancelled_first_asks_no_stock() {
    let mut world = reservation();
    world.arrive(&cancelled(), "cancelled");
    world.arrive(&created(&[line("cup", 2)]), "created");
    assert_eq!(world.events::<ReservationOpened>(), []);
    // Pieces that come all the same are nobody's: they go back.
    world.arrive(&taken("cup", 2), "cup");
    assert_eq!(
        world.events::<ReturnRequested>(),
        [back(&[pieces("cup", 2)])]
    );
}

#[test]
fn pieces_that_were_not_asked_for_or_come_twice_go_back() {
    let mut world = reservation();
    world.arrive(&created(&[line("cup", 2), line("pot", 1)]), "created");
    world.arrive(&taken("jug", 1), "never asked for");
    world.arrive(&short("jug", 1), "never asked for, and short");
    world.arrive(&taken("cup", 2), "cup");
    world.arrive(&taken("cup", 2), "cup, given once more");
    assert_eq!(
        world.events::<ReturnRequested>(),
        [back(&[pieces("jug", 1)]), back(&[pieces("cup", 2)])]
    );
    world.arrive(&taken("pot", 1), "pot");
    assert_eq!(world.events::<InventoryReserved>().len(), 1);
}

#[test]
fn an_order_that_could_never_be_served_is_rejected_before_any_stock_is_asked() {
    let absurd = [
        (created(&[]), "the order has no lines"),
        (
            created(&[line("", 1)]),
            "a line of the order names no article",
        ),
        (
            created(&[line("cup", 1), line("pot", 0)]),
            "a line of the order asks for less than one piece",
        ),
        (
            created(&[line("cup", 3), line("cup", -1)]),
            "a line of the order asks for less than one piece",
        ),
        (
            created(&[line("cup", i32::MAX), line("cup", 1)]),
            "the order asks for more pieces than can be counted",
        ),
        (
            OrderCreated {
                total_cents: 0,
                answer_within_seconds: None,
                ..created(&[line("cup", 1)])
            },
            "the order's total is less than one cent",
        ),
    ];
    for (order, reason) in absurd {
        let mut world = reservation();
        world.arrive(&order, "created");
        world.arrive(&order, "created again");
        let rejected = InventoryRejected {
            order_id: ORDER,
            reason: reason.into(),
            missing: vec![],
        };
        assert_eq!(world.events::<InventoryRejected>(), [rejected]);
        assert_eq!(world.events::<ReservationOpened>(), []);
    }
}

#[test]
fn a_reservation_sends_back_whatever_it_gets_and_does_not_keep() {
    let order = created(&[line("cup", 2), line("pot", 1), line("cup", 1)]);
    let base = reservation()
        .with(&order, "created")
        .with(&order, "created again")
        .with(&taken("cup", 3), "cup");
    let with_pot = base.clone().with(&taken("pot", 1), "pot");
    let endings = [
        with_pot.clone().with(&cancelled(), "cancelled"),
        with_pot
            .clone()
            .with(&failed(), "failed")
            .with(&cancelled(), "cancelled"),
        base.clone()
            .with(&short("pot", 1), "pot")
            .with(&cancelled(), "cancelled"),
        base.with(&short("pot", 1), "pot"),
    ];
    for world in endings {
        let cups = sum([("cup".into(), 3)]);
        let all = sum([("cup".into(), 3), ("pot".into(), 1)]);
        let finally = |world: &World| {
            let came = sum(world
                .events::<StockTaken>()
                .into_iter()
                .map(|t| (t.sku, t.quantity)));
            assert!(came == cups || came == all);
            let released = world.events::<InventoryReleased>().len();
            let rejected = world.events::<InventoryRejected>().len();
            if world.events::<OrderCancelled>().len() + rejected > 0 {
                assert_eq!(asked_back(world), came, "pieces stay held");
            } else {
                // Short before anything was asked: no stock does that, and it closes nothing.
                let held = world.events::<LineHeld>().into_iter();
                let mut known = sum(held.map(|held| (held.sku, held.quantity)));
                known.extend(asked_back(world));
                assert_eq!(known, came, "pieces are neither held nor sent back");
                assert_eq!(world.events::<InventoryReserved>(), []);
            }
            assert!(released + rejected <= 1, "closed twice");
        };
        let states = explore(
            &world,
            |world| {
                assert!(
                    world.events::<ReservationOpened>().len() <= 1,
                    "opened twice"
                );
                assert!(
                    world.events::<InventoryReserved>().len() <= 1,
                    "reserved twice"
                );
            },
            finally,
        );
        assert!(
            states > 150,
            "only {states} states: not every order was tried"
        );
    }
}

#[test]
fn a_stock_gives_all_that_is_asked_of_an_article_or_nothing() {
    let mut world = stock();
    world.arrive(&received("cup", 5), "receipt");
    let added = StockAdded {
        sku: "cup".into(),
        quantity: 5,
    };
    assert_eq!(world.events::<StockAdded>(), [added]);
    world.arrive(
        &opened(&[line("cup", 2), line("pot", 1), line("cup", 2)]),
        "first",
    );
    assert_eq!(world.events::<StockTaken>(), [taken("cup", 4)]);
    let lacks = |sku: &str, quantity, available| StockShort {
        available,
        ..short(sku, quantity)
    };
    assert_eq!(world.events::<StockShort>(), [lacks("pot", 1, 0)]);
    world.arrive(&opened(&[line("cup", 2)]), "second");
    assert_eq!(
        world.events::<StockShort>(),
        [lacks("pot", 1, 0), lacks("cup", 2, 1)]
    );
    world.arrive(&back(&[pieces("cup", 4)]), "back");
    let returned = StockReturned {
        order_id: ORDER,
        sku: "cup".into(),
        quantity: 4,
    };
    assert_eq!(world.events::<StockReturned>(), [returned]);
    world.arrive(&opened(&[line("cup", 5)]), "third");
    assert_eq!(
        world.events::<StockTaken>(),
        [taken("cup", 4), taken("cup", 5)]
    );
}

#[test]
fn a_stock_refuses_quantities_below_one() {
    let mut world = stock();
    for (quantity, name) in [(0, "none"), (-3, "fewer")] {
        world.arrive(&received("cup", quantity), name);
    }
    assert_eq!(world.events::<StockAdded>(), []);
    world.arrive(&received("cup", 5), "receipt");
    world.arrive(&opened(&[line("cup", 0)]), "asks none");
    world.arrive(&opened(&[line("cup", -3)]), "asks fewer");
    assert_eq!(world.events::<StockTaken>(), []);
    let available: Vec<_> = world
        .events::<StockShort>()
        .iter()
        .map(|s| s.available)
        .collect();
    assert_eq!(available, [5, 5]);
}

#[test]
fn through_stock_and_back_no_piece_is_lost_whatever_arrives_when() {
    // There are pots for the order only if the receipt comes first: both ends occur.
    let all = World::new(&[inventory::service()], nobody)
        .with_copies(2)
        .with(&received("cup", 5), "cups")
        .with(&received("pot", 1), "pot")
        .with(&created(&[line("cup", 2), line("pot", 1)]), "created")
        .with(&cancelled(), "cancelled");
    let finally = |world: &World| {
        let taken = sum(world
            .events::<StockTaken>()
            .into_iter()
            .map(|t| (t.sku, t.quantity)));
        let returned = sum(world
            .events::<StockReturned>()
            .into_iter()
            .map(|r| (r.sku, r.quantity)));
        assert_eq!(taken, returned, "pieces stay held");
    };
    let always = |world: &World| {
        let mut stock = sum(world
            .events::<StockAdded>()
            .into_iter()
            .map(|a| (a.sku, a.quantity)));
        for returned in world.events::<StockReturned>() {
            *stock.entry(returned.sku).or_default() += i64::from(returned.quantity);
        }
        for taken in world.events::<StockTaken>() {
            *stock.entry(taken.sku).or_default() -= i64::from(taken.quantity);
        }
        assert!(
            stock.values().all(|&pieces| pieces >= 0),
            "less than nothing in stock: {stock:?}"
        );
    };
    let states = explore(&all, always, finally);
    assert!(
        states > 1_000,
        "only {states} states: not every order was tried"
    );
    for seed in 0..200 {
        walk(all.clone(), seed, 6, always, finally);
    }
}
