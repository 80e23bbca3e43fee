//! Where manifests come from: files, or the standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

use kolo_core::choreography::{Choreography, Manifest};
use kolo_kafka::Config;

use crate::failure::Failure;

/// The choreography of the manifests in these files; `-` is the standard input.
pub(super) fn choreography(
    files: &[PathBuf],
    _config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<Choreography, Failure> {
    let mut manifests = Vec::new();
    for file in files {
        let text = read(file)?;
        let found = Manifest::all_from_json(&text)
            .map_err(|error| Failure::input(format!("{}: {error}", name(file))))?;
        manifests.extend(found);
    }
    Ok(Choreography::from_manifests(manifests))
}

fn read(file: &Path) -> Result<String, Failure> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| Failure::input(format!("{} cannot be read: {error}", name(file))))
}

fn name(file: &Path) -> String {
    if file == Path::new("-") {
        "the standard input".into()
    } else {
        file.display().to_string()
    }
}
