//! One key of one stream: its records, and what it is behind them.

use kolo_core::processor::{Inspected, Processor};
use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{
    self, BARRED, Barred, PARKED, Parked, Record, Source, Stamp, UNPARKED, Unparked,
};
use kolo_core::{CorrelationId, EventId, Service, Timestamp, partition_of};

use crate::config::Config;
use crate::topics::Topic;

use super::super::failure::Failure;
use super::super::reading::Reading;
use super::super::terminal::{MANY, note, progress};
use super::at::At;
use super::stream::Aggregate;

/// What a stream tells of one key.
pub(super) struct History {
    pub(super) aggregate: Aggregate,
    pub(super) partition: i32,
    pub(super) events: Vec<Told>,
    /// What it is; `None` if it never was, or was not yet.
    pub(super) known: Option<Inspected>,
    /// The first of its records that is not meant any more: its offset and time.
    pub(super) later: Option<(i64, Timestamp)>,
}

/// A valid record of the key.
pub(super) struct Told {
    pub(super) offset: i64,
    pub(super) at: Timestamp,
    pub(super) event_type: String,
    pub(super) id: EventId,
    /// What it says.
    pub(super) text: String,
    pub(super) correlation: CorrelationId,
    pub(super) causation: Option<EventId>,
    pub(super) answers: &'static str,
}

impl History {
    /// Folds a key up to a place or a time.
    pub(super) fn read(
        service: &Service,
        config: &Config,
        (aggregate, topic): (Aggregate, Topic),
        key: &str,
        at: At,
    ) -> Result<History, Failure> {
        let partition = partition_of(key.as_bytes(), topic.partitions);
        let stream = aggregate.description.stream;
        let mut reading = Reading::open(config, stream, partition)?;
        if reading.low > 0 {
            note(&format!(
                "{stream}[{partition}] begins at offset {}: what stood before is gone, and is not in this",
                reading.low
            ));
        }
        if let At::Offset(offset) = at
            && offset >= reading.end
        {
            return Err(Failure::input(format!(
                "{stream}[{partition}], in which the key is, has no offset {offset} yet: it ends before {}",
                reading.end
            )));
        }
        let mut processor = aggregate.processor(service, config, topic, partition);
        let mut reader = StreamReader::from_start();
        let (mut events, mut later) = (Vec::new(), None);
        let bar = progress(reading.left(), MANY, "records read");
        reading.each(&mut |record| {
            bar.inc(1);
            let verdict = reader.read(record.offset, &record.headers);
            if !at.covers(record) {
                let is_of_key = record.key == Some(key.as_bytes());
                if is_of_key && matches!(verdict, Ok(Verdict::Valid(_))) {
                    later = Some((record.offset, record.timestamp));
                    return Ok(false);
                }
                // What comes behind a place is looked at only to say when a key that was not there yet began.
                if matches!(at, At::Offset(_)) && !events.is_empty() {
                    return Ok(false);
                }
            }
            let fold = || processor.restore_key(key, record);
            let folded = aggregate.fold(partition, record.offset, fold);
            if let Some(stamp) = folded.map_err(Failure::run)? {
                events.push(Told::of(&*processor, record, &stamp));
            }
            Ok(true)
        })?;
        bar.finish_and_clear();
        Ok(History {
            known: processor.inspect(key),
            aggregate,
            partition,
            events,
            later,
        })
    }
}

impl Told {
    fn of(processor: &dyn Processor, record: &Record<'_>, stamp: &Stamp) -> Told {
        let event_type = record.headers.event_type.unwrap_or_default();
        let value = record.value.unwrap_or_default();
        let id = record.headers.id.unwrap_or_default();
        let id = wire::event_id(id);
        let text = match processor.event_text(event_type, value) {
            Some(Ok(text)) => bare(&text).to_owned(),
            Some(Err(problem)) => problem,
            None => own_text(event_type, value).unwrap_or_default(),
        };
        let correlation = stamp.correlation;
        Told {
            offset: record.offset,
            at: record.timestamp,
            event_type: event_type.to_owned(),
            id,
            text,
            correlation: correlation.unwrap_or_else(|| CorrelationId::of_event(id)),
            causation: stamp.causation,
            answers: match stamp.source {
                Source::Input { .. } | Source::Copy { .. } => "an input",
                Source::Deadline(_) => "a deadline",
                Source::Parked => "what was parked",
                Source::None => "a request",
            },
        }
    }
}

/// An event in the words of its own type, without the name that the enum of the stream's events has for it.
fn bare(text: &str) -> &str {
    let within = text
        .split_once('(')
        .and_then(|(variant, rest)| Some((variant, rest.strip_suffix(')')?)));
    match within {
        Some((variant, rest)) if rest.starts_with(variant) => rest,
        _ => text,
    }
}

/// What one of kolo's own records says of a key.
fn own_text(event_type: &str, value: &[u8]) -> Option<String> {
    Some(match event_type {
        BARRED => {
            let barred: Barred = serde_json::from_slice(value).ok()?;
            let waits = match barred.waiting {
                Some(_) => ", once its request is answered",
                None => "",
            };
            format!(
                "{} is undone or refused, for {}{waits}",
                barred.step, barred.by
            )
        }
        PARKED => {
            let parked: Parked = serde_json::from_slice(value).ok()?;
            format!("{}: {}", parked.failure.class, parked.failure.message)
        }
        UNPARKED => {
            let unparked: Unparked = serde_json::from_slice(value).ok()?;
            match unparked.dropped {
                Some(reason) => format!("{} was dropped: {reason}", unparked.id),
                None => format!("{} was decided", unparked.id),
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_without_the_name_of_its_variant() {
        for (text, told) in [
            (
                "OrderOpened(OrderOpened { id: 1 })",
                "OrderOpened { id: 1 }",
            ),
            (
                "Opened(OrderOpened { id: (1) })",
                "Opened(OrderOpened { id: (1) })",
            ),
            ("Opened", "Opened"),
        ] {
            assert_eq!(bare(text), told);
        }
    }
}
