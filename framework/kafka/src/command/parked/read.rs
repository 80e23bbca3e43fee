//! Reads the streams: up to where they ended when the command was started, and on from there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kolo_core::wire::ParkedChange;
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::bulk::ends_reading;
use crate::native::{Consumed, Taken};

use super::super::client::{Quiet, STANDSTILL, cannot_read};
use super::super::failure::Failure;
use super::super::terminal::{MANY, progress};
use super::streams::{At, Part, Streams};

/// How long to wait before the client is asked again.
const PAUSE: Duration = Duration::from_millis(5);
/// How many messages are taken from the client at once.
const BATCH: usize = 1_000;

/// What is done at a change of a queue, with the queues as they are right behind it.
type Changed<'a> = dyn FnMut(&Streams<'_>, &At, &ParkedChange) -> Result<(), Failure> + 'a;

impl Part {
    fn is_through(&self) -> bool {
        self.next >= self.end
    }
}

impl Streams<'_> {
    /// Reads everything that stood in the streams when the command was started.
    pub(super) fn read_to_end(&mut self) -> Result<(), Failure> {
        let all = self.streams.iter().flat_map(|stream| &stream.parts);
        let left: i64 = all.map(|part| part.end - part.next).sum();
        if left == 0 {
            return Ok(());
        }
        let bar = progress(u64::try_from(left).unwrap_or(0), MANY, "records read");
        self.assign(|part| !part.is_through())?;
        let mut consumed = Consumed::new(Arc::clone(&self.consumer), BATCH);
        let mut moved = Instant::now();
        loop {
            let mut parts = self.streams.iter().flat_map(|stream| &stream.parts);
            if parts.all(Part::is_through) {
                bar.finish_and_clear();
                return Ok(());
            }
            let taken = self.take_some(&mut consumed, true, &mut |_, _, _| Ok(()))?;
            if taken > 0 {
                bar.inc(taken);
                moved = Instant::now();
            } else if moved.elapsed() > STANDSTILL {
                return Err(self.stands_still());
            }
        }
    }

    /// Reads on from where it ended.
    pub(super) fn follow(&self) -> Result<Consumed<Quiet>, Failure> {
        self.assign(|_| true)?;
        Ok(Consumed::new(Arc::clone(&self.consumer), BATCH))
    }

    /// Takes up what has come, after a short while if there is nothing; `changed` is told of each change as it is made.
    pub(super) fn take_up(
        &mut self,
        consumed: &mut Consumed<Quiet>,
        changed: &mut Changed<'_>,
    ) -> Result<(), Failure> {
        self.take_some(consumed, false, changed).map(|_| ())
    }

    fn assign(&self, which: impl Fn(&Part) -> bool) -> Result<(), Failure> {
        let mut list = TopicPartitionList::new();
        for stream in &self.streams {
            for part in stream.parts.iter().filter(|part| which(part)) {
                list.add_partition_offset(stream.topic, part.number, Offset::Offset(part.next))
                    .map_err(|error| cannot_read(stream.topic, &error))?;
            }
        }
        let topic = self.streams.first().map_or("", |stream| stream.topic);
        self.consumer
            .assign(&list)
            .map_err(|error| cannot_read(topic, &error))
    }

    /// Takes what the client has; `to_end` leaves alone what was written since the command was started. Gives how many
    /// records were taken up.
    fn take_some(
        &mut self,
        consumed: &mut Consumed<Quiet>,
        to_end: bool,
        changed: &mut Changed<'_>,
    ) -> Result<u64, Failure> {
        let mut taken = 0;
        if consumed.take() == 0 {
            std::thread::sleep(PAUSE);
            return Ok(taken);
        }
        for message in consumed.iter() {
            match message {
                Ok(Taken::Message(message)) => {
                    let Some(place) = self.find(message.topic, message.partition()) else {
                        continue;
                    };
                    if to_end && self.streams[place.0].parts[place.1].is_through() {
                        continue;
                    }
                    taken += 1;
                    if let Some((at, change)) = self.take(place, &message.record())? {
                        changed(self, &at, &change)?;
                    }
                }
                // Behind the last record may be transaction markers, which are no records.
                Ok(Taken::End {
                    topic,
                    partition,
                    offset,
                }) => {
                    if let Some((stream, part)) = self.find(topic, partition) {
                        let part = &mut self.streams[stream].parts[part];
                        let reached = if to_end { offset.min(part.end) } else { offset };
                        part.next = part.next.max(reached);
                    }
                }
                Err(error) if ends_reading(&error) => {
                    let topic = self.streams.first().map_or("", |stream| stream.topic);
                    return Err(cannot_read(topic, &error));
                }
                // A connection that librdkafka opens again.
                Err(_) => {}
            }
        }
        Ok(taken)
    }

    fn stands_still(&self) -> Failure {
        let mut waiting = self.streams.iter().flat_map(|stream| {
            let open = stream.parts.iter().filter(|part| !part.is_through());
            open.map(|part| format!("{}[{}]", stream.topic, part.number))
        });
        let place = waiting.next().unwrap_or_default();
        let topic = place.split('[').next().unwrap_or_default();
        Failure::run(format!(
            "no record of {place} arrived for {} s, though there are some. `kolo topics describe {topic}` shows whether the partition has a leader",
            STANDSTILL.as_secs()
        ))
    }
}
