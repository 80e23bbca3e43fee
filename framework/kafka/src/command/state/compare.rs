//! One snapshot, held against the stream.
//!
//! The stream is folded up to the record at which the snapshot was taken. What is the same there stays the same, since one
//! code folds what comes behind it for both; and what differs there shows, also where a later event would hide it.

use std::collections::{BTreeSet, HashMap};

use kolo_core::processor::{Inspected, Processor, Snapshot, SnapshotProblem};
use kolo_core::{EventId, Origin, Path, Position, Service, TopicId};

use crate::config::Config;
use crate::snapshots::{Damage, Folder, Reader};
use crate::topics::Topic;

use super::super::failure::Failure;
use super::super::reading::Reading;
use super::super::sensitive::Sensitive;
use super::super::terminal::{MANY, progress};
use super::stream::Aggregate;

/// Of how many keys that differ both forms are kept to be shown.
pub(super) const SHOWN: usize = 10;

/// What was found of one snapshot.
pub(super) enum Verdict {
    /// It holds what the stream says.
    Same(Snapshot),
    /// It does not.
    Differs(Differs),
    /// An owner does not use it, and restores from the stream: it is of something else.
    Ignored(SnapshotProblem),
    /// It cannot be read, or it is not of the stream as it stands now.
    Unusable(String),
    /// The stream cannot be folded by this code.
    Unfolded(String),
    /// Nothing was ever completed in the file.
    Empty,
}

/// In what a snapshot and its stream differ.
pub(super) struct Differs {
    pub(super) snapshot: Snapshot,
    /// How many keys do.
    pub(super) keys: usize,
    /// The first of them, in the order of their names.
    pub(super) first: Vec<Difference>,
    /// Whether the positions of the inputs do.
    pub(super) positions: bool,
}

/// A key that differs.
pub(super) struct Difference {
    pub(super) key: String,
    /// In what, in words.
    pub(super) what: Vec<&'static str>,
    /// In the snapshot, and from the stream; `None` where it is not there.
    pub(super) forms: [Option<Inspected>; 2],
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
enum Unloaded {
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error(transparent)]
    Problem(#[from] SnapshotProblem),
    #[error("it holds {found} keys, and should hold {expected}")]
    Keys { found: usize, expected: usize },
}

/// Compares the snapshot of a partition, if there is one.
pub(super) fn compare(
    service: &Service,
    config: &Config,
    folder: &Folder,
    (aggregate, topic): (&Aggregate, Topic),
    partition: i32,
) -> Result<Verdict, Failure> {
    let mut kept = aggregate.processor(service, config, topic, partition);
    let loaded = match folder.read(aggregate.description.aggregate, partition) {
        Ok(None) => return Ok(Verdict::Empty),
        Ok(Some(reader)) => load(&mut *kept, reader, topic.id),
        Err(damage) => Err(damage.into()),
    };
    let snapshot = match loaded {
        Ok(snapshot) => snapshot,
        Err(Unloaded::Problem(
            problem @ (SnapshotProblem::Other { .. } | SnapshotProblem::Format { .. }),
        )) => return Ok(Verdict::Ignored(problem)),
        Err(unusable) => return Ok(Verdict::Unusable(unusable.to_string())),
    };
    // Opened behind the file, so that it ends behind what the file holds.
    let mut reading = Reading::open(config, aggregate.description.stream, partition)?;
    if !(reading.low..reading.end).contains(&snapshot.last) {
        return Ok(Verdict::Unusable(format!(
            "it was taken at offset {}, and the stream holds those from {} to before {}",
            snapshot.last, reading.low, reading.end
        )));
    }
    reading.end = snapshot.last + 1;
    let mut whole = aggregate.processor(service, config, topic, partition);
    let (mut unfolded, mut is_of_stream) = (None, false);
    let bar = progress(reading.left(), MANY, "records read");
    reading.each(&mut |record| {
        bar.inc(1);
        is_of_stream = snapshot.is_of(record);
        let fold = || whole.restore(record);
        unfolded = aggregate.fold(partition, record.offset, fold).err();
        Ok(unfolded.is_none())
    })?;
    bar.finish_and_clear();
    if let Some(problem) = unfolded {
        return Ok(Verdict::Unfolded(problem));
    }
    if !is_of_stream {
        return Ok(Verdict::Unusable(format!(
            "the record at which it was taken does not stand at offset {} any more: the log has lost what it had acknowledged",
            snapshot.last
        )));
    }
    differences(snapshot, &*kept, &*whole, &Sensitive::of(service, false))
}

fn load(
    processor: &mut dyn Processor,
    mut reader: Reader,
    stream: TopicId,
) -> Result<Snapshot, Unloaded> {
    let (_, _, rest) = reader.rest()?;
    let snapshot = processor.load(stream, rest)?;
    while reader.next_keys::<Unloaded>(|key, bytes| Ok(processor.load_key(key, bytes)?))? {}
    let (found, expected) = (processor.keys(), snapshot.keys);
    if found == expected {
        Ok(snapshot)
    } else {
        Err(Unloaded::Keys { found, expected })
    }
}

fn differences(
    snapshot: Snapshot,
    kept: &dyn Processor,
    whole: &dyn Processor,
    sensitive: &Sensitive,
) -> Result<Verdict, Failure> {
    let (mut keys, mut first) = (0, Vec::new());
    for key in suspects(kept, whole)? {
        let forms = [kept, whole].map(|processor| processor.inspect(&key));
        let what = match &forms {
            [Some(kept), Some(whole)] => kept.differences(whole),
            _ => vec!["key"],
        };
        if what.is_empty() {
            continue;
        }
        keys += 1;
        if first.len() < SHOWN {
            let forms = forms.map(|known| known.map(|known| sensitive.without(known)));
            first.push(Difference { key, what, forms });
        }
    }
    let positions = positions(kept) != positions(whole);
    if keys == 0 && !positions {
        return Ok(Verdict::Same(snapshot));
    }
    Ok(Verdict::Differs(Differs {
        snapshot,
        keys,
        first,
        positions,
    }))
}

/// The keys that may differ: those of which other bytes would be kept, or that have other requests.
fn suspects(kept: &dyn Processor, whole: &dyn Processor) -> Result<BTreeSet<String>, Failure> {
    let (mut suspects, mut problem) = (BTreeSet::new(), None);
    let mut bytes = [Vec::new(), Vec::new()];
    let mut look = |key: &str| {
        bytes.iter_mut().for_each(Vec::clear);
        let [one, other] = &mut bytes;
        match (kept.write_key(key, one), whole.write_key(key, other)) {
            (Ok(true), Ok(true)) if one == other => {}
            (Err(error), _) | (_, Err(error)) => problem = Some(error),
            _ => drop(suspects.insert(key.to_owned())),
        }
    };
    kept.each_key(&mut look);
    whole.each_key(&mut |key| {
        // The others were looked at.
        if !kept.write_key(key, &mut Vec::new()).unwrap_or(false) {
            look(key);
        }
    });
    if let Some(problem) = problem {
        return Err(Failure::run(problem.to_string()));
    }
    let pending = |processor: &dyn Processor| -> HashMap<EventId, Box<str>> {
        let calls = processor.pending().into_iter();
        calls.map(|call| (call.request, call.key)).collect()
    };
    let (one, other) = (pending(kept), pending(whole));
    let only = |one: &HashMap<EventId, Box<str>>, other: &HashMap<EventId, Box<str>>| {
        let only = one.iter().filter(|(id, _)| !other.contains_key(*id));
        only.map(|(_, key)| key.to_string()).collect::<Vec<_>>()
    };
    suspects.extend(only(&one, &other));
    suspects.extend(only(&other, &one));
    Ok(suspects)
}

/// How far each origin was decided. A topic's name is for people, and not known to all that know its id.
fn positions(processor: &dyn Processor) -> Vec<((Path, TopicId), i32, Position)> {
    let decided = processor.decided().into_iter();
    let bare = |(origin, partition, position): (Origin, i32, Position)| {
        ((origin.path, origin.id), partition, position)
    };
    decided.map(bare).collect()
}
