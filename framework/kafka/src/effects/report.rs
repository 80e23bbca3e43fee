//! What a lane logs: the first failure, and then fewer and fewer lines while they go on.

use std::time::Duration;

use tokio::time::Instant;

use super::breaker::Turn;
use super::job::Job;
use super::lane::Name;

/// How far the lines are apart at first, and at most. After so long without a failure, the next one is the first again.
const NEAREST: Duration = Duration::from_secs(1);
const FARTHEST: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Report {
    /// When the next line may be written, and how far it is from the one before.
    next: Option<(Instant, Duration)>,
    failed_at: Option<Instant>,
    /// Failures since the last line.
    unsaid: u64,
}

impl Report {
    /// Counts a failure. Says how many a line tells of, if it is time for one.
    fn count(&mut self, now: Instant) -> Option<u64> {
        let is_quiet = self.failed_at.is_none_or(|last| now - last >= FARTHEST);
        self.failed_at = Some(now);
        self.unsaid += 1;
        let distance = match self.next {
            Some((due, _)) if !is_quiet && now < due => return None,
            Some((_, distance)) if !is_quiet => (distance * 2).min(FARTHEST),
            _ => NEAREST,
        };
        self.next = Some((now + distance, distance));
        Some(std::mem::take(&mut self.unsaid))
    }

    /// A call has failed, and is made again after this pause.
    pub(super) fn failed(&mut self, name: &Name, job: &Job, pause: Duration, now: Instant) {
        let Some(calls) = self.count(now) else { return };
        let problem = job.failing.as_ref().map_or("", |failing| &failing.problem);
        let call = &job.call;
        tracing::warn!(
            aggregate = %name.aggregate, port = name.port, event = %call.request, saga = %call.correlation,
            key = %call.key, attempt = job.attempts, calls,
            "the effect has no definitive reply and is called again in {pause:?}; calls that failed since the last line like this: {calls}; the last one: {problem}"
        );
    }

    /// The breaker has opened or closed.
    pub(super) fn turned(&self, name: &Name, turn: Turn, tried: bool, waiting: usize) {
        let Name {
            aggregate, port, ..
        } = name;
        match turn {
            // The attempts of an open breaker go on as long as the port is away.
            Turn::Opened(pause) if tried => tracing::debug!(
                %aggregate, port, waiting, "the breaker stays open for {pause:?}: the call that tried has failed"
            ),
            Turn::Opened(pause) => tracing::warn!(
                %aggregate, port, waiting, "the breaker opens: too many calls failed in a row, and none is made for {pause:?}"
            ),
            Turn::Closed => {
                tracing::info!(%aggregate, port, waiting, "the breaker closes: the port replies again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_at_once_then_at_growing_distance_and_at_once_after_a_quiet_time() {
        let mut report = Report::default();
        let start = Instant::now();
        let mut lines = Vec::new();
        for tenth in 0..1_000u32 {
            let at = Duration::from_millis(100) * tenth;
            if let Some(calls) = report.count(start + at) {
                lines.push((at.as_secs(), calls));
            }
        }
        assert_eq!(
            lines,
            [
                (0, 1),
                (1, 10),
                (3, 20),
                (7, 40),
                (15, 80),
                (31, 160),
                (63, 320)
            ]
        );
        let quiet = start + Duration::from_secs(100) + FARTHEST;
        assert_eq!(report.count(quiet), Some(370));
        assert_eq!(report.count(quiet + NEAREST), Some(1));
    }
}
