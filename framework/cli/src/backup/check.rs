//! Whether a backup is whole: sums, order, and the manifest against the files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::files::{blocks_file, cannot, segment_file, segments_in, sum_of};
use super::manifest::{Manifest, Segment};
use super::read::{Part, read};
use super::record::Record;
use super::{Block, Blocks};
use crate::failure::Failure;

/// What lies behind the durable part of an open segment: a write that was cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) file: String,
    pub(crate) bytes: u64,
}

/// What was found in one topic's folder.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// What can be read, in the order of partitions and offsets.
    pub(crate) parts: Vec<Part>,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) tails: Vec<Tail>,
    /// What is damaged, and where.
    pub(crate) problems: Vec<String>,
}

/// Reads everything, and hands each record to `visit`. All damage is gathered; only what `visit` finds ends it.
pub(crate) fn check(
    folder: &Path,
    manifest: &Manifest,
    mut visit: impl FnMut(&Record) -> Result<(), Failure>,
    mut progress: impl FnMut(u64),
) -> Result<Checked, Failure> {
    let mut checked = Checked::default();
    for (partition, reach) in manifest.reaches() {
        let closed: Vec<&Segment> = manifest.segments_of(partition).collect();
        let mut firsts = segments_in(folder, partition)?;
        firsts.extend(closed.iter().map(|segment| segment.first));
        firsts.sort_unstable();
        firsts.dedup();
        let mut next = reach.first;
        for first in firsts {
            let path = segment_file(folder, partition, first);
            let segment = closed.iter().find(|segment| segment.first == first);
            let part = match segment {
                Some(segment) => closed_part(&path, segment).map(Some),
                None => open_part(&path, partition, first, &mut checked.tails),
            };
            let part = match part {
                Ok(None) => continue,
                Ok(Some(part)) => part,
                Err(failure) => {
                    checked
                        .problems
                        .extend(failure.message().map(str::to_owned));
                    continue;
                }
            };
            if part.first < next {
                checked.problems.push(format!(
                    "{} begins at offset {}, though the segments before it go up to offset {}: a file that does not belong here.",
                    path.display(),
                    part.first,
                    next - 1
                ));
                continue;
            }
            next = part.last + 1;
            match records_of(&part, &mut visit) {
                Ok(()) => {}
                Err(Stop::Damage(problem)) => checked.problems.push(problem),
                Err(Stop::Visit(failure)) => return Err(failure),
            }
            progress(part.bytes);
            checked.records += part.records;
            checked.bytes += part.bytes;
            checked.parts.push(part);
        }
    }
    Ok(checked)
}

enum Stop {
    Damage(String),
    Visit(Failure),
}

fn records_of(
    part: &Part,
    visit: &mut impl FnMut(&Record) -> Result<(), Failure>,
) -> Result<(), Stop> {
    let damage =
        |failure: Failure| Stop::Damage(failure.message().unwrap_or("unreadable").to_owned());
    for record in read(part).map_err(damage)? {
        visit(&record.map_err(damage)?).map_err(Stop::Visit)?;
    }
    Ok(())
}

fn closed_part(path: &Path, segment: &Segment) -> Result<Part, Failure> {
    let (bytes, sha256) = sum_of(path)?;
    if bytes != segment.bytes || sha256 != segment.sha256 {
        // The list says where; if that is of no help either, the whole segment is in doubt.
        let blocks = Blocks::read(&blocks_file(path)).ok().flatten();
        let found = blocks.map(|blocks| durable_end(path, &blocks));
        return Err(match found {
            Some(Err(damage)) => damage,
            _ => Failure::run(format!(
                "{} is damaged: it has {bytes} bytes with SHA-256 {sha256}, and the manifest names {} bytes with {}. Its offsets {} to {} cannot be relied on: take it from another copy of this backup.",
                path.display(),
                segment.bytes,
                segment.sha256,
                segment.first,
                segment.last
            )),
        });
    }
    Ok(Part {
        path: path.to_owned(),
        partition: segment.partition,
        first: segment.first,
        last: segment.last,
        records: segment.records,
        bytes,
    })
}

/// The durable part of an open segment, if there is any.
fn open_part(
    path: &Path,
    partition: i32,
    first: i64,
    tails: &mut Vec<Tail>,
) -> Result<Option<Part>, Failure> {
    let Some(blocks) = Blocks::read(&blocks_file(path))? else {
        return Err(no_list(path));
    };
    let end = durable_end(path, &blocks)?;
    let len = path
        .metadata()
        .map_err(|error| cannot("read", path, &error))?
        .len();
    if len > end {
        tails.push(Tail {
            file: path.display().to_string(),
            bytes: len - end,
        });
    }
    Ok(blocks.last().map(|block| Part {
        path: path.to_owned(),
        partition,
        first,
        last: block.last,
        records: blocks.iter().map(|block| block.records).sum(),
        bytes: end,
    }))
}

/// A segment of which nobody can say what is whole.
pub(crate) fn no_list(path: &Path) -> Failure {
    Failure::run(format!(
        "{} is an open segment without its list of blocks, {}: how much of it is whole cannot be told. Take both from another copy, or remove it: the next export begins again where the segment before it ends.",
        path.display(),
        blocks_file(path)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
    ))
}

/// Where the blocks that a list names end; all of them must be there and whole.
pub(crate) fn durable_end(path: &Path, blocks: &[Block]) -> Result<u64, Failure> {
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    let mut file = BufReader::with_capacity(1 << 18, file);
    let mut begin = 0;
    let mut buffer = Vec::new();
    for block in blocks {
        let damaged = |what: String| {
            Failure::run(format!(
                "{} is damaged at bytes {begin} to {}, which hold {} records, offsets {} to {}: {what}. Take it from another copy of this backup, or export these offsets again into another directory while the topic has them.",
                path.display(),
                block.end,
                block.records,
                block.first,
                block.last
            ))
        };
        let size = block
            .end
            .checked_sub(begin)
            .ok_or_else(|| damaged("the block would end before it begins".to_owned()))?;
        buffer.clear();
        let read = (&mut file)
            .take(size)
            .read_to_end(&mut buffer)
            .map_err(|error| damaged(error.to_string()))?;
        if (read as u64) < size {
            return Err(damaged(format!(
                "the file ends at byte {}",
                begin + read as u64
            )));
        }
        if crc32c::crc32c(&buffer) != block.crc {
            return Err(damaged(
                "the bytes are not those that were written".to_owned(),
            ));
        }
        begin = block.end;
    }
    Ok(begin)
}
