//! What an export that was cut short has left: segments that the manifest does not name yet.

use std::fs::OpenOptions;
use std::path::Path;

use crate::backup::{
    Blocks, Manifest, Segment, Tail, blocks_file, cannot, durable_end, no_list, segment_file,
    segments_in, sum_of,
};
use crate::failure::Failure;

/// Cuts off what was not durable, closes what is, and looks whether the closed segments are there.
pub(super) fn close_leftovers(
    folder: &Path,
    manifest: &mut Manifest,
) -> Result<Vec<Tail>, Failure> {
    let mut tails = Vec::new();
    let mut changed = false;
    for segment in &manifest.segments {
        still_there(folder, segment)?;
    }
    for (partition, mut reach) in manifest.reaches().collect::<Vec<_>>() {
        let known: Vec<i64> = manifest
            .segments_of(partition)
            .map(|segment| segment.first)
            .collect();
        for first in segments_in(folder, partition)? {
            if known.contains(&first) {
                continue;
            }
            let path = segment_file(folder, partition, first);
            if first < reach.next {
                return Err(Failure::run(format!(
                    "{} is not in the manifest, which has everything up to offset {} in other segments: it does not belong here. Move it away.",
                    path.display(),
                    reach.next - 1
                )));
            }
            let closed = close(&path, partition, first, &mut tails)?;
            changed = true;
            if let Some(segment) = closed {
                reach.next = segment.last + 1;
                manifest.segments.push(segment);
            }
        }
        let at = usize::try_from(partition).unwrap_or_default();
        manifest.partitions[at] = reach;
    }
    if changed {
        manifest.write(folder)?;
    }
    Ok(tails)
}

/// A cheap look; `kolo verify-export` compares the sums as well.
fn still_there(folder: &Path, segment: &Segment) -> Result<(), Failure> {
    let path = segment_file(folder, segment.partition, segment.first);
    let found = path.metadata().map_or(0, |metadata| metadata.len());
    if found == segment.bytes {
        return Ok(());
    }
    Err(Failure::run(format!(
        "{} has {found} bytes, and the manifest names {}: offsets {} to {} are missing in part or wholly. Take it from another copy of this backup; `kolo verify-export {}` checks all of it.",
        path.display(),
        segment.bytes,
        segment.first,
        segment.last,
        folder.display()
    )))
}

/// Closes one leftover; none where nothing of it was durable.
fn close(
    path: &Path,
    partition: i32,
    first: i64,
    tails: &mut Vec<Tail>,
) -> Result<Option<Segment>, Failure> {
    let list = blocks_file(path);
    let blocks = Blocks::read(&list)?.ok_or_else(|| no_list(path))?;
    let end = durable_end(path, &blocks)?;
    let file = OpenOptions::new().write(true).open(path);
    let file = file.map_err(|error| cannot("write", path, &error))?;
    let len = file
        .metadata()
        .map_err(|error| cannot("read", path, &error))?
        .len();
    if len > end {
        tails.push(Tail {
            file: path.display().to_string(),
            bytes: len - end,
        });
    }
    let Some(last) = blocks.last() else {
        // In this order: a list without its segment says nothing.
        for path in [path, &list] {
            std::fs::remove_file(path).map_err(|error| cannot("remove", path, &error))?;
        }
        return Ok(None);
    };
    file.set_len(end)
        .and_then(|()| file.sync_all())
        .map_err(|error| cannot("cut", path, &error))?;
    let (bytes, sha256) = sum_of(path)?;
    Ok(Some(Segment {
        partition,
        first,
        last: last.last,
        records: blocks.iter().map(|block| block.records).sum(),
        bytes,
        sha256,
    }))
}
