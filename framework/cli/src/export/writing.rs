//! The backup of one topic, while it is written.

use std::path::PathBuf;

use rdkafka::message::{BorrowedMessage, Message};

use crate::backup::{Hole, Lock, Manifest, OpenSegment, Reach, Record};
use crate::failure::Failure;

/// A topic's folder, and how far each partition is.
pub(super) struct Writing {
    pub(super) folder: PathBuf,
    pub(super) manifest: Manifest,
    pub(super) lanes: Vec<Lane>,
    _lock: Lock,
}

/// One partition.
pub(super) struct Lane {
    pub(super) partition: i32,
    /// The next offset to read.
    pub(super) next: i64,
    /// Everything before it is durable.
    pub(super) durable: i64,
    /// What was the high watermark when the export began.
    pub(super) end: i64,
    pub(super) open: Option<OpenSegment>,
    /// Records that this run exported.
    pub(super) records: u64,
}

impl Lane {
    pub(super) fn is_through(&self) -> bool {
        self.next >= self.end
    }

    /// What the open segment takes.
    pub(super) fn open_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, OpenSegment::bytes)
    }
}

impl Writing {
    pub(super) fn new(folder: PathBuf, manifest: Manifest, lock: Lock) -> Self {
        Writing {
            folder,
            manifest,
            lanes: Vec::new(),
            _lock: lock,
        }
    }

    /// A partition that has offsets from `low` to before `high`.
    pub(super) fn add_lane(&mut self, partition: i32, low: i64, high: i64) {
        let at = usize::try_from(partition).unwrap_or_default();
        // A topic may be given more partitions; they are numbered behind those that it had.
        if self.manifest.partitions.len() <= at {
            let begin = Reach {
                first: low,
                next: low,
            };
            self.manifest.partitions.resize(at + 1, begin);
        }
        let next = self.manifest.partitions[at].next;
        self.lanes.push(Lane {
            partition,
            next,
            durable: next,
            end: high,
            open: None,
            records: 0,
        });
    }

    /// Goes on behind offsets that are gone.
    pub(super) fn step_over(&mut self, hole: Hole) {
        if let Some(lane) = self.lane(hole.partition) {
            lane.next = hole.until;
        }
        // A run that was killed behind the hole, and before a record, has noted it already.
        if !self.manifest.holes.contains(&hole) {
            self.manifest.holes.push(hole);
        }
    }

    fn lane(&mut self, partition: i32) -> Option<&mut Lane> {
        self.lanes
            .iter_mut()
            .find(|lane| lane.partition == partition)
    }

    /// Takes up the next record.
    pub(super) fn take(
        &mut self,
        message: &BorrowedMessage<'_>,
        follow: bool,
    ) -> Result<(), Failure> {
        let (partition, offset) = (message.partition(), message.offset());
        let lanes = &mut self.lanes;
        let lane = lanes.iter_mut().find(|lane| lane.partition == partition);
        let Some(lane) = lane.filter(|lane| offset >= lane.next) else {
            return Ok(());
        };
        if !follow && offset >= lane.end {
            lane.next = lane.next.max(lane.end);
            return Ok(());
        }
        let open = match &mut lane.open {
            Some(open) => open,
            none => none.insert(OpenSegment::create(&self.folder, partition, offset)?),
        };
        open.append(&Record::of(message))?;
        lane.next = offset + 1;
        lane.records += 1;
        Ok(())
    }

    /// A partition was read to its end: what it had when the export began is behind us, also where its last offsets
    /// are of no record.
    pub(super) fn caught_up(&mut self, partition: i32) {
        if let Some(lane) = self.lane(partition) {
            lane.next = lane.next.max(lane.end);
        }
    }

    /// Whether there is anything that is not durable.
    pub(super) fn is_dirty(&self) -> bool {
        self.lanes.iter().any(|lane| lane.durable < lane.next)
    }

    /// Makes everything durable that was read, and closes segments of this size and more.
    pub(super) fn sync(&mut self, full_bytes: u64) -> Result<(), Failure> {
        let mut changed = false;
        for lane in &mut self.lanes {
            if let Some(open) = &mut lane.open {
                open.sync()?;
            }
            lane.durable = lane.next;
            if let Some(open) = lane.open.take_if(|open| open.bytes() >= full_bytes) {
                self.manifest.segments.push(open.close()?);
                changed = true;
            }
            let at = usize::try_from(lane.partition).unwrap_or_default();
            let reach = &mut self.manifest.partitions[at];
            // What an open segment holds is for the list of its blocks to say.
            if lane.open.is_none() && reach.next != lane.next {
                reach.next = lane.next;
                changed = true;
            }
        }
        if changed {
            self.write_manifest()?;
        }
        Ok(())
    }

    pub(super) fn write_manifest(&mut self) -> Result<(), Failure> {
        self.manifest.write(&self.folder)
    }
}
