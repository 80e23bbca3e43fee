//! What can arrive does what it says.

use std::time::Duration;

use kolo_testing::{FailureClass, given};
use shop_schemas::inventory::StockEvent;
use shop_schemas::payment::PaymentEvent;

use crate::domain::*;

#[test]
fn what_is_redelivered_or_published_again_is_answered_once_and_another_event_anew() {
    given::<StockEvent>(&service())
        .when_redelivered(goods("cup"), 5)
        .then([added("cup")])
        .when_published_again(goods("cup"))
        .then([added("cup")])
        .when(goods("cup"))
        .then([added("cup")]);
}

#[test]
fn a_routed_event_arrives_at_each_key_that_the_route_names() {
    given::<StockEvent>(&service())
        .when_routed(opened(&["cup", "pot"]))
        .then([taken("cup"), taken("pot")])
        .when_routed(opened(&[]))
        .then_nothing()
        .when_routed(opened(&["cup"]))
        .then(vec![taken("cup")]);
}

#[test]
fn a_request_of_the_history_waits_for_its_port_until_an_answer_follows_it() {
    let asks = given::<PaymentEvent>(&service()).events([asked(900)]);
    let [call] = &asks.pending::<Charge>()[..] else {
        panic!("one call")
    };
    assert_eq!(call.request, asked(900));
    let settled = given::<PaymentEvent>(&service()).events((asked(900), authorized(900)));
    assert_eq!(settled.pending::<Charge>(), []);
    let again = given::<PaymentEvent>(&service());
    let again = again.events(vec![asked(900)]).events([authorized(900)]);
    assert_eq!(again.pending::<Charge>(), []);
}

#[test]
fn ports_reply_or_are_given_up() {
    given::<PaymentEvent>(&service())
        .when(reserved(900))
        .then(asked(900))
        .when_answered::<Charge>(Ok("a-1".into()))
        .then(authorized(900))
        .when(cancelled())
        .then(asked_back(900))
        .when_answered::<Refund>(())
        .then(given_back(900));
    given::<PaymentEvent>(&service())
        .events([asked(900)])
        .when_given_up::<Charge>()
        .then(failed(ORDER, "nobody knows"));
    let parked = given::<PaymentEvent>(&service())
        .events((asked(900), authorized(900)))
        .when(cancelled())
        .then(asked_back(900))
        .when_given_up::<Refund>()
        .then_parked(FailureClass::Effect);
    assert_eq!(parked.pending::<Refund>(), []);
}

#[test]
fn an_idempotency_key_is_that_of_the_request_and_of_no_other() {
    let keys = |total| {
        let asks = given::<PaymentEvent>(&service()).when(reserved(total));
        let calls = asks.then(asked(total)).pending::<Charge>();
        calls[0].idempotency_key
    };
    assert_eq!(
        keys(900),
        keys(900),
        "the same event asks under the same key"
    );
    let twice = given::<PaymentEvent>(&service())
        .when(reserved(900))
        .then(asked(900))
        .when(reserved(900))
        .then(asked(900))
        .pending::<Charge>();
    assert_ne!(twice[0].idempotency_key, twice[1].idempotency_key);
}

#[test]
fn time_passes_only_when_it_is_said_and_a_deadline_once() {
    let millisecond = Duration::from_millis(1);
    given::<PaymentEvent>(&service())
        .when_time_passes(Duration::from_secs(1_000))
        .then_nothing()
        .when(reserved(900))
        .then(asked(900))
        .when_time_passes(WAITS - millisecond)
        .then_nothing()
        .when_time_passes(millisecond)
        .then(failed(ORDER, "late"))
        .when_time_passes(WAITS)
        .then_nothing();
    given::<PaymentEvent>(&service())
        .events([asked(900)])
        .when_due()
        .then(failed(ORDER, "late"));
}
