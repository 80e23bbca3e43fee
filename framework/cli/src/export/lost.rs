//! Offsets that a topic does not have any more, though they were not exported.

use super::source::Source;
use crate::backup::Hole;
use crate::cluster::{Cluster, ends};
use crate::failure::Failure;
use crate::terminal::note;

/// Compares how far each partition is exported with what the topic has. Holes are accepted, or refused with their
/// offsets; true where some were accepted.
pub(super) fn lost(
    source: &mut Source,
    cluster: &Cluster<'_>,
    accept: bool,
) -> Result<bool, Failure> {
    let mut holes = Vec::new();
    for lane in &source.writing.lanes {
        let (low, high) = ends(&cluster.reader, &source.topic, lane.partition)?;
        if high < lane.next {
            return Err(Failure::run(format!(
                "{}[{}] ends at offset {high}, and the backup has its records up to offset {}: the brokers have lost acknowledged records, as after an unclean election. The backup has them; to back up what comes now, take another directory.",
                source.topic,
                lane.partition,
                lane.next - 1
            )));
        }
        if low > lane.next {
            holes.push(Hole {
                partition: lane.partition,
                from: lane.next,
                until: low,
            });
        }
    }
    if holes.is_empty() {
        return Ok(false);
    }
    let all: Vec<String> = holes.iter().map(in_words).collect();
    let all = all.join(", ");
    if !accept {
        return Err(Failure::run(format!(
            "`{}` does not have all records any more that were to be exported: gone are {all}. Retention removed them, or somebody deleted them, before they were in the backup. With --accept-holes the export notes the hole in the manifest and goes on behind it; a stream with a hole cannot be imported.",
            source.topic
        )));
    }
    note(&format!(
        "{}: a hole is accepted, for these are gone: {all}.",
        source.topic
    ));
    for hole in holes {
        source.writing.step_over(hole);
    }
    Ok(true)
}

fn in_words(hole: &Hole) -> String {
    format!(
        "offsets {} to {} of partition {}",
        hole.from,
        hole.until - 1,
        hole.partition
    )
}
