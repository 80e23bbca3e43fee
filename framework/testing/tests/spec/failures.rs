//! Each `then` fails when something else follows, and shows both.

use kolo_testing::spec::{Spec, When};
use kolo_testing::{FailureClass, given};
use shop_schemas::payment::PaymentEvent;

use crate::domain::*;
use crate::told::{assert_tells, message, told};

fn asks(total_cents: i64) -> Spec<PaymentEvent, When> {
    given::<PaymentEvent>(&service()).when(reserved(total_cents))
}

/// Says two events at once: the answer, and what waited for it.
fn answers_and_undoes() -> Spec<PaymentEvent, When> {
    given::<PaymentEvent>(&service())
        .events((asked(900), authorized(900)))
        .when(cancelled())
}

#[test]
fn a_field_that_differs_is_shown_between_those_that_do_not() {
    let text = message(|| {
        asks(900).then(asked(800));
    });
    let parts = [
        "shop.payment: other events than expected",
        "expected",
        "found",
        ">  1 PaymentRequested   PaymentRequested",
        "event 1, - as expected, + as found:",
        "    PaymentRequested {",
        "-     amount_cents: 800,",
        "+     amount_cents: 900,",
        "      currency: \"EUR\",",
        "so far:",
        "when InventoryReserved",
    ];
    assert_tells(&text, &parts);
}

#[test]
fn it_points_at_the_line_of_the_then_that_fails() {
    let (_, line) = told(|| {
        asks(900).then(asked(800));
    });
    assert_eq!(line, line!() - 2);
    let (_, line) = told(|| {
        let _ = given::<PaymentEvent>(&service()).when(goods("cup"));
    });
    assert_eq!(line, line!() - 2);
    let (_, line) = told(|| {
        let _ = given::<PaymentEvent>(&service())
            .in_any_order([])
            .then(|_| ());
        let never = kolo_testing::event(goods("cup"));
        let _ = given::<PaymentEvent>(&service())
            .in_any_order([never])
            .then(|_| ());
    });
    assert_eq!(line, line!() - 2);
}

#[test]
fn an_event_too_few_is_missing_and_one_too_many_was_not_expected() {
    let text = message(|| {
        asks(900).then((asked(900), authorized(900)));
    });
    let parts = [
        "   1 PaymentRequested    PaymentRequested",
        ">  2 PaymentAuthorized   -",
        "event 2 is missing:",
        "- PaymentAuthorized {",
    ];
    assert_tells(&text, &parts);
    let text = message(|| {
        answers_and_undoes().then_nothing();
    });
    let parts = [
        ">  1 -          RefundRequested",
        "event 1 was not expected:",
        "+ RefundRequested {",
    ];
    assert_tells(&text, &parts);
}

#[test]
fn the_order_of_events_counts_and_so_does_their_type() {
    let text = message(|| {
        asks(900).then(authorized(900));
    });
    assert_tells(&text, &[">  1 PaymentAuthorized   PaymentRequested"]);
    let both = given::<shop_schemas::inventory::StockEvent>(&service())
        .when_routed(opened(&["cup", "pot"]));
    let text = message(|| {
        both.then([taken("pot"), taken("cup")]);
    });
    assert_tells(
        &text,
        &[
            ">  1 StockTaken",
            "   2 StockTaken",
            "-         \"pot\",",
            "+         \"cup\",",
        ],
    );
}

#[test]
fn what_is_parked_fails_every_then_but_then_parked_with_the_reason() {
    let function = "request (";
    let text = message(|| {
        asks(PANICS).then(asked(PANICS));
    });
    assert_tells(&text, &["the key was parked (panic)", function, "unlucky"]);
    let text = message(|| {
        asks(PANICS).then_nothing();
    });
    assert_tells(&text, &["the key was parked (panic)", function, "unlucky"]);
    asks(PANICS).then_parked(FailureClass::Panic);
}

#[test]
fn then_parked_fails_where_nothing_is_parked_or_for_another_reason() {
    let text = message(|| {
        asks(900).then_parked(FailureClass::Panic);
    });
    assert_tells(
        &text,
        &[
            "was to be parked as `panic`, and nothing was parked",
            "PaymentRequested {",
        ],
    );
    let text = message(|| {
        asks(PANICS).then_parked(FailureClass::Decode);
    });
    assert_tells(
        &text,
        &["parked as `panic`, and not as `decode`", "unlucky"],
    );
    let text = message(|| {
        let asked = asks(900).then(asked(900));
        asked
            .when_answered::<Charge>(Ok("a-1".into()))
            .then_parked(FailureClass::Effect);
    });
    assert_tells(&text, &["nothing was parked", "+ PaymentAuthorized {"]);
}

#[test]
fn an_answer_of_another_key_parks_and_what_comes_behind_it_waits() {
    asks(ANSWERS_ANOTHER)
        .then_parked(FailureClass::Answer)
        .when(reserved(900))
        .then_parked(FailureClass::Behind);
}
