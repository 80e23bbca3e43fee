//! Every change to the disk, in one place, so that a test can stop any of them half-way.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::LogError;

/// Decides before each change whether it happens; for tests of a full disk and of a process that dies.
pub(crate) trait Faults: std::fmt::Debug + Send + Sync {
    /// How many of `bytes` may still be written; an error refuses the whole step.
    fn allow(&self, bytes: usize) -> io::Result<usize>;
}

/// The disk, as the log changes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    faults: Option<Arc<dyn Faults>>,
}

impl Files {
    #[cfg(test)]
    pub(crate) fn with_faults(faults: Arc<dyn Faults>) -> Self {
        Self {
            faults: Some(faults),
        }
    }

    fn allow(&self, bytes: usize) -> io::Result<usize> {
        self.faults
            .as_ref()
            .map_or(Ok(bytes), |faults| faults.allow(bytes))
    }

    /// Opens for reading and writing, and creates where it is missing.
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        self.allow(0)?;
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    }

    pub(super) fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let allowed = self.allow(bytes.len())?;
        file.write_all_at(&bytes[..allowed], at)?;
        if allowed < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    pub(super) fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        self.allow(0)?;
        file.set_len(length)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.allow(0)?;
        fs::rename(from, to)
    }

    /// Puts `contents` in the place of the file, so that anyone sees the old or the new whole.
    pub(super) fn replace(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        let temporary = path.with_extension("tmp");
        let file = self.open(&temporary)?;
        self.cut(&file, 0)?;
        let written = self.write_at(&file, contents, 0);
        if written.is_err() {
            // On a full disk the half that was written is in the way of everybody.
            drop(self.remove(&temporary));
        }
        written?;
        self.rename(&temporary, path)
    }

    /// Removes the file; that it is gone already is no error.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.allow(0)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Names the file in an IO error.
pub(super) trait At<T> {
    fn at(self, path: &Path) -> Result<T, LogError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, LogError> {
        self.map_err(|source| LogError::Io {
            path: path.to_owned(),
            source,
        })
    }
}
