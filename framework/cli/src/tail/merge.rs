//! Merges partitions by time, each of which keeps its own order.

use std::collections::VecDeque;

/// From so many waiting records on, a partition pauses until the others have come as far.
const FULL_RECORDS: usize = 20_000;
const LOW_RECORDS: usize = 2_000;

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<(i64, String)>,
    /// Nothing older can come any more.
    caught_up: bool,
    paused: bool,
}

/// The lines of all partitions. As long as a partition has not caught up with the end that it had at the start, no line
/// is given out that could be younger than its next one; later lines are given out as they come.
#[derive(Debug, Default)]
pub(super) struct Merge {
    lanes: Vec<Lane>,
}

impl Merge {
    /// A lane for one more partition.
    pub(super) fn add(&mut self, caught_up: bool) -> usize {
        self.lanes.push(Lane {
            caught_up,
            ..Lane::default()
        });
        self.lanes.len() - 1
    }

    pub(super) fn push(&mut self, lane: usize, millis: i64, text: String) {
        self.lanes[lane].waiting.push_back((millis, text));
    }

    pub(super) fn caught_up(&mut self, lane: usize) {
        self.lanes[lane].caught_up = true;
    }

    /// The oldest line, if none that is older can come.
    pub(super) fn next(&mut self) -> Option<String> {
        if self
            .lanes
            .iter()
            .any(|lane| !lane.caught_up && lane.waiting.is_empty())
        {
            return None;
        }
        let heads = self
            .lanes
            .iter()
            .enumerate()
            .filter_map(|(at, lane)| Some((lane.waiting.front()?.0, at)));
        let (_, oldest) = heads.min()?;
        self.lanes[oldest].waiting.pop_front().map(|(_, text)| text)
    }

    /// Everything that was there at the start has been given out.
    pub(super) fn is_through(&self) -> bool {
        self.lanes
            .iter()
            .all(|lane| lane.caught_up && lane.waiting.is_empty())
    }

    /// Whether the partition is to pause (true) or to go on (false) from now on.
    pub(super) fn change_of_pace(&mut self, lane: usize) -> Option<bool> {
        let lane = &mut self.lanes[lane];
        let pause = match lane.paused {
            false if lane.waiting.len() >= FULL_RECORDS => true,
            true if lane.waiting.len() <= LOW_RECORDS => false,
            _ => return None,
        };
        lane.paused = pause;
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_given_out_before_something_older_that_may_come() {
        let mut merge = Merge::default();
        let (one, other) = (merge.add(false), merge.add(false));
        merge.push(one, 5, "5".into());
        assert_eq!(
            merge.next(),
            None,
            "the other partition may have something older"
        );
        merge.push(other, 3, "3".into());
        assert_eq!(merge.next().as_deref(), Some("3"));
        assert_eq!(merge.next(), None);
        merge.caught_up(other);
        assert_eq!(merge.next().as_deref(), Some("5"));
        assert!(!merge.is_through(), "the first partition may go on");
        merge.caught_up(one);
        assert!(merge.is_through());
    }

    #[test]
    fn a_partition_keeps_its_own_order_and_stands_behind_older_ones() {
        let mut merge = Merge::default();
        let (one, other) = (merge.add(true), merge.add(true));
        for (lane, millis) in [(one, 4), (one, 2), (other, 3)] {
            merge.push(lane, millis, millis.to_string());
        }
        let order: Vec<String> = std::iter::from_fn(|| merge.next()).collect();
        assert_eq!(order, ["3", "4", "2"]);
    }

    #[test]
    fn a_partition_that_is_far_ahead_pauses_and_goes_on() {
        let mut merge = Merge::default();
        let (ahead, behind) = (merge.add(false), merge.add(false));
        (0..FULL_RECORDS).for_each(|_| merge.push(ahead, 1, String::new()));
        assert_eq!(merge.change_of_pace(ahead), Some(true));
        assert_eq!(merge.change_of_pace(ahead), None, "it is paused already");
        merge.caught_up(behind);
        while merge.next().is_some() {}
        assert_eq!(merge.change_of_pace(ahead), Some(false));
    }
}
