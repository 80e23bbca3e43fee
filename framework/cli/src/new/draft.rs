//! A directory that appears whole or not at all: it is written beside its place, and put there when it is complete.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A directory in the making, beside the place that it is for; deleted if it is not finished.
#[derive(Debug)]
pub(super) struct Draft {
    folder: PathBuf,
    target: PathBuf,
}

impl Draft {
    /// Begins one for this place, which must not exist, or be an empty directory.
    pub(super) fn begin(target: &Path) -> Result<Self, Failure> {
        let target = free(target)?;
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(Failure::input(format!(
                "{} cannot be the directory of a project: it has no name",
                target.display()
            )));
        };
        fs::create_dir_all(parent).map_err(|error| unwritten(parent, &error))?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".kolo-new-{}", std::process::id()));
        let folder = parent.join(hidden);
        fs::create_dir(&folder).map_err(|error| unwritten(&folder, &error))?;
        Ok(Draft { folder, target })
    }

    /// Where it is written.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        let file = self.folder.join(path);
        let written = match file.parent() {
            Some(parent) => fs::create_dir_all(parent).and_then(|()| fs::write(&file, text)),
            None => fs::write(&file, text),
        };
        written.map_err(|error| unwritten(&file, &error))
    }

    /// Puts it into its place, and says where that is.
    pub(super) fn finish(self) -> Result<PathBuf, Failure> {
        // Nothing is replaced: an empty directory gives way, and one that somebody has filled meanwhile does not.
        fs::rename(&self.folder, &self.target).map_err(|error| unwritten(&self.target, &error))?;
        Ok(self.target.clone())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is gone if it was finished; and whoever fails has said why already.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The whole path of a place where nothing would be lost.
fn free(target: &Path) -> Result<PathBuf, Failure> {
    let refused = |why: String| {
        Err(Failure::input(format!(
            "{} {why}. Name another directory with --dir",
            target.display()
        )))
    };
    let whole = match std::path::absolute(target) {
        Ok(whole) => whole,
        Err(error) => return refused(format!("leads nowhere: {error}")),
    };
    let mut entries = match fs::read_dir(&whole) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(whole),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return refused("is a file, or lies below one".into());
        }
        Err(error) => return refused(format!("cannot be looked at: {error}")),
    };
    if let Some(entry) = entries.next() {
        let held = entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let held = held.unwrap_or_else(|error| error.to_string());
        return refused(format!("exists, and is not empty: it holds {held:?}"));
    }
    // A link stays, and what it leads to is replaced.
    let whole = whole
        .canonicalize()
        .map_err(|error| unwritten(&whole, &error))?;
    if std::env::current_dir().is_ok_and(|current| current == whole) {
        return refused("is the current directory, which cannot be replaced by a new one".into());
    }
    Ok(whole)
}

fn unwritten(place: &Path, error: &std::io::Error) -> Failure {
    Failure::run(format!(
        "{} cannot be written: {error}. Nothing is left of the project; mend that, or name another directory with --dir",
        place.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries.map(|entry| name(entry.unwrap())).collect()
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let draft = Draft::begin(&folder.path().join("shop")).unwrap();
        draft.write("src/lib.rs", "").unwrap();
        assert_eq!(entries(folder.path()).len(), 1, "it is written beside");
        drop(draft);
        assert_eq!(entries(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn what_somebody_puts_there_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("shop");
        let draft = Draft::begin(&target).unwrap();
        draft.write("README.md", "ours").unwrap();
        fs::create_dir(&target).unwrap();
        fs::write(target.join("README.md"), "theirs").unwrap();
        let failure = draft.finish().unwrap_err();
        assert!(failure.message().unwrap().contains("shop"), "{failure:?}");
        assert_eq!(entries(folder.path()), ["shop"]);
        let kept = fs::read_to_string(target.join("README.md")).unwrap();
        assert_eq!(kept, "theirs");
    }
}
