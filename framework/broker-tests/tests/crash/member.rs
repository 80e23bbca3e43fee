//! A member of a group that reads everything and commits as it goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client;
use super::ledger::Ledger;
use super::producer::at;
use super::verdict::{GROUP, KEPT};
use crate::common::{PATIENCE, await_that};

/// A commit follows so many records.
const COMMIT_EVERY: usize = 100;

pub(crate) struct Member {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    ledger: Arc<Ledger>,
}

impl Member {
    pub(crate) fn start(address: &str, ledger: &Arc<Ledger>) -> Member {
        let consumer: BaseConsumer = client(address)
            .set("group.id", GROUP)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "50")
            .set("session.timeout.ms", "6000")
            .create()
            .expect("a consumer");
        consumer.subscribe(&[KEPT]).expect("a subscription");
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, told) = (Arc::clone(&stop), Arc::clone(ledger));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                read_and_commit(&consumer, &told);
            }
        });
        Member {
            stop,
            thread,
            ledger: Arc::clone(ledger),
        }
    }

    /// Lets it read to the end of what was acknowledged, however long that takes as long as it goes on, and ends it.
    pub(crate) fn finish(self) {
        let (mut committed, mut moved_at) = (0, Instant::now());
        loop {
            let told = self.ledger.told();
            let kept = told.records.iter().filter(|(at, _)| at.0 == KEPT);
            let mut ends = kept.map(|(at, records)| {
                let last = *records.keys().next_back().expect("a record");
                (at, last)
            });
            let is_read = ends.all(|(at, last)| {
                told.committed
                    .get(at)
                    .is_some_and(|committed| *committed > last)
            });
            if is_read || !told.complaints.is_empty() {
                break;
            }
            let now_committed = told.committed.values().sum();
            if now_committed != committed {
                (committed, moved_at) = (now_committed, Instant::now());
            }
            assert!(
                moved_at.elapsed() < PATIENCE,
                "the member has not read to the end, and goes on no more"
            );
            drop(told);
            std::thread::sleep(Duration::from_millis(20));
        }
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread;
        await_that("the member to end", || thread.is_finished());
        thread.join().expect("a member that ended well");
    }
}

fn read_and_commit(consumer: &BaseConsumer, ledger: &Ledger) {
    let mut positions = BTreeMap::new();
    for _ in 0..COMMIT_EVERY {
        match consumer.poll(Duration::from_millis(20)) {
            Some(Ok(message)) => {
                let value = String::from_utf8(message.payload().expect("a value").to_vec());
                let at = at(message.topic(), message.partition());
                ledger.consume(at, message.offset(), value.expect("text"));
                positions.insert(at, message.offset() + 1);
            }
            // The broker is down, or coming up: the client goes on by itself.
            Some(Err(_)) => {}
            None => break,
        }
    }
    if positions.is_empty() {
        return;
    }
    let mut list = TopicPartitionList::new();
    for (at, offset) in &positions {
        list.add_partition_offset(at.0, at.1, Offset::Offset(*offset))
            .expect("an offset");
    }
    // A commit that fails is none: it may have been stored or not.
    if consumer.commit(&list, CommitMode::Sync).is_ok() {
        for (at, offset) in positions {
            ledger.commit(at, offset);
        }
    }
}

/// The last step cannot take longer than a run may.
const _: () = assert!(PATIENCE.as_secs() >= 6);
