//! What a router tells of itself: that it turns, and how far each of its source partitions is forwarded, once a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use crate::meters::{InputStanding, RouteStanding, counts};
use crate::native::watermarks;
use crate::worker::record::now;

use super::place::Place;
use super::session::Session;

/// How often sources are looked at.
const LOOK: Duration = Duration::from_secs(1);

impl Session<'_> {
    /// Tells how the sources stand, if it is time.
    pub(super) fn measure(&mut self, at: Instant) {
        self.meters.life.turned();
        if at < self.measure_at || !counts() {
            return;
        }
        self.measure_at = at + LOOK;
        let client = self.consumer.client();
        for (at, end) in std::mem::take(&mut *client.context().ends.lock()) {
            if let Some(place) = self.places.get_mut(&at) {
                place.ended = Some(end);
            }
        }
        let standings = self.places.iter().map(|((topic, partition), place)| {
            let ends = watermarks(client, topic, *partition);
            let lag = ends.map(|(first, end)| place.lag(first, end));
            RouteStanding {
                partition: *partition,
                source: InputStanding {
                    topic: Arc::from(topic.as_str()),
                    lag,
                    age: match lag {
                        Some(0) => Duration::ZERO,
                        _ => place.age(),
                    },
                },
            }
        });
        *self.meters.routes.lock() = standings.collect();
    }
}

impl Place {
    /// How many records before `end` are not forwarded. That nothing comes does not mean that nothing is there: it may be that
    /// it cannot be fetched.
    fn lag(&self, first: i64, end: i64) -> u64 {
        if self.open.is_empty() && self.ended == Some(end) {
            return 0;
        }
        let next = self.committable.map(|(next, _)| next).or(self.committed);
        u64::try_from(end - next.unwrap_or(first).max(first)).unwrap_or(0)
    }

    /// How old is what comes next, at least: as old as what was read last, or as this assignment.
    fn age(&self) -> Duration {
        self.read_at
            .map_or_else(|| self.since.elapsed(), |at| now().since(at))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use hashbrown::HashMap;
    use kolo_core::stream::StreamReader;

    use super::super::place::Forwarded;
    use super::*;

    #[test]
    fn what_is_not_forwarded_lags_until_it_is_known_to_be_no_record() {
        let mut place = Place {
            number: 0,
            reader: StreamReader::from_start(),
            resumes_at: None,
            sought: false,
            sent: HashMap::new(),
            read: 0,
            open: VecDeque::new(),
            committable: None,
            committed: None,
            read_at: None,
            since: Instant::now(),
            ended: None,
        };
        assert_eq!(place.lag(3, 10), 7, "retention has taken three");
        place.read = 6;
        place.open.push_back(Forwarded {
            next: 9,
            cursor: None,
            copies: 1,
        });
        assert_eq!(place.lag(3, 10), 7);
        place.ended = Some(10);
        assert_eq!(place.lag(3, 10), 7, "nobody has acknowledged it");
        place.open[0].copies = 0;
        place.settle();
        assert_eq!(place.lag(3, 10), 0, "what is left is no record");
        assert_eq!(place.lag(3, 12), 3, "two more are there, and none has come");
        place.ended = Some(12);
        assert_eq!(place.lag(3, 12), 0, "they were no records");
    }
}
