//! The events of trips: all that the services share.
//!
//! - [`trip`]: `TripRequested` from outside, in the topic `trips`
//! - [`flight`]: the stream `flights` ([`flight::FlightEvent`])
//! - [`hotel`]: the stream `rooms` ([`hotel::HotelEvent`])
//! - [`EVENTS`]: the types of all of them
//!
//! Each event is a file `avro/<owner>/<Event>.avsc`. To change one, edit its file and publish the new version
//! (`kolo schema publish`).

pub use kolo_avro::uuid::Uuid;

kolo_avro::include_events!();
