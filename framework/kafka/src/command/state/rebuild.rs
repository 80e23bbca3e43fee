//! `state rebuild`: snapshots are deleted, and the next start reads the streams.

use std::io::IsTerminal;

use kolo_core::Service;

use crate::config::Config;
use crate::snapshots::{Folder, Kept, LockProblem};

use super::super::failure::Failure;
use super::super::print;
use super::super::terminal::{confirms, count};
use super::args::Rebuild;
use super::report::{files, place};
use super::stream::aggregates;

pub(super) fn run(service: &Service, config: &Config, args: &Rebuild) -> Result<(), Failure> {
    // A name that is none is a mistake; what an aggregate left behind that is gone is deleted with all.
    aggregates(service, args.filter.aggregate.as_deref())?;
    if config.state_dir.as_os_str().is_empty() {
        return print("Nothing to delete: `state_dir` is empty, and no snapshots are kept.\n");
    }
    let folder = Folder::of(&config.state_dir, service.name());
    let found = wanted(&folder, args)?;
    if found.is_empty() {
        return print(&format!(
            "Nothing to delete: no such snapshot is in {}.\n",
            place(&folder)
        ));
    }
    // Only looked at: a service that starts while somebody thinks about the answer is to have its snapshots.
    drop(lock(service, &folder)?);
    if !args.yes {
        confirm(&folder, &found)?;
    }
    let _lock = lock(service, &folder)?;
    let (mut deleted, mut bytes) = (0, 0);
    for file in wanted(&folder, args)? {
        std::fs::remove_file(&file.path).map_err(|error| {
            let path = file.path.display();
            Failure::run(format!(
                "{path} cannot be deleted: {error}. {} deleted before it",
                count(deleted, "file")
            ))
        })?;
        deleted += 1;
        bytes += file.bytes;
    }
    print(&format!(
        "{} with {} deleted in {}. The next start of `{}` folds these streams from their beginning.\n",
        count(deleted, "file"),
        size(bytes),
        place(&folder),
        service.name()
    ))
}

fn wanted(folder: &Folder, args: &Rebuild) -> Result<Vec<Kept>, Failure> {
    let mut files = files(folder)?;
    let (aggregate, partition) = (args.filter.aggregate.as_deref(), args.filter.partition);
    files.retain(|file| {
        aggregate.is_none_or(|wanted| file.is_of(wanted))
            && partition.is_none_or(|wanted| file.partition == wanted)
    });
    Ok(files)
}

fn lock(service: &Service, folder: &Folder) -> Result<std::fs::File, Failure> {
    folder.lock().map_err(|problem| {
        let (place, name) = (place(folder), service.name());
        Failure::run(match problem {
            LockProblem::InUse => format!(
                "a running `{name}` uses {place}, and would write its next snapshots there, of what it has in memory: stop it, and type this again. Nothing was deleted"
            ),
            LockProblem::Io(error) => {
                format!("{place} cannot be locked: {error}. Nothing was deleted")
            }
        })
    })
}

fn confirm(folder: &Folder, found: &[Kept]) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::input(
            "this is no terminal, and nobody can be asked: --yes deletes without asking. Nothing was deleted",
        ));
    }
    let bytes = found.iter().map(|file| file.bytes).sum();
    let (files, size, place) = (count(found.len(), "file"), size(bytes), place(folder));
    if confirms(&format!(
        "Delete {files} with {size} in {place}? The next start reads these streams from their beginning."
    )) {
        return Ok(());
    }
    Err(Failure::run("nothing was deleted"))
}

/// Bytes, for people and exactly.
fn size(bytes: u64) -> String {
    count(usize::try_from(bytes).unwrap_or(usize::MAX), "byte")
}
