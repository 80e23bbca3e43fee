//! Replies: what the effects of owned partitions end with, and what is appended then.

use std::sync::Arc;

use kolo_core::processor::{Outbox, Outcome, ProcessorError};
use kolo_core::{CallFailure, EffectCall};

use super::End;
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
            let stream = self.spec.description.stream;
            // A reply to an owner that is no more is left to the next one, which asks again with the same key.
            let current = self
                .owned(partition)
                .filter(|owned| owned.effects.asked_for(&ended));
            let outcome = current.map(|owned| match ended.outcome {
                Ok(reply) => owned
                    .processor
                    .answer(ended.call.request, reply, now(), &mut outbox)
                    .map(drop),
                Err(failure) => owned.give_up(&ended.call, &failure, stream, &mut outbox),
            });
            self.outbox = outbox;
            outcome
                .transpose()
                .map_err(|error| self.processor_error(error))?;
            self.produce(partition)?;
        }
        Ok(busy)
    }
}

impl Partition {
    /// No more call is made for a request: it is answered as declared, or waits for a person.
    fn give_up(
        &mut self,
        call: &Arc<EffectCall>,
        failure: &CallFailure,
        stream: &str,
        out: &mut Outbox,
    ) -> Result<(), ProcessorError> {
        match self
            .processor
            .exhausted(call.request, failure, now(), out)?
        {
            // Nobody answers it: its port is called on, seldom, and somebody should look.
            Outcome::Ignored => {
                let (key, request) = (&call.key, call.request);
                tracing::error!(
                    %key, %request, saga = %call.correlation, since = %call.at, attempts = failure.attempts, stream,
                    "request {request} of the key {key} has no answer: {failure}. It is called on, with the longest pauses; see what it is with `kolo tail {stream} --key {key}`"
                );
                self.effects.insist(call);
            }
            // Answered as declared; or somebody was faster.
            _ => {
                let (key, request) = (&call.key, call.request);
                tracing::debug!(%key, %request, saga = %call.correlation, "a request is answered without a reply: {failure}");
                self.effects.release(call);
            }
        }
        Ok(())
    }
}
