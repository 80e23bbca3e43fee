//! The working schemas against all that was published.

use crate::compat;
use crate::schema::published::{Published, Version};
use crate::schema::{Document, Named, SchemaError, Tree, TreeEvent, write};

/// What the working schemas break: each must read every published version and, if `full`, be readable by each of them.
/// With both, for all versions, any two builds understand each other.
pub(crate) fn errors(tree: &Tree, published: &Published, full: bool) -> Vec<SchemaError> {
    let mut errors = Vec::new();
    for (name, versions) in published.events() {
        match tree.events().find(|event| event.record.name == name) {
            Some(event) => {
                let working = tree.document(name);
                for version in versions {
                    compare(&event, &working, version, full, &mut errors);
                    golden(version, &mut errors);
                }
            }
            None => errors.push(SchemaError::in_file(
                &versions[0].file,
                "",
                format!("`{name}` was published, but no schema of an event is called so any more; restore it, or delete the published versions once no log holds its records"),
            )),
        }
    }
    errors
}

fn compare(
    event: &TreeEvent<'_>,
    working: &Document,
    version: &Version,
    full: bool,
    errors: &mut Vec<SchemaError>,
) {
    let (number, file) = (version.number, version.file.display());
    let mut wrong = |place: &str, problem: String| {
        errors.push(SchemaError::in_file(event.file, place, problem));
    };
    let backward = compat::check(working, &version.document);
    for found in &backward {
        wrong(
            "",
            format!(
                "{found}; records written with the published version {number} ({file}) could not be read any more"
            ),
        );
    }
    let forward = if full {
        compat::check(&version.document, working)
    } else {
        Vec::new()
    };
    for found in forward {
        wrong(
            "",
            format!(
                "{found}; programs that were built with the published version {number} ({file}) could not read new records"
            ),
        );
    }
    if backward.is_empty() {
        for (place, problem) in compat::meaning::check(working, &version.document) {
            wrong(
                &place,
                format!("{problem}; version {number} ({file}) was published"),
            );
        }
    }
    let Some(Named::Record(record)) = version.document.types.get(&event.record.name) else {
        return;
    };
    let Some(before) = &record.event else { return };
    let now = event.properties;
    let name = event.record.name.rsplit('.').next().unwrap_or_default();
    let none = "none".to_owned();
    let sagas = (
        before.saga.as_ref().unwrap_or(&none),
        now.saga.as_ref().unwrap_or(&none),
    );
    for (property, before, now) in [
        ("topic", &before.topic, &now.topic),
        ("key", &before.key, &now.key),
        ("saga", sagas.0, sagas.1),
    ] {
        if before != now {
            wrong(
                name,
                format!(
                    "the {property} of the published version {number} ({file}) is `{before}`, here it is `{now}`; where an event is found does not change: publish an event of another name"
                ),
            );
        }
    }
}

fn golden(version: &Version, errors: &mut Vec<SchemaError>) {
    for extension in ["bin", "json"] {
        let file = version.file.with_extension(extension);
        if !file.is_file() {
            errors.push(SchemaError::in_file(
                &file,
                "",
                "the golden sample of a published version is missing; publishing writes it",
            ));
        }
    }
}

/// Events whose working schema is no published version.
pub(super) fn unpublished(tree: &Tree, published: &Published) -> Vec<String> {
    tree.events()
        .filter(|event| {
            !is_published(
                &tree.document(&event.record.name),
                published.of(&event.record.name),
            )
        })
        .map(|event| event.record.name.clone())
        .collect()
}

/// Whether a version says the same, up to documentation.
pub(crate) fn is_published(working: &Document, versions: &[Version]) -> bool {
    let text = |document: &Document| {
        let document = document.without_docs();
        write::text(&document.root, &document.types)
    };
    let working = text(working);
    versions
        .iter()
        .any(|version| text(&version.document) == working)
}
