//! What a worker decides, told to those who follow a saga: in the log at `debug`, and as spans.

use kolo_core::processor::Append;
use kolo_core::wire::Stamp;
use tracing::Level;

use crate::traces::Cause;

use super::Spec;

impl Spec {
    /// Tells of records that are about to be appended to this partition, and answer this cause.
    pub(super) fn tell<'a>(
        &self,
        partition: i32,
        appends: impl Iterator<Item = Append<'a>> + Clone,
        cause: impl FnOnce() -> Cause,
    ) {
        let is_logged = tracing::enabled!(Level::DEBUG);
        if self.traces.is_none() && !is_logged {
            return;
        }
        let cause = cause();
        if let Some(traces) = &self.traces {
            traces.decided(&self.description, partition, appends.clone(), &cause);
        }
        if is_logged {
            appends.for_each(|append| self.log(partition, &append, &cause));
        }
    }

    fn log(&self, partition: i32, append: &Append<'_>, cause: &Cause) {
        let stamp = std::str::from_utf8(append.stamp).ok();
        let Some(stamp) = stamp.and_then(|stamp| Stamp::read(stamp).ok()) else {
            return;
        };
        let (Some(saga), Some(causation)) = (stamp.correlation, stamp.causation) else {
            return;
        };
        let (topic, offset) = cause
            .input
            .as_ref()
            .map_or(("-", None), |(topic, offset)| (&**topic, Some(*offset)));
        tracing::debug!(
            %saga, event = %append.id, cause = %causation,
            key = %String::from_utf8_lossy(append.key),
            topic, partition, offset,
            "{}.{} decides {}", self.service.name(), self.description.aggregate, append.event_type
        );
    }
}
