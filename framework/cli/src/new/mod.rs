//! `kolo new`: a project to start from, which compiles, passes its tests and runs.
//!
//! # Layout
//! - `name`: what a project may be called
//! - `source`: where the project's kolo comes from
//! - `template`: the files, which stand in the folder `template` of this crate
//! - `draft`: a directory that appears whole or not at all

mod draft;
mod name;
mod source;
mod template;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::args::New;
use crate::failure::Failure;
use crate::terminal::{DIM, PLACE, note, paint};

use draft::Draft;
use name::Name;
use source::Source;

pub(crate) fn run(args: &New) -> Result<(), Failure> {
    let name = Name::parse(&args.name)?;
    let source = Source::find(args)?;
    let shown = args.dir.clone().unwrap_or_else(|| name.as_str().into());
    let draft = Draft::begin(&shown)?;
    let mut files = Vec::new();
    for file in template::FILES {
        draft.write(file.path(), &file.text(&name, &source))?;
        files.push(PathBuf::from(file.path()));
    }
    files.extend(publish_schemas(&draft)?);
    let project = draft.finish()?;
    if args.json {
        show_json(&project, &name, &source, &files)
    } else {
        show(&project, &shown, &name, &source, files.len())
    }
}

/// The first version of each schema, with its golden sample: made, and not kept as a copy in the template.
fn publish_schemas(draft: &Draft) -> Result<Vec<PathBuf>, Failure> {
    let folder = draft.folder().join("schemas");
    let published = kolo_avro::publish::publish(&folder.join("avro"), &folder.join("published"))
        .map_err(|errors| {
            Failure::run(format!(
                "the schemas of the project cannot be published: {errors}"
            ))
        })?;
    let files = published.iter().flat_map(|version| {
        ["avsc", "bin", "json"].map(|extension| version.file.with_extension(extension))
    });
    let within = |file: PathBuf| match file.strip_prefix(draft.folder()) {
        Ok(within) => within.to_owned(),
        Err(_) => file,
    };
    Ok(files.map(within).collect())
}

fn show(
    project: &Path,
    shown: &Path,
    name: &Name,
    source: &Source,
    files: usize,
) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let at = paint(PLACE, project.display());
    writeln!(
        out,
        "Made {at} with two services, their schemas and tests: {files} files. README.md shows what to do with it.\n"
    )?;
    writeln!(out, "  cd {}", quoted(&shown.to_string_lossy()))?;
    let run = format!("cargo run -p {name}");
    let width = run.len();
    for (command, remark) in [
        (
            "cargo test",
            "# the first build takes minutes: librdkafka is compiled, from C",
        ),
        (&run, "# three trips, and how each of them ends"),
    ] {
        writeln!(out, "  {command:width$}  {}", paint(DIM, remark))?;
    }
    out.flush()?;
    if let Source::Clone(folder) = source {
        note(&format!(
            "it depends on the kolo in {}, which no other machine has; for CI and others, name a repository with --kolo-git",
            folder.display()
        ));
    }
    Ok(())
}

fn show_json(
    project: &Path,
    name: &Name,
    source: &Source,
    files: &[PathBuf],
) -> Result<(), Failure> {
    let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
    let made = json!({
        "project": project.to_string_lossy(),
        "name": name.as_str(),
        "kolo": source.json(),
        "files": files,
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{made}")?;
    out.flush()?;
    Ok(())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./".contains(char);
    if !word.starts_with('-') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("-- '{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("../my-shop"), "../my-shop");
        assert_eq!(quoted("it's my shop"), "-- 'it'\\''s my shop'");
        assert_eq!(quoted("-shop"), "-- '-shop'");
    }
}
