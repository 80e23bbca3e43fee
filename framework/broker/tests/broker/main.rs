//! The broker over TCP, with nothing in between but the messages of the protocol.

mod client;

mod bytes;
mod encodings;
mod faults;
mod life;
mod records;
