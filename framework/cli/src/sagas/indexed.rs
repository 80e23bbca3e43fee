//! The sagas of an index: those that are not known to be over, so that a list costs what is open and not what there was.

use std::path::Path;

use kolo_core::choreography::Manifest;

use super::args::Sagas;
use super::{List, judge};
use crate::cluster::Cluster;
use crate::evidence::{Plan, Scanned, Status};
use crate::failure::Failure;
use crate::index::{Index, Watch, Which};

pub(super) fn list(
    args: &Sagas,
    cluster: &Cluster<'_>,
    plan: &Plan,
    manifests: &[Manifest],
    path: &Path,
) -> Result<List, Failure> {
    let index = Index::open(path, cluster)?;
    index.declare(manifests)?;
    let mut current = index.catch_up(cluster, plan, &Watch::new())?;
    let which = match args.asks_for_over() {
        true => Which::All,
        false => Which::Open,
    };
    current.take_copies(which)?;
    let scanned = Scanned::in_index(&current, plan, which);
    let mut over = Vec::new();
    let found = &current.found;
    let list = judge(args, cluster, plan, manifests, found, scanned, |judge| {
        current.each(which, |saga, records| {
            if judge(saga, records.told).is_none_or(Status::is_over) {
                over.push(saga);
            }
        })
    })?;
    current.close(&over)?;
    index.close()?;
    Ok(list)
}
