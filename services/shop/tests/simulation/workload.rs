//! What is bought: small orders of few articles, some of which are short, dear, late, or cancelled by the customer.

use kolo_testing::simulation::{Draw, Fact};
use shop_schemas::inventory::StockReceived;
use shop_schemas::order::{CancelRequested, CustomerId, OrderCreated, OrderId, OrderLine};
use uuid::Uuid;

use crate::LIMIT_CENTS;

const ARTICLES: [&str; 3] = ["cup", "pot", "jug"];

/// Enough for one order or two of each article.
pub(crate) fn stock() -> impl Iterator<Item = Fact> {
    ARTICLES.into_iter().map(|sku| {
        Fact::of(&StockReceived {
            sku: sku.into(),
            quantity: 5,
        })
    })
}

/// Enough for all that are ordered.
pub(crate) fn plenty() -> impl Iterator<Item = Fact> {
    ARTICLES.into_iter().map(|sku| {
        Fact::of(&StockReceived {
            sku: sku.into(),
            quantity: 1_000_000,
        })
    })
}

/// An order, and perhaps the customer's second thought.
pub(crate) fn order(number: u64, draw: &mut Draw) -> Vec<Fact> {
    let order_id = OrderId(Uuid::from_u128(number.into()));
    let lines = (0..=draw.below(3)).map(|_| OrderLine {
        sku: ARTICLES[draw.below(ARTICLES.len())].into(),
        quantity: i32::try_from(1 + draw.below(3)).unwrap_or(1),
        unit_price_cents: 100,
    });
    let lines: Vec<OrderLine> = lines.collect();
    let is_dear = draw.once_in(5);
    let created = OrderCreated {
        order_id,
        customer_id: CustomerId("c-1".into()),
        currency: "EUR".into(),
        total_cents: if is_dear { LIMIT_CENTS + 1 } else { 900 },
        answer_within_seconds: draw.once_in(2).then_some(60),
        lines,
    };
    let mut facts = vec![Fact::of(&created)];
    // Whoever publishes it again under another id means the same order.
    if draw.once_in(4) {
        facts.push(Fact::of(&created));
    }
    if draw.once_in(3) {
        let cancel = Fact::of(&CancelRequested { order_id });
        facts.insert(draw.below(2), cancel);
    }
    facts
}
