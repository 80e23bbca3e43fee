//! The flight service: holds seats for a trip, and issues tickets once there is a room as well.
//!
//! What comes first ends it: a room, a hotel that has none, or the minute for which seats are held.

use kolo::{Aggregate, Deadline, Received, Service, State, Timestamp};
use schemas::TripId;
use schemas::flight::{
    FlightEvent, SeatsHeld, SeatsLapsed, SeatsRefused, SeatsReleased, TicketsIssued,
};
use schemas::hotel::{RoomBooked, RoomRefused};
use schemas::trip::TripRequested;

/// The largest group that one flight takes.
const SEATS_AT_MOST: i32 = 9;

/// How long seats wait for a room.
const HELD_FOR_SECONDS: i64 = 60;

/// The seats of one trip: a fold of the events that this service has emitted about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Seats {
    /// Nobody has asked for any.
    #[default]
    Unasked,
    /// They wait for a room.
    Held {
        /// Since when.
        since: Timestamp,
    },
    /// Refused, issued, released or lapsed.
    Closed,
}

impl State for Seats {
    type Event = FlightEvent;

    fn evolve(&mut self, event: &FlightEvent, at: Timestamp) {
        *self = match event {
            FlightEvent::SeatsHeld(_) => Seats::Held { since: at },
            FlightEvent::SeatsRefused(_)
            | FlightEvent::SeatsReleased(_)
            | FlightEvent::SeatsLapsed(_)
            | FlightEvent::TicketsIssued(_) => Seats::Closed,
        };
    }
}

impl Seats {
    fn are_held(self) -> bool {
        matches!(self, Seats::Held { .. })
    }
}

/// A new trip gets its seats, or is refused: a business failure is an event as well.
fn hold(seats: &Seats, trip: &Received<TripRequested>) -> Option<Result<SeatsHeld, SeatsRefused>> {
    if *seats != Seats::Unasked {
        return None;
    }
    let trip_id = trip.trip_id;
    Some(if (1..=SEATS_AT_MOST).contains(&trip.travellers) {
        Ok(SeatsHeld {
            trip_id,
            destination: trip.destination.clone(),
            seats: trip.travellers,
        })
    } else {
        Err(SeatsRefused {
            trip_id,
            reason: format!("a flight takes 1 to {SEATS_AT_MOST} travellers"),
        })
    })
}

/// With a room, the trip is on.
fn issue(seats: &Seats, room: &Received<RoomBooked>) -> Option<TicketsIssued> {
    let trip_id = room.trip_id;
    seats.are_held().then_some(TicketsIssued { trip_id })
}

/// Without a room, the seats go back. What is undone is handed in, and there is no way to refuse.
fn release(seats: &Seats, _: &Received<RoomRefused>, undone: &SeatsHeld) -> Option<SeatsReleased> {
    seats.are_held().then_some(SeatsReleased {
        trip_id: undone.trip_id,
        seats: undone.seats,
    })
}

/// Until when the seats wait.
fn held_until(seats: &Seats) -> Option<Timestamp> {
    match seats {
        Seats::Held { since } => {
            let until = since.as_millis() + HELD_FOR_SECONDS * 1000;
            Some(Timestamp::from_millis(until))
        }
        Seats::Unasked | Seats::Closed => None,
    }
}

/// Nobody has said anything about a room in time.
fn lapse(_: &Seats, deadline: &Received<Deadline<TripId>>) -> SeatsLapsed {
    SeatsLapsed {
        trip_id: deadline.key,
    }
}

/// The declaration.
pub fn service() -> Service {
    let seats = Aggregate::<Seats>::new("seats")
        .on(hold)
        .on(issue)
        .pivot()
        .undo(release)
        .deadline(held_until, lapse);
    Service::new("flight").aggregate(seats)
}
