//! `--from`: where to start reading.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::cluster::{ANSWER, Reader};
use crate::failure::Failure;
use crate::scan::cannot_read;

/// Where to start in each partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Beginning,
    End,
    /// The first record of this time or later.
    Time(Timestamp),
    Offset(i64),
    /// So many records before the end.
    Last(i64),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse::<i64>() {
            let last = text
                .starts_with('-')
                .then(|| number.checked_neg())
                .flatten();
            return Ok(last.map_or(From::Offset(number), From::Last));
        }
        match text {
            "beginning" | "start" | "earliest" => return Ok(From::Beginning),
            "end" | "now" | "latest" => return Ok(From::End),
            _ => {}
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(From::Time(time));
        }
        let ago = text.strip_suffix("ago").unwrap_or(text).trim();
        if let Ok(back) = ago.parse::<SignedDuration>()
            && let Ok(time) = Timestamp::now().checked_sub(back.abs())
        {
            return Ok(From::Time(time));
        }
        Err("expected `beginning`, `end`, a time such as 2026-11-23T08:00:00Z, how long ago such as 10m, 2h or 1h30m, \
             an offset, or -N for the last N records of each partition"
            .into())
    }
}

impl From {
    /// The offset to start at in a partition that has the records `low..high`.
    pub(crate) fn offset(
        self,
        reader: &Reader,
        topic: &str,
        partition: i32,
        (low, high): (i64, i64),
    ) -> Result<i64, Failure> {
        let wanted = match self {
            From::Beginning => low,
            From::End => high,
            From::Offset(offset) => offset,
            From::Last(count) => high.saturating_sub(count),
            From::Time(time) => {
                let mut list = TopicPartitionList::new();
                list.add_partition_offset(
                    topic,
                    partition,
                    Offset::Offset(time.as_millisecond().max(0)),
                )
                .map_err(|error| cannot_read(topic, &error))?;
                let found = reader
                    .offsets_for_times(list, ANSWER)
                    .map_err(|error| cannot_read(topic, &error))?;
                match found
                    .find_partition(topic, partition)
                    .map(|found| found.offset())
                {
                    Some(Offset::Offset(offset)) => offset,
                    _ => high,
                }
            }
        };
        Ok(wanted.clamp(low, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_say_where() {
        assert_eq!("beginning".parse(), Ok(From::Beginning));
        assert_eq!("end".parse(), Ok(From::End));
        assert_eq!("17".parse(), Ok(From::Offset(17)));
        assert_eq!("-5".parse(), Ok(From::Last(5)));
        let time = "2026-11-23T08:00:00Z".parse().unwrap();
        assert_eq!("2026-11-23T08:00:00Z".parse(), Ok(From::Time(time)));
        assert_eq!("2026-11-23T09:00:00+01:00".parse(), Ok(From::Time(time)));
        let before = Timestamp::now();
        for (text, minutes) in [("10m", 10), ("2h", 120), ("1h30m", 90), ("10m ago", 10)] {
            let Ok(From::Time(time)) = text.parse() else {
                panic!("{text}")
            };
            let back = before.duration_since(time);
            assert_eq!((back.as_millis() + 500) / 60_000, minutes, "{text}");
        }
        for bad in [
            "",
            "yesterday",
            "2026-11-23",
            "10 parsecs",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<From>().is_err(), "{bad:?}");
        }
    }
}
