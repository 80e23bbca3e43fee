// A payment and a stock with everything that an aggregate can declare, and with bugs on request.
// The examples in the documentation include it, so it cannot begin with `//!`.

use std::time::Duration;

use kolo_core::{Aggregate, Deadline, Port, Received, Service, State, Timestamp};
use shop_schemas::inventory::{
    InventoryReserved, ReservationOpened, Sku, StockAdded, StockEvent, StockReceived, StockTaken,
};
use shop_schemas::order::{CustomerId, OrderCancelled, OrderId, OrderLine};
use shop_schemas::payment::{
    AuthorizationId, PaymentAuthorized, PaymentEvent, PaymentFailed, PaymentRefunded,
    PaymentRequested, RefundRequested,
};
use uuid::Uuid;

pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(1));
pub(crate) const OTHER: OrderId = OrderId(Uuid::from_u128(2));
/// A reservation of this total makes the reaction panic.
pub(crate) const PANICS: i64 = 13;
/// A reservation of this total is answered for another order.
pub(crate) const ANSWERS_ANOTHER: i64 = 14;
pub(crate) const WAITS: Duration = Duration::from_secs(60);

pub(crate) struct Charge;
impl Port for Charge {
    type Request = PaymentRequested;
    type Reply = Result<AuthorizationId, String>;
}

pub(crate) struct Refund;
impl Port for Refund {
    type Request = RefundRequested;
    type Reply = ();
}

/// No aggregate calls it.
pub(crate) struct Unbound;
impl Port for Unbound {
    type Request = PaymentRequested;
    type Reply = ();
}

#[derive(Default)]
pub(crate) struct Payment {
    asked_at: Option<Timestamp>,
    authorization: Option<AuthorizationId>,
}

impl State for Payment {
    type Event = PaymentEvent;

    fn evolve(&mut self, event: &PaymentEvent, at: Timestamp) {
        *self = match event {
            PaymentEvent::PaymentRequested(_) => Payment {
                asked_at: Some(at),
                authorization: None,
            },
            PaymentEvent::PaymentAuthorized(authorized) => Payment {
                asked_at: None,
                authorization: Some(authorized.authorization_id.clone()),
            },
            _ => Payment::default(),
        };
    }
}

fn request(_: &Payment, reserved: &Received<InventoryReserved>) -> PaymentRequested {
    assert_ne!(reserved.total_cents, PANICS, "unlucky");
    let another = reserved.total_cents == ANSWERS_ANOTHER;
    PaymentRequested {
        order_id: if another { OTHER } else { reserved.order_id },
        ..asked(reserved.total_cents)
    }
}

fn charged(
    _: &Payment,
    asked: &PaymentRequested,
    reply: Result<AuthorizationId, String>,
) -> Result<PaymentAuthorized, PaymentFailed> {
    let order_id = asked.order_id;
    match reply {
        Ok(authorization_id) => Ok(PaymentAuthorized {
            order_id,
            amount_cents: asked.amount_cents,
            currency: asked.currency.clone(),
            authorization_id,
        }),
        Err(reason) => Err(PaymentFailed { order_id, reason }),
    }
}

fn unknown(_: &Payment, asked: &PaymentRequested) -> PaymentFailed {
    failed(asked.order_id, "nobody knows")
}

fn give_back(
    payment: &Payment,
    _: &Received<OrderCancelled>,
    undone: &PaymentRequested,
) -> Option<RefundRequested> {
    let authorization_id = payment.authorization.clone()?;
    Some(RefundRequested {
        order_id: undone.order_id,
        amount_cents: undone.amount_cents,
        currency: undone.currency.clone(),
        authorization_id,
    })
}

fn refunded(_: &Payment, asked: &RefundRequested, (): ()) -> PaymentRefunded {
    PaymentRefunded {
        order_id: asked.order_id,
        amount_cents: asked.amount_cents,
        currency: asked.currency.clone(),
    }
}

fn due(payment: &Payment) -> Option<Timestamp> {
    let asked_at = payment.asked_at?.as_millis();
    let waits = i64::try_from(WAITS.as_millis()).ok()?;
    Some(Timestamp::from_millis(asked_at + waits))
}

fn late(_: &Payment, deadline: &Received<Deadline<OrderId>>) -> PaymentFailed {
    failed(deadline.key, "late")
}

#[derive(Default)]
pub(crate) struct Stock;

impl State for Stock {
    type Event = StockEvent;
    fn evolve(&mut self, _: &StockEvent, _: Timestamp) {}
}

fn receive(_: &Stock, goods: &Received<StockReceived>) -> StockAdded {
    StockAdded {
        sku: goods.sku.clone(),
        quantity: goods.quantity,
    }
}

fn articles(opened: &ReservationOpened) -> Vec<Sku> {
    opened.lines.iter().map(|line| line.sku.clone()).collect()
}

fn take(_: &Stock, opened: &Received<ReservationOpened>) -> StockTaken {
    taken(opened.key())
}

pub(crate) fn service() -> Service {
    let payment = Aggregate::<Payment>::new("payment")
        .on(request)
        .effect::<Charge, _>(charged)
        .exhausted(unknown)
        .undo(give_back)
        .effect::<Refund, _>(refunded)
        .deadline(due, late);
    let stock = Aggregate::<Stock>::new("stock")
        .on(receive)
        .routed(articles, take);
    Service::new("shop").aggregate(payment).aggregate(stock)
}

pub(crate) fn reserved(total_cents: i64) -> InventoryReserved {
    InventoryReserved {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: vec![],
        currency: "EUR".into(),
        total_cents,
    }
}

pub(crate) fn cancelled() -> OrderCancelled {
    OrderCancelled {
        order_id: ORDER,
        reason: "cancelled by the customer".into(),
    }
}

pub(crate) fn asked(amount_cents: i64) -> PaymentRequested {
    PaymentRequested {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        amount_cents,
        currency: "EUR".into(),
    }
}

pub(crate) fn authorized(amount_cents: i64) -> PaymentAuthorized {
    PaymentAuthorized {
        order_id: ORDER,
        amount_cents,
        currency: "EUR".into(),
        authorization_id: "a-1".into(),
    }
}

pub(crate) fn failed(order_id: OrderId, reason: &str) -> PaymentFailed {
    PaymentFailed {
        order_id,
        reason: reason.into(),
    }
}

pub(crate) fn asked_back(amount_cents: i64) -> RefundRequested {
    RefundRequested {
        order_id: ORDER,
        amount_cents,
        currency: "EUR".into(),
        authorization_id: "a-1".into(),
    }
}

pub(crate) fn given_back(amount_cents: i64) -> PaymentRefunded {
    PaymentRefunded {
        order_id: ORDER,
        amount_cents,
        currency: "EUR".into(),
    }
}

pub(crate) fn opened(articles: &[&str]) -> ReservationOpened {
    let line = |&article: &&str| OrderLine {
        sku: article.into(),
        quantity: 1,
        unit_price_cents: 100,
    };
    ReservationOpened {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: articles.iter().map(line).collect(),
        currency: "EUR".into(),
        total_cents: 100,
    }
}

pub(crate) fn goods(article: &str) -> StockReceived {
    StockReceived {
        sku: article.into(),
        quantity: 1,
    }
}

pub(crate) fn added(article: &str) -> StockAdded {
    StockAdded {
        sku: article.into(),
        quantity: 1,
    }
}

pub(crate) fn taken(article: &str) -> StockTaken {
    StockTaken {
        order_id: ORDER,
        sku: article.into(),
        quantity: 1,
    }
}
