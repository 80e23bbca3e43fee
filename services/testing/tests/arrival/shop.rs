//! The sample's services in one world, and what must hold of it. The books are added up from the events and from the
//! gateway's calls, not from anything that the services know.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};

use kolo_core::{EffectCall, Event, Reply};
use payment::{Charge, Charged, Refund, Refunded};
use shop_schemas::inventory::{
    StockAdded, StockLine, StockReceived, StockReturned, StockShort, StockTaken,
};
use shop_schemas::order::{
    CancelRequested, CustomerId, OrderCancelled, OrderConfirmed, OrderCreated, OrderId, OrderLine,
    OrderOpened, Sku,
};
use shop_schemas::payment::{
    AuthorizationId, PaymentAuthorized, PaymentRefunded, PaymentRequested, RefundRequested,
};
use shop_testing::World;
use uuid::Uuid;

/// The gateway declines what costs more.
pub(crate) const LIMIT_CENTS: i64 = 10_000;

fn gateway(port: TypeId, call: &EffectCall) -> Reply {
    if port == TypeId::of::<Refund>() {
        return Box::new(Refunded);
    }
    assert_eq!(port, TypeId::of::<Charge>());
    let asked = PaymentRequested::decode(&call.value).expect("the request as it was recorded");
    Box::new(if asked.amount_cents <= LIMIT_CENTS {
        Charged::Authorized(AuthorizationId(format!("charge {}", call.request)))
    } else {
        Charged::Declined("over the limit".into())
    })
}

/// All services, with this much in stock.
pub(crate) fn stocked(stock: &[(&str, i32)]) -> World {
    let services = [order::service(), inventory::service(), payment::service()];
    let mut world = World::new(&services, gateway);
    for &(sku, quantity) in stock {
        world.arrive(
            &StockReceived {
                sku: sku.into(),
                quantity,
            },
            &format!("receipt of {sku}"),
        );
    }
    world
}

/// An order; its number is its id.
pub(crate) fn order(number: u128, lines: &[(&str, i32)], total_cents: i64) -> OrderCreated {
    let lines = lines.iter().map(|&(sku, quantity)| OrderLine {
        sku: sku.into(),
        quantity,
        unit_price_cents: 1,
    });
    OrderCreated {
        order_id: OrderId(Uuid::from_u128(number)),
        customer_id: CustomerId("c-1".into()),
        lines: lines.collect(),
        currency: "EUR".into(),
        total_cents,
        answer_within_seconds: None,
    }
}

/// What the topics and the gateway say.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    orders: BTreeMap<OrderId, OrderCreated>,
    cancels: BTreeSet<OrderId>,
    /// Cancelled by their deadline.
    late: BTreeSet<OrderId>,
    opened: Vec<OrderId>,
    confirmed: Vec<OrderId>,
    cancelled: Vec<OrderId>,
    /// What each stock has, and what it has given to each order.
    stock: BTreeMap<Sku, i64>,
    held: BTreeMap<(OrderId, Sku), i64>,
    /// What the gateway has taken for each order and not given back.
    kept_cents: BTreeMap<OrderId, i64>,
}

impl Shop {
    pub(crate) fn of(world: &World) -> Self {
        let mut shop = Shop::default();
        for order in world.events::<OrderCreated>() {
            shop.orders.entry(order.order_id).or_insert(order);
        }
        shop.cancels.extend(
            world
                .events::<CancelRequested>()
                .iter()
                .map(|cancel| cancel.order_id),
        );
        shop.opened.extend(
            world
                .events::<OrderOpened>()
                .iter()
                .map(|opened| opened.order_id),
        );
        shop.confirmed.extend(
            world
                .events::<OrderConfirmed>()
                .iter()
                .map(|end| end.order_id),
        );
        shop.cancelled.extend(
            world
                .events::<OrderCancelled>()
                .iter()
                .map(|end| end.order_id),
        );
        let late = |end: &OrderCancelled| end.reason == "not answered in time";
        let ends = world.events::<OrderCancelled>().into_iter();
        shop.late.extend(ends.filter(late).map(|end| end.order_id));
        for StockAdded { sku, quantity } in world.events() {
            *shop.stock.entry(sku).or_default() += i64::from(quantity);
        }
        for StockTaken {
            order_id,
            sku,
            quantity,
        } in world.events()
        {
            shop.moves(order_id, StockLine { sku, quantity });
        }
        for StockReturned {
            order_id,
            sku,
            quantity,
        } in world.events()
        {
            shop.moves(
                order_id,
                StockLine {
                    sku,
                    quantity: -quantity,
                },
            );
        }
        for charge in world.calls::<PaymentRequested>(TypeId::of::<Charge>()) {
            if charge.amount_cents <= LIMIT_CENTS {
                *shop.kept_cents.entry(charge.order_id).or_default() += charge.amount_cents;
            }
        }
        for refund in world.calls::<RefundRequested>(TypeId::of::<Refund>()) {
            *shop.kept_cents.entry(refund.order_id).or_default() -= refund.amount_cents;
        }
        shop
    }

    fn moves(&mut self, order_id: OrderId, line: StockLine) {
        *self.stock.entry(line.sku.clone()).or_default() -= i64::from(line.quantity);
        *self.held.entry((order_id, line.sku)).or_default() += i64::from(line.quantity);
    }

    /// The numbers of the confirmed orders.
    pub(crate) fn confirmed(&self) -> Vec<u128> {
        self.confirmed
            .iter()
            .map(|order| order.0.as_u128())
            .collect()
    }

    /// How many orders were cancelled by their deadlines.
    pub(crate) fn late(&self) -> usize {
        self.late.len()
    }

    /// How many orders were cancelled for their own want of money, of pieces, or of the customer.
    pub(crate) fn cancelled(&self) -> usize {
        self.cancelled.len()
    }

    fn held(&self, order_id: OrderId) -> BTreeMap<&Sku, i64> {
        let held = self
            .held
            .iter()
            .filter(|((order, _), held)| *order == order_id && **held != 0);
        held.map(|((_, sku), &quantity)| (sku, quantity)).collect()
    }
}

/// What must hold in every state.
pub(crate) fn check_always(world: &World) {
    let shop = Shop::of(world);
    let ends: Vec<_> = shop.confirmed.iter().chain(&shop.cancelled).collect();
    assert_eq!(
        ends.len(),
        ends.iter().collect::<BTreeSet<_>>().len(),
        "an order ended twice"
    );
    let opened: BTreeSet<_> = shop.opened.iter().collect();
    assert_eq!(opened.len(), shop.opened.len(), "an order was opened twice");
    assert!(
        shop.stock.values().all(|&pieces| pieces >= 0),
        "less than nothing in stock"
    );
    assert!(
        shop.held.values().all(|&pieces| pieces >= 0),
        "more came back than was held"
    );
    assert!(
        shop.kept_cents.values().all(|&cents| cents >= 0),
        "more given back than taken"
    );
}

/// What must hold when all is quiet: the books balance.
pub(crate) fn check_finally(world: &World) {
    let shop = Shop::of(world);
    for (id, order) in &shop.orders {
        let kept_cents = shop.kept_cents.get(id).copied().unwrap_or_default();
        let held = shop.held(*id);
        if shop.confirmed.contains(id) {
            assert_eq!(kept_cents, order.total_cents, "a confirmed order is paid");
            let mut needed = BTreeMap::new();
            for line in &order.lines {
                *needed.entry(&line.sku).or_default() += i64::from(line.quantity);
            }
            assert_eq!(held, needed, "a confirmed order has its pieces");
        } else {
            assert!(shop.cancelled.contains(id), "{id} has not ended");
            assert_eq!(kept_cents, 0, "money stays taken for a cancelled order");
            assert_eq!(
                held,
                BTreeMap::new(),
                "pieces stay held for a cancelled order"
            );
            let short = world
                .events::<StockShort>()
                .iter()
                .any(|short| short.order_id == *id);
            let declined = order.total_cents > LIMIT_CENTS;
            assert!(
                short || declined || shop.cancels.contains(id) || shop.late.contains(id),
                "cancelled without a reason"
            );
        }
    }
    assert_eq!(
        world.events::<RefundRequested>().len(),
        world.events::<PaymentRefunded>().len(),
        "every refund is settled"
    );
    assert!(
        world.events::<PaymentRefunded>().len() <= world.events::<PaymentAuthorized>().len(),
        "only what was taken is given back"
    );
}
