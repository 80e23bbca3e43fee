//! `kolo verify-export`: whether a backup is whole. No broker is needed.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::args::VerifyExport;
use crate::backup::{Checked, MANIFEST, Manifest, cannot, check};
use crate::failure::Failure;
use crate::terminal::{DIM, PLACE, WRONG, is_watched, note, paint};

pub(crate) fn run(args: &VerifyExport) -> Result<(), Failure> {
    let folders = folders(&args.dir)?;
    let mut rows = Vec::new();
    for folder in folders {
        let manifest = Manifest::read(&folder)?.ok_or_else(|| not_a_backup(&folder))?;
        let bar = progress(&manifest, args.json);
        let checked = check(&folder, &manifest, |_| Ok(()), |bytes| bar.inc(bytes))?;
        bar.finish_and_clear();
        rows.push((folder, manifest, checked));
    }
    show(args, &rows)?;
    let problems: usize = rows
        .iter()
        .map(|(_, _, checked)| checked.problems.len())
        .sum();
    if problems == 0 {
        return Ok(());
    }
    let all = rows.iter().flat_map(|(_, _, checked)| &checked.problems);
    let all: Vec<String> = all.map(|problem| format!("\n  {problem}")).collect();
    Err(Failure::run(format!(
        "the backup is damaged in {problems} {}:{}",
        if problems == 1 { "place" } else { "places" },
        all.concat()
    )))
}

/// One topic's folder, or those of all topics in a directory; never none.
pub(crate) fn folders(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    if dir.join(MANIFEST).exists() {
        return Ok(vec![dir.to_owned()]);
    }
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing(dir)),
        Err(error) => return Err(cannot("read", dir, &error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| cannot("read", dir, &error))?.path();
        if path.join(MANIFEST).exists() {
            folders.push(path);
        }
    }
    if folders.is_empty() {
        return Err(not_a_backup(dir));
    }
    folders.sort();
    Ok(folders)
}

pub(crate) fn missing(dir: &Path) -> Failure {
    Failure::input(format!(
        "there is no directory {}. Name the one that `kolo export --to` was given, or a topic's folder in it.",
        dir.display()
    ))
}

fn not_a_backup(dir: &Path) -> Failure {
    Failure::input(format!(
        "{} is not a backup: there is no {MANIFEST} in it. Name the directory that `kolo export --to` was given, or a topic's folder in it.",
        dir.display()
    ))
}

/// Progress over what the manifest names.
pub(crate) fn progress(manifest: &Manifest, hidden: bool) -> ProgressBar {
    if hidden || !is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(manifest.segments.iter().map(|segment| segment.bytes).sum());
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} checked, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}

fn show(args: &VerifyExport, rows: &[(PathBuf, Manifest, Checked)]) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    for (folder, manifest, checked) in rows {
        if args.json {
            writeln!(out, "{}", row(folder, manifest, checked))?;
            continue;
        }
        let word = if checked.problems.is_empty() {
            "whole".to_owned()
        } else {
            paint(WRONG, "damaged")
        };
        writeln!(
            out,
            "{} {word}: {} records in {} segments, {} {}",
            paint(PLACE, &manifest.topic),
            checked.records,
            checked.parts.len(),
            HumanBytes(checked.bytes),
            paint(DIM, format!("in {}", folder.display()))
        )?;
        for hole in &manifest.holes {
            writeln!(
                out,
                "  a hole in [{}]: offsets {} to {} were gone",
                hole.partition,
                hole.from,
                hole.until - 1
            )?;
        }
        for tail in &checked.tails {
            note(&format!(
                "{}: {} bytes at its end are of a write that is under way or was cut short; the next export cuts them off.",
                tail.file, tail.bytes
            ));
        }
    }
    out.flush()?;
    Ok(())
}

fn row(folder: &Path, manifest: &Manifest, checked: &Checked) -> Value {
    let partitions: Vec<Value> = manifest
        .reaches()
        .map(|(partition, reach)| {
            let parts = checked.parts.iter();
            let parts = parts.filter(|part| part.partition == partition);
            let next = parts.map(|part| part.last + 1).max();
            json!({
                "partition": partition, "first": reach.first, "next": reach.next.max(next.unwrap_or(0)),
            })
        })
        .collect();
    json!({
        "topic": manifest.topic,
        "dir": folder.display().to_string(),
        "whole": checked.problems.is_empty(),
        "records": checked.records,
        "segments": checked.parts.len(),
        "bytes": checked.bytes,
        "partitions": partitions,
        "holes": manifest.holes,
        "problems": checked.problems,
        "unfinished_bytes": checked.tails.iter().map(|tail| tail.bytes).sum::<u64>(),
    })
}
