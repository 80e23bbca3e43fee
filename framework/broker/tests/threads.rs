//! Alone in its process, since it counts threads.

use std::time::{Duration, Instant};

use kolo_broker::Broker;

/// Those of this process that carry the broker's name.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("kolo-broker")).count()
}

#[test]
fn a_broker_that_is_dropped_leaves_no_thread() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..10 {
        drop(Broker::builder().start_blocking().unwrap());
        drop(
            Broker::builder()
                .data_dir(dir.path())
                .start_blocking()
                .unwrap(),
        );
        Broker::builder()
            .start_blocking()
            .unwrap()
            .shutdown_blocking();
    }
    let running = Broker::builder().start_blocking().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while threads() > 2 {
        assert!(Instant::now() < deadline, "{} threads are left", threads());
        std::thread::sleep(Duration::from_millis(10));
    }
    if cfg!(target_os = "linux") {
        assert!(threads() > 0);
    }
    drop(running);
}
