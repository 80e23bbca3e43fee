//! The events of the sample shop, which are all that its services share.
//!
//! - [`order`]: `OrderCreated` and `CancelRequested` from outside; the stream `orders.outcome` ([`order::OrderEvent`])
//! - [`inventory`]: `StockReceived` from outside; the streams `inventory` ([`inventory::ReservationEvent`]) and
//!   `inventory.stock` ([`inventory::StockEvent`])
//! - [`payment`]: the stream `payments` ([`payment::PaymentEvent`])
//! - [`EVENTS`]: the types of all of them
//!
//! Each event is a file `avro/<owner>/<Event>.avsc`. To change one, edit its file and publish the new version
//! (`kolo schema publish`; docs/schemas.md); the build refuses changes that older or newer programs, or the
//! records that are in the topics already, could not live with.

pub use kolo_avro::TimestampMillis;

kolo_avro::include_events!();
