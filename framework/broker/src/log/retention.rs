//! What leaves a log at its beginning: whole segments, by age, by size, or because somebody asked.

use std::sync::atomic::Ordering;

use super::writer::{Cleaned, duration_millis};
use super::{LogError, LogWriter};

impl LogWriter {
    /// Removes the segments whose newest record is too old, and the oldest ones while the log is too large.
    pub(super) fn retain(&mut self, now_ms: i64, cleaned: &mut Cleaned) -> Result<(), LogError> {
        let segments = self.shared.segments();
        let mut leave = 0;
        if let Some(retention) = self.config.retention {
            let horizon = now_ms.saturating_sub(duration_millis(retention));
            for segment in segments.iter() {
                let newest = segment.max_timestamp()?;
                // Records without any time do not age.
                if segment.len_bytes() == 0 || newest < 0 || newest >= horizon {
                    break;
                }
                leave += 1;
            }
        }
        if let Some(limit) = self.config.retention_bytes {
            let mut total: u64 = segments[leave..]
                .iter()
                .map(|segment| segment.len_bytes())
                .sum();
            for segment in &segments[leave..] {
                let rest = total - segment.len_bytes();
                if segment.len_bytes() == 0 || rest < limit {
                    break;
                }
                total = rest;
                leave += 1;
            }
        }
        if leave == 0 {
            return Ok(());
        }
        // There is always a segment to append to.
        if leave == segments.len() {
            self.roll()?;
        }
        let start = self.shared.segments()[leave].base_offset();
        cleaned.removed_segments = leave;
        cleaned.freed_bytes += segments[..leave]
            .iter()
            .map(|segment| segment.len_bytes())
            .sum::<u64>();
        self.advance_start(start.max(self.start_offset()))
    }

    /// Moves the start, and removes the segments that lie wholly before it.
    ///
    /// The checkpoint comes first: what is then left of the files, the next open removes.
    pub(super) fn advance_start(&mut self, start: i64) -> Result<(), LogError> {
        self.checkpoint(start)?;
        self.shared.start_offset.store(start, Ordering::Release);
        let segments = self.shared.segments();
        let leave = segments
            .iter()
            .skip(1)
            .take_while(|next| next.base_offset() <= start)
            .count();
        self.shared.set_segments(segments[leave..].to_vec());
        for segment in &segments[..leave] {
            segment.remove(&self.files)?;
        }
        Ok(())
    }
}
