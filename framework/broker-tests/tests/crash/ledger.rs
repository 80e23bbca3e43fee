//! What the clients were told, each word of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

/// A record: its key and its value.
pub(crate) type Content = (Option<String>, String);

/// One partition of one topic.
pub(crate) type At = (&'static str, i32);

#[derive(Default)]
pub(crate) struct Ledger {
    acknowledged: AtomicUsize,
    sent: AtomicUsize,
    kills: AtomicUsize,
    commits_since_kill: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Default)]
pub(crate) struct Told {
    /// By partition and offset, what was acknowledged to stand there.
    pub(crate) records: BTreeMap<At, BTreeMap<i64, Content>>,
    /// By partition and offset, what a consumer was given.
    pub(crate) consumed: BTreeMap<At, BTreeMap<i64, String>>,
    /// By partition, the largest offset whose commit was acknowledged.
    pub(crate) committed: BTreeMap<At, i64>,
    /// What should not have been.
    pub(crate) complaints: Vec<String>,
    repeats: usize,
    commits: usize,
}

impl Ledger {
    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    pub(crate) fn sending(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn acknowledge(&self, at: At, offset: i64, content: Content) {
        let told = &mut *self.told();
        let records = told.records.entry(at).or_default();
        if let Some(before) = records.get(&offset) {
            told.complaints.push(format!(
                "{before:?} and {content:?} were both acknowledged at {at:?}, offset {offset}"
            ));
        }
        records.insert(offset, content);
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn complain(&self, complaint: String) {
        self.told().complaints.push(complaint);
    }

    /// A failed record counts as answered.
    pub(crate) fn refused(&self, complaint: String) {
        self.complain(complaint);
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(crate) fn unanswered(&self) -> usize {
        // In this order: between the two more may be answered, not sent.
        let sent = self.sent.load(Ordering::Relaxed);
        sent.saturating_sub(self.acknowledged())
    }

    pub(crate) fn consume(&self, at: At, offset: i64, value: String) {
        let told = &mut *self.told();
        let committed = told.committed.get(&at).copied().unwrap_or(0);
        if offset < committed {
            told.complaints.push(format!(
                "{at:?} is read from {offset} on, and {committed} was committed"
            ));
        }
        let consumed = told.consumed.entry(at).or_default();
        if offset > 0 && !consumed.contains_key(&(offset - 1)) {
            told.complaints
                .push(format!("{at:?} is read without offset {}", offset - 1));
        }
        match consumed.get(&offset) {
            Some(before) if *before != value => told.complaints.push(format!(
                "{at:?}, offset {offset} was {before:?} and is {value:?}"
            )),
            Some(_) => told.repeats += 1,
            None => drop(consumed.insert(offset, value)),
        }
    }

    pub(crate) fn commit(&self, at: At, offset: i64) {
        let mut told = self.told();
        let committed = told.committed.entry(at).or_insert(0);
        *committed = offset.max(*committed);
        told.commits += 1;
        drop(told);
        self.commits_since_kill.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_kill(&self) {
        self.kills.fetch_add(1, Ordering::Relaxed);
        self.commits_since_kill.store(0, Ordering::Relaxed);
    }

    pub(crate) fn commits_since_kill(&self) -> u64 {
        self.commits_since_kill.load(Ordering::Relaxed)
    }

    pub(crate) fn summary(&self) -> String {
        let told = self.told();
        format!(
            "{} kills, {} records acknowledged, {} offsets committed, {} records consumed again",
            self.kills.load(Ordering::Relaxed),
            self.acknowledged(),
            told.commits,
            told.repeats
        )
    }
}
