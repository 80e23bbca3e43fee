//! Events of every shape, for the tests and benchmarks of generated code.
//!
//! - [`kinds`]: a field of every type
//! - [`evolving`]: an event with an older and a newer published version
//! - [`upcasts`]: an event that twice became what Avro's rules cannot say, and the functions that say it
//! - [`shop`]: an order, to measure

mod turned;

kolo_avro::include_events!();
