//! `state`: what a key is or was, and whether the snapshots of it are what the stream says.
//!
//! | command | file |
//! |---|---|
//! | `show` | `show.rs`: folds one key (`history.rs`), up to a place or a time (`at.rs`), and tells it (`text.rs`, `json.rs`) |
//! | `verify` | `verify.rs`: loads each snapshot, and folds the stream up to the record at which it was taken (`compare.rs`) |
//! | `rebuild` | `rebuild.rs`: deletes snapshots, so that the next start reads the stream |
//!
//! All of them only read the brokers: the fold is the processor's own, of a partition that nobody takes over
//! (`stream.rs`). None needs the service to run.

mod args;
mod at;
mod compare;
mod history;
mod json;
mod rebuild;
mod report;
mod show;
mod stream;
mod text;
mod verify;

use kolo_core::Service;

use crate::config::Config;

use super::failure::Failure;

pub(super) use args::Action;

pub(super) fn run(service: &Service, config: &Config, action: Action) -> Result<(), Failure> {
    match action {
        Action::Show(args) => show::run(service, config, &args),
        Action::Verify(args) => verify::run(service, config, &args),
        Action::Rebuild(args) => rebuild::run(service, config, &args),
    }
}
