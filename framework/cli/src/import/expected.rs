//! What one partition of the target is to hold, in order: all records, or those of a stream that are valid.

use std::collections::VecDeque;

use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::Fence;

use super::rewrite::{Numbers, Union, renumber};
use crate::backup::{Part, Record, Records, read};
use crate::failure::Failure;

/// The records of one partition that are to be imported.
pub(super) struct Expected {
    parts: VecDeque<Part>,
    open: Option<Records>,
    stream: Option<Judge>,
    next: Option<Record>,
}

/// Judges the backup's records, and knows what the numbers of the fence in force are in the union.
struct Judge {
    reader: StreamReader,
    union: Union,
    numbers: Numbers,
}

impl Expected {
    /// `union` for a stream: the origins of all its fences.
    pub(super) fn new(parts: VecDeque<Part>, union: Option<Union>) -> Self {
        let stream = union.map(|union| Judge {
            reader: StreamReader::from_start(),
            union,
            numbers: Numbers::default(),
        });
        Expected {
            parts,
            open: None,
            stream,
            next: None,
        }
    }

    /// The next record, which stays the next one.
    pub(super) fn peek(&mut self) -> Result<Option<&Record>, Failure> {
        if self.next.is_none() {
            self.next = self.find()?;
        }
        Ok(self.next.as_ref())
    }

    pub(super) fn next(&mut self) -> Result<Option<Record>, Failure> {
        match self.next.take() {
            Some(record) => Ok(Some(record)),
            None => self.find(),
        }
    }

    fn find(&mut self) -> Result<Option<Record>, Failure> {
        while let Some(record) = self.raw()? {
            let Some(judge) = &mut self.stream else {
                return Ok(Some(sendable(record)));
            };
            if let Some(record) = judge.take(record)? {
                return Ok(Some(sendable(record)));
            }
        }
        Ok(None)
    }

    fn raw(&mut self) -> Result<Option<Record>, Failure> {
        loop {
            if let Some(record) = self.open.as_mut().and_then(Iterator::next) {
                return record.map(Some);
            }
            match self.parts.pop_front() {
                Some(part) => self.open = Some(read(&part)?),
                None => return Ok(None),
            }
        }
    }
}

impl Judge {
    fn take(&mut self, record: Record) -> Result<Option<Record>, Failure> {
        let unreadable = |problem: &dyn std::fmt::Display| {
            Failure::run(format!(
                "offset {} of partition {}: {problem}",
                record.offset, record.partition
            ))
        };
        let verdict = self.reader.read(record.offset, &record.kolo_headers());
        match verdict.map_err(|error| unreadable(&error))? {
            Verdict::Fence(_) => {
                let value = record.value.as_deref().unwrap_or_default();
                let fence: Fence =
                    serde_json::from_slice(value).map_err(|error| unreadable(&error))?;
                self.numbers = self.union.take(&fence);
                Ok(None)
            }
            Verdict::Valid(_) => renumber(record, &self.numbers).map(Some),
            Verdict::Void(_) | Verdict::Unfenced(_) => Ok(None),
        }
    }
}

/// librdkafka takes a timestamp of 0 for none, and sets the clock's: a record of the first millisecond of 1970 is
/// imported at the second one.
fn sendable(mut record: Record) -> Record {
    if record.timestamp == Some(0) {
        record.timestamp = Some(1);
    }
    record
}

/// What is not the same in two records, but for their offsets.
pub(super) fn difference(wanted: &Record, found: &Record) -> Option<String> {
    let bytes = |bytes: &Option<Vec<u8>>| match bytes {
        None => "null".to_owned(),
        Some(bytes) => format!(
            "\"{}\"",
            bytes
                .escape_ascii()
                .to_string()
                .chars()
                .take(60)
                .collect::<String>()
        ),
    };
    if wanted.key != found.key {
        return Some(format!(
            "the key is {} and not {}",
            bytes(&found.key),
            bytes(&wanted.key)
        ));
    }
    if wanted.timestamp != found.timestamp {
        return Some(format!(
            "the timestamp is {:?} and not {:?}",
            found.timestamp.unwrap_or(-1),
            wanted.timestamp.unwrap_or(-1)
        ));
    }
    let headers = wanted.headers.iter().zip(&found.headers);
    if let Some((wanted, found)) = headers.clone().find(|(wanted, found)| wanted != found) {
        return Some(format!(
            "the header is {}={} and not {}={}",
            found.name,
            bytes(&found.value),
            wanted.name,
            bytes(&wanted.value)
        ));
    }
    if wanted.headers.len() != found.headers.len() {
        return Some(format!(
            "it has {} headers and not {}",
            found.headers.len(),
            wanted.headers.len()
        ));
    }
    (wanted.value != found.value).then(|| {
        format!(
            "the value is {} and not {}",
            bytes(&found.value),
            bytes(&wanted.value)
        )
    })
}
