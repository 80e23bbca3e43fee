//! Deadlines: which keys have one, and the answers that are given when they pass.
//!
//! Which deadline a key has is a fold of its state. What is kept here is only the order in which they fall due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashSet;

use crate::id::EventId;
use crate::state::{Meta, State};
use crate::time::Timestamp;
use crate::wire::Source;

use super::answer::AnswerTo;
use super::entity::{Alarm, Entity};
use super::making::{Failed, Making};
use super::outbox::Outbox;
use super::owner::Owner;
use super::{Outcome, ProcessorError};

/// The keys with a deadline, the earliest first. An entry whose key has another deadline by now, or none, is stale.
#[derive(Default)]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(Timestamp, Box<str>)>>,
    stale: usize,
}

impl Deadlines {
    /// A key's deadline was another one before.
    pub(super) fn changed(
        &mut self,
        key: &str,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    ) {
        if before == after {
            return;
        }
        self.stale += usize::from(before.is_some());
        if let Some(due) = after {
            self.heap.push(Reverse((due, key.into())));
        }
    }

    fn earliest(&self) -> Option<(Timestamp, &str)> {
        self.heap
            .peek()
            .map(|Reverse((due, key))| (*due, key.as_ref()))
    }

    fn pop(&mut self) {
        self.heap.pop();
    }

    /// All entries that were due at `passed`, in no order. In a heap, whatever stands below a later one is later.
    fn due(&self, passed: Timestamp) -> impl Iterator<Item = (Timestamp, &str)> {
        let entries = self.heap.as_slice();
        let mut open = vec![0];
        std::iter::from_fn(move || {
            loop {
                let at = open.pop()?;
                if let Some(Reverse((due, key))) = entries.get(at)
                    && *due <= passed
                {
                    open.extend([2 * at + 1, 2 * at + 2]);
                    return Some((*due, key.as_ref()));
                }
            }
        })
    }

    /// Forgets the stale entries once they are most of all, so that the heap is never larger than twice what it tells.
    fn tidy(&mut self, is_current: impl Fn(&str, Timestamp) -> bool) {
        const FEW: usize = 1024;
        if self.stale > FEW && self.stale * 2 > self.heap.len() {
            self.heap
                .retain(|Reverse((due, key))| is_current(key, *due));
            self.stale = 0;
        }
    }
}

impl<S> Entity<S> {
    /// The deadline that is waited for.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let alarm = self.alarm.as_ref().filter(|alarm| !alarm.is_answered);
        alarm.map(|alarm| alarm.due)
    }

    /// This deadline was answered; the state may keep it.
    pub(super) fn pass(&mut self, due: Timestamp) {
        if let Some(alarm) = self.alarm.as_mut().filter(|alarm| alarm.due == due) {
            alarm.is_answered = true;
        }
    }
}

impl<S: State> Owner<S> {
    /// After a restore: every key's deadline takes its place.
    pub(super) fn arm_deadlines(&mut self) {
        for (key, entity) in self.entities.iter() {
            self.deadlines.changed(key, None, entity.due());
        }
    }

    /// A key is free again: its deadline is looked at again.
    pub(super) fn arm_deadline(&mut self, key: &str) {
        let due = self.entities.get(key).and_then(Entity::due);
        self.deadlines.changed(key, None, due);
    }

    /// How many keys have a deadline that was due at `passed`, among so many that it looks at: whoever is late has other things to do
    /// than to count.
    pub(super) fn due_deadlines(&self, passed: Timestamp, limit: usize) -> usize {
        let due = self.deadlines.due(passed).take(limit);
        let current = due.filter(|(due, key)| self.waits_for(key, *due));
        // A deadline that went away and came back has two entries.
        let keys: HashSet<&str> = current.map(|(_, key)| key).collect();
        keys.len()
    }

    /// Whether this is the key's deadline still. A parked key's deadline is behind what is parked.
    fn waits_for(&self, key: &str, due: Timestamp) -> bool {
        self.entities.peek(key).and_then(Entity::due) == Some(due) && !self.parked.contains(key)
    }

    /// The earliest deadline. Entries that tell nothing any more are forgotten on the way.
    pub(super) fn earliest_deadline(&mut self) -> Option<Timestamp> {
        let Owner {
            deadlines,
            entities,
            parked,
            ..
        } = self;
        // A parked key's deadline is behind what is parked.
        let is_current = |key: &str, due: Timestamp| {
            entities.peek(key).and_then(Entity::due) == Some(due) && !parked.contains(key)
        };
        deadlines.tidy(is_current);
        loop {
            let (due, key) = deadlines.earliest()?;
            if is_current(key, due) {
                return Some(due);
            }
            deadlines.stale = deadlines.stale.saturating_sub(1);
            deadlines.pop();
        }
    }

    /// Answers deadlines that were due at `passed`, the earliest first and at most `limit` of them.
    pub(super) fn pass_deadlines(
        &mut self,
        passed: Timestamp,
        limit: usize,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<usize, ProcessorError> {
        let mut answered = 0;
        while answered < limit {
            let Some(due) = self.earliest_deadline().filter(|due| *due <= passed) else {
                break;
            };
            let Some(Reverse((_, key))) = self.deadlines.heap.pop() else {
                break;
            };
            let alarm = self.entities.get(&key).and_then(|e| e.alarm.as_deref());
            if let Some(alarm) = alarm.cloned() {
                self.pass(&key, due, &alarm, now, out)?;
                answered += 1;
            }
        }
        Ok(answered)
    }

    fn pass(
        &mut self,
        key: &str,
        due: Timestamp,
        alarm: &Alarm,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        let id = EventId::of_deadline(&self.names.deadline, key, due);
        // A state that keeps its deadline after it passed has been answered already.
        if self
            .entities
            .get(key)
            .is_none_or(|entity| entity.has_answered(id))
        {
            return Ok(Outcome::Repeat);
        }
        // An input that was decided with no event before the deadline must not be decided again behind it.
        if self.unmarked > 0 && self.setup.rules.marker_before_answer {
            self.append_marker(now, out);
        }
        if let Some(failure) = self.setup.broken.get(&id).cloned() {
            return Ok(self.park_deadline(id, key, alarm, failure, now, out));
        }
        match self.run_deadline(id, key, alarm, now) {
            Ok(()) => Ok(Outcome::Decided(
                self.answer_deadline(id, key, alarm, now, out),
            )),
            Err(failed) => {
                let failure = failed.parkable(key, id)?;
                Ok(self.park_deadline(id, key, alarm, failure, now, out))
            }
        }
    }

    /// Writes what a deadline's reaction left in the draft.
    pub(super) fn answer_deadline(
        &mut self,
        id: EventId,
        key: &str,
        alarm: &Alarm,
        now: Timestamp,
        out: &mut Outbox,
    ) -> usize {
        if self.scratch.draft.items.is_empty() {
            return 0;
        }
        if let Some(entity) = self.entities.get_mut(key) {
            entity.answered(id, false, self.declaration.window);
        }
        let answer = AnswerTo {
            correlation: alarm.correlation,
            causation: alarm.cause,
            source: Source::Deadline(alarm.due),
            key,
            traceparent: alarm.traceparent.as_deref(),
        };
        self.write_answer(&answer, now, out)
    }

    /// Runs the deadline's reaction and collects its answer in the draft.
    pub(super) fn run_deadline(
        &mut self,
        id: EventId,
        key: &str,
        alarm: &Alarm,
        now: Timestamp,
    ) -> Result<(), Failed> {
        let (Some(deadline), Some(entity)) =
            (&self.declaration.deadline, self.entities.get_mut(key))
        else {
            return Ok(());
        };
        let mut making = Making::begin(
            &self.declaration,
            &self.names,
            &mut self.scratch,
            key,
            self.setup.max_record_bytes,
            now,
            alarm.correlation,
        );
        making.traceparent = alarm.traceparent.as_deref();
        making.function = Some(deadline.function);
        let meta = Meta {
            id,
            causation: Some(alarm.cause),
            correlation: alarm.correlation,
            at: alarm.due,
            key: key.to_owned(),
        };
        making.attempt(|making| {
            let barred = entity.barrier.bars(alarm.correlation, deadline.blocked_by);
            if !barred {
                (deadline.run)(&entity.state, meta, making.events)?;
            }
            let name = &making.names.deadline;
            making.take_events(entity, id, name, 0, None).map(|_| ())
        })?;
        // What appends nothing stands in no log: whoever restores looks at it again.
        if self.scratch.draft.items.is_empty() || self.scratch.rehearses {
            return Ok(());
        }
        entity.pass(alarm.due);
        // What passed is in the heap no more.
        let due = entity.due();
        self.deadlines.changed(key, None, due);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_found_wherever_it_stands_in_the_heap() {
        let mut deadlines = Deadlines::default();
        // In an order that has nothing to do with their times.
        for number in (0..1_000).map(|number| number * 379 % 1_000) {
            let due = Some(Timestamp::from_millis(number));
            deadlines.changed(&number.to_string(), None, due);
        }
        for passed in [-1, 0, 1, 500, 998, 999, 5_000] {
            let due = deadlines.due(Timestamp::from_millis(passed));
            let mut found: Vec<i64> = due.map(|(due, _)| due.as_millis()).collect();
            found.sort_unstable();
            let expected: Vec<i64> = (0..=passed.min(999)).collect();
            assert_eq!(found, expected, "up to {passed}");
        }
    }

    #[test]
    fn what_was_waited_for_and_came_does_not_stay_in_memory() {
        let mut deadlines = Deadlines::default();
        for at in 0..100_000 {
            let due = Some(Timestamp::from_millis(1_000_000 + at));
            deadlines.changed("o", None, due);
            deadlines.changed("o", due, None);
            deadlines.tidy(|_, _| false);
        }
        assert!(deadlines.heap.len() < 3_000, "{}", deadlines.heap.len());
    }
}
