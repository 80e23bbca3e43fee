//! What a router tells of itself: how far each of its source partitions is forwarded, once a second.

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
/// Where nothing comes for so long, nothing is there: what is left before the end are the marks of transactions.
const SETTLED: Duration = Duration::from_secs(10);

impl Session<'_> {
    /// Tells how the sources stand, if it is time.
    pub(super) fn measure(&mut self, at: Instant) {
        if at < self.measure_at || !counts() {
            return;
        }
        self.measure_at = at + LOOK;
        let client = self.consumer.client();
        let standings = self.places.iter_mut().map(|((topic, partition), place)| {
            let ends = watermarks(client, topic, *partition);
            let lag = ends.map(|(first, end)| place.lag(first, end, at));
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
        *self.spec.meters.router.lock() = standings.collect();
    }
}

impl Place {
    /// How many records before `end` are not forwarded.
    fn lag(&mut self, first: i64, end: i64, at: Instant) -> u64 {
        let next = self.committable.map(|(next, _)| next).or(self.committed);
        let lag = u64::try_from(end - next.unwrap_or(first).max(first)).unwrap_or(0);
        let seen = (end, self.read);
        if self.seen.is_none_or(|(before, _)| before != seen) {
            self.seen = Some((seen, at));
        }
        let since = self.seen.map_or(at, |(_, since)| since);
        if self.open.is_empty() && at.saturating_duration_since(since) > SETTLED {
            return 0;
        }
        lag
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
    fn what_is_not_acknowledged_lags_and_marks_of_transactions_do_not() {
        let begun = Instant::now();
        let after = |seconds: u64| begun + Duration::from_secs(seconds);
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
            since: begun,
            seen: None,
        };
        assert_eq!(place.lag(3, 10, after(0)), 7, "retention has taken three");
        place.read = 6;
        place.open.push_back(Forwarded {
            next: 9,
            cursor: None,
            copies: 1,
        });
        assert_eq!(place.lag(3, 10, after(1)), 7);
        assert_eq!(place.lag(3, 10, after(60)), 7, "nobody has acknowledged it");
        place.open[0].copies = 0;
        place.settle();
        assert_eq!(place.lag(3, 10, after(61)), 0);
        place.read = 7;
        assert_eq!(place.lag(3, 10, after(62)), 1);
        assert_eq!(place.lag(3, 12, after(72)), 3, "two more have come");
        assert_eq!(place.lag(3, 12, after(83)), 0, "which were no records");
    }
}
