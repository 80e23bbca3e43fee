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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kolo_core::TopicId;

    use super::*;
    use crate::backup::{OpenSegment, Part, Reach, Record, TimestampType, read};

    const RECORDS: i64 = 5;

    fn record(offset: i64) -> Record {
        Record {
            partition: 0,
            offset,
            timestamp: None,
            timestamp_type: TimestampType::None,
            key: None,
            value: Some(format!("value {offset}").into_bytes()),
            headers: Vec::new(),
        }
    }

    /// A segment of five blocks that nobody closed: its bytes, and its list's.
    fn left() -> (Vec<u8>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let mut open = OpenSegment::create(folder.path(), 0, 0).unwrap();
        for offset in 0..RECORDS {
            open.append(&record(offset)).unwrap();
            open.sync().unwrap();
        }
        let path = segment_file(folder.path(), 0, 0);
        let list = std::fs::read(blocks_file(&path)).unwrap();
        (std::fs::read(&path).unwrap(), list)
    }

    /// What the next run makes of such a segment.
    fn resumed(segment: &[u8], list: &[u8]) -> Result<(i64, u64), Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = segment_file(folder.path(), 0, 0);
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, segment).unwrap();
        std::fs::write(blocks_file(&path), list).unwrap();
        let id = TopicId(uuid::Uuid::from_u128(1));
        let mut manifest = Manifest::new("orders", id, BTreeMap::new());
        manifest.partitions.push(Reach { first: 0, next: 0 });
        close_leftovers(folder.path(), &mut manifest)?;
        assert_eq!(Manifest::read(folder.path())?.as_ref(), Some(&manifest));
        let next = manifest.partitions[0].next;
        let mut offsets = Vec::new();
        for segment in &manifest.segments {
            let part = Part {
                path: path.clone(),
                partition: 0,
                first: segment.first,
                last: segment.last,
                records: segment.records,
                bytes: segment.bytes,
            };
            for found in read(&part)? {
                offsets.push(found?.offset);
            }
        }
        assert_eq!(offsets, (0..next).collect::<Vec<_>>());
        // The next segment begins where this one ends, and is in nobody's way.
        OpenSegment::create(folder.path(), 0, next)?;
        Ok((next, manifest.segments.iter().map(|one| one.bytes).sum()))
    }

    #[test]
    fn wherever_the_list_was_cut_short_its_whole_lines_count() {
        let (segment, list) = left();
        for cut in 0..=list.len() {
            let lines = list[..cut].iter().filter(|&&byte| byte == b'\n').count();
            let (next, _) = resumed(&segment, &list[..cut]).unwrap();
            assert_eq!(usize::try_from(next).unwrap(), lines, "cut at {cut}");
        }
    }

    #[test]
    fn whatever_stands_behind_the_last_block_of_the_list_is_cut_off() {
        let (segment, list) = left();
        let (whole, bytes) = resumed(&segment, &list).unwrap();
        assert_eq!((whole, bytes), (RECORDS, segment.len() as u64));
        for tail in [
            &[0; 5_000][..],
            b"x",
            &segment[..],
            &segment[segment.len() - 30..],
        ] {
            let longer = [&segment[..], tail].concat();
            assert_eq!(resumed(&longer, &list).unwrap(), (whole, bytes));
        }
    }

    #[test]
    fn where_the_segment_has_less_than_the_list_names_it_is_damaged() {
        let (segment, list) = left();
        for cut in 0..segment.len() {
            let failure = resumed(&segment[..cut], &list).unwrap_err();
            let message = failure.message().unwrap();
            assert!(
                message.contains(&format!("ends at byte {cut}")),
                "{message}"
            );
        }
    }
}
