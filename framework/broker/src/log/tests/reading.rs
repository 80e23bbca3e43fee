use std::thread;

use kafka_protocol::records::Compression;

use super::*;

/// Runs a test on a log in memory and on one on disk.
fn on_both(config: &LogConfig, test: impl Fn(&mut LogWriter)) {
    test(&mut LogWriter::open(None, config.clone()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    test(&mut LogWriter::open(Some(dir.path()), config.clone()).unwrap());
}

#[test]
fn what_is_appended_is_read_from_any_offset_in_any_portions() {
    on_both(&small(), |log| {
        for index in 0..20 {
            append(
                log,
                &Sent::of([("a", "1", index), ("b", "2", index + 1), ("c", "", index)]),
            );
        }
        assert!(segment_count(log) > 5);
        let reader = log.reader();
        let all = consume_from(&reader, 0, 1 << 20);
        assert_eq!(all.len(), 60);
        for offset in 0..=60 {
            for max_bytes in [0, 100, 150, 400, 1 << 20] {
                let seen = consume_from(&reader, offset, max_bytes);
                assert_eq!(
                    seen,
                    all[usize::try_from(offset).unwrap()..],
                    "from {offset} by {max_bytes}"
                );
            }
        }
    });
}

#[test]
fn a_read_is_bounded_unless_at_least_one_is_asked_for() {
    on_both(
        &LogConfig {
            segment_bytes: 400,
            ..small()
        },
        |log| {
            let sizes: Vec<_> = [50, 1, 1]
                .map(|count| Sent::some(count, 5).batch())
                .map(|batch| batch.len_bytes())
                .into();
            assert!(sizes[0] > 400);
            log.set_config(LogConfig {
                segment_bytes: 2000,
                ..small()
            });
            for count in [50, 1, 1] {
                append(log, &Sent::some(count, 5));
            }
            let reader = log.reader();
            let read = |offset, max, one| reader.read(offset, max, one).unwrap().len();
            assert_eq!(read(0, sizes[0] - 1, false), 0);
            assert_eq!(read(0, sizes[0] - 1, true), sizes[0]);
            assert_eq!(read(49, sizes[0], false), sizes[0]);
            assert_eq!(read(49, sizes[0] + sizes[1], false), sizes[0] + sizes[1]);
            assert_eq!(read(50, sizes[1] + sizes[2] - 1, true), sizes[1]);
            assert_eq!(read(52, 1000, true), 0);
        },
    );
}

#[test]
fn a_batch_that_does_not_fit_is_never_skipped_for_one_in_a_later_segment() {
    on_both(&small(), |log| {
        append(log, &Sent::some(8, 5));
        append(log, &Sent::some(7, 5));
        append(log, &Sent::some(1, 5));
        assert!(segment_count(log) > 1);
        assert_eq!(log.reader().read(0, 120, false).unwrap(), Bytes::new());
    });
}

#[test]
fn outside_of_the_log_is_an_error_that_names_its_bounds() {
    on_both(&small(), |log| {
        append(log, &Sent::some(3, 5));
        log.delete_records(2).unwrap();
        for offset in [-1, 1, 4] {
            let error = log.reader().read(offset, 100, true).unwrap_err();
            assert!(
                matches!(
                    error,
                    ReadError::OutOfRange {
                        start: 2,
                        end: 3,
                        ..
                    }
                ),
                "{error}"
            );
        }
        // The batch that holds the start is handed out whole; a consumer skips what is before.
        let batches = batches_of(log.reader().read(2, 100, true).unwrap());
        assert_eq!(batches[0].base_offset(), 0);
    });
}

#[test]
fn times_are_found_to_the_record_whatever_the_codec() {
    use Compression::{Gzip, Lz4, None, Snappy, Zstd};
    on_both(&small(), |log| {
        // Times of a batch go up and down, as producers' clocks do.
        for (index, codec) in (0..).zip([None, Gzip, Snappy, Lz4, Zstd].repeat(4)) {
            let base = index * 10;
            let records = [("a", "1", base), ("b", "2", base + 7), ("c", "3", base + 3)];
            append(log, &Sent::of(records).compressed(codec));
        }
        let all = consume(log);
        for timestamp in -1..=200 {
            let expected = all.iter().find(|seen| seen.3 >= timestamp);
            let found = log.reader().offset_for_time(timestamp).unwrap();
            assert_eq!(
                found,
                expected.map(|seen| (seen.0, seen.3)),
                "at {timestamp}"
            );
        }
        assert_eq!(log.reader().max_timestamp().unwrap(), Some((58, 197)));
        // Records before the start are found no more.
        log.delete_records(31).unwrap();
        assert_eq!(log.reader().offset_for_time(0).unwrap(), Some((31, 107)));
        log.delete_records(59).unwrap();
        assert_eq!(log.reader().max_timestamp().unwrap(), Some((59, 193)));
        log.delete_records(-1).unwrap();
        assert_eq!(log.reader().max_timestamp().unwrap(), Option::None);
        assert_eq!(log.reader().offset_for_time(0).unwrap(), Option::None);
    });
}

#[test]
fn a_sparse_index_finds_offsets_and_times_in_large_segments() {
    // Closed ones, searched on disk, and the last one, searched in memory.
    let config = LogConfig {
        segment_bytes: 100_000,
        ..small()
    };
    on_both(&config, |log| {
        for index in 0..2000 {
            append(
                log,
                &Sent::of([("key", "a value of some length", index), ("b", "2", index)]),
            );
        }
        assert!((3..6).contains(&segment_count(log)));
        let reader = log.reader();
        for index in (0..2000).step_by(37) {
            let batches = batches_of(reader.read(index * 2 + 1, 1, true).unwrap());
            assert_eq!(batches[0].base_offset(), index * 2);
            assert_eq!(
                reader.offset_for_time(index).unwrap(),
                Some((index * 2, index))
            );
        }
    });
}

#[test]
fn log_append_time_is_the_brokers() {
    let config = LogConfig {
        timestamp_type: TimestampType::LogAppendTime,
        ..small()
    };
    on_both(&config, |log| {
        // Far in the future, which under this type says nothing.
        let sent = Sent::of([("a", "1", i64::MAX / 2), ("b", "2", 5)]);
        let appended = append(log, &sent);
        assert_eq!(appended.log_append_time, NOW as i64);
        let times: Vec<_> = consume(log).iter().map(|seen| seen.3).collect();
        assert_eq!(times, [NOW as i64; 2]);
        assert_eq!(
            log.reader().offset_for_time(6).unwrap(),
            Some((0, NOW as i64))
        );
    });
}

#[test]
fn what_the_topic_does_not_take_is_refused_and_leaves_nothing() {
    let config = LogConfig {
        max_batch_bytes: 280,
        cleanup: Cleanup {
            delete: true,
            compact: true,
        },
        ..small()
    };
    on_both(&config, |log| {
        let mut refused =
            |batches: Vec<Batch>| log.append(batches, at(NOW)).unwrap_err().code().code();
        let too_large = Sent::of([("a", &*"x".repeat(300), 5)]).batch();
        assert_eq!(refused(vec![too_large]), 10);
        let half = Sent::of([("a", &*"x".repeat(150), 5)]).batch();
        assert_eq!(refused(vec![half.clone(), half]), 18);
        let early = Sent::some(1, NOW as i64 + 3_600_001).batch();
        assert_eq!(refused(vec![early]), 32);
        assert_eq!(refused(vec![Sent::of([("", "1", 5)]).batch()]), 87);
        assert_eq!(refused(Vec::new()), 87);
        let idempotent = Sent::some(1, 5).by(7, 0, 0).batch();
        assert_eq!(refused(vec![idempotent.clone(), idempotent]), 87);
        assert_eq!(log.reader().end_offset(), 0);
        append(log, &Sent::some(1, NOW as i64 + 3_600_000));
    });
}

#[test]
fn a_repeat_is_answered_with_its_first_offsets() {
    on_both(&small(), |log| {
        append(log, &Sent::some(2, 5));
        let sent = Sent::some(3, 5).by(7, 0, 0);
        let first = append(log, &sent);
        assert_eq!(
            (first.base_offset, first.last_offset, first.duplicate),
            (2, 4, false)
        );
        let again = append(log, &sent);
        assert_eq!(
            (again.base_offset, again.last_offset, again.duplicate),
            (2, 4, true)
        );
        assert_eq!(log.reader().end_offset(), 5);
        let gap = Sent::some(1, 5).by(7, 0, 9).batch();
        assert_eq!(
            log.append(vec![gap], at(NOW)).unwrap_err().code().code(),
            45
        );
    });
}

#[test]
fn several_batches_are_appended_together() {
    on_both(&small(), |log| {
        let batches = [2, 1, 2].map(|count| Sent::some(count, 5).batch());
        let appended = log.append(batches.into(), at(NOW)).unwrap();
        assert_eq!((appended.base_offset, appended.last_offset), (0, 4));
        assert_eq!(offsets(log), [0, 1, 2, 3, 4]);
    });
}

/// Readers never see half of anything, while segments come and go under them.
#[test]
fn reads_beside_appends_rolls_and_cleaning_see_whole_batches_in_order() {
    let config = LogConfig {
        segment_bytes: 4000,
        retention_bytes: Some(60_000),
        cleanup: Cleanup {
            delete: true,
            compact: true,
        },
        ..small()
    };
    on_both(&config, |log| {
        const RECORDS: i64 = 6000;
        let reader = log.reader();
        thread::scope(|scope| {
            for max_bytes in [100, 3000] {
                let reader = reader.clone();
                scope.spawn(move || {
                    let mut next = 0;
                    while next < RECORDS {
                        match reader.read(next, max_bytes, true) {
                            Ok(bytes) => {
                                for batch in batches_of(bytes) {
                                    assert!(batch.last_offset() >= next);
                                    for record in batch.records().unwrap() {
                                        // The value tells the offset it was appended at.
                                        let value = record.value.unwrap();
                                        assert_eq!(value, record.offset.to_string());
                                    }
                                    next = batch.last_offset() + 1;
                                }
                                let newest = reader.offset_for_time(next - 1).unwrap();
                                assert!(newest.is_none_or(|(_, timestamp)| timestamp >= next - 1));
                            }
                            Err(ReadError::OutOfRange { start, .. }) => {
                                assert!(start > next, "{start} {next}");
                                next = start;
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            for index in 0..RECORDS {
                let key = format!("key {}", index % 50);
                append(log, &Sent::of([(&*key, &*index.to_string(), index)]));
                if index % 100 == 0 {
                    log.clean(at(NOW)).unwrap();
                }
            }
        });
    });
}

#[test]
fn a_log_of_many_segments_opens_no_file_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(Some(dir.path()), small()).unwrap();
    for _ in 0..1000 {
        append(&mut log, &Sent::some(7, 5));
    }
    assert!(segment_count(&log) > 900);
    let open_files = || {
        fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
            .filter(|target| target.starts_with(dir.path()))
            .count()
    };
    assert_eq!(offsets(&log).len(), 7000);
    assert_eq!(open_files(), 1);
    log.close().unwrap();
    // Nothing but the last segment is read: the others may be anything.
    let bytes = |name: &String| fs::read(dir.path().join(name)).unwrap();
    let first = file_names(dir.path(), ".log").remove(0);
    let sound = bytes(&first);
    fs::write(dir.path().join(&first), vec![0; sound.len()]).unwrap();
    let log = LogWriter::open(Some(dir.path()), small()).unwrap();
    assert_eq!(open_files(), 1);
    assert!(matches!(
        log.reader().read(0, 100, true),
        Err(ReadError::Log(_))
    ));
    fs::write(dir.path().join(&first), sound).unwrap();
    assert_eq!(offsets(&log).len(), 7000);
}
