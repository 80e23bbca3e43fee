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
        None => {
            let config = config()?;
            let choreography = sources::choreography(&args.manifests, || Ok(config.clone()))?;
            let choreography = match config.registry.is_set() {
                true => choreography.with_registry(),
                false => choreography,
            };
            check::check(args, &choreography)
        }
    }
}

pub(crate) fn graph(
    args: &Graph,
    config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<(), Failure> {
    graph::graph(args, &sources::choreography(&args.manifests, config)?)
}
