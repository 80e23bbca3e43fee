//! Taking snapshots, in rounds: of all partitions that a worker owns, every so often.
//!
//! | phase | what is done |
//! |---|---|
//! | collecting | changed keys are handed to the writer's thread, some at a time, between decisions |
//! | settling | few are left: nothing new is decided for the few milliseconds until all appends are sound; then the rest |

use std::time::{Duration, Instant};

use kolo_core::processor::{Snapshot, SnapshotProblem};

use crate::config::Config;
use crate::snapshots::{Attempt, KeysFrame, Snapshots};

use super::End;
use super::loading::Loading;
use super::partition::{Partition, Phase};
use super::record::now;
use super::session::Session;

/// How many keys are handed out at a time: more than can change meanwhile.
const AT_ONCE: usize = 4096;
/// With how many keys left decisions are held up, over all partitions: a millisecond's work.
const FEW: usize = 2048;
/// How long they are held up at most; after that, the round is left to the next one.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many keys may have changed for a snapshot that nobody can wait for, of a partition that is given up.
const LAST: usize = 100_000;
/// By how much a file may outgrow twice what it began with before it is written anew.
const SLACK_BYTES: u64 = 1 << 20;

/// What is known of a partition's snapshot.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) loading: Option<Loading>,
    /// What was loaded, until the stream was seen to be the one that it is of.
    pub(super) loaded: Option<Snapshot>,
    /// What is being written. It goes on until it is sealed: what it handed out is not handed out again.
    attempt: Option<Attempt>,
    /// How many bytes the file had when it was begun; 0 if there is none.
    whole_bytes: u64,
    bytes: u64,
}

impl Kept {
    pub(super) fn found(&mut self, bytes: u64, whole_bytes: u64) {
        self.bytes = bytes;
        self.whole_bytes = whole_bytes;
    }
}

/// The rounds of one worker.
pub(super) struct Round {
    interval: Duration,
    due: Instant,
    phase: RoundPhase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RoundPhase {
    Waiting,
    Collecting,
    Settling { since: Instant },
}

impl Round {
    pub(super) fn new(config: &Config) -> Self {
        let interval = Duration::from_millis(config.snapshot_interval_ms.max(10));
        Round {
            interval,
            due: Instant::now() + interval,
            phase: RoundPhase::Waiting,
        }
    }

    /// Whether decisions are held up.
    pub(super) fn is_settling(&self) -> bool {
        matches!(self.phase, RoundPhase::Settling { .. })
    }
}

impl Partition {
    fn works(&self) -> bool {
        matches!(self.phase, Phase::Working { .. })
    }

    fn has_changed(&self) -> bool {
        self.processor.changed_keys() > 0 || self.processor.unmarked() > 0
    }

    /// Whether it takes part in a round.
    fn is_in_round(&self) -> bool {
        self.works() && self.kept.attempt.is_some()
    }

    fn begin_snapshot(&mut self, store: &Snapshots, aggregate: &str, partition: i32) {
        if self.kept.attempt.is_some() {
            return;
        }
        let is_whole =
            self.kept.whole_bytes == 0 || self.kept.bytes > 2 * self.kept.whole_bytes + SLACK_BYTES;
        if is_whole {
            self.processor.begin_snapshots();
            self.kept.bytes = 0;
        }
        self.kept.attempt = Some(store.begin(aggregate, partition, is_whole));
    }

    fn hand_out(&mut self, store: &Snapshots, at_most: usize) -> Result<(), SnapshotProblem> {
        let Some(attempt) = &self.kept.attempt else {
            return Ok(());
        };
        let mut frame = KeysFrame::new();
        self.processor
            .snapshot_keys(at_most, &mut |key, bytes| frame.push(key, bytes))?;
        if !frame.is_empty() {
            self.kept.bytes += frame.bytes();
            store.keys(attempt, frame);
        }
        Ok(())
    }

    /// Hands out what is left, and completes the snapshot. False if memory is ahead of the log.
    fn seal(
        &mut self,
        store: &Snapshots,
        stream: kolo_core::TopicId,
    ) -> Result<bool, SnapshotProblem> {
        self.hand_out(store, usize::MAX)?;
        let mut rest = Vec::new();
        if self.processor.snapshot(stream, &mut rest)?.is_none() {
            return Ok(false);
        }
        if let Some(attempt) = self.kept.attempt.take() {
            self.kept.bytes += rest.len() as u64;
            if attempt.is_whole {
                self.kept.whole_bytes = self.kept.bytes;
            }
            store.seal(&attempt, self.kept.whole_bytes, &rest);
        }
        Ok(true)
    }
}

impl Session<'_> {
    fn in_round(&mut self) -> impl Iterator<Item = &mut Partition> {
        let owned = self.partitions.iter_mut().flatten();
        owned.filter(|owned| owned.is_in_round())
    }

    /// Goes on with the round, or begins one that is due. Says whether there is more to do at once.
    pub(super) fn take_snapshots(&mut self, at: Instant) -> Result<bool, End> {
        let spec = self.spec;
        let Some(store) = &spec.snapshots else {
            return Ok(false);
        };
        if !store.are_on() {
            self.round.phase = RoundPhase::Waiting;
            return Ok(false);
        }
        let busy = match self.round.phase {
            RoundPhase::Waiting if at < self.round.due => return Ok(false),
            RoundPhase::Waiting => {
                self.round.due = at + self.round.interval;
                self.begin_round(store);
                Ok(false)
            }
            RoundPhase::Collecting => self.collect(store, at)?,
            RoundPhase::Settling { since } => self.settle(store, at - since)?,
        };
        busy.or_else(|problem| {
            store.give_up(&problem.to_string());
            Ok(false)
        })
    }

    fn begin_round(&mut self, store: &Snapshots) {
        let aggregate = self.spec.description.aggregate;
        for partition in 0..self.partition_count {
            let owned = self.owned(partition);
            if let Some(owned) = owned.filter(|owned| owned.works() && owned.has_changed()) {
                owned.begin_snapshot(store, aggregate, partition);
            }
        }
        if self.in_round().next().is_some() {
            self.round.phase = RoundPhase::Collecting;
        }
    }

    fn collect(
        &mut self,
        store: &Snapshots,
        at: Instant,
    ) -> Result<Result<bool, SnapshotProblem>, End> {
        let changed = |owned: &&mut Partition| owned.processor.changed_keys();
        if self.in_round().map(|owned| changed(&owned)).sum::<usize>() > FEW {
            // A disk that does not keep up is waited for: what changes meanwhile is handed out once.
            if !store.has_room() {
                return Ok(Ok(false));
            }
            let most = self.in_round().max_by_key(changed);
            return Ok(most
                .map_or(Ok(()), |owned| owned.hand_out(store, AT_ONCE))
                .map(|()| true));
        }
        self.round.phase = RoundPhase::Settling { since: at };
        self.mark_round(|owned| owned.processor.unmarked() > 0)?;
        Ok(Ok(true))
    }

    fn settle(
        &mut self,
        store: &Snapshots,
        took: Duration,
    ) -> Result<Result<bool, SnapshotProblem>, End> {
        let stream = self.stream;
        let is_quiet = self
            .in_round()
            .all(|owned| owned.processor.in_flight() == 0);
        if is_quiet {
            for owned in self.in_round() {
                if let Err(problem) = owned.seal(store, stream) {
                    return Ok(Err(problem));
                }
            }
            // Positions that no record holds yet are the only thing that can be left.
            self.mark_round(|_| true)?;
        }
        if self.in_round().next().is_none() || took > PATIENCE {
            self.round.phase = RoundPhase::Waiting;
        }
        Ok(Ok(false))
    }

    /// Appends a marker to the streams of those in the round that need one.
    fn mark_round(&mut self, needs: impl Fn(&Partition) -> bool) -> Result<(), End> {
        for partition in 0..self.partition_count {
            let mut outbox = std::mem::take(&mut self.outbox);
            let owned = self.owned(partition);
            if let Some(owned) = owned.filter(|owned| owned.is_in_round() && needs(owned)) {
                owned.processor.mark(now(), &mut outbox);
            }
            self.outbox = outbox;
            self.produce(partition)?;
        }
        Ok(())
    }

    /// Takes a snapshot of a partition that is about to be given up, if that needs no waiting.
    pub(super) fn take_last_snapshot(&mut self, partition: i32) {
        let spec = self.spec;
        let Some(store) = spec.snapshots.as_ref().filter(|store| store.are_on()) else {
            return;
        };
        let (aggregate, stream) = (self.spec.description.aggregate, self.stream);
        let Some(owned) = self.owned(partition).filter(|owned| owned.works()) else {
            return;
        };
        let is_quiet = owned.processor.in_flight() == 0;
        // One that is begun has handed out what had changed, and counts for nothing until it is complete.
        let is_behind = owned.has_changed() || owned.kept.attempt.is_some();
        if is_quiet && is_behind && owned.processor.changed_keys() <= LAST {
            owned.begin_snapshot(store, aggregate, partition);
            if let Err(problem) = owned.seal(store, stream) {
                store.give_up(&problem.to_string());
            }
        }
    }

    /// Waits until the snapshots that were taken are written.
    pub(super) fn flush_snapshots(&self, until: Instant) {
        if let Some(store) = &self.spec.snapshots {
            store.flush(until.saturating_duration_since(Instant::now()));
        }
    }
}
