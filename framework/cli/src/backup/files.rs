//! Files of a backup: names, locks, sums, and what to say when one cannot be used.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::LOCK;
use crate::failure::Failure;

/// The folder of a partition.
pub(crate) fn partition_dir(folder: &Path, partition: i32) -> PathBuf {
    folder.join(partition.to_string())
}

/// A segment's file, named by its first offset, so that files sort as offsets do.
pub(crate) fn segment_file(folder: &Path, partition: i32, first: i64) -> PathBuf {
    partition_dir(folder, partition).join(format!("{first:020}.avro"))
}

/// The list of a segment's blocks.
pub(crate) fn blocks_file(segment: &Path) -> PathBuf {
    segment.with_extension("blocks")
}

/// The first offsets of the segments that lie in a partition's folder, in order.
pub(crate) fn segments_in(folder: &Path, partition: i32) -> Result<Vec<i64>, Failure> {
    let dir = partition_dir(folder, partition);
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot("read", &dir, &error)),
    };
    let mut firsts = Vec::new();
    for entry in entries {
        let name = entry
            .map_err(|error| cannot("read", &dir, &error))?
            .file_name();
        let first = name
            .to_str()
            .and_then(|name| name.strip_suffix(".avro"))
            .and_then(|first| first.parse::<i64>().ok());
        firsts.extend(first);
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// A file or folder that cannot be used.
pub(crate) fn cannot(verb: &str, path: &Path, error: &io::Error) -> Failure {
    let next = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            " Make room and type the same command again: it goes on where the files end."
        }
        ErrorKind::PermissionDenied => {
            " Give this user the right to it, or take another directory."
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => " Take another directory.",
        _ => "",
    };
    let error = error.to_string();
    Failure::run(format!(
        "cannot {verb} {}: {}.{next}",
        path.display(),
        error.trim_end_matches('.')
    ))
}

/// Makes what was created or renamed in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Failure> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|error| cannot("sync", dir, &error))
}

/// Makes a folder and its parents, durably.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|error| cannot("make the folder", dir, &error))?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}

/// Held while a topic's folder is written or imported; freed when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// For the one export that writes the folder.
    pub(crate) fn exclusive(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| cannot("write", &path, &error))?;
        Self::take(file.try_lock(), file, folder)
    }

    /// For readers that want the folder to stay as it is. In one that cannot be written, no export can be at work.
    pub(crate) fn shared(folder: &Path) -> Result<Self, Failure> {
        match File::open(folder.join(LOCK)) {
            Ok(file) => Self::take(file.try_lock_shared(), file, folder),
            Err(_) => Ok(Lock { _file: None }),
        }
    }

    fn take(taken: Result<(), TryLockError>, file: File, folder: &Path) -> Result<Self, Failure> {
        match taken {
            Ok(()) => Ok(Lock { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Failure::run(format!(
                "{} is in use by another `kolo export` or `kolo import`. Wait for it or end it, or take another directory.",
                folder.display()
            ))),
            Err(TryLockError::Error(error)) => Err(cannot("lock", &folder.join(LOCK), &error)),
        }
    }
}

/// SHA-256 as `sha256sum` prints it.
pub(crate) fn hex_sum(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

pub(crate) fn hex(sum: impl AsRef<[u8]>) -> String {
    let bytes = sum.as_ref();
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Length and SHA-256 of a file.
pub(crate) fn sum_of(path: &Path) -> Result<(u64, String), Failure> {
    let sum = || {
        let mut file = File::open(path)?;
        let (mut hasher, mut len) = (Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok((len, hex(hasher.finalize())));
            }
            hasher.update(&buffer[..read]);
            len += read as u64;
        }
    };
    sum().map_err(|error| cannot("read", path, &error))
}
