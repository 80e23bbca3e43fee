//! The specification of a room, reaction by reaction.

use kolo_testing::{event, given};
use schemas::flight::{SeatsHeld, SeatsLapsed};
use schemas::hotel::{HotelEvent, RoomBooked, RoomCancelled, RoomRefused};
use schemas::{TripId, Uuid};

const TRIP: TripId = TripId(Uuid::from_u128(1));

fn held(seats: i32) -> SeatsHeld {
    SeatsHeld {
        trip_id: TRIP,
        destination: "Lisbon".into(),
        seats,
    }
}

fn booked(guests: i32) -> RoomBooked {
    RoomBooked {
        trip_id: TRIP,
        guests,
    }
}

#[test]
fn four_get_a_room_once_and_five_get_none() {
    given::<HotelEvent>(&hotel::service())
        .when(held(4))
        .then(booked(4))
        .when(held(4))
        .then_nothing();
    given::<HotelEvent>(&hotel::service())
        .when(held(5))
        .then(RoomRefused {
            trip_id: TRIP,
            reason: "the largest room sleeps 4".into(),
        });
}

#[test]
fn when_the_seats_have_lapsed_the_room_is_cancelled_or_never_booked() {
    let orders = given::<HotelEvent>(&hotel::service())
        .in_any_order([event(held(2)), event(SeatsLapsed { trip_id: TRIP })])
        .then(|run| {
            let expected: Vec<HotelEvent> = match run.order().next() {
                Some("SeatsHeld") => {
                    vec![booked(2).into(), RoomCancelled { trip_id: TRIP }.into()]
                }
                _ => vec![],
            };
            assert_eq!(run.events(), expected);
        });
    assert_eq!(orders, 2);
}
