//! Deadlines of the partitions that a worker owns: asked about when they are due, answered behind the backlog.

use kolo_core::Timestamp;

use crate::traces::Cause;

use super::End;
use super::backlog::{Backlog, Question};
use super::partition::Phase;
use super::record::now;
use super::session::Session;

/// How many deadlines are answered at most before inputs, deliveries and replies are looked at again.
const AT_ONCE: usize = 1024;

impl Session<'_> {
    /// Answers the deadlines that are due and have no backlog before them. Says whether any was.
    pub(super) fn pass_deadlines(&mut self) -> Result<bool, End> {
        let Some(questions) = self.spec.questions.clone() else {
            return Ok(false);
        };
        while let Ok(ends) = self.ends.try_recv() {
            let owned = self.owned(ends.partition);
            if let Some(owned) = owned.filter(|owned| owned.generation == ends.generation) {
                owned.backlog = ends
                    .offsets
                    .map_or(Backlog::Unknown, |offsets| Backlog::Until {
                        passed: ends.passed,
                        ends: offsets,
                    });
            }
        }
        let at = now();
        let mut busy = false;
        for partition in 0..self.partition_count {
            let Some(owned) = self.owned(partition) else {
                continue;
            };
            if !matches!(owned.phase, Phase::Working { .. }) {
                continue;
            }
            match &owned.backlog {
                Backlog::Asked => {}
                Backlog::Unknown => {
                    if owned.processor.next_deadline().is_none_or(|due| due > at) {
                        continue;
                    }
                    owned.backlog = Backlog::Asked;
                    let generation = owned.generation;
                    let topics = self.inputs.iter().map(|input| input.name.clone());
                    // Nobody answers once the process stops.
                    let _ = questions.send(Question {
                        partition,
                        generation,
                        passed: at,
                        topics: topics.collect(),
                        reply_to: self.tell_ends.clone(),
                        waker: self.waker.clone(),
                    });
                }
                Backlog::Until { passed, ends } => {
                    let is_read = |(next, end): (&Option<i64>, &i64)| next.unwrap_or(0) >= *end;
                    if owned.next.iter().zip(ends).all(is_read) {
                        let passed = *passed;
                        busy |= self.pass(partition, passed)?;
                    }
                }
            }
        }
        Ok(busy)
    }

    fn pass(&mut self, partition: i32, passed: Timestamp) -> Result<bool, End> {
        if self.unacknowledged >= self.spec.config.max_in_flight_records {
            return Ok(false);
        }
        let mut outbox = std::mem::take(&mut self.outbox);
        let before = outbox.len();
        let mut has_parked = false;
        let answered = self.owned(partition).map(|owned| {
            let parked = owned.processor.parked_keys();
            let answered = owned
                .processor
                .pass_deadlines(passed, AT_ONCE, now(), &mut outbox);
            // A few more may have fallen due meanwhile; their backlog is another one.
            if matches!(answered, Ok(answered) if answered < AT_ONCE) {
                owned.backlog = Backlog::Unknown;
            }
            has_parked = owned.processor.parked_keys() > parked;
            answered
        });
        self.outbox = outbox;
        let appends = self.outbox.iter_from(before);
        self.spec.tell(partition, appends, || Cause {
            at: passed,
            is_foreign: false,
            input: None,
        });
        match answered.transpose() {
            Ok(_) => {
                if has_parked {
                    self.tell_parked(partition);
                }
                self.produce(partition)?;
            }
            Err(error) => self.failed(partition, error)?,
        }
        Ok(true)
    }
}
