//! Pieces of Markdown: names, links, cells.

use std::path::{Component, Path, PathBuf};

use crate::schema::project::short;

/// The page of an event, within the folder: `order/OrderCreated.md`.
pub(super) fn file(event: &str) -> PathBuf {
    let owner = event.rsplit_once('.').map_or("", |(names, _)| short(names));
    Path::new(owner).join(format!("{}.md", short(event)))
}

/// A link from one event's page to another one.
pub(super) fn link(event: &str) -> String {
    format!("[`{}`](../{})", short(event), slashes(&file(event)))
}

/// How one file is reached from the folder of another one.
pub(super) fn relative(from: &Path, to: &Path) -> Option<String> {
    let from = std::path::absolute(from).ok()?;
    let to = std::path::absolute(to).ok()?;
    let from: Vec<Component<'_>> = from.parent()?.components().collect();
    let to: Vec<Component<'_>> = to.components().collect();
    let same = from.iter().zip(&to).take_while(|(one, other)| one == other);
    let same = same.count();
    let up = from.len() - same;
    let mut path = PathBuf::new();
    path.extend(std::iter::repeat_n("..", up));
    path.extend(&to[same..]);
    Some(slashes(&path))
}

fn slashes(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Text in a cell of a table: on one line, and with no bar that would end it.
pub(super) fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace('|', "\\|").replace('<', "&lt;")
}
