//! Events of every shape, for the tests and benchmarks of generated code.
//!
//! - [`kinds`]: a field of every type
//! - [`evolving`]: an event with an older and a newer published version
//! - [`shop`]: an order, to measure

kolo_avro::include_events!();
