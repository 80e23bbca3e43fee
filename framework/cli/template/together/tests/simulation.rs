//! All services in a simulated world: they crash, overtake and repeat each other, and time passes while nobody looks. Then
//! all comes to rest, and what must hold is looked for in the topics.

use std::collections::BTreeSet;

use kolo_testing::simulation::{Draw, Fact, Seen, Simulation};
use schemas::flight::TicketsIssued;
use schemas::hotel::{RoomBooked, RoomCancelled};
use schemas::trip::TripRequested;
use schemas::{TripId, Uuid};

/// What one saga publishes: a trip for two, for six who get no room, or for twelve who get no seats.
fn trip(number: u64, draw: &mut Draw) -> Vec<Fact> {
    vec![Fact::of(&TripRequested {
        trip_id: TripId(Uuid::from_u128(number.into())),
        destination: "Lisbon".into(),
        travellers: [2, 6, 12][draw.below(3)],
    })]
}

/// Nobody pays for a room without tickets, and nobody flies without a room.
fn rooms_are_those_of_tickets(seen: &Seen<'_>) -> Result<(), String> {
    let booked = seen.events::<RoomBooked>().into_iter();
    let mut rooms: BTreeSet<TripId> = booked.map(|room| room.trip_id).collect();
    for cancelled in seen.events::<RoomCancelled>() {
        rooms.remove(&cancelled.trip_id);
    }
    let issued = seen.events::<TicketsIssued>().into_iter();
    let tickets: BTreeSet<TripId> = issued.map(|issued| issued.trip_id).collect();
    if rooms == tickets {
        Ok(())
    } else {
        Err(format!("rooms for {rooms:?}, tickets for {tickets:?}"))
    }
}

#[test]
fn a_trip_has_a_room_and_tickets_or_neither() {
    Simulation::of([flight::service(), hotel::service()])
        .sagas(3, trip)
        .invariant("a room and tickets, or neither", rooms_are_those_of_tickets)
        .check();
}
