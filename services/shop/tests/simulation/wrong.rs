//! The sample with one function wrong each time, as a developer may get it wrong.

use inventory::reservation::{self, Release, Reservation};
use inventory::stock::{self, Stock};
use kolo::{Aggregate, Received, Service};
use order::Order;
use payment::{Charge, Charged, Payment, Refund};
use shop_schemas::inventory::{
    InventoryRejected, InventoryReserved, LineHeld, LineMissing, ReservationOpened,
    ReturnRequested, StockAdded, StockReceived, StockReturned, StockShort, StockTaken,
};
use shop_schemas::order::{
    CancelRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderOpened,
};
use shop_schemas::payment::{
    AuthorizationId, PaymentAuthorized, PaymentFailed, PaymentRequested, RefundRequested,
};

use crate::services;

/// Each of them, by what is wrong.
pub(crate) fn all() -> Vec<(&'static str, [Service; 3])> {
    let [order, inventory, payment] = [0, 1, 2];
    let with = |place: usize, service: Service| {
        let mut all = services();
        all[place] = service;
        all
    };
    vec![
        (
            "an order is opened again",
            with(order, order_by(reopen, order::confirm, order::withdraw)),
        ),
        (
            "a cancelled order is confirmed",
            with(
                order,
                order_by(order::open, confirm_anyway, order::withdraw),
            ),
        ),
        (
            "a confirmed order is cancelled",
            with(
                order,
                order_by(order::open, order::confirm, withdraw_anyway),
            ),
        ),
        (
            "an order short of stock is not cancelled",
            with(order, without_rejection()),
        ),
        (
            "what is held is not released",
            with(
                inventory,
                inventory_by(reservation_by(forget_held), stock::aggregate()),
            ),
        ),
        (
            "only the first line is released",
            with(
                inventory,
                inventory_by(reservation_by(release_one), stock::aggregate()),
            ),
        ),
        (
            "a late piece is kept",
            with(inventory, inventory_by(keeps_late(), stock::aggregate())),
        ),
        (
            "an order is reserved with its first line",
            with(
                inventory,
                inventory_by(reserves_early(), stock::aggregate()),
            ),
        ),
        (
            "a rejection keeps what is held",
            with(
                inventory,
                inventory_by(rejects_and_keeps(), stock::aggregate()),
            ),
        ),
        (
            "more is taken than there is",
            with(
                inventory,
                inventory_by(
                    reservation::aggregate(),
                    stock_by(stock::receive, take_anyway, stock::put_back),
                ),
            ),
        ),
        (
            "pieces come back twice",
            with(
                inventory,
                inventory_by(
                    reservation::aggregate(),
                    stock_by(stock::receive, stock::take, put_back_twice),
                ),
            ),
        ),
        (
            "goods are counted twice",
            with(
                inventory,
                inventory_by(
                    reservation::aggregate(),
                    stock_by(receive_twice, stock::take, stock::put_back),
                ),
            ),
        ),
        (
            "a charge is never given back",
            with(payment, payment_by(payment::charged, keep_money)),
        ),
        (
            "a declined charge is taken for made",
            with(payment, payment_by(charged_anyway, payment::give_back)),
        ),
        (
            "a payment has no compensation",
            with(payment, without_refund()),
        ),
        (
            "nothing is released",
            with(
                inventory,
                inventory_by(without_release(), stock::aggregate()),
            ),
        ),
    ]
}

fn order_by(
    open: impl Fn(&Order, &Received<OrderCreated>) -> Option<OrderOpened> + Copy + Send + Sync + 'static,
    confirm: impl Fn(&Order, &Received<PaymentAuthorized>) -> Option<OrderConfirmed>
    + Copy
    + Send
    + Sync
    + 'static,
    withdraw: impl Fn(&Order, &Received<CancelRequested>) -> Option<OrderCancelled>
    + Copy
    + Send
    + Sync
    + 'static,
) -> Service {
    let lifecycle = Aggregate::<Order>::new("lifecycle");
    let lifecycle = lifecycle.on(open).on(confirm).pivot();
    let lifecycle = lifecycle.on(order::reject).on(order::decline).on(withdraw);
    let lifecycle = lifecycle.deadline(order::answer_by, order::give_up);
    Service::new("order").aggregate(lifecycle.snapshots(1))
}

fn without_rejection() -> Service {
    let lifecycle = Aggregate::<Order>::new("lifecycle");
    let lifecycle = lifecycle.on(order::open).on(order::confirm).pivot();
    Service::new("order").aggregate(lifecycle.on(order::decline).on(order::withdraw))
}

fn reopen(_: &Order, created: &Received<OrderCreated>) -> Option<OrderOpened> {
    order::open(&Order::Unknown, created)
}

fn confirm_anyway(_: &Order, paid: &Received<PaymentAuthorized>) -> Option<OrderConfirmed> {
    order::confirm(&Order::Unknown, paid)
}

fn withdraw_anyway(order: &Order, customer: &Received<CancelRequested>) -> Option<OrderCancelled> {
    let order = if *order == Order::Confirmed {
        &Order::Unknown
    } else {
        order
    };
    order::withdraw(order, customer)
}

fn inventory_by(reservation: Aggregate<Reservation>, stock: Aggregate<Stock>) -> Service {
    Service::new("inventory")
        .aggregate(reservation)
        .aggregate(stock)
}

fn gathers() -> Aggregate<Reservation> {
    Aggregate::new("reservation")
        .on(reservation::open)
        .routed(reservation::taken_for, reservation::hold)
        .routed(reservation::short_for, reservation::reject)
}

fn reservation_by(
    cancelled: impl Fn(&Reservation, &Received<OrderCancelled>, &ReservationOpened) -> Release
    + Copy
    + Send
    + Sync
    + 'static,
) -> Aggregate<Reservation> {
    // An order that is not paid is cancelled too.
    gathers().undo(cancelled)
}

fn without_release() -> Aggregate<Reservation> {
    gathers()
}

fn forget_held(
    reservation: &Reservation,
    cancelled: &Received<OrderCancelled>,
    undone: &ReservationOpened,
) -> Release {
    let (released, _) = reservation::release_cancelled(reservation, cancelled, undone)?;
    Some((released, None))
}

fn release_one(
    reservation: &Reservation,
    cancelled: &Received<OrderCancelled>,
    undone: &ReservationOpened,
) -> Release {
    let (released, returned) = reservation::release_cancelled(reservation, cancelled, undone)?;
    let returned = returned.map(|returned| ReturnRequested {
        lines: returned.lines.into_iter().take(1).collect(),
        ..returned
    });
    Some((released, returned))
}

fn undone(reservation: Aggregate<Reservation>) -> Aggregate<Reservation> {
    reservation
        .undo(reservation::release_unpaid)
        .undo(reservation::release_cancelled)
}

fn keeps_late() -> Aggregate<Reservation> {
    let reservation = Aggregate::new("reservation").on(reservation::open);
    let reservation = reservation.routed(reservation::taken_for, hold_or_keep);
    undone(reservation.routed(reservation::short_for, reservation::reject))
}

fn hold_or_keep(
    reservation: &Reservation,
    taken: &Received<StockTaken>,
) -> Option<(LineHeld, Option<InventoryReserved>)> {
    reservation::hold(reservation, taken).ok()
}

fn reserves_early() -> Aggregate<Reservation> {
    let reservation = Aggregate::new("reservation").on(reservation::open);
    let reservation = reservation.routed(reservation::taken_for, hold_early);
    undone(reservation.routed(reservation::short_for, reservation::reject))
}

fn hold_early(
    reservation: &Reservation,
    taken: &Received<StockTaken>,
) -> Result<(LineHeld, Option<InventoryReserved>), ReturnRequested> {
    let (held, _) = reservation::hold(reservation, taken)?;
    let Reservation::Gathering(gathering) = reservation else {
        return Ok((held, None));
    };
    Ok((held, Some(reservation::reserved(gathering.opened()))))
}

fn rejects_and_keeps() -> Aggregate<Reservation> {
    let reservation = Aggregate::new("reservation").on(reservation::open);
    let reservation = reservation.routed(reservation::taken_for, reservation::hold);
    undone(reservation.routed(reservation::short_for, reject_and_keep))
}

fn reject_and_keep(
    reservation: &Reservation,
    short: &Received<StockShort>,
) -> Option<(LineMissing, InventoryRejected)> {
    let (missing, rejected, _) = reservation::reject(reservation, short)?;
    Some((missing, rejected))
}

fn stock_by(
    receive: impl Fn(&Stock, &Received<StockReceived>) -> Option<StockAdded>
    + Copy
    + Send
    + Sync
    + 'static,
    take: impl Fn(&Stock, &Received<ReservationOpened>) -> Result<StockTaken, StockShort>
    + Copy
    + Send
    + Sync
    + 'static,
    put_back: impl Fn(&Stock, &Received<ReturnRequested>) -> StockReturned
    + Copy
    + Send
    + Sync
    + 'static,
) -> Aggregate<Stock> {
    Aggregate::new("stock")
        .on(receive)
        .routed(stock::asked, take)
        .routed(stock::returned, put_back)
        .snapshots(1)
}

fn take_anyway(
    stock: &Stock,
    opened: &Received<ReservationOpened>,
) -> Result<StockTaken, StockShort> {
    stock::take(stock, opened).or_else(|short| {
        Ok(StockTaken {
            order_id: short.order_id,
            sku: short.sku,
            quantity: short.quantity,
        })
    })
}

fn put_back_twice(stock: &Stock, request: &Received<ReturnRequested>) -> StockReturned {
    let returned = stock::put_back(stock, request);
    StockReturned {
        quantity: returned.quantity * 2,
        ..returned
    }
}

fn receive_twice(stock: &Stock, receipt: &Received<StockReceived>) -> Option<StockAdded> {
    let added = stock::receive(stock, receipt)?;
    Some(StockAdded {
        quantity: added.quantity * 2,
        ..added
    })
}

fn payment_by(
    charged: impl Fn(&Payment, &PaymentRequested, Charged) -> Result<PaymentAuthorized, PaymentFailed>
    + Copy
    + Send
    + Sync
    + 'static,
    give_back: impl Fn(
        &Payment,
        &Received<OrderCancelled>,
        &PaymentRequested,
    ) -> Option<RefundRequested>
    + Copy
    + Send
    + Sync
    + 'static,
) -> Service {
    let payment = Aggregate::<Payment>::new("payment")
        .on(payment::request)
        .effect::<Charge, _>(charged)
        .undo(give_back)
        .effect::<Refund, _>(payment::refunded);
    Service::new("payment").aggregate(payment.snapshots(1))
}

fn without_refund() -> Service {
    let payment = Aggregate::<Payment>::new("payment").on(payment::request);
    let payment = payment.effect::<Charge, _>(payment::charged);
    Service::new("payment").aggregate(payment.snapshots(1))
}

fn keep_money(
    _: &Payment,
    _: &Received<OrderCancelled>,
    _: &PaymentRequested,
) -> Option<RefundRequested> {
    None
}

fn charged_anyway(
    payment: &Payment,
    asked: &PaymentRequested,
    _: Charged,
) -> Result<PaymentAuthorized, PaymentFailed> {
    payment::charged(
        payment,
        asked,
        Charged::Authorized(AuthorizationId("none".into())),
    )
}
