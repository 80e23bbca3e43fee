//! The directory of an index: whose it is, in which layout, and who has it now.
//!
//! `index.json` says the first two, `lock` is held by the process that has it, and `store` is the rest.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::terminal::note;

/// What is kept, and how. A store of another layout is built again.
const LAYOUT: u32 = 2;
/// Whoever follows has the directory for as long as it writes; another waits for it this long.
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(20);

const MARK: &str = "index.json";
const LOCK: &str = "lock";
const STORE: &str = "store";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    layout: u32,
    /// The id that the brokers give their cluster.
    cluster: String,
}

/// A directory that this process has alone until it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes the directory for this cluster, and makes it if need be.
    pub(super) fn take(path: &Path, cluster: &str) -> Result<Self, Failure> {
        let failed = |error: &io::Error| cannot_use(path, error);
        fs::create_dir_all(path).map_err(|error| failed(&error))?;
        if !path.join(MARK).exists()
            && holds_something_else(path).map_err(|error| failed(&error))?
        {
            return Err(Failure::input(format!(
                "{} is no index, and holds something else: name a directory that is empty, or is to be made",
                path.display()
            )));
        }
        let folder = Folder {
            path: path.to_owned(),
            _lock: lock(path, PATIENCE)?,
        };
        folder.fit(cluster)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }

    /// Throws the store away: what is opened next is empty.
    pub(super) fn empty(&self) -> Result<(), Failure> {
        match fs::remove_dir_all(self.store()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(cannot_use(&self.path, &error))
            }
            _ => Ok(()),
        }
    }

    fn fit(&self, cluster: &str) -> Result<(), Failure> {
        let mark = Mark {
            layout: LAYOUT,
            cluster: cluster.to_owned(),
        };
        let found = match fs::read(self.path.join(MARK)) {
            Ok(bytes) => serde_json::from_slice::<Mark>(&bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.begin(&mark);
            }
            Err(error) => return Err(cannot_use(&self.path, &error)),
        };
        match found {
            Ok(found) if found == mark => Ok(()),
            Ok(found) if found.layout == LAYOUT => Err(Failure::input(format!(
                "{} is the index of another cluster: of {}, and the brokers here are {cluster}. Each cluster has a directory of its own; delete this one if its cluster is gone.",
                self.path.display(),
                found.cluster
            ))),
            Err(_) => Err(Failure::input(format!(
                "{} is no index: its {MARK} is of something else, or damaged. Name another directory, or delete this one if it was an index.",
                self.path.display()
            ))),
            Ok(_) => {
                note(&format!(
                    "{} was built by another version of kolo: it is built again.",
                    self.path.display()
                ));
                self.begin(&mark)
            }
        }
    }

    /// The mark stands only when the store is empty: a process that is killed between the two begins again.
    fn begin(&self, mark: &Mark) -> Result<(), Failure> {
        self.empty()?;
        let text = serde_json::to_vec(mark).unwrap_or_default();
        let (unborn, born) = (self.path.join("index.json.new"), self.path.join(MARK));
        let written = fs::write(&unborn, text).and_then(|()| fs::rename(unborn, born));
        written.map_err(|error| cannot_use(&self.path, &error))
    }
}

fn holds_something_else(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if name != LOCK && name != "index.json.new" {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lock(path: &Path, patience: Duration) -> Result<File, Failure> {
    let at = path.join(LOCK);
    let options = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&at);
    let mut file = options.map_err(|error| cannot_use(path, &error))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => {
                std::thread::park_timeout(AGAIN);
            }
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&at).unwrap_or_default();
                return Err(Failure::run(format!(
                    "{} is in use{}: one process at a time writes it, and `kolo index` has it until it has read all there is. Wait for that, or leave --index out, and the topics are read instead.",
                    path.display(),
                    holder.trim_end().parse::<u32>().map_or_else(
                        |_| String::new(),
                        |process| format!(" by process {process}")
                    )
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot_use(path, &error)),
        }
    }
    // For whoever waits; that it is ours is known without it.
    let _ = file
        .set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

fn cannot_use(path: &Path, error: &io::Error) -> Failure {
    Failure::run(format!(
        "the index in {} cannot be used: {error}. It holds nothing that is not in the topics: another directory will do, and without --index the topics are read instead.",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path, cluster: &str) -> String {
        let failure = Folder::take(path, cluster).unwrap_err();
        failure.message().unwrap().to_owned()
    }

    #[test]
    fn a_directory_is_of_one_cluster_and_holds_nothing_else() {
        let whole = tempfile::tempdir().unwrap();
        let path = whole.path().join("made");
        drop(Folder::take(&path, "one").unwrap());
        drop(Folder::take(&path, "one").unwrap());
        let other = refused(&path, "other");
        assert!(
            other.contains("of one, and the brokers here are other"),
            "{other}"
        );
        fs::write(whole.path().join("letter"), "dear").unwrap();
        assert!(refused(whole.path(), "one").contains("holds something else"));
        assert!(!whole.path().join(LOCK).exists());
    }

    #[test]
    fn one_has_it_at_a_time_and_is_named() {
        let whole = tempfile::tempdir().unwrap();
        let folder = Folder::take(whole.path(), "one").unwrap();
        let refused = lock(whole.path(), Duration::ZERO).unwrap_err();
        let holder = format!("by process {}", std::process::id());
        assert!(refused.message().unwrap().contains(&holder), "{refused:?}");
        drop(folder);
        drop(lock(whole.path(), Duration::ZERO).unwrap());
    }

    #[test]
    fn a_directory_with_a_file_of_that_name_is_left_alone() {
        let whole = tempfile::tempdir().unwrap();
        let book = whole.path().join(STORE).join("book");
        fs::create_dir_all(whole.path().join(STORE)).unwrap();
        fs::write(&book, "mine").unwrap();
        for mark in [r#"{"name": "a-web-project"}"#, "torn", ""] {
            fs::write(whole.path().join(MARK), mark).unwrap();
            assert!(refused(whole.path(), "one").contains("is no index"));
            assert_eq!(fs::read(&book).unwrap(), b"mine");
        }
    }

    #[test]
    fn a_store_of_another_layout_is_thrown_away() {
        let whole = tempfile::tempdir().unwrap();
        fs::write(
            whole.path().join(MARK),
            r#"{"layout": 0, "cluster": "other"}"#,
        )
        .unwrap();
        fs::create_dir_all(whole.path().join(STORE)).unwrap();
        let folder = Folder::take(whole.path(), "one").unwrap();
        assert!(!folder.store().exists());
        drop(folder);
        drop(Folder::take(whole.path(), "one").unwrap());
    }
}
