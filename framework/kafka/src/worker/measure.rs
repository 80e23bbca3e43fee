//! What a worker tells of itself: what it has counted, after each batch; how its partitions stand, once a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use crate::meters::{InputStanding, LifeMeters, PhaseName, Standing, counts};
use crate::native::watermarks;

use super::partition::{Partition, Phase};
use super::record::now;
use super::session::Session;

/// How often partitions are looked at.
const LOOK: Duration = Duration::from_secs(1);

impl Session<'_> {
    pub(super) fn meters(&self) -> &LifeMeters {
        &self.spec.meters.workers[self.number]
    }

    /// Hands over what was counted, and tells how the partitions stand, if it is time.
    pub(super) fn measure(&mut self, at: Instant) {
        self.meters().turned();
        self.spec.meters.add(&mut self.tally);
        if at < self.measure_at || !counts() {
            return;
        }
        self.measure_at = at + LOOK;
        let mut partitions = std::mem::take(&mut self.partitions);
        let mut standings = Vec::new();
        for (slot, owned) in partitions.iter_mut().enumerate() {
            if let (Some(owned), Ok(partition)) = (owned, i32::try_from(slot)) {
                standings.push(self.standing(partition, owned));
            }
        }
        self.partitions = partitions;
        self.meters().stands(standings);
    }

    fn standing(&self, partition: i32, owned: &mut Partition) -> Standing {
        let now = now();
        let phase = match owned.phase {
            Phase::Fencing => PhaseName::Fencing,
            Phase::Loading(_) | Phase::Rejected(_) | Phase::Restoring(_) => PhaseName::Restoring,
            Phase::Working { .. } => PhaseName::Working,
        };
        let works = phase == PhaseName::Working;
        let due = works.then(|| owned.processor.next_deadline()).flatten();
        let due = due.filter(|due| *due < now);
        let inputs = self.input_names.iter().enumerate().map(|(input, topic)| {
            let ends = watermarks(self.data.client(), topic, partition);
            let next = owned.next[input];
            let lag = ends.filter(|_| works).map(|(first, end)| {
                let next = next.or(owned.resumed[input]).unwrap_or(first);
                u64::try_from(end - next.max(first)).unwrap_or(0)
            });
            // Before anything was read, nobody knows how old it is: at least as old as this owner.
            let age =
                owned.read_at[input].map_or_else(|| owned.since.elapsed(), |at| now.since(at));
            InputStanding {
                topic: Arc::clone(topic),
                lag,
                age: if lag == Some(0) { Duration::ZERO } else { age },
            }
        });
        Standing {
            partition,
            phase,
            taking: (!works).then(|| owned.since.elapsed()),
            restored: owned.restored,
            fence: owned.phase.fence(),
            inputs: inputs.collect(),
            keys: owned.processor.keys(),
            parked_keys: owned.processor.parked_keys(),
            in_flight: owned.processor.in_flight(),
            overdue: due.map(|due| now.since(due)),
            due: due.map_or(0, |_| {
                owned.processor.due_deadlines(now, Standing::MOST_DUE)
            }),
        }
    }
}
