//! Sockets: the listener, frames, and one task a connection.

mod connection;
mod frame;
mod listener;
mod outgoing;

pub(crate) use connection::Client;
pub(crate) use frame::MAX_FRAME_BYTES;
pub(crate) use listener::{accept, listen, reserve};
