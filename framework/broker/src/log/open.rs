//! Opening a log in a directory: what an interrupted change left behind is finished or undone, and a torn tail cut off.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::checkpoint::Checkpoint;
use super::disk::{DiskSegment, log_path};
use super::files::{At, Files};
use super::index::{Index, Target};
use super::scan::{From, recover};
use super::segment::Segment;
use super::writer::millis;
use super::{LogConfig, LogError};
use crate::producers::Producers;

/// A log as it was found.
#[derive(Debug)]
pub(super) struct Opened {
    /// In order; the last one is `active`.
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) active: Arc<Segment>,
    /// Timestamp of its first batch.
    pub(super) active_since: Option<i64>,
    /// Up to here the last checkpoint covers it.
    pub(super) saved_position: u64,
    pub(super) start_offset: i64,
    pub(super) next_offset: i64,
    pub(super) compacted_to: i64,
    pub(super) producers: Producers,
}

impl Opened {
    /// A new log.
    pub(super) fn empty(first: Segment) -> Self {
        let active = Arc::new(first);
        Self {
            segments: vec![Arc::clone(&active)],
            active,
            active_since: None,
            saved_position: 0,
            start_offset: 0,
            next_offset: 0,
            compacted_to: 0,
            producers: Producers::default(),
        }
    }
}

pub(super) fn open(dir: &Path, config: &LogConfig, files: &Files) -> Result<Opened, LogError> {
    fs::create_dir_all(dir).at(dir)?;
    let mut found = sweep(dir, files)?;
    let saved = Checkpoint::load(dir);
    let checkpoint = saved.clone().unwrap_or_default();

    // Their removal was decided before the checkpoint was written.
    let bases: Vec<i64> = found.keys().copied().collect();
    for pair in bases.windows(2) {
        if pair[1] <= checkpoint.start_offset
            && let Some((_, path)) = found.remove(&pair[0])
        {
            files.remove(&path).at(&path)?;
        }
    }

    let last = found.pop_last();
    let mut segments = Vec::with_capacity(found.len() + 1);
    for (base, (generation, path)) in found {
        let length = fs::metadata(&path).at(&path)?.len();
        let segment = DiskSegment::closed(path, base, generation, length);
        segments.push(Arc::new(Segment::Disk(segment)));
    }
    let (base, (generation, path)) = last.unwrap_or_else(|| {
        let base = checkpoint.next_offset;
        (base, (0, log_path(dir, base, 0)))
    });
    // Records may carry any time: a producer found again counts as seen now, or it might be forgotten at once.
    let now_ms = millis(SystemTime::now());
    let mut producers = checkpoint.producers;
    let file = files.open(&path).at(&path)?;
    let length = file.metadata().at(&path)?.len();

    let covered = (saved.is_some() && checkpoint.segment == base && checkpoint.position <= length)
        .then(|| DiskSegment::saved_index(&path, checkpoint.position, config.segment_bytes))
        .flatten();
    let from_offset = if covered.is_some() {
        checkpoint.next_offset
    } else {
        base
    };
    let mut index = covered.unwrap_or_else(|| Index::new(config.segment_bytes));
    let position = index.summary.log_bytes;
    let from = From {
        position,
        next_offset: from_offset,
        may_have_gaps: generation > 0,
    };
    let recovered = recover(&file, from, length, |_, batch| {
        index.add_batch(batch);
        // The checkpoint knows the batches before it.
        if batch.base_offset() >= checkpoint.next_offset {
            producers.appended(batch, batch.base_offset(), batch.max_timestamp(), now_ms);
        }
    })
    .at(&path)?;
    if recovered.sound_bytes < length {
        files.cut(&file, recovered.sound_bytes).at(&path)?;
        tracing::warn!(
            path = %path.display(),
            cut_bytes = length - recovered.sound_bytes,
            next_offset = recovered.next_offset,
            "the end of the log was torn and is cut off"
        );
    }
    let first = segments.first().map_or(base, |first| first.base_offset());
    let active_since = (index.summary.log_bytes > 0).then_some(index.summary.first_timestamp);
    let growing = DiskSegment::growing(path, base, generation, file, index);
    let active = Arc::new(Segment::Disk(growing));
    segments.push(Arc::clone(&active));

    let next_offset = recovered.next_offset;
    let is_believed = saved.is_some() && next_offset >= checkpoint.next_offset;
    if !is_believed && (saved.is_some() || segments.len() > 1) {
        producers = read_producers(&segments, now_ms)?;
    }
    let start_offset = if saved.is_some() {
        checkpoint.start_offset
    } else {
        first
    };
    Ok(Opened {
        segments,
        active,
        active_since,
        saved_position: position,
        start_offset: start_offset.min(next_offset),
        next_offset,
        compacted_to: checkpoint.compacted_to,
        producers,
    })
}

/// Finds the newest generation of each segment, and removes what interrupted changes have left.
fn sweep(dir: &Path, files: &Files) -> Result<BTreeMap<i64, (u32, PathBuf)>, LogError> {
    let mut found: BTreeMap<i64, (u32, PathBuf)> = BTreeMap::new();
    let mut indexes = Vec::new();
    for entry in fs::read_dir(dir).at(dir)? {
        let path = entry.at(dir)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let name = path.file_stem().and_then(|stem| parse_name(stem.to_str()?));
        match (extension, name) {
            (Some("tmp"), _) => files.remove(&path).at(&path)?,
            (Some("log"), Some((base, generation))) => {
                let newest = found
                    .entry(base)
                    .or_insert_with(|| (generation, path.clone()));
                if newest.0 == generation {
                    continue;
                }
                let older = if newest.0 < generation {
                    std::mem::replace(newest, (generation, path)).1
                } else {
                    path
                };
                files.remove(&older).at(&older)?;
            }
            (Some("index"), Some(_)) => indexes.push(path),
            _ => {}
        }
    }
    for index in indexes {
        let log = index.with_extension("log");
        if !found.values().any(|(_, path)| *path == log) {
            files.remove(&index).at(&index)?;
        }
    }
    Ok(found)
}

fn parse_name(stem: &str) -> Option<(i64, u32)> {
    let (base, generation) = stem.split_once('.')?;
    Some((
        base.parse().ok().filter(|base| *base >= 0)?,
        generation.parse().ok()?,
    ))
}

/// Without a checkpoint the producers are found by reading the whole log.
fn read_producers(segments: &[Arc<Segment>], now_ms: i64) -> Result<Producers, LogError> {
    let mut producers = Producers::default();
    for segment in segments {
        let read = segment.scan(Target::Offset(segment.base_offset()), |batch| {
            producers.appended(&batch, batch.base_offset(), batch.max_timestamp(), now_ms);
            Ok(true)
        });
        if let Err(error) = read {
            tracing::warn!(%error, "a damaged segment is skipped while the producers are looked for");
        }
    }
    Ok(producers)
}

/// Starts the segment that follows the closed ones.
pub(super) fn create(
    dir: &Path,
    base_offset: i64,
    config: &LogConfig,
    files: &Files,
) -> Result<DiskSegment, LogError> {
    let path = log_path(dir, base_offset, 0);
    let file = files.open(&path).at(&path)?;
    let index = Index::new(config.segment_bytes);
    Ok(DiskSegment::growing(path, base_offset, 0, file, index))
}
