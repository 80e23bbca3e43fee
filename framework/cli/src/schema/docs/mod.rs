//! `kolo schema docs`: a Markdown page for each event, and an index.
//!
//! The pages name functions and files, but no lines, so that they change when the language or the choreography does.

mod index;
mod page;
mod text;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::graph::Services;
use super::project::Project;
use super::{count, print_json};
use crate::failure::Failure;
use crate::terminal::{PLACE, paint};

/// The first line of each page, by which a page that was made is told from one that somebody wrote.
const MADE: &str = "<!-- made by `kolo schema docs` -->";

pub(super) fn run(
    project: &Project,
    services: &Services,
    to: &Path,
    check: bool,
    json: bool,
) -> Result<(), Failure> {
    let pages = pages(project, services, to);
    let stale: Vec<&PathBuf> = pages
        .iter()
        .filter(|(file, text)| std::fs::read_to_string(to.join(file)).ok().as_ref() != Some(*text))
        .map(|(file, _)| file)
        .collect();
    let gone = gone(to, &pages)?;
    if json {
        print_json(&json!({
            "to": to,
            "pages": pages.keys().collect::<Vec<_>>(),
            "stale": stale,
            "gone": gone,
            "written": !check,
        }))?;
    }
    if check {
        return verdict(to, &stale, &gone);
    }
    for file in &stale {
        write(&to.join(file), &pages[*file])?;
    }
    for file in &gone {
        let file = to.join(file);
        std::fs::remove_file(&file).map_err(|error| failed("removed", &file, &error))?;
    }
    if !json {
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "{} in {}: {} written, {} removed",
            count(pages.len(), "page"),
            paint(PLACE, to.display()),
            stale.len(),
            gone.len()
        )?;
    }
    Ok(())
}

/// The pages by their file within the folder.
fn pages(project: &Project, services: &Services, to: &Path) -> BTreeMap<PathBuf, String> {
    let mut pages = BTreeMap::new();
    for event in project.events() {
        let file = text::file(event.name());
        let text = page::text(project, &event, services, &to.join(&file));
        pages.insert(file, format!("{MADE}\n\n{text}"));
    }
    let index = index::text(project, services);
    pages.insert(PathBuf::from("README.md"), format!("{MADE}\n\n{index}"));
    pages
}

fn verdict(to: &Path, stale: &[&PathBuf], gone: &[PathBuf]) -> Result<(), Failure> {
    let mut wrong: Vec<String> = stale
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    wrong.extend(
        gone.iter()
            .map(|file| format!("{} (of no event)", file.display())),
    );
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::run(format!(
        "{} stale in {}, and not what the schemas and manifests say: {}. The same command without --check writes them anew.",
        match wrong.len() {
            1 => "1 page is".to_owned(),
            many => format!("{many} pages are"),
        },
        to.display(),
        wrong.join(", ")
    )))
}

/// Pages in the folder that were made before and are none any more.
fn gone(to: &Path, pages: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>, Failure> {
    let mut gone = Vec::new();
    let owners = entries(to)?.into_iter().filter(|path| path.is_dir());
    for owner in owners {
        for file in entries(&owner)? {
            let within = file.strip_prefix(to).unwrap_or(&file).to_owned();
            let is_page = file.extension().is_some_and(|end| end == "md");
            let made = || std::fs::read_to_string(&file).is_ok_and(|text| text.starts_with(MADE));
            if is_page && !pages.contains_key(&within) && made() {
                gone.push(within);
            }
        }
    }
    Ok(gone)
}

/// What is in a folder, sorted; nothing in one that does not exist.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let read = std::fs::read_dir(folder).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<Result<Vec<PathBuf>, _>>()
    });
    let mut paths = read.map_err(|error| failed("read", folder, &error))?;
    paths.sort();
    Ok(paths)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder).map_err(|error| failed("made", folder, &error))?;
    std::fs::write(file, text).map_err(|error| failed("written", file, &error))
}

fn failed(what: &str, file: &Path, error: &std::io::Error) -> Failure {
    Failure::run(format!("{} cannot be {what}: {error}", file.display()))
}
