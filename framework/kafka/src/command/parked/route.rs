//! What a router could not forward is routed here, by today's code: only its keys' owners can decide it, and which they
//! are, only the route tells.
//!
//! The copies go first, as inputs without an answer (`kolo.replay`), which their owners recognise if they come twice; what
//! was parked is dropped once they are acknowledged. So whoever dies in between has sent copies that are sent again.

use std::fmt;

use kolo_core::wire::{
    self, DROP, Failure as Cause, FailureClass, Parked, ParkedKind, REPLAY, Replay,
};
use kolo_core::{Participant, partition_of};

use super::super::aggregates;
use super::super::control::{Sender, control_record};
use super::super::failure::Failure;
use super::super::terminal::count;
use super::streams::{At, Streams};

/// What became of a key's records whose routes had failed.
#[derive(Default)]
pub(super) struct Routed {
    /// How many copies of them were sent to their keys.
    pub(super) copies: usize,
    /// How many of them have their copies.
    pub(super) records: usize,
    /// Why the next one has none: its route fails again.
    pub(super) failed: Option<Cause>,
}

impl fmt::Display for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (records, copies) = (count(self.records, "record"), count(self.copies, "key"));
        write!(f, "of which {records} routed to {copies}")
    }
}

impl Streams<'_> {
    /// Routes what stands first under a key, up to what needs no route, or whose route fails again.
    pub(super) fn route(&self, sender: &Sender, at: &At) -> Result<Routed, Failure> {
        let mut routed = Routed::default();
        let queue = self.part(at).queues.of(&at.key);
        let first = queue.take_while(|queued| queued.parked.kind == ParkedKind::Route);
        let first: Vec<&Parked> = first.map(|queued| &queued.parked).collect();
        if first.is_empty() {
            return Ok(routed);
        }
        let aggregate = self.streams[at.stream].aggregate;
        let participant = aggregates::wanted(self.service, Some(aggregate))?.remove(0);
        for parked in first {
            let keys = match keys_of(&**participant, parked) {
                Ok(keys) => keys,
                Err(cause) => {
                    routed.failed = Some(cause);
                    return Ok(routed);
                }
            };
            self.send_copies(sender, at, parked, &keys)?;
            sender.acknowledged()?;
            let drop = wire::Drop {
                id: parked.id,
                reason: reason(&keys),
            };
            self.ask(sender, at, DROP, &serde_json::to_vec(&drop)?)?;
            routed.copies += keys.len();
            routed.records += 1;
        }
        Ok(routed)
    }

    fn send_copies(
        &self,
        sender: &Sender,
        at: &At,
        parked: &Parked,
        keys: &[String],
    ) -> Result<(), Failure> {
        let stream = &self.streams[at.stream];
        let partitions = i32::try_from(stream.parts.len()).unwrap_or(i32::MAX);
        let source = format!("/{}/parked", self.service.name());
        for (copy, key) in (0..).zip(keys) {
            let Some(replay) = Replay::routed(parked, copy) else {
                continue;
            };
            let value = serde_json::to_vec(&replay)?;
            let partition = partition_of(key.as_bytes(), partitions);
            sender.send(control_record(
                &stream.inbox,
                partition,
                key,
                REPLAY,
                &source,
                &value,
            ))?;
        }
        Ok(())
    }
}

/// The keys that it is for.
fn keys_of(participant: &dyn Participant, parked: &Parked) -> Result<Vec<String>, Cause> {
    if parked.too_large {
        return Err(Cause {
            class: FailureClass::Decode,
            function: None,
            message: "its value was too large to be kept in the stream: publish it again under another id, and drop this one".into(),
        });
    }
    let mut keys = Vec::new();
    let event_type = parked.event_type.as_deref().unwrap_or_default();
    let value = parked.value.as_deref().unwrap_or_default();
    // A type that is routed no more concerns nobody.
    participant
        .route(event_type, value, &mut keys)
        .unwrap_or(Ok(()))?;
    Ok(keys)
}

fn reason(keys: &[String]) -> String {
    const NAMED: usize = 10;
    match keys {
        [] => "its route says that it concerns nobody".into(),
        [first @ .., last] if first.len() < NAMED => {
            let mut all = first.join("`, `");
            if !first.is_empty() {
                all.push_str("` and `");
            }
            format!("routed to `{all}{last}`")
        }
        all => format!("routed to {} keys", all.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_keys_if_they_are_few() {
        let keys = |count: usize| (0..count).map(|at| format!("k{at}")).collect::<Vec<_>>();
        assert_eq!(reason(&keys(0)), "its route says that it concerns nobody");
        assert_eq!(reason(&keys(1)), "routed to `k0`");
        assert_eq!(reason(&keys(3)), "routed to `k0`, `k1` and `k2`");
        assert_eq!(reason(&keys(11)), "routed to 11 keys");
    }
}
