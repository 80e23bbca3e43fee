//! The only unsafe code: what rust-rdkafka does not wrap, or wraps at a price that the hot path feels.
//!
//! | file | what | why not by rust-rdkafka |
//! |---|---|---|
//! | `watermarks.rs` | where a partition ends, as far as is known | it always asks a broker |
//! | `describe.rs` | the ids of topics; what may be done with topics and groups | not wrapped |
//! | `brokers.rs` | whether a client has brokers | it asks for all topics too, and waits |
//! | `consume.rs` | many messages at once | it makes an event, a reference count and a look at the clock of each message |
//! | `connected.rs` | tokens for clients | it gives them to those alone that it polls itself |
//! | `logs.rs` | log lines of the clients below | it takes those alone that it polls itself |
//! | `produce.rs` | produce by a topic's handle, delivery reports in bulk, a wake-up when there are some | it looks the topic up by name for each record, and never wakes |
#![allow(unsafe_code)]

mod brokers;
mod connected;
mod consume;
mod describe;
mod logs;
mod produce;
mod watermarks;

pub(crate) use brokers::{addresses, has_broker};
pub use connected::{Connectable, Connected};
pub(crate) use consume::{Consumed, Message, Taken};
pub(crate) use describe::{Operations, groups, topics};
pub(crate) use produce::{Delivery, Headers, Outgoing, Producing};
pub(crate) use watermarks::watermarks;

/// A C object that is destroyed with its own function.
struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the pointer came from the constructor that this destructor belongs to, and is dropped once.
            unsafe { (self.1)(self.0) }
        }
    }
}
