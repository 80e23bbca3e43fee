//! The group coordinator: who is a member of which group, and which offsets a group committed.
//!
//! The classic protocol as Apache Kafka's coordinator answers it, as a machine without IO: it has no clock, no sockets and
//! no storage. Requests and the time come in; answers, and entries to be stored before those answers go out, come back.
//! A join or a sync may have to wait for other members: its answer is in the [`Output`] of a later call.
//!
//! # Layout
//! - [`coordinator`]: all groups, one method an API, and the clock's ticks
//! - [`output`]: what a call is told and what it hands back
//! - [`state`], [`member`]: one group's state and the choices made over its members
//! - [`join`], [`sync`], [`leave`], [`heartbeat`]: one request each
//! - [`rebalance`]: from the first join to the assignment, and what ends a wait
//! - [`offsets`]: commit and delete; [`fetch`]: read them; [`describe`]: describe, list and delete groups
//! - [`entry`]: what is stored, and how it is read back

mod coordinator;
mod describe;
mod entry;
mod fetch;
mod heartbeat;
mod join;
mod leave;
mod member;
mod offsets;
mod output;
mod rebalance;
mod state;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use coordinator::{Coordinator, GroupConfig};
pub(crate) use output::{Answer, Context, Entry, Output, Token};
