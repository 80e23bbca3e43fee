//! How far reading on is: a bar for people where it takes its time, lines for programs, and whether it is to end.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::terminal::{Interrupt, is_watched};

/// What takes less is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two lines.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Watch {
    interrupt: Option<Interrupt>,
    lines: bool,
    total: AtomicU64,
    done: AtomicU64,
    shown: Mutex<Shown>,
}

struct Shown {
    begun: Instant,
    bar: Option<ProgressBar>,
    line: Option<Instant>,
}

impl Watch {
    /// For a command that wants the answer, and ends the process where it is interrupted.
    pub(crate) fn new() -> Self {
        Watch {
            interrupt: None,
            lines: false,
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            shown: Mutex::new(Shown {
                begun: Instant::now(),
                bar: None,
                line: None,
            }),
        }
    }

    /// For one that follows, ends at Ctrl-C, and may tell programs how far it is.
    pub(super) fn following(interrupt: Interrupt, lines: bool) -> Self {
        Watch {
            interrupt: Some(interrupt),
            lines,
            ..Watch::new()
        }
    }

    /// So many records are to be read.
    pub(super) fn begin(&self, records: u64) {
        self.total.store(records, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.shown().begun = Instant::now();
    }

    /// So many more are written.
    pub(super) fn more(&self, records: u64) {
        let done = self.done.fetch_add(records, Ordering::Relaxed) + records;
        let total = self.total.load(Ordering::Relaxed);
        let mut shown = self.shown();
        if self.lines {
            if shown.line.is_none_or(|line| line.elapsed() >= PAUSE) {
                shown.line = Some(Instant::now());
                let mut out = std::io::stdout().lock();
                // Whether anybody reads is found out at the last line.
                let _ = writeln!(out, "{}", json!({"read": done, "of": total}));
            }
        } else if is_watched() && shown.begun.elapsed() >= PATIENCE {
            let bar = shown.bar.get_or_insert_with(|| bar(total));
            bar.set_position(done);
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = self.shown().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Whether it is to end before all is read.
    pub(super) fn is_over(&self) -> bool {
        self.interrupt.as_ref().is_some_and(Interrupt::came)
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = "{bar:30} {pos}/{len} records into the index, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
