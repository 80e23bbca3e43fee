//! The hotel service: books a room for a trip whose seats are held, and cancels it when the trip ends without tickets.

use kolo::{Aggregate, Received, Service, State, Timestamp};
use schemas::flight::{SeatsHeld, SeatsLapsed};
use schemas::hotel::{HotelEvent, RoomBooked, RoomCancelled, RoomRefused};

/// How many people the largest room sleeps.
const GUESTS_AT_MOST: i32 = 4;

/// The room of one trip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Room {
    /// Nobody has asked for one.
    #[default]
    Unasked,
    /// It is the trip's.
    Booked,
    /// Refused or cancelled.
    Closed,
}

impl State for Room {
    type Event = HotelEvent;

    fn evolve(&mut self, event: &HotelEvent, _: Timestamp) {
        *self = match event {
            HotelEvent::RoomBooked(_) => Room::Booked,
            HotelEvent::RoomRefused(_) | HotelEvent::RoomCancelled(_) => Room::Closed,
        };
    }
}

/// All travellers sleep in one room, or there is none for them.
fn book(room: &Room, held: &Received<SeatsHeld>) -> Option<Result<RoomBooked, RoomRefused>> {
    if *room != Room::Unasked {
        return None;
    }
    let (trip_id, guests) = (held.trip_id, held.seats);
    Some(if guests <= GUESTS_AT_MOST {
        Ok(RoomBooked { trip_id, guests })
    } else {
        Err(RoomRefused {
            trip_id,
            reason: format!("the largest room sleeps {GUESTS_AT_MOST}"),
        })
    })
}

/// The seats are gone, so the room is of no use.
fn cancel(_: &Room, _: &Received<SeatsLapsed>, undone: &RoomBooked) -> RoomCancelled {
    RoomCancelled {
        trip_id: undone.trip_id,
    }
}

/// The declaration.
pub fn service() -> Service {
    let room = Aggregate::<Room>::new("room").on(book).undo(cancel);
    Service::new("hotel").aggregate(room)
}
