//! Publishing: a version of a schema, and a golden sample written with it, put beside those before it for good.

mod sample;

use std::path::{Path, PathBuf};

use crate::codec::{Reader, frame};
use crate::dynamic::{Shown, decode_json, encode_json};
use crate::schema::published::Published;
use crate::schema::{Document, SchemaError, SchemaErrors, Tree, TreeEvent, write};
use crate::versions::{self, Mode, State};

/// A version that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// Full name of the event.
    pub event: String,
    /// 1 is the first.
    pub number: u32,
    /// The schema; the golden sample has the same name with `.bin` and `.json`.
    pub file: PathBuf,
}

/// Publishes each event below `schemas` that differs (in more than documentation) from its versions below `published`.
///
/// What was published is never changed. Keep it under version control with the schemas.
///
/// # Errors
/// When a schema is not compatible with what was published, or a file cannot be written.
pub fn publish(schemas: &Path, published: &Path) -> Result<Vec<NewVersion>, SchemaErrors> {
    publish_some(schemas, published, |_| true)
}

/// [`publish`] of those events alone that `wanted` picks by their full names; others may be anything.
///
/// # Errors
/// When a picked schema is not compatible with what was published, or a file cannot be written.
pub fn publish_some(
    schemas: &Path,
    published: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<NewVersion>, SchemaErrors> {
    let drafts = drafts(schemas, published, wanted)?;
    drafts.into_iter().map(Draft::write).collect()
}

/// What [`publish_some`] would publish, made and checked, and not written.
///
/// # Errors
/// When a picked schema is not compatible with what was published.
pub fn plan(
    schemas: &Path,
    published: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<NewVersion>, SchemaErrors> {
    let drafts = drafts(schemas, published, wanted)?;
    Ok(drafts.into_iter().map(|draft| draft.version).collect())
}

/// A version before it is written.
struct Draft {
    version: NewVersion,
    /// By their extensions, in the order in which they are written.
    contents: [(&'static str, Vec<u8>); 3],
}

fn drafts(
    schemas: &Path,
    published: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Draft>, SchemaErrors> {
    let tree = Tree::load(schemas)?;
    let known = Published::load(published)?;
    let broken = versions::check(&tree, &known, Mode::Backward, true);
    let errors: Vec<SchemaError> = broken
        .into_iter()
        .filter(|broken| wanted(&broken.event))
        .map(|broken| broken.error)
        .collect();
    if !errors.is_empty() {
        return Err(SchemaErrors(errors));
    }
    let mut drafts = Vec::new();
    for event in tree.events().filter(|event| wanted(&event.record.name)) {
        let number = match versions::state(&tree, &known, &event.record.name) {
            State::Published { .. } => continue,
            State::Changed { newest } => newest + 1,
            State::New => 1,
        };
        drafts.push(draft(&tree, &event, published, number)?);
    }
    Ok(drafts)
}

fn draft(
    tree: &Tree,
    event: &TreeEvent<'_>,
    published: &Path,
    number: u32,
) -> Result<Draft, SchemaErrors> {
    let name = &event.record.name;
    let mut parts = name.rsplit('.');
    let (short, owner) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let document = tree.document(name);
    let text = write::text(&document.root, &document.types);
    // The sample is made with the text that is published, not with what it came from.
    let document = Document::parse(&text)?;

    let mut sample = frame::frame(event.fingerprint).to_vec();
    let broken = |problem: String| SchemaError::in_file(event.file, short, problem);
    encode_json(
        &sample::of(&document),
        &document.root,
        &document.types,
        short,
        &mut sample,
    )
    .map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        broken(format!("no sample could be made: {}", problems.join("; ")))
    })?;
    let mut reader = Reader::new(&sample, frame::FRAME_BYTES);
    let json = decode_json(&mut reader, &document.root, &document.types, Shown::Whole)
        .map_err(|fault| broken(format!("its sample cannot be read back: {fault}")))?;

    let file = published
        .join(owner)
        .join(short)
        .join(format!("{number}.avsc"));
    Ok(Draft {
        version: NewVersion {
            event: name.clone(),
            number,
            file,
        },
        contents: [
            ("bin", sample),
            ("json", format!("{json:#}\n").into_bytes()),
            // Last: with it the version is published, and its sample is there.
            ("avsc", text.into_bytes()),
        ],
    })
}

impl Draft {
    fn write(self) -> Result<NewVersion, SchemaErrors> {
        let file = &self.version.file;
        let folder = file.parent().unwrap_or(file);
        std::fs::create_dir_all(folder).map_err(|error| {
            SchemaError::in_file(folder, "", format!("cannot make this folder: {error}"))
        })?;
        for (extension, bytes) in self.contents {
            let file = file.with_extension(extension);
            std::fs::write(&file, bytes).map_err(|error| {
                SchemaError::in_file(&file, "", format!("cannot write it: {error}"))
            })?;
        }
        Ok(self.version)
    }
}
