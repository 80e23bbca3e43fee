//! The writer: a thread that brings snapshots to the disk.
//!
//! Nothing is synced. A process that is killed leaves what it wrote to the system; a machine that loses its power may leave
//! a file that is damaged or old, which costs a restore.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender};

use super::frame::MAGIC;
use super::{Attempt, Damage, Reader};

pub(super) enum Job {
    /// Keys of an attempt.
    Append(Attempt, Vec<u8>),
    /// The frame that completes it.
    Seal(Attempt, Vec<u8>),
    Delete(PathBuf),
    /// Tells when everything before it is done.
    Flush(Sender<()>),
    Stop,
}

pub(super) struct Writer {
    off: Arc<AtomicBool>,
    open: HashMap<PathBuf, Open>,
}

/// A file that an attempt appends to.
struct Open {
    attempt: u64,
    file: File,
    length: u64,
    /// What counts of it, which is all up to its last seal.
    sealed: u64,
    /// Whether it is a new file that takes the place of the old one once it is sealed.
    is_new: bool,
}

impl Writer {
    pub(super) fn new(off: Arc<AtomicBool>) -> Self {
        Writer {
            off,
            open: HashMap::new(),
        }
    }

    pub(super) fn run(mut self, todo: &Receiver<Job>) {
        while let Ok(job) = todo.recv() {
            let (file, done) = match job {
                Job::Stop => return,
                Job::Flush(done) => {
                    let _ = done.try_send(());
                    continue;
                }
                Job::Append(..) | Job::Seal(..) if self.off.load(Ordering::Relaxed) => continue,
                Job::Append(attempt, frame) => {
                    let done = self.append(&attempt, &frame);
                    (attempt.file, done)
                }
                Job::Seal(attempt, frame) => {
                    let done = self
                        .append(&attempt, &frame)
                        .and_then(|()| self.seal(&attempt.file));
                    (attempt.file, done)
                }
                Job::Delete(file) => {
                    let done = self.delete(&file);
                    (file, done)
                }
            };
            if let Err(damage) = done {
                give_up(&self.off, &file, &damage.to_string());
                self.abandon(&file);
            }
        }
    }

    fn append(&mut self, attempt: &Attempt, frame: &[u8]) -> Result<(), Damage> {
        let known = self.open.get(&attempt.file);
        if known.is_none_or(|open| open.attempt != attempt.number) {
            self.begin(attempt)?;
        }
        if let Some(open) = self.open.get_mut(&attempt.file) {
            open.file.write_all(frame)?;
            open.length += frame.len() as u64;
        }
        Ok(())
    }

    /// Opens the file for an attempt. What an earlier attempt left there without completing it is cut off: it may hold
    /// what the log does not.
    fn begin(&mut self, attempt: &Attempt) -> Result<(), Damage> {
        let path = &attempt.file;
        let known = self.open.remove(path);
        let open = if attempt.is_whole {
            let mut file = File::create(beside(path))?;
            file.write_all(&MAGIC)?;
            Open {
                attempt: attempt.number,
                file,
                length: MAGIC.len() as u64,
                sealed: 0,
                is_new: true,
            }
        } else {
            let known = known.filter(|known| !known.is_new);
            let (mut file, sealed) = match known {
                Some(known) => (known.file, known.sealed),
                None => {
                    let reader = Reader::open(path)?;
                    let sealed = reader.ok_or(Damage::Bytes("what it held is gone"))?.end();
                    (File::options().write(true).open(path)?, sealed)
                }
            };
            file.set_len(sealed)?;
            file.seek(SeekFrom::Start(sealed))?;
            Open {
                attempt: attempt.number,
                file,
                length: sealed,
                sealed,
                is_new: false,
            }
        };
        self.open.insert(path.clone(), open);
        Ok(())
    }

    fn seal(&mut self, path: &Path) -> Result<(), Damage> {
        if let Some(open) = self.open.get_mut(path) {
            if open.is_new {
                std::fs::rename(beside(path), path)?;
                open.is_new = false;
            }
            open.sealed = open.length;
        }
        Ok(())
    }

    /// After a failure: the space that is taken by what was not completed is given back.
    fn abandon(&mut self, path: &Path) {
        // If this fails too, what it leaves is not counted by any reader.
        match self.open.remove(path) {
            Some(open) if !open.is_new => drop(open.file.set_len(open.sealed)),
            _ => drop(std::fs::remove_file(beside(path))),
        }
    }

    fn delete(&mut self, path: &Path) -> Result<(), Damage> {
        self.open.remove(path);
        for path in [path, &beside(path)] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where a new file is written before it takes the place of the old one.
fn beside(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Says once that there will be no more snapshots, and why.
pub(super) fn give_up(off: &AtomicBool, path: &Path, why: &str) {
    if !off.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "no more snapshots are taken until the next start, and what is kept gets old: {}: {why}",
            path.display()
        );
    }
}
