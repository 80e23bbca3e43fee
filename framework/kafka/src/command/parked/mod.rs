//! `parked`: what could not be decided, for operators.
//!
//! | command | file |
//! |---|---|
//! | `list` | `list.rs` |
//! | `show` | `show.rs` |
//! | `redrive` | `redrive.rs`: a control record for each key, then `follow.rs` |
//! | `drop` | `drop.rs`: the same, for one record and with a reason |
//! | `mirror` | `mirror.rs`: a dead-letter topic for foreign tools, with the headers of `connect.rs` |
//!
//! All of them read the aggregates' streams (`streams.rs`, `read.rs`), fold what is parked as the processor does, and
//! pick keys (`select.rs`). Only the owner of a partition writes to its stream: a command asks it, through the inbox.

mod args;
mod ask;
mod connect;
mod drop;
mod follow;
pub(super) mod json;
mod list;
mod mirror;
mod read;
mod redrive;
mod route;
mod select;
mod show;
mod streams;

use kolo_core::Service;

use crate::config::Config;

use super::failure::Failure;

pub(super) use args::{Action, duration, since};
pub(super) use json::print_one;

pub(super) fn run(service: &Service, config: &Config, action: Action) -> Result<(), Failure> {
    match action {
        Action::List(args) => list::run(service, config, &args),
        Action::Show(args) => show::run(service, config, &args),
        Action::Redrive(args) => redrive::run(service, config, &args),
        Action::Drop(args) => drop::run(service, config, &args),
        Action::Mirror(args) => mirror::run(service, config, &args),
    }
}
