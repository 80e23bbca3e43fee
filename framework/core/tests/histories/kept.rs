//! Snapshots as a shell keeps them, and owners that begin with them.

use kolo_core::processor::{Outbox, Processor, ProcessorError, Snapshot, SnapshotProblem};
use kolo_core::{Service, Timestamp, TopicId};

use super::{History, service};
use crate::common::bench::{Bench, Stored, append, participant, setup, topic_id};

/// What a shell keeps of the snapshots of one partition: all keys, as they were handed out, and the latest of the rest.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    pub(crate) keys: Vec<(String, Vec<u8>)>,
    pub(crate) rest: Vec<u8>,
}

pub(crate) fn stream() -> TopicId {
    topic_id("holds")
}

impl Kept {
    /// Takes up what has changed since.
    pub(crate) fn take(&mut self, processor: &mut dyn Processor) -> Option<Snapshot> {
        let keys = &mut self.keys;
        // In two goes, as a shell with many keys would.
        for at_most in [1, usize::MAX] {
            processor
                .snapshot_keys(at_most, &mut |key, bytes| {
                    keys.push((key.to_owned(), bytes.to_vec()));
                })
                .expect("states that can be written");
        }
        self.rest.clear();
        processor
            .snapshot(stream(), &mut self.rest)
            .expect("it is written")
    }

    pub(crate) fn load(&self, processor: &mut dyn Processor) -> Result<Snapshot, SnapshotProblem> {
        let snapshot = processor.load(stream(), &self.rest)?;
        for (key, bytes) in &self.keys {
            processor.load_key(key, bytes)?;
        }
        Ok(snapshot)
    }
}

/// Another owner takes a log over, from a snapshot or from its start.
pub(crate) fn taken_over(
    service: &Service,
    log: &[Stored],
    kept: Option<&Kept>,
) -> Result<Bench, ProcessorError> {
    taken_over_by(service, log, kept, |_| {})
}

/// Another owner, which is prepared before it knows anything, takes a log over.
pub(crate) fn taken_over_by(
    service: &Service,
    log: &[Stored],
    kept: Option<&Kept>,
    prepare: impl FnOnce(&mut dyn Processor),
) -> Result<Bench, ProcessorError> {
    let aggregate = participant(service, "hold");
    let mut log = log.to_vec();
    let mut processor = aggregate.processor(setup(&*aggregate, "test", 99));
    prepare(&mut *processor);
    let mut out = Outbox::default();
    let now = 1_000 + log.last().map_or(0, |last| last.at.as_millis());
    processor.fence(Timestamp::from_millis(now), &mut out);
    let epoch = append(&mut log, &mut out)[0];
    processor.fenced(epoch);
    let snapshot = kept.map(|kept| {
        kept.load(&mut *processor)
            .expect("a snapshot of this stream")
    });
    let from = snapshot.map_or(0, |snapshot| {
        let last = log.iter().find(|stored| stored.offset == snapshot.last);
        assert!(snapshot.is_of(&last.expect("it is in the log").record()));
        snapshot.last + 1
    });
    for stored in log
        .iter()
        .filter(|stored| (from..epoch).contains(&stored.offset))
    {
        processor.restore(&stored.record())?;
    }
    let start = processor.start(Timestamp::from_millis(now), &mut out)?;
    let effects = start.effects.clone();
    let mut bench = Bench {
        processor,
        log,
        out,
        now,
        start,
        effects,
    };
    bench.flush();
    Ok(bench)
}

/// A history with a snapshot after every step: what was kept each time, and the length of the log then.
pub(crate) fn kept_after_each_step(seed: u64, steps: usize) -> (Vec<Stored>, Vec<(Kept, usize)>) {
    let service = service();
    let mut history = History::new(seed);
    let mut bench = taken_over(&service, &[], None).unwrap();
    let (mut kept, mut all) = (Kept::default(), Vec::new());
    for step in 0..steps {
        history.step(&mut bench);
        // As a shell does: positions that no record holds are marked first.
        if kept.take(&mut *bench.processor).is_none() {
            bench.mark();
            kept.take(&mut *bench.processor)
                .expect("nothing is ahead of the log");
        }
        all.push((kept.clone(), bench.log.len()));
        // Another owner goes on from an earlier snapshot, now and then.
        if step % 7 == 6 {
            kept = all[step - step % 3].0.clone();
            bench = taken_over(&service, &bench.log, Some(&kept)).unwrap();
        }
    }
    (bench.log, all)
}
