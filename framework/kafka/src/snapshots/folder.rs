//! The folder of a service's snapshots. Anybody may look into it, also while a process uses it.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Damage, Reader};

/// What a snapshot is called, and what is being written to take its place.
const EXTENSIONS: [&str; 2] = ["snapshot", "new"];

/// The folder of one service.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

/// Why a folder cannot be locked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockProblem {
    #[error("another process uses it")]
    InUse,
    #[error(transparent)]
    Io(#[from] Error),
}

/// A file of snapshots.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    pub(crate) partition: i32,
    pub(crate) bytes: u64,
    /// The aggregate's name, as a file can have it.
    aggregate: String,
}

impl Kept {
    /// Whether it is what an owner begins with, and not what is being written to take its place.
    pub(crate) fn is_snapshot(&self) -> bool {
        self.path
            .extension()
            .is_some_and(|name| name == EXTENSIONS[0])
    }

    pub(crate) fn is_of(&self, aggregate: &str) -> bool {
        self.aggregate == file_name(aggregate)
    }
}

impl Folder {
    pub(crate) fn of(state_dir: &Path, service: &str) -> Self {
        Folder(state_dir.join(file_name(service)))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self, aggregate: &str, partition: i32) -> PathBuf {
        let name = format!("{}-{partition}.snapshot", file_name(aggregate));
        self.0.join(name)
    }

    /// What is kept of a partition, if anything is.
    ///
    /// # Errors
    /// When the file is not what was written.
    pub(crate) fn read(&self, aggregate: &str, partition: i32) -> Result<Option<Reader>, Damage> {
        Reader::open(&self.file(aggregate, partition))
    }

    /// Keeps other processes from using the folder, which must exist, for as long as the file is open.
    ///
    /// # Errors
    /// When one uses it.
    pub(crate) fn lock(&self) -> Result<File, LockProblem> {
        let lock = File::create(self.0.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(LockProblem::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// All that is kept, and all that is being written, by aggregate and partition; nothing where there is no folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) fn files(&self) -> Result<Vec<Kept>, Error> {
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let Some((aggregate, partition)) = whose(&entry.path()) {
                // One that is gone by now was renamed or deleted by who uses the folder.
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                files.push(Kept {
                    path: entry.path(),
                    partition,
                    bytes: metadata.len(),
                    aggregate,
                });
            }
        }
        files.sort_by(|one, other| {
            (&one.aggregate, one.partition, &one.path).cmp(&(
                &other.aggregate,
                other.partition,
                &other.path,
            ))
        });
        Ok(files)
    }
}

/// The aggregate and the partition that a file's name tells; `None` for the name of something else.
fn whose(path: &Path) -> Option<(String, i32)> {
    let extension = path.extension()?.to_str()?;
    let (aggregate, partition) = path.file_stem()?.to_str()?.rsplit_once('-')?;
    let is_ours = EXTENSIONS.contains(&extension);
    is_ours.then_some((aggregate.to_owned(), partition.parse().ok()?))
}

/// A name as a file can have it.
fn file_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    match name.as_str() {
        "" | "." | ".." => "_".into(),
        _ => name,
    }
}
