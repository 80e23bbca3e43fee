//! Publishing: a version of a schema, and a golden sample written with it, put beside those before it for good.

mod sample;

use std::path::{Path, PathBuf};

use crate::codec::{Reader, frame};
use crate::dynamic::{decode_json, encode_json};
use crate::generate::verify;
use crate::schema::published::Published;
use crate::schema::{Document, SchemaError, SchemaErrors, Tree, TreeEvent, write};

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
    let tree = Tree::load(schemas)?;
    let known = Published::load(published)?;
    let errors = verify::errors(&tree, &known, false);
    if !errors.is_empty() {
        return Err(SchemaErrors(errors));
    }
    let mut new = Vec::new();
    for event in tree.events() {
        let versions = known.of(&event.record.name);
        if !verify::is_published(&tree.document(&event.record.name), versions) {
            let number = versions.last().map_or(1, |last| last.number + 1);
            new.push(put(&tree, &event, published, number)?);
        }
    }
    Ok(new)
}

fn put(
    tree: &Tree,
    event: &TreeEvent<'_>,
    published: &Path,
    number: u32,
) -> Result<NewVersion, SchemaErrors> {
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
    let json = decode_json(&mut reader, &document.root, &document.types)
        .map_err(|fault| broken(format!("its sample cannot be read back: {fault}")))?;

    let file = published
        .join(owner)
        .join(short)
        .join(format!("{number}.avsc"));
    let folder = file.parent().unwrap_or(published);
    std::fs::create_dir_all(folder).map_err(|error| {
        SchemaError::in_file(folder, "", format!("cannot make this folder: {error}"))
    })?;
    let contents = [
        ("avsc", text.into_bytes()),
        ("bin", sample),
        ("json", format!("{json:#}\n").into_bytes()),
    ];
    for (extension, bytes) in contents {
        let file = file.with_extension(extension);
        std::fs::write(&file, bytes).map_err(|error| {
            SchemaError::in_file(&file, "", format!("cannot write it: {error}"))
        })?;
    }
    Ok(NewVersion {
        event: name.clone(),
        number,
        file,
    })
}
