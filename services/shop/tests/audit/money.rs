//! The money captured is that of the confirmed orders.

use shop::audit::Movement;
use uuid::Uuid;

use crate::hand::{Shop, movement, one, order};

#[test]
fn money_of_a_cancelled_order_must_have_gone_back() {
    let mut shop = Shop::open();
    shop.cancelled(1);
    shop.ledger.refunds.clear();
    assert_eq!(
        shop.violations(),
        one(
            "money",
            format!(
                "order {} is cancelled: 5.00 EUR captured instead of 0.00 EUR",
                order(1)
            )
        )
    );
}

#[test]
fn a_confirmed_order_is_paid_once_and_whole() {
    let mut shop = Shop::open();
    shop.confirmed(2);
    let other = shop.ledger.charges[0].clone();
    shop.confirmed(1);
    let charge = shop.ledger.charges.pop().unwrap();
    let wanted = |taken: &str| {
        one(
            "money",
            format!(
                "order {} is confirmed: {taken} captured instead of 5.00 EUR",
                order(1)
            ),
        )
    };
    assert_eq!(shop.violations(), wanted("0.00 EUR"));
    shop.ledger.charges = vec![other.clone(), charge.clone(), charge.clone()];
    assert_eq!(shop.violations(), wanted("10.00 EUR"));
    let of_less = Movement {
        amount_cents: 499,
        ..charge.clone()
    };
    shop.ledger.charges = vec![other.clone(), of_less];
    assert_eq!(shop.violations(), wanted("4.99 EUR"));
    let of_another_currency = Movement {
        currency: "USD".into(),
        ..charge
    };
    shop.ledger.charges = vec![other, of_another_currency];
    assert_eq!(
        shop.violations().len(),
        2,
        "nothing in the order's currency, something in another"
    );
}

#[test]
fn a_run_that_another_gateway_charged_is_told_of_once() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    shop.confirmed(2);
    shop.ledger.charges.clear();
    let violations = shop.violations();
    let [(_, text)] = violations.as_slice() else {
        panic!("{violations:?}");
    };
    assert!(
        text.starts_with(
            "run 0000002a: 2 orders are confirmed, and the ledger has a charge for none"
        ),
        "{text}"
    );
}

#[test]
fn a_call_of_the_gateway_that_no_valid_request_asked_for_is_found() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    let key = Uuid::from_u128(7);
    // It balances, since a zombie's charge was refunded; and still nobody asked for either.
    shop.ledger.charges.push(movement(1, key, 500));
    shop.ledger.refunds.push(movement(1, key, 500));
    let wanted = |what, request| {
        (
            "money",
            format!(
                "order {}: the {what} under the key {key} answers no valid {request}",
                order(1)
            ),
        )
    };
    assert_eq!(
        shop.violations(),
        [
            wanted("charge", "PaymentRequested"),
            wanted("refund", "RefundRequested")
        ]
    );
}

#[test]
fn money_for_an_order_that_the_topics_do_not_know_is_found() {
    let mut shop = Shop::open();
    shop.ledger
        .charges
        .push(movement(9, Uuid::from_u128(7), 500));
    let texts: Vec<_> = shop.violations();
    assert!(
        texts.contains(&(
            "money",
            format!(
                "order {}: 5.00 EUR captured, but the topics know no such order",
                order(9)
            )
        )),
        "{texts:?}"
    );
}
