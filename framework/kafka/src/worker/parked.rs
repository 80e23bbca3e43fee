//! What is parked is told to an operator, and a state that a failure left half-changed is restored.

use std::time::Instant;

use kolo_core::processor::ProcessorError;

use crate::command::key_argument;

use super::End;
use super::session::Session;

impl Session<'_> {
    /// Tells of a key when it is parked; what waits behind it is told by counts only.
    pub(super) fn tell_parked(&mut self, partition: i32) {
        let (service, aggregate) = (self.spec.service.name(), self.spec.description.aggregate);
        let name = self.name.clone();
        let Some(owned) = self.owned(partition) else {
            return;
        };
        let Some((key, parked)) = owned.processor.latest_parked() else {
            return;
        };
        let place = parked.place.as_ref().map_or_else(
            || parked.id.to_string(),
            |place| format!("{}[{}]@{}", place.topic, place.partition, place.offset),
        );
        let event_type = parked.event_type.as_deref().unwrap_or("(no type)");
        let class = parked.failure.class;
        let argument = key_argument(key);
        let what = if key.is_empty() {
            "records without a key".to_owned()
        } else {
            format!("the key `{key}`")
        };
        tracing::error!(
            partition, offset = parked.place.as_ref().map(|place| place.offset), key, %class, event = %parked.id,
            "{name} parks {what}: {place}, {event_type}: {} - Whatever comes for this key waits behind it; other keys go on. \
            Look with `{service} parked show --aggregate {aggregate} {argument}`, then `redrive` or `drop` it",
            parked.failure.message
        );
    }

    /// An input, a reply or a deadline could not be taken. A state that is half-changed is dropped and restored at once;
    /// what broke it is then parked.
    pub(super) fn failed(&mut self, partition: i32, error: ProcessorError) -> Result<(), End> {
        match &error {
            ProcessorError::Broken { id, failure, .. } => {
                tracing::error!(partition, "{}: {error}", self.name);
                self.spec.broken.lock().insert(*id, (**failure).clone());
            }
            ProcessorError::Cold { .. } => self.do_without_cold(partition, &error),
            // What was decided before it in this batch was appended nowhere: the next owner decides it again.
            _ => return Err(self.processor_error(error)),
        }
        self.forget_decided();
        self.drop_partition(partition)?;
        self.to_take.push_front((Instant::now(), partition));
        Ok(())
    }

    /// What was moved out of memory cannot be brought back: the partition is restored, and keeps its keys in memory.
    pub(super) fn do_without_cold(&self, partition: i32, why: &dyn std::fmt::Display) {
        tracing::warn!(
            partition,
            "{}: {why}. Nothing is lost: the partition is restored from its stream, and all its keys stay in memory until \
            the service is started again. Look at the disk of `state_dir`",
            self.name
        );
        self.spec.without_cold.lock().insert(partition);
    }
}
