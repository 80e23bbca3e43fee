use kafka_protocol::records::Compression;

use super::*;

fn on_both(config: &LogConfig, test: impl Fn(&mut LogWriter)) {
    test(&mut LogWriter::open(None, config.clone()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    test(&mut LogWriter::open(Some(dir.path()), config.clone()).unwrap());
}

#[test]
fn retention_by_time_takes_whole_segments_and_the_last_one_once_it_is_old() {
    let config = LogConfig {
        retention: Some(Duration::from_millis(100)),
        ..small()
    };
    on_both(&config, |log| {
        for index in 0..9 {
            append(log, &Sent::of([("a", "1", 1000 + index * 10)]));
        }
        let all = segment_count(log);
        assert_eq!(clean_all(log, 1100), Cleaned::default());
        // 1000 to 1040 are expired; the segment that holds 1040 may hold a younger one too.
        let cleaned = clean_all(log, 1141);
        assert!(cleaned.removed_segments > 0 && cleaned.removed_segments < all);
        let start = log.reader().start_offset();
        assert!(start > 0 && start <= 5, "{start}");
        assert_eq!(offsets(log), (start..9).collect::<Vec<_>>());
        clean_all(log, 2000);
        assert_eq!(
            (log.reader().start_offset(), log.reader().end_offset()),
            (9, 9)
        );
        assert_eq!(log.reader().len_bytes(), 0);
        assert_eq!(append(log, &Sent::some(1, 2000)).base_offset, 9);
    });
}

#[test]
fn retention_by_size_keeps_at_least_the_limit() {
    on_both(
        &LogConfig {
            retention_bytes: Some(500),
            ..small()
        },
        |log| {
            for _ in 0..20 {
                append(log, &Sent::some(1, 5));
            }
            let before = log.reader().len_bytes();
            let cleaned = clean_all(log, NOW);
            let after = log.reader().len_bytes();
            assert_eq!(before - after, cleaned.freed_bytes);
            assert!((500..800).contains(&after), "{after}");
            assert_eq!(offsets(log).last(), Some(&19));
        },
    );
}

#[test]
fn without_the_policy_nothing_expires() {
    let config = LogConfig {
        retention: Some(Duration::ZERO),
        ..compacted()
    };
    on_both(&config, |log| {
        append_values(log, [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")]);
        clean_all(log, NOW * 2);
        assert_eq!(offsets(log), [0, 1, 2, 3]);
    });
}

#[test]
fn deleted_records_are_gone_with_their_segments() {
    on_both(&small(), |log| {
        for _ in 0..10 {
            append(log, &Sent::some(1, 5));
        }
        let all = segment_count(log);
        assert_eq!(log.delete_records(5).unwrap(), 5);
        assert!(segment_count(log) < all);
        assert_eq!(offsets(log), [5, 6, 7, 8, 9]);
        assert_eq!(log.delete_records(3).unwrap(), 5);
        assert!(matches!(
            log.delete_records(11),
            Err(LogError::OutOfRange {
                offset: 11,
                end: 10
            })
        ));
        assert!(log.delete_records(-2).is_err());
        assert_eq!(log.delete_records(-1).unwrap(), 10);
        assert_eq!(offsets(log), Vec::<i64>::new());
        assert_eq!(append(log, &Sent::some(1, 5)).base_offset, 10);
    });
}

#[test]
fn a_segment_closes_by_age_of_its_records() {
    on_both(
        &LogConfig {
            segment_age: Duration::from_millis(10),
            segment_bytes: 10_000,
            ..small()
        },
        |log| {
            for timestamp in [100, 105, 110, 111, 111, 130] {
                append(log, &Sent::some(1, timestamp));
            }
            let bases: Vec<_> = log
                .shared
                .segments()
                .iter()
                .map(|segment| segment.base_offset())
                .collect();
            assert_eq!(bases, [0, 3, 5]);
        },
    );
}

#[test]
fn compaction_keeps_the_last_value_of_each_key_where_it_was() {
    for codec in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        on_both(
            &LogConfig {
                segment_bytes: 300,
                ..compacted()
            },
            |log| {
                for round in 0..6_i64 {
                    let value = round.to_string();
                    let own = format!("only {round}");
                    let records = [
                        ("a", &*value, 10 + round),
                        (&*own, "x", 20 + round),
                        ("b", &*value, 5),
                    ];
                    append(
                        log,
                        &Sent::of(records).compressed(codec).by(
                            7,
                            0,
                            i32::try_from(round * 3).unwrap(),
                        ),
                    );
                }
                let active = log.shared.segments().last().unwrap().base_offset();
                assert!(active > 6, "{active}");
                let before = consume(log);
                let cleaned = clean_all(log, NOW);
                assert!(cleaned.compacted_segments > 0);
                // Of the closed segments the last of each key, of the growing one everything.
                let last = |key: &str| {
                    before
                        .iter()
                        .rfind(|seen| seen.1 == key && seen.0 < active)
                        .unwrap()
                        .0
                };
                let expected: Vec<_> = before
                    .iter()
                    .filter(|seen| seen.0 >= active || seen.0 == last(&seen.1))
                    .cloned()
                    .collect();
                assert_eq!(consume(log), expected, "{codec:?}");
                assert!(expected.len() < before.len());
                for offset in 0..=18 {
                    let seen = consume_from(&log.reader(), offset, 100);
                    let rest: Vec<_> = expected
                        .iter()
                        .filter(|seen| seen.0 >= offset)
                        .cloned()
                        .collect();
                    assert_eq!(seen, rest);
                }
                assert_eq!(clean_all(log, NOW), Cleaned::default());
                // The producer's numbers stay known.
                append(log, &Sent::of([("a", "9", 9)]).by(7, 0, 18));
            },
        );
    }
}

#[test]
fn a_tombstone_stays_for_its_time_and_then_goes() {
    let config = LogConfig {
        delete_retention: Duration::from_millis(1000),
        ..compacted()
    };
    on_both(&config, |log| {
        append_values(
            log,
            [
                ("gone", "1"),
                ("kept", "1"),
                ("gone", ""),
                ("x", "1"),
                ("x", "2"),
                ("x", "3"),
            ],
        );
        clean_all(log, NOW);
        assert_eq!(values(log).get("gone"), Some(&None));
        let tombstone = consume(log)
            .into_iter()
            .find(|seen| seen.1 == "gone")
            .unwrap();
        assert_eq!(tombstone, (2, "gone".into(), None, NOW as i64));
        // Each pass needs something new that is closed.
        append_values(log, [("x", "4"), ("x", "5"), ("x", "6")]);
        clean_all(log, NOW + 999);
        assert_eq!(values(log).get("gone"), Some(&None));
        append_values(log, [("x", "7"), ("x", "8"), ("x", "9")]);
        clean_all(log, NOW + 1000);
        let left = values(log);
        assert_eq!(left.get("gone"), None);
        assert_eq!(left["kept"], Some("1".into()));
        assert_eq!(left["x"], Some("9".into()));
    });
}

#[test]
fn a_pass_is_bounded_in_keys_and_goes_on() {
    let config = LogConfig {
        compaction_keys: 2,
        segment_bytes: 400,
        ..compacted()
    };
    on_both(&config, |log| {
        for round in 0..4 {
            for key in ["a", "b", "c", "d", "e", "f", "g"] {
                append_values(log, [(key, &*format!("{key}{round}"))]);
            }
        }
        let expected = values(log);
        clean_all(log, NOW);
        assert_eq!(values(log), expected);
        let active = log.shared.segments().last().unwrap().base_offset();
        let mut closed: Vec<_> = consume(log)
            .into_iter()
            .filter(|seen| seen.0 < active)
            .map(|seen| seen.1)
            .collect();
        let all = closed.len();
        closed.sort();
        closed.dedup();
        assert_eq!(closed.len(), all, "a key twice among the closed segments");
    });
}

#[test]
fn young_records_and_a_mostly_clean_log_are_left_alone() {
    let config = LogConfig {
        min_compaction_lag: Duration::from_millis(500),
        ..compacted()
    };
    on_both(&config, |log| {
        append_values(
            log,
            [
                ("a", "1"),
                ("a", "2"),
                ("a", "3"),
                ("a", "4"),
                ("a", "5"),
                ("a", "6"),
            ],
        );
        assert_eq!(clean_all(log, NOW + 499), Cleaned::default());
        assert!(clean_all(log, NOW + 500).compacted_segments > 0);
    });
    on_both(
        &LogConfig {
            min_dirty_ratio: 0.5,
            ..compacted()
        },
        |log| {
            append_values(
                log,
                (0..20).map(|index| {
                    (
                        ["a", "b", "c", "d", "e"][index % 5],
                        "long enough to weigh something",
                    )
                }),
            );
            clean_all(log, NOW);
            let weighs = log.reader().len_bytes();
            append_values(log, [("a", "1"), ("a", "2"), ("a", "3")]);
            assert_eq!(clean_all(log, NOW).compacted_segments, 0, "{weighs}");
            append_values(
                log,
                (0..20).map(|_| ("a", "long enough to weigh something")),
            );
            assert!(clean_all(log, NOW).compacted_segments > 0);
        },
    );
}

#[test]
fn records_without_key_go_and_unreadable_batches_stay() {
    on_both(&small(), |log| {
        append_values(log, [("", "1"), ("a", "1"), ("a", "2"), ("a", "3")]);
        let mut garbage = Sent::some(1, 5).bytes().to_vec();
        garbage[22] |= 1;
        let crc = crc32c::crc32c(&garbage[21..]);
        garbage[17..21].copy_from_slice(&crc.to_be_bytes());
        log.append(Batch::parse_all(garbage.into()).unwrap(), at(NOW))
            .unwrap();
        append_values(log, [("b", "1"), ("b", "2"), ("b", "3")]);
        log.set_config(compacted());
        clean_all(log, NOW);
        let bytes: Vec<_> = (0..8)
            .map(|offset| batches_of(log.reader().read(offset, 1, true).unwrap())[0].base_offset())
            .collect();
        assert_eq!(bytes[0], 3);
        assert_eq!(bytes[4], 4);
    });
}

#[test]
fn nothing_of_a_cleaned_log_is_left_behind_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(Some(dir.path()), compacted()).unwrap();
    append_values(
        &mut log,
        (0..30).map(|index| (["a", "b"][index % 2], "value")),
    );
    clean_all(&mut log, NOW);
    let segments = segment_count(&log);
    assert_eq!(segments, 2 + usize::from(segments == 3));
    assert_eq!(file_names(dir.path(), ".log").len(), segments);
    assert!(file_names(dir.path(), ".tmp").is_empty());
    let on_disk: u64 = file_names(dir.path(), ".log")
        .iter()
        .map(|name| fs::metadata(dir.path().join(name)).unwrap().len())
        .sum();
    assert_eq!(on_disk, log.reader().len_bytes());
}
