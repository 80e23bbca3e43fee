//! The events of one order, which both aggregates speak of.

use shop_schemas::inventory::{
    ReservationOpened, ReturnRequested, StockLine, StockShort, StockTaken,
};
use shop_schemas::order::{CustomerId, OrderCreated, OrderId, OrderLine};
use uuid::Uuid;

pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(1));

pub(crate) fn line(sku: &str, quantity: i32) -> OrderLine {
    OrderLine {
        sku: sku.into(),
        quantity,
        unit_price_cents: 100,
    }
}

pub(crate) fn pieces(sku: &str, quantity: i32) -> StockLine {
    StockLine {
        sku: sku.into(),
        quantity,
    }
}

pub(crate) fn created(lines: &[OrderLine]) -> OrderCreated {
    OrderCreated {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: lines.to_vec(),
        currency: "EUR".into(),
        total_cents: 300,
        answer_within_seconds: None,
    }
}

pub(crate) fn opened(lines: &[OrderLine]) -> ReservationOpened {
    ReservationOpened {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: lines.to_vec(),
        currency: "EUR".into(),
        total_cents: 300,
    }
}

pub(crate) fn taken(sku: &str, quantity: i32) -> StockTaken {
    StockTaken {
        order_id: ORDER,
        sku: sku.into(),
        quantity,
    }
}

pub(crate) fn short(sku: &str, quantity: i32, available: i32) -> StockShort {
    StockShort {
        order_id: ORDER,
        sku: sku.into(),
        quantity,
        available,
    }
}

pub(crate) fn back(lines: &[StockLine]) -> ReturnRequested {
    ReturnRequested {
        order_id: ORDER,
        lines: lines.to_vec(),
    }
}
