//! One partition: what is there is compared, a stream is fenced, and what is missing is appended.

use std::collections::VecDeque;

use kolo_core::wire::{
    CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TYPE, FENCE, Fence, KOLO, Stamp, Writer,
};
use kolo_core::{EventId, TopicId};
use sha2::{Digest, Sha256};

use super::expected::Expected;
use super::plan::PartitionPlan;
use super::send::Sender;
use super::show::Show;
use super::vet::{Own, Vet};
use crate::backup::{Header, Part, Record, TimestampType};
use crate::cluster::{Cluster, ends};
use crate::failure::Failure;
use crate::scan::{Range, scan};
use crate::terminal::Interrupt;

/// An import at work.
pub(super) struct Importing<'a> {
    pub(super) cluster: &'a Cluster<'a>,
    pub(super) topic: &'a str,
    /// The target's id.
    pub(super) id: TopicId,
    /// The id of the topic that was exported.
    pub(super) backup: TopicId,
    pub(super) sender: Sender<'a>,
    pub(super) interrupt: Interrupt,
}

/// What was done with a partition.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    /// Records that were there already.
    pub(super) found: u64,
    /// Records that this run appended, without its fence.
    pub(super) sent: u64,
}

impl Importing<'_> {
    pub(super) fn partition(
        &mut self,
        partition: i32,
        plan: &PartitionPlan,
        parts: VecDeque<Part>,
        show: &mut Show,
    ) -> Result<Done, Failure> {
        let union = plan.fence.as_ref().map(|_| plan.union.clone());
        let own = plan.fence.clone().map(|fence| self.own(partition, fence));
        // A partition of a stream that was never fenced has nothing that counts.
        let parts = if show.is_stream() && own.is_none() {
            VecDeque::new()
        } else {
            parts
        };
        let nonce = own.as_ref().map(|_| self.nonces(partition));
        let mut vet = Vet::new(self.topic, Expected::new(parts, union), own);
        let mut high = self.vet_to_the_end(partition, &mut vet)?;
        show.progress(vet.found);
        let mut done = Done {
            found: vet.found,
            sent: 0,
        };
        let waiting = vet.waiting()?;
        let mut writer = None;
        if let (Some(fence), Some(nonce)) = (&plan.fence, nonce) {
            if waiting.is_none() && vet.fences > 0 {
                return Ok(done);
            }
            let nonce = nonce(vet.fences);
            // Not the time of the import: readers find a time in the log by the first record that is not before it.
            let at = waiting.unwrap_or(plan.fenced_at);
            let record = fence_record(partition, fence, nonce, at)?;
            self.sender.begin(None);
            self.sender.send(&record)?;
            let epoch = self.sender.finish()?.unwrap_or(high);
            // What stands between is of a run that was killed, or somebody else's.
            self.vet_range(partition, high, epoch, &mut vet)?;
            done.found = vet.found;
            high = epoch + 1;
            writer = Some(Writer {
                epoch: Some(epoch),
                nonce,
                number: 0,
            });
        }
        self.sender.begin(Some(high));
        loop {
            if let Some(writer) = &mut writer {
                writer.number += 1;
            }
            let Some(record) = vet.next(writer)? else {
                break;
            };
            if self.interrupt.came() {
                self.sender.finish()?;
                return Err(self.interrupted(partition));
            }
            self.sender.send(&record)?;
            show.progress(done.found + self.sender.acknowledged());
        }
        self.sender.finish()?;
        done.sent = self.sender.acknowledged();
        Ok(done)
    }

    /// Compares all that the partition holds; where it ends.
    fn vet_to_the_end(&self, partition: i32, vet: &mut Vet<'_>) -> Result<i64, Failure> {
        let (low, mut high) = ends(&self.cluster.reader, self.topic, partition)?;
        if low > 0 && low < high {
            return Err(Failure::input(format!(
                "{}[{partition}] begins at offset {low}: retention has removed what the beginning of an import would be compared with. An import needs an empty topic, or its own beginning: name another one with --topic.",
                self.topic
            )));
        }
        let mut from = low;
        while from < high {
            self.vet_range(partition, from, high, vet)?;
            from = high;
            (_, high) = ends(&self.cluster.reader, self.topic, partition)?;
        }
        Ok(high)
    }

    fn vet_range(
        &self,
        partition: i32,
        from: i64,
        until: i64,
        vet: &mut Vet<'_>,
    ) -> Result<(), Failure> {
        let range = Range {
            partition,
            from,
            until,
        };
        let mut failure = None;
        scan(&self.cluster.reader, self.topic, &[range], |message| {
            if failure.is_none() {
                failure = vet.take(&Record::of(message)).err();
            }
            failure.is_none()
        })?;
        failure.map_or(Ok(()), Err)
    }

    fn own(&self, partition: i32, fence: Fence) -> Own {
        Own {
            fence,
            nonce: Box::new(self.nonces(partition)),
        }
    }

    /// The nonces of this import's fences. A run that was killed has left nothing behind but its records: the next one
    /// derives what they were written under.
    fn nonces(&self, partition: i32) -> impl Fn(u64) -> u64 + 'static {
        let name = format!("kolo import {} {} {partition}", self.backup, self.id);
        move |number| {
            let sum = Sha256::digest(format!("{name} {number}"));
            let first = sum.first_chunk().copied().unwrap_or_default();
            u64::from_be_bytes(first)
        }
    }

    fn interrupted(&self, partition: i32) -> Failure {
        Failure::run(format!(
            "interrupted in partition {partition} of `{}`: what was sent is acknowledged. Type the same command again: it compares what is there, and goes on behind it.",
            self.topic
        ))
    }
}

fn fence_record(
    partition: i32,
    fence: &Fence,
    nonce: u64,
    at: Option<i64>,
) -> Result<Record, Failure> {
    let stamp = Stamp::own(Writer {
        epoch: None,
        nonce,
        number: 0,
    })
    .to_string();
    let value = serde_json::to_vec(fence).map_err(|error| Failure::run(error.to_string()))?;
    let header = |name: &str, value: String| Header {
        name: name.to_owned(),
        value: Some(value.into_bytes()),
    };
    Ok(Record {
        partition,
        offset: 0,
        timestamp: at,
        timestamp_type: TimestampType::CreateTime,
        key: None,
        value: Some(value),
        // As an owner writes it.
        headers: vec![
            header(CE_SPECVERSION, "1.0".to_owned()),
            header(CE_ID, EventId::foreign(&stamp).to_string()),
            header(CE_SOURCE, format!("/{}/{}", fence.service, fence.aggregate)),
            header(CE_TYPE, FENCE.to_owned()),
            header(KOLO, stamp),
        ],
    })
}
