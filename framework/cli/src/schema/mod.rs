//! `kolo schema`: what a change of a schema needs beside the change.

mod args;
mod register;

use kolo_kafka::Config;

use crate::failure::Failure;

pub(crate) use args::Schema;

pub(crate) fn run(
    command: &Schema,
    config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<(), Failure> {
    match command {
        Schema::Register(args) => register::run(args, config()?),
    }
}
