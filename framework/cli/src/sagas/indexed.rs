//! The sagas of an index: those that are not known to be over, so that a list costs what is open and not what there was.

use std::path::Path;

use super::{Asking, List};
use crate::evidence::{Scanned, Status};
use crate::failure::Failure;
use crate::index::{Index, Watch, Which};

pub(super) fn list(asking: &Asking<'_>, path: &Path) -> Result<List, Failure> {
    let &Asking { cluster, plan, .. } = asking;
    let index = Index::open(path, cluster)?;
    index.declare(asking.manifests)?;
    let mut current = index.catch_up(cluster, plan, &Watch::new())?;
    let which = match asking.args.asks_for_over() {
        true => Which::All,
        false => Which::Open,
    };
    current.take_copies(which)?;
    let scanned = Scanned::in_index(&current, plan, which);
    let mut over = Vec::new();
    let list = asking.judge(&current.found, scanned, |judge| {
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
