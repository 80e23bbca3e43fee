//! Asks the owner of a parked key for something.

use super::super::control::{Sender, control_record};
use super::super::failure::Failure;
use super::streams::{At, Streams};

impl Streams<'_> {
    /// Asks the owner of a parked key for something. The record goes to the partition in which the key is parked, which
    /// need not be the key's own.
    pub(super) fn ask(
        &self,
        sender: &Sender,
        at: &At,
        event_type: &str,
        value: &[u8],
    ) -> Result<(), Failure> {
        let stream = &self.streams[at.stream];
        if !stream.has_inbox {
            let (name, inbox) = (self.service.name(), &stream.inbox);
            return Err(Failure::run(format!(
                "the brokers at {} have no topic `{inbox}`, through which {} is asked: `{name} topics` creates it",
                self.config.bootstrap,
                self.aggregate(at)
            )));
        }
        let source = format!("/{}/parked", self.service.name());
        let partition = self.part(at).number;
        sender.send(control_record(
            &stream.inbox,
            partition,
            &at.key,
            event_type,
            &source,
            value,
        ))
    }
}
