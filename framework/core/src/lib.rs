//! core
mod emits;
mod event;
mod key;
pub use emits::{Compensates, Emits, Outgoing};
pub use event::{DecodeError, Event, EventType, OwnEvents, Owns};
pub use key::Key;
