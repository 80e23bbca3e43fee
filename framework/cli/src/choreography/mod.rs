//! `kolo check` and `kolo graph`: all services as one graph, checked and drawn.

mod check;
mod explain;
mod graph;
mod sources;

pub(crate) use check::show;
pub(crate) use sources::{from_files, published};

use kolo_kafka::Config;

use crate::args::{Check, Graph};
use crate::failure::Failure;

pub(crate) fn check(
    args: &Check,
    config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<(), Failure> {
    match &args.explain {
        Some(code) => explain::explain(code),
        None => check::check(args, &sources::choreography(&args.manifests, config)?),
    }
}

pub(crate) fn graph(
    args: &Graph,
    config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<(), Failure> {
    graph::graph(args, &sources::choreography(&args.manifests, config)?)
}
