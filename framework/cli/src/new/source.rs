//! Where the project's kolo comes from: a clone on this machine, or a repository.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::args::New;
use crate::failure::Failure;

/// The crates that a project depends on, and where they are in a clone.
pub(super) const KOLO: &[(&str, &str)] = &[
    ("kolo", "framework/kolo"),
    ("kolo-avro", "framework/avro"),
    ("kolo-broker", "framework/broker"),
    ("kolo-core", "framework/core"),
    ("kolo-testing", "framework/testing"),
];

/// What the project depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A clone, by its absolute path.
    Clone(PathBuf),
    /// A repository, at a commit or the newest of its default branch.
    Git { url: String, rev: Option<String> },
}

impl Source {
    /// What the arguments name, or else the clone that this command was built from.
    pub(super) fn find(args: &New) -> Result<Self, Failure> {
        match (&args.kolo_path, &args.kolo_git) {
            (_, Some(url)) => git(url, args.rev.as_deref()),
            (Some(folder), None) => named(folder),
            (None, None) => built_from(),
        }
    }

    /// The lines of `[workspace.dependencies]`.
    pub(super) fn dependencies(&self) -> String {
        let mut lines = match self {
            Source::Clone(_) => "\
                # A clone of kolo on this machine. Where others and CI are to build this, name a repository instead:\n\
                # { git = \"https://…\", rev = \"…\" }\n",
            Source::Git { rev: Some(_), .. } => "# kolo at one commit: change all of them together.\n",
            Source::Git { rev: None, .. } => "# Which commit it is stands in Cargo.lock.\n",
        }
        .to_owned();
        for (name, place) in KOLO {
            let from = match self {
                Source::Clone(folder) => {
                    format!("path = {}", toml(&folder.join(place).to_string_lossy()))
                }
                Source::Git { url, rev: None } => format!("git = {}", toml(url)),
                Source::Git {
                    url,
                    rev: Some(rev),
                } => format!("git = {}, rev = {}", toml(url), toml(rev)),
            };
            // Nothing can go wrong in writing to a text.
            let _ = writeln!(lines, "{name} = {{ {from} }}");
        }
        lines.trim_end().to_owned()
    }

    pub(super) fn json(&self) -> Value {
        match self {
            Source::Clone(folder) => json!({ "path": folder.to_string_lossy() }),
            Source::Git { url, rev } => json!({ "git": url, "rev": rev }),
        }
    }
}

fn git(url: &str, rev: Option<&str>) -> Result<Source, Failure> {
    let is_text = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    if !is_text(url) || !url.contains("://") {
        return Err(Failure::input(format!(
            "--kolo-git {url:?} is no URL that Cargo takes: write it as https://host/owner/repository, or \
             ssh://git@host/owner/repository"
        )));
    }
    if let Some(rev) = rev.filter(|rev| !is_text(rev)) {
        return Err(Failure::input(format!(
            "--rev {rev:?} names no commit: write its hash"
        )));
    }
    Ok(Source::Git {
        url: url.to_owned(),
        rev: rev.map(str::to_owned),
    })
}

fn named(folder: &Path) -> Result<Source, Failure> {
    if let Some(missing) = missing(folder) {
        return Err(Failure::input(format!(
            "--kolo-path {} is no clone of kolo: there is no {}",
            folder.display(),
            missing.display()
        )));
    }
    let whole = folder
        .canonicalize()
        .map_err(|error| Failure::run(format!("{} cannot be read: {error}", folder.display())))?;
    match whole.to_str() {
        Some(text) if !text.contains(char::is_control) => Ok(Source::Clone(whole)),
        _ => Err(Failure::input(format!(
            "the path {} cannot stand in a Cargo.toml: it is no plain text. Name a clone at another place",
            whole.display()
        ))),
    }
}

/// The clone that this command was built from. Cargo's own checkouts, from which `cargo install --git` builds, are none:
/// Cargo deletes them when it likes.
fn built_from() -> Result<Source, Failure> {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if missing(&clone).is_none() && !clone.join(".cargo-ok").exists() {
        return named(&clone);
    }
    Err(Failure::input(
        "the project needs kolo, which is in no registry yet, and there is no clone where this command was built. Name a \
         clone with --kolo-path DIR, or a repository with --kolo-git URL",
    ))
}

/// The first file of a clone that is not there.
fn missing(folder: &Path) -> Option<PathBuf> {
    let manifests = KOLO
        .iter()
        .map(|(_, place)| folder.join(place).join("Cargo.toml"));
    manifests.into_iter().find(|file| !file.is_file())
}

/// A text as TOML writes it: for text without control characters, a string of JSON is one of TOML.
fn toml(text: &str) -> Value {
    Value::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_named_by_each_crate() {
        let url = "https://example.org/kolo";
        let lines = git(url, Some("abc")).unwrap().dependencies();
        let named = r#"{ git = "https://example.org/kolo", rev = "abc" }"#;
        assert_eq!(lines.matches(named).count(), KOLO.len(), "{lines}");
    }

    #[test]
    fn a_path_is_written_so_that_toml_reads_it() {
        let source = Source::Clone(PathBuf::from("/a \"b\"\\c"));
        let lines = source.dependencies();
        assert!(
            lines.contains(r#"kolo = { path = "/a \"b\"\\c/framework/kolo" }"#),
            "{lines}"
        );
    }
}
