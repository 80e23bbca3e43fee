//! The stock of one article.

use kolo_testing::given;
use shop_schemas::inventory::{StockAdded, StockEvent, StockReceived, StockReturned};

use crate::events::{ORDER, back, line, opened, pieces, short, taken};

fn received(sku: &str, quantity: i32) -> StockReceived {
    StockReceived {
        sku: sku.into(),
        quantity,
    }
}

fn added(sku: &str, quantity: i32) -> StockAdded {
    StockAdded {
        sku: sku.into(),
        quantity,
    }
}

fn returned(sku: &str, quantity: i32) -> StockReturned {
    StockReturned {
        order_id: ORDER,
        sku: sku.into(),
        quantity,
    }
}

#[test]
fn goods_that_arrive_are_in_stock_once() {
    given::<StockEvent>(&inventory::service())
        .when(received("cup", 5))
        .then(added("cup", 5))
        .when_redelivered(received("cup", 2), 3)
        .then(added("cup", 2))
        .when_published_again(received("cup", 1))
        .then(added("cup", 1));
}

#[test]
fn a_receipt_of_less_than_one_piece_adds_nothing() {
    given::<StockEvent>(&inventory::service())
        .when(received("cup", 0))
        .then_nothing()
        .when(received("cup", -3))
        .then_nothing();
}

#[test]
fn a_stock_gives_all_that_an_order_needs_or_nothing() {
    given::<StockEvent>(&inventory::service())
        .events([added("cup", 5)])
        .when_routed(opened(&[line("cup", 6)]))
        .then(short("cup", 6, 5))
        .when_routed(opened(&[line("cup", 5)]))
        .then(taken("cup", 5))
        .when_routed(opened(&[line("cup", 1)]))
        .then(short("cup", 1, 0));
}

#[test]
fn each_article_of_an_order_is_asked_once_for_all_of_its_lines() {
    given::<StockEvent>(&inventory::service())
        .events([added("cup", 5)])
        .events([added("pot", 1)])
        .when_routed(opened(&[line("cup", 2), line("pot", 2), line("cup", 3)]))
        .then((taken("cup", 5), short("pot", 2, 1)));
}

#[test]
fn to_ask_for_less_than_one_piece_is_refused() {
    given::<StockEvent>(&inventory::service())
        .events([added("cup", 5)])
        .when_routed(opened(&[line("cup", 0)]))
        .then(short("cup", 0, 5))
        .when_routed(opened(&[line("cup", -3)]))
        .then(short("cup", -3, 5));
}

#[test]
fn an_article_that_was_never_in_stock_is_short() {
    given::<StockEvent>(&inventory::service())
        .when_routed(opened(&[line("cup", 1)]))
        .then(short("cup", 1, 0));
}

#[test]
fn what_comes_back_can_be_taken_again() {
    given::<StockEvent>(&inventory::service())
        .events((added("cup", 5), taken("cup", 5)))
        .when_routed(back(&[pieces("cup", 2), pieces("cup", 1)]))
        .then(returned("cup", 3))
        .when_routed(opened(&[line("cup", 3)]))
        .then(taken("cup", 3));
}

#[test]
fn a_stock_of_more_pieces_than_an_event_can_say_says_as_many_as_it_can() {
    given::<StockEvent>(&inventory::service())
        .events([added("cup", i32::MAX), added("cup", 5)])
        .when_routed(opened(&[line("cup", 0)]))
        .then(short("cup", 0, i32::MAX))
        .when_routed(opened(&[line("cup", i32::MAX)]))
        .then(taken("cup", i32::MAX))
        .when_routed(opened(&[line("cup", 6)]))
        .then(short("cup", 6, 5));
}
