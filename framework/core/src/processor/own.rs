//! Own records: fence and marker, which hold no business fact.

use crate::id::EventId;
use crate::position::{OriginNumber, Position};
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{FENCE, Fence, MARKER, Marker, Read, Source, Stamp, Writer};

use super::outbox::{Append, Outbox};
use super::owner::Owner;

impl<S: State> Owner<S> {
    /// Writes the fence, which opens this owner's epoch.
    pub(super) fn write_fence(&self, at: Timestamp, out: &mut Outbox) {
        let fence = Fence {
            service: self.setup.service.clone(),
            aggregate: self.declaration.name.to_owned(),
            partitions: self.setup.partitions,
            version: self.declaration.version,
            origins: self.positions.origins()[..self.fenced_origins].to_vec(),
        };
        let writer = Writer {
            epoch: None,
            nonce: self.setup.nonce,
            number: 0,
        };
        out.push(&own_record(
            FENCE,
            &to_json(&fence),
            &Stamp::own(writer).to_string(),
            at,
        ));
    }

    /// Appends one of kolo's own records that stand alone.
    fn append_own(
        &mut self,
        event_type: &'static str,
        value: &[u8],
        now: Timestamp,
        out: &mut Outbox,
    ) {
        self.number += 1;
        let writer = Writer {
            epoch: Some(self.epoch),
            nonce: self.setup.nonce,
            number: self.number,
        };
        out.push(&own_record(
            event_type,
            value,
            &Stamp::own(writer).to_string(),
            now,
        ));
        self.appends.push(None);
    }

    pub(super) fn append_marker(&mut self, now: Timestamp, out: &mut Outbox) {
        let topics = &self.setup.inputs;
        let reads = self
            .inputs
            .iter_mut()
            .zip(topics)
            .filter_map(|(input, topic)| {
                let (next, cursor) = (input.next?, input.reader.cursor());
                input.marked = Some((next, cursor));
                Some(Read {
                    topic: topic.id,
                    next,
                    cursor,
                })
            });
        let mut marker = Marker {
            reads: reads.collect(),
            ..Marker::default()
        };
        for (number, partition, position) in self.positions.iter() {
            match self.positions.origins().get(usize::from(number)) {
                Some(origin) if usize::from(number) >= self.fenced_origins => {
                    marker.others.push((origin.clone(), partition, position));
                }
                _ => marker.decided.push((number, partition, position)),
            }
        }
        marker.decided.sort_unstable();
        marker
            .others
            .sort_unstable_by_key(|(origin, partition, _)| (origin.id, *partition));
        let value = to_json(&marker);
        self.append_own(MARKER, &value, now, out);
        self.unmarked = 0;
        self.skipped = 0;
        self.routed_unmarked = false;
    }

    /// How a record names the input that it answers: an origin that the fence does not list has no number there, and
    /// is named in full.
    pub(super) fn source(
        &self,
        origin: OriginNumber,
        partition: i32,
        position: Position,
    ) -> Source {
        match self.positions.origins().get(usize::from(origin)) {
            Some(named) if usize::from(origin) >= self.fenced_origins => Source::Copy {
                path: named.path,
                topic: named.id,
                partition,
                position,
                after: None,
            },
            _ => Source::Input {
                origin,
                partition,
                position,
            },
        }
    }
}

fn own_record<'a>(
    event_type: &'static str,
    value: &'a [u8],
    stamp: &'a str,
    at: Timestamp,
) -> Append<'a> {
    // Own records answer nothing, so their id is that of their place: epoch, nonce and number stand in the stamp.
    let id = EventId::foreign(stamp);
    Append {
        event_type,
        id,
        at,
        key: b"",
        value,
        stamp: stamp.as_bytes(),
        rest: None,
        traceparent: None,
    }
}

#[expect(
    clippy::expect_used,
    reason = "plain structs of numbers and strings always serialise"
)]
pub(super) fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a struct of numbers and strings serialises")
}
