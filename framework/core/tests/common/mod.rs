//! What the behaviour tests share.

#[macro_use]
pub(crate) mod events;
pub(crate) mod bench;
pub(crate) mod domain;
pub(crate) mod parked;
