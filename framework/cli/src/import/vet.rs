//! Compares what a partition of the target holds with what it is to hold: nothing, or the beginning of this import.

use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{Fence, Writer};

use super::expected::{Expected, difference};
use super::rewrite::under;
use crate::backup::Record;
use crate::failure::Failure;

/// What an import calls its own in a partition of a stream.
pub(super) struct Own {
    /// What its fences say.
    pub(super) fence: Fence,
    /// The nonce of its n-th fence. Each run that appends has one; they are derived, so that the next run knows them.
    pub(super) nonce: Box<dyn Fn(u64) -> u64>,
}

/// One partition of the target, as far as it was read.
pub(super) struct Vet<'a> {
    topic: &'a str,
    expected: Expected,
    own: Option<Own>,
    reader: StreamReader,
    /// How many fences of this import were found.
    pub(super) fences: u64,
    /// How many records were found that belong there.
    pub(super) found: u64,
}

impl<'a> Vet<'a> {
    /// `own` for a stream.
    pub(super) fn new(topic: &'a str, expected: Expected, own: Option<Own>) -> Self {
        Vet {
            topic,
            expected,
            own,
            reader: StreamReader::from_start(),
            fences: 0,
            found: 0,
        }
    }

    /// Takes up the next record of the target.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), Failure> {
        let Some(own) = &self.own else {
            return self.compare(record, None);
        };
        let verdict = self.reader.read(record.offset, &record.kolo_headers());
        let verdict = verdict.map_err(|error| self.refuse(record, &error.to_string()))?;
        match verdict {
            Verdict::Fence(writer) => {
                let value = record.value.as_deref().unwrap_or_default();
                let found: Option<Fence> = serde_json::from_slice(value).ok();
                let number = (0..=self.fences).find(|&number| (own.nonce)(number) == writer.nonce);
                match (number, found) {
                    (Some(number), Some(found)) if found == own.fence => {
                        self.fences = self.fences.max(number + 1);
                        Ok(())
                    }
                    (_, found) => {
                        let whose = found.map_or_else(
                            || "an unreadable fence".to_owned(),
                            |found| format!("a fence of {}.{}", found.service, found.aggregate),
                        );
                        Err(self.refuse(
                            record,
                            &format!("it is {whose} that this import did not write"),
                        ))
                    }
                }
            }
            Verdict::Valid(stamp) => self.compare(record, stamp.writer),
            // Late or repeated records of a run that was killed.
            Verdict::Void(_) if self.is_own(record) => Ok(()),
            Verdict::Void(_) | Verdict::Unfenced(_) => {
                Err(self.refuse(record, "this import did not write it"))
            }
        }
    }

    fn is_own(&self, record: &Record) -> bool {
        let headers = record.kolo_headers();
        let stamp = headers.stamp.map(kolo_core::wire::Stamp::read);
        let writer = stamp.and_then(Result::ok).and_then(|stamp| stamp.writer);
        let own = self.own.as_ref().zip(writer);
        own.is_some_and(|(own, writer)| {
            (0..=self.fences).any(|number| (own.nonce)(number) == writer.nonce)
        })
    }

    fn compare(&mut self, record: &Record, writer: Option<Writer>) -> Result<(), Failure> {
        let Some(wanted) = self.next(writer)? else {
            return Err(self.refuse(
                record,
                "the backup has no more records than those before it",
            ));
        };
        match difference(&wanted, record) {
            None => {
                self.found += 1;
                Ok(())
            }
            Some(difference) => Err(self.refuse(
                record,
                &format!(
                    "where offset {} of the backup should be, {difference}",
                    wanted.offset
                ),
            )),
        }
    }

    /// The next record that is to be there, under this owner in a stream.
    pub(super) fn next(&mut self, writer: Option<Writer>) -> Result<Option<Record>, Failure> {
        match (self.expected.next()?, writer) {
            (Some(record), Some(writer)) => under(record, writer).map(Some),
            (record, _) => Ok(record),
        }
    }

    /// The time of the next record that is to be there; none where all of them are.
    pub(super) fn waiting(&mut self) -> Result<Option<Option<i64>>, Failure> {
        Ok(self.expected.peek()?.map(|record| record.timestamp))
    }

    fn refuse(&self, record: &Record, what: &str) -> Failure {
        let Vet { topic, .. } = self;
        Failure::input(format!(
            "{topic}[{}] holds something else than the beginning of this import, at offset {}: {what}. Nothing more was written. An import needs an empty topic, or its own beginning: name another one with --topic, or delete this one, if nobody needs it. `kolo tail {topic} --from beginning --no-follow` shows it.",
            record.partition, record.offset
        ))
    }
}
