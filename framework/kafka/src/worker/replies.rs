//! Replies: what the effects of owned partitions end with, and what is appended then.

use std::sync::Arc;

use kolo_core::processor::{Outbox, Outcome, ProcessorError};
use kolo_core::{CallFailure, EffectCall};

use crate::traces::Cause;

use super::End;
use super::append::millis;
use super::partition::Partition;
use super::record::now;
use super::session::Session;

impl Session<'_> {
    pub(super) fn take_replies(&mut self) -> Result<bool, End> {
        let mut busy = false;
        while let Ok(ended) = self.ended.try_recv() {
            busy = true;
            let partition = ended.partition;
            let mut outbox = std::mem::take(&mut self.outbox);
            let (before, asked) = (outbox.len(), ended.call.at);
            // A reply to an owner that is no more is left to the next one, which asks again with the same key.
            let current = self
                .owned(partition)
                .filter(|owned| owned.effects.asked_for(&ended));
            let outcome = current.map(|owned| match ended.outcome {
                Ok(reply) => owned
                    .processor
                    .answer(ended.call.request, reply, now(), &mut outbox),
                Err(failure) => owned.give_up(&ended.call, &failure, &mut outbox),
            });
            self.outbox = outbox;
            let appends = self.outbox.iter_from(before);
            self.spec.tell(partition, appends, || Cause {
                at: asked,
                is_foreign: false,
                input: None,
            });
            match outcome.transpose() {
                Ok(outcome) => {
                    if outcome == Some(Outcome::Parked) {
                        self.tell_parked(partition);
                    }
                    if matches!(outcome, Some(Outcome::Decided(1..))) {
                        self.tally.replies.took(millis(now().since(asked)));
                    }
                    self.produce(partition)?;
                }
                Err(error) => self.failed(partition, error)?,
            }
        }
        Ok(busy)
    }
}

impl Partition {
    /// No more call is made for a request: it is answered as declared, or its key is parked.
    fn give_up(
        &mut self,
        call: &Arc<EffectCall>,
        failure: &CallFailure,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        let outcome = self
            .processor
            .exhausted(call.request, failure, now(), out)?;
        let (key, event) = (&call.key, call.request);
        tracing::debug!(%key, %event, saga = %call.correlation, "a request is given up: {failure}");
        self.effects.release(call);
        Ok(outcome)
    }
}
