//! The specification of the seats, reaction by reaction. The real processor decides; there is no broker and no clock.

use std::time::Duration;

use kolo_testing::{due, event, given};
use schemas::flight::{
    FlightEvent, SeatsHeld, SeatsLapsed, SeatsRefused, SeatsReleased, TicketsIssued,
};
use schemas::hotel::{RoomBooked, RoomRefused};
use schemas::trip::TripRequested;
use schemas::{TripId, Uuid};

const TRIP: TripId = TripId(Uuid::from_u128(1));

fn requested(travellers: i32) -> TripRequested {
    TripRequested {
        trip_id: TRIP,
        destination: "Lisbon".into(),
        travellers,
    }
}

fn held(seats: i32) -> SeatsHeld {
    SeatsHeld {
        trip_id: TRIP,
        destination: "Lisbon".into(),
        seats,
    }
}

fn booked() -> RoomBooked {
    RoomBooked {
        trip_id: TRIP,
        guests: 2,
    }
}

fn no_room() -> RoomRefused {
    RoomRefused {
        trip_id: TRIP,
        reason: "the largest room sleeps 4".into(),
    }
}

fn released() -> SeatsReleased {
    SeatsReleased {
        trip_id: TRIP,
        seats: 2,
    }
}

#[test]
fn seats_are_held_once_however_often_they_are_asked_for() {
    given::<FlightEvent>(&flight::service())
        .when(requested(2))
        .then(held(2))
        .when(requested(2))
        .then_nothing();
}

#[test]
fn nine_may_travel_and_ten_or_nobody_may_not() {
    let refused = SeatsRefused {
        trip_id: TRIP,
        reason: "a flight takes 1 to 9 travellers".into(),
    };
    let asked = |travellers| given::<FlightEvent>(&flight::service()).when(requested(travellers));
    asked(9).then(held(9));
    asked(10).then(refused.clone());
    asked(0).then(refused);
}

#[test]
fn with_a_room_tickets_are_issued() {
    given::<FlightEvent>(&flight::service())
        .events([held(2)])
        .when(booked())
        .then(TicketsIssued { trip_id: TRIP });
}

#[test]
fn without_a_room_the_seats_are_released() {
    given::<FlightEvent>(&flight::service())
        .when(requested(2))
        .then(held(2))
        .when(no_room())
        .then(released());
}

#[test]
fn after_a_minute_the_seats_lapse_and_a_later_room_issues_nothing() {
    given::<FlightEvent>(&flight::service())
        .events([held(2)])
        .when_time_passes(Duration::from_millis(59_999))
        .then_nothing()
        .when_time_passes(Duration::from_millis(1))
        .then(SeatsLapsed { trip_id: TRIP })
        .when(booked())
        .then_nothing();
}

#[test]
fn in_every_order_of_arrival_a_trip_ends_at_most_once() {
    let orders = given::<FlightEvent>(&flight::service())
        .in_any_order([
            event(requested(2)),
            event(booked()),
            event(no_room()),
            due(),
        ])
        .then(|run| {
            let ends = run.all::<TicketsIssued>().len()
                + run.all::<SeatsReleased>().len()
                + run.all::<SeatsLapsed>().len();
            assert!(ends <= run.all::<SeatsHeld>().len(), "{:?}", run.events());
        });
    assert!(orders > 6, "only {orders} orders");
}
