//! Snapshots on the local disk: one directory a service, one file a partition. All of it is disposable.
//!
//! | file | idea |
//! |---|---|
//! | `frame` | bytes with a checksum; a file is a row of them |
//! | `folder` | the directory: which files, and whether a process uses it |
//! | `reader` | what a file held when it was last complete |
//! | `writer` | the thread that appends to files, or writes them anew |
//! | `mod` | a service's snapshots: locked, given up at the first failure |
//!
//! A file is never changed in place. It grows by the keys that changed, and counts up to its last *seal*, the frame with which
//! a snapshot is complete. Once it has grown to twice of what it began with, it is written anew beside itself.

mod folder;
mod frame;
mod reader;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded, unbounded};
use parking_lot::Mutex;

pub(crate) use folder::{Folder, Kept, LockProblem};
pub(crate) use frame::KeysFrame;
pub(crate) use reader::{Damage, Reader};
use writer::{Job, Writer};

/// How many frames may wait for the disk before no more are made.
const QUEUE: usize = 64;

/// The snapshots of one service in this process.
pub(crate) struct Snapshots {
    folder: Folder,
    lock: File,
    jobs: Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
    off: Arc<AtomicBool>,
    attempts: AtomicU64,
}

/// One attempt to write a snapshot of one partition: what it wrote counts when it is sealed, and not otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    file: PathBuf,
    number: u64,
    /// Whether it holds every key, and begins a new file.
    pub(crate) is_whole: bool,
}

impl Snapshots {
    /// Opens the directory of a service, and locks it. Without snapshots a service works as well: what is wrong is told, and
    /// nothing is opened.
    pub(crate) fn open(state_dir: &Path, service: &str) -> Option<Self> {
        let folder = Folder::of(state_dir, service);
        let problem = match Self::lock(&folder) {
            Ok(lock) => match Self::start(folder.clone(), lock) {
                Ok(snapshots) => return Some(snapshots),
                Err(error) => format!("no thread can be started: {error}"),
            },
            Err(problem) => problem,
        };
        tracing::warn!(
            "{service} runs without snapshots, and restores from its streams alone: {}: {problem}",
            folder.path().display()
        );
        None
    }

    fn lock(folder: &Folder) -> Result<File, String> {
        std::fs::create_dir_all(folder.path()).map_err(|error| error.to_string())?;
        folder.lock().map_err(|problem| match problem {
            LockProblem::InUse => "another process uses it: give each instance a directory of its own, by `state_dir` or KOLO_STATE_DIR".into(),
            LockProblem::Io(error) => error.to_string(),
        })
    }

    fn start(folder: Folder, lock: File) -> std::io::Result<Self> {
        let (jobs, todo) = unbounded();
        let off = Arc::new(AtomicBool::new(false));
        let writer = Writer::new(Arc::clone(&off));
        let thread = std::thread::Builder::new()
            .name("snapshots".into())
            .spawn(move || writer.run(&todo))?;
        Ok(Snapshots {
            folder,
            lock,
            jobs,
            thread: Mutex::new(Some(thread)),
            off,
            attempts: AtomicU64::new(0),
        })
    }

    /// The service's own folder, which no other process uses meanwhile.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether snapshots are taken: a disk that failed once is left alone.
    pub(crate) fn are_on(&self) -> bool {
        !self.off.load(Ordering::Relaxed)
    }

    /// Gives snapshots up for as long as the process lives.
    pub(crate) fn give_up(&self, why: &str) {
        writer::give_up(&self.off, self.folder.path(), why);
    }

    /// Whether the disk keeps up.
    pub(crate) fn has_room(&self) -> bool {
        self.jobs.len() < QUEUE
    }

    /// What is kept of a partition, if anything is.
    ///
    /// # Errors
    /// When the file is not what was written.
    pub(crate) fn read(&self, aggregate: &str, partition: i32) -> Result<Option<Reader>, Damage> {
        self.folder.read(aggregate, partition)
    }

    /// Forgets what is kept of a partition.
    pub(crate) fn delete(&self, aggregate: &str, partition: i32) {
        self.send(Job::Delete(self.folder.file(aggregate, partition)));
    }

    /// Begins a snapshot.
    pub(crate) fn begin(&self, aggregate: &str, partition: i32, is_whole: bool) -> Attempt {
        Attempt {
            file: self.folder.file(aggregate, partition),
            number: self.attempts.fetch_add(1, Ordering::Relaxed) + 1,
            is_whole,
        }
    }

    pub(crate) fn keys(&self, attempt: &Attempt, frame: KeysFrame) {
        self.send(Job::Append(attempt.clone(), frame.into_bytes()));
    }

    /// Completes a snapshot. `whole_bytes` is what the file took when it began; it is kept beside the rest.
    pub(crate) fn seal(&self, attempt: &Attempt, whole_bytes: u64, rest: &[u8]) {
        self.send(Job::Seal(attempt.clone(), frame::seal(whole_bytes, rest)));
    }

    fn send(&self, job: Job) {
        // The writer lives as long as there is anybody to send it something.
        let _ = self.jobs.send(job);
    }

    /// Waits until all is written that was sent, or for `at_most`.
    pub(crate) fn flush(&self, at_most: Duration) {
        let (done, is_done) = bounded(1);
        self.send(Job::Flush(done));
        let _ = is_done.recv_timeout(at_most);
    }

    /// Ends the writer once it has written what it was sent, and lets another process use the directory.
    pub(crate) fn close(&self) {
        self.send(Job::Stop);
        if let Some(thread) = self.thread.lock().take() {
            // It panics nowhere, and if it did, a snapshot is what is lost.
            let _ = thread.join();
        }
        let _ = self.lock.unlock();
    }
}

#[cfg(test)]
mod tests;
