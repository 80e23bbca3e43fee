//! The process dies, or the disk is full, at each step of each change.

use super::*;

/// Does `change` on a copy of `original` with the process dying after every possible number of steps; `judge` then gets
/// the log as the next process finds it, and whether the change was done.
fn die_at_every_step(
    original: &Path,
    config: &LogConfig,
    change: impl Fn(&mut LogWriter) -> bool,
    judge: impl Fn(LogWriter, bool, usize),
) -> usize {
    for steps in 0.. {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(original, copy.path());
        let mut log = LogWriter::open(Some(copy.path()), config.clone()).unwrap();
        let dying = Dying::after(steps);
        log.files = Files::with_faults(Arc::clone(&dying) as Arc<dyn Faults>);
        let is_done = change(&mut log);
        drop(log);
        judge(
            LogWriter::open(Some(copy.path()), config.clone()).unwrap(),
            is_done,
            steps,
        );
        assert!(file_names(copy.path(), ".tmp").is_empty());
        // What the second process leaves behind is as good.
        judge(
            LogWriter::open(Some(copy.path()), config.clone()).unwrap(),
            is_done,
            steps,
        );
        if !dying.is_dead() {
            assert!(is_done);
            return steps;
        }
    }
    unreachable!()
}

fn original(config: &LogConfig, records: usize) -> (tempfile::TempDir, Vec<Seen>) {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(Some(dir.path()), config.clone()).unwrap();
    for index in 0..records {
        let sequence = i32::try_from(index).unwrap();
        let sent = Sent::of([(["a", "b", "c"][index % 3], &*index.to_string(), NOW as i64)]);
        append(&mut log, &sent.by(7, 0, sequence));
    }
    let seen = consume(&log);
    drop(log);
    (dir, seen)
}

fn sequence_after(log: &LogWriter) -> i32 {
    log.producers.known_batches()[&7]
        .last()
        .unwrap()
        .last_sequence
        + 1
}

#[test]
fn dying_in_an_append_or_a_roll_loses_nothing_acknowledged() {
    let config = small();
    let (dir, seen) = original(&config, 10);
    let steps = die_at_every_step(
        dir.path(),
        &config,
        |log| {
            (10..16).all(|sequence| {
                let sent = Sent::of([("a", &*sequence.to_string(), NOW as i64)]).by(7, 0, sequence);
                log.append(vec![sent.batch()], at(NOW)).is_ok()
            })
        },
        |mut log, is_done, steps| {
            let end = log.reader().end_offset();
            assert!((10..=16).contains(&end));
            assert!(!is_done || end == 16);
            let found = consume(&log);
            assert_eq!(found[..10], seen, "after {steps} steps");
            let values: Vec<_> = found.into_iter().map(|seen| seen.2.unwrap()).collect();
            let expected: Vec<_> = (0..end).map(|index| index.to_string()).collect();
            assert_eq!(values, expected);
            assert_eq!(i64::from(sequence_after(&log)), end);
            // What was acknowledged last is recognised when it comes again.
            let sequence = i32::try_from(end - 1).unwrap();
            let again = append(&mut log, &Sent::some(1, NOW as i64).by(7, 0, sequence));
            assert_eq!((again.duplicate, again.base_offset), (true, end - 1));
        },
    );
    assert!(steps > 15, "{steps}");
}

#[test]
fn dying_while_records_are_deleted_leaves_the_old_or_the_new_start() {
    let config = small();
    let (dir, seen) = original(&config, 10);
    let steps = die_at_every_step(
        dir.path(),
        &config,
        |log| log.delete_records(7).is_ok(),
        |log, is_done, steps| {
            let start = log.reader().start_offset();
            assert!(start == 7 || start == 0 && !is_done, "after {steps} steps");
            assert_eq!(consume(&log), seen[usize::try_from(start).unwrap()..]);
            assert_eq!(sequence_after(&log), 10);
        },
    );
    assert!(steps > 6, "{steps}");
}

#[test]
fn dying_in_retention_leaves_whole_segments() {
    let config = LogConfig {
        retention: Some(Duration::from_millis(10)),
        ..small()
    };
    let (dir, seen) = original(&config, 10);
    let steps = die_at_every_step(
        dir.path(),
        &config,
        // Everything is old: the last segment is closed first.
        |log| log.clean(at(NOW + 100)).is_ok(),
        |mut log, is_done, steps| {
            let start = log.reader().start_offset();
            assert!(start == 10 || start == 0 && !is_done, "after {steps} steps");
            assert_eq!(consume(&log), seen[usize::try_from(start).unwrap()..]);
            assert_eq!(log.reader().end_offset(), 10);
            let again = append(&mut log, &Sent::some(1, NOW as i64).by(7, 0, 9));
            assert_eq!((again.duplicate, again.base_offset), (true, 9));
        },
    );
    assert!(steps > 10, "{steps}");
}

#[test]
fn dying_in_compaction_leaves_each_segment_old_or_new() {
    let config = compacted();
    let (dir, seen) = original(&config, 20);
    let expected: BTreeMap<_, _> = seen
        .iter()
        .map(|seen| (seen.1.clone(), seen.2.clone()))
        .collect();
    let steps = die_at_every_step(
        dir.path(),
        &config,
        |log| {
            loop {
                match log.clean(at(NOW)) {
                    Ok(step) if step.more => {}
                    result => return result.is_ok(),
                }
            }
        },
        |log, is_done, steps| {
            let left = consume(&log);
            let mut rest = seen.iter();
            assert!(
                left.iter().all(|record| rest.any(|old| old == record)),
                "after {steps} steps"
            );
            assert!(!is_done || left.len() < seen.len());
            assert_eq!(values(&log), expected);
            assert_eq!(log.reader().end_offset(), 20);
            assert_eq!(sequence_after(&log), 20);
        },
    );
    assert!(steps > 30, "{steps}");
}

#[test]
fn a_full_disk_refuses_and_keeps_what_it_had_and_goes_on_when_there_is_room() {
    let config = small();
    for room in (0..700).step_by(3) {
        let dir = tempfile::tempdir().unwrap();
        let full = Full::after(room);
        let files = Files::with_faults(Arc::clone(&full) as Arc<dyn Faults>);
        let mut log = LogWriter::open_on(Some(dir.path()), config.clone(), files).unwrap();
        let sent = |sequence: i32| Sent::of([("a", &*sequence.to_string(), 5)]).by(7, 0, sequence);
        let mut next = 0;
        let error = loop {
            match log.append(vec![sent(next).batch()], at(NOW)) {
                Ok(_) => next += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.code().code(), 56, "{error}");
        assert_eq!(log.reader().end_offset(), i64::from(next));
        let seen = consume(&log);
        assert_eq!(seen.len(), usize::try_from(next).unwrap());
        // The same process goes on, and so does the next one after a crash at this moment.
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), copy.path());
        full.bytes_left.store(i64::MAX, Ordering::SeqCst);
        let crashed = LogWriter::open(Some(copy.path()), config.clone()).unwrap();
        for mut log in [log, crashed] {
            assert_eq!(consume(&log), seen);
            for sequence in next..next + 4 {
                assert!(!append(&mut log, &sent(sequence)).duplicate);
            }
            assert_eq!(offsets(&log), (0..i64::from(next) + 4).collect::<Vec<_>>());
        }
    }
}

/// Takes half of a write, and refuses to cut the file back as long as it is stubborn.
#[derive(Debug)]
struct Stubborn(std::sync::atomic::AtomicBool);

impl Faults for Stubborn {
    fn allow(&self, bytes: usize) -> io::Result<usize> {
        match (self.0.load(Ordering::SeqCst), bytes) {
            (false, bytes) => Ok(bytes),
            (true, 0) => Err(io::ErrorKind::PermissionDenied.into()),
            (true, bytes) => Ok(bytes / 2),
        }
    }
}

#[test]
fn what_could_not_be_cut_back_is_cut_before_the_next_append() {
    let dir = tempfile::tempdir().unwrap();
    let stubborn = Arc::new(Stubborn(false.into()));
    let files = Files::with_faults(Arc::clone(&stubborn) as Arc<dyn Faults>);
    let config = LogConfig {
        segment_bytes: 10_000,
        ..small()
    };
    let mut log = LogWriter::open_on(Some(dir.path()), config.clone(), files).unwrap();
    append(&mut log, &Sent::some(1, 5));
    stubborn.0.store(true, Ordering::SeqCst);
    let large = Sent::some(50, 5).batch();
    assert!(log.append(vec![large.clone()], at(NOW)).is_err());
    assert!(log.append(vec![large], at(NOW)).is_err());
    stubborn.0.store(false, Ordering::SeqCst);
    append(&mut log, &Sent::some(1, 5));
    assert_eq!(offsets(&log), [0, 1]);
    let path = dir.path().join(&file_names(dir.path(), ".log")[0]);
    assert_eq!(fs::metadata(path).unwrap().len(), log.reader().len_bytes());
}
