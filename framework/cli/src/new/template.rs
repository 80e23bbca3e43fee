//! The files of a new project. They stand in the folder `template`, under the paths that they will have.
//!
//! Two texts are filled in: `{{name}}`, the project's name, and `{{kolo}}`, where its kolo comes from.
//! What Cargo and git would take for their own there, such as a `Cargo.toml`, has `.in` behind its name.

use super::name::Name;
use super::source::Source;

/// One file of the template.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    source: &'static str,
    text: &'static str,
}

impl File {
    /// Where it will be, below the project's directory.
    pub(super) fn path(&self) -> &'static str {
        self.source.strip_suffix(".in").unwrap_or(self.source)
    }

    /// What it will hold in this project.
    pub(super) fn text(&self, name: &Name, source: &Source) -> String {
        self.text
            .replace("{{name}}", name.as_str())
            .replace("{{kolo}}", &source.dependencies())
    }
}

/// Crates that the project has or depends on, beside the one that has its name.
pub(super) const CRATES: &[&str] = &[
    "flight",
    "hotel",
    "kolo",
    "kolo-avro",
    "kolo-broker",
    "kolo-core",
    "kolo-testing",
    "rdkafka",
    "schemas",
];

macro_rules! files {
    ($($source:literal),* $(,)?) => {
        &[$(File { source: $source, text: include_str!(concat!("../../template/", $source)) }),*]
    };
}

pub(super) const FILES: &[File] = files![
    ".github/workflows/ci.yml",
    ".gitignore.in",
    "Cargo.toml.in",
    "README.md",
    "clippy.toml",
    "rust-toolchain.toml",
    "flight/Cargo.toml.in",
    "flight/src/lib.rs",
    "flight/src/main.rs",
    "flight/tests/spec.rs",
    "hotel/Cargo.toml.in",
    "hotel/src/lib.rs",
    "hotel/src/main.rs",
    "hotel/tests/spec.rs",
    "schemas/Cargo.toml.in",
    "schemas/build.rs",
    "schemas/avro/flight/SeatsHeld.avsc",
    "schemas/avro/flight/SeatsLapsed.avsc",
    "schemas/avro/flight/SeatsRefused.avsc",
    "schemas/avro/flight/SeatsReleased.avsc",
    "schemas/avro/flight/TicketsIssued.avsc",
    "schemas/avro/hotel/RoomBooked.avsc",
    "schemas/avro/hotel/RoomCancelled.avsc",
    "schemas/avro/hotel/RoomRefused.avsc",
    "schemas/avro/trip/TripRequested.avsc",
    "schemas/src/lib.rs",
    "together/Cargo.toml.in",
    "together/src/main.rs",
    "together/src/trips.rs",
    "together/tests/choreography.rs",
    "together/tests/simulation.rs",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// All files below a folder, by their paths below it.
    fn files_below(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path, root, found);
            } else {
                let within = path.strip_prefix(root).unwrap();
                found.push(within.to_string_lossy().into_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_project() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("template");
        let (mut there, mut listed) = (Vec::new(), Vec::new());
        files_below(&root, &root, &mut there);
        listed.extend(FILES.iter().map(|file| file.source.to_owned()));
        there.sort();
        listed.sort();
        assert_eq!(listed, there);
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let name = Name::parse("my-shop").unwrap();
        let source = Source::Clone("/kolo".into());
        for file in FILES {
            let text = file.text(&name, &source);
            assert!(!text.contains("{{"), "{}", file.path());
        }
    }
}
