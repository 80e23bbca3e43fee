//! How long something took, in buckets: counted by a worker without a lock, added to what everybody sees after a batch.

use std::sync::atomic::{AtomicU64, Ordering};

use super::counts;

/// The upper bounds of the buckets, in milliseconds; what takes longer has a bucket of its own.
pub(super) const BOUNDS_MS: [u64; 15] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 15_000, 60_000, 300_000,
];

const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// What a worker has counted since the last time it was added.
#[derive(Debug, Default)]
pub(crate) struct LatencyTally {
    counts: [u64; BUCKETS],
    sum_ms: u64,
}

impl LatencyTally {
    pub(crate) fn took(&mut self, ms: u64) {
        if !counts() {
            return;
        }
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < ms);
        self.counts[bucket] += 1;
        self.sum_ms += ms;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }
}

/// What all workers have counted.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    counts: [AtomicU64; BUCKETS],
    sum_ms: AtomicU64,
}

impl Latencies {
    pub(super) fn add(&self, tally: &LatencyTally) {
        for (total, counted) in self.counts.iter().zip(tally.counts) {
            if counted > 0 {
                total.fetch_add(counted, Ordering::Relaxed);
            }
        }
        self.sum_ms.fetch_add(tally.sum_ms, Ordering::Relaxed);
    }

    /// The sum in seconds, the count, and each bucket's bound in seconds with how many it holds. The last bound is infinite.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum of milliseconds above 2^53 is 285,000 years"
    )]
    pub(super) fn read(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let counts = self
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let bounds = BOUNDS_MS.iter().map(|bound| *bound as f64 / 1000.0);
        let bounds = bounds.chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.sum_ms.load(Ordering::Relaxed) as f64 / 1000.0;
        (sum, count, buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let (latencies, mut tally) = (Latencies::default(), LatencyTally::default());
        for ms in [0, 1, 2, 3, 300_000, 300_001] {
            tally.took(ms);
        }
        latencies.add(&tally);
        let (sum, count, buckets) = latencies.read();
        assert_eq!((sum, count), (600.007, 6));
        let held: Vec<u64> = buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(held, [2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(buckets[0].0, 0.001);
    }
}
