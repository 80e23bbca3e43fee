//! Any order of calls against the simplest thing that could be right: a list of records.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

#[derive(Debug, Clone)]
enum Call {
    Append {
        keys: Vec<u8>,
        timestamp: i64,
        by: Option<i64>,
    },
    Repeat,
    Delete {
        part: u8,
    },
    Clean,
    Close,
    Kill,
    Read {
        part: u8,
        max_bytes: usize,
    },
    Find {
        timestamp: i64,
    },
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => (proptest::collection::vec(0_u8..6, 1..5), 0_i64..100, proptest::option::of(0_i64..3))
            .prop_map(|(keys, timestamp, by)| Call::Append { keys, timestamp, by }),
        1 => Just(Call::Repeat),
        1 => any::<u8>().prop_map(|part| Call::Delete { part }),
        2 => Just(Call::Clean),
        1 => Just(Call::Close),
        1 => Just(Call::Kill),
        3 => (any::<u8>(), 0_usize..600).prop_map(|(part, max_bytes)| Call::Read { part, max_bytes }),
        2 => (0_i64..110).prop_map(|timestamp| Call::Find { timestamp }),
    ]
}

#[derive(Default)]
struct Model {
    records: Vec<Seen>,
    start: i64,
    sequences: BTreeMap<i64, i32>,
    last: Option<(Sent, Appended)>,
}

impl Model {
    fn end(&self) -> i64 {
        self.records.len() as i64
    }

    fn visible(&self, from: i64) -> Vec<Seen> {
        self.records[usize::try_from(from.max(self.start)).unwrap()..].to_vec()
    }
}

fn part_of(part: u8, start: i64, end: i64) -> i64 {
    start + (end - start) * i64::from(part) / 255
}

/// Runs the calls; `is_exact` says that nothing but `delete_records` may remove a record.
fn run(calls: Vec<Call>, on_disk: bool, config: &LogConfig, is_exact: bool) {
    let dir = tempfile::tempdir().unwrap();
    let path = on_disk.then(|| dir.path());
    let open = || LogWriter::open(path, config.clone()).unwrap();
    let mut log = open();
    let mut model = Model::default();
    for call in calls {
        match call {
            Call::Append {
                keys,
                timestamp,
                by,
            } => {
                let value = model.end().to_string();
                let names: Vec<_> = keys.iter().map(|key| format!("key {key}")).collect();
                // A value of 0 is a tombstone.
                let values = keys.iter().map(|key| if *key == 0 { "" } else { &*value });
                let mut sent = Sent::of(
                    names
                        .iter()
                        .zip(values)
                        .zip(timestamp..)
                        .map(|((name, value), at)| (&**name, value, at)),
                );
                if let Some(id) = by {
                    let sequence = model.sequences.entry(id).or_default();
                    sent = sent.by(id, 0, *sequence);
                    *sequence += i32::try_from(keys.len()).unwrap();
                }
                let appended = append(&mut log, &sent);
                assert_eq!(appended.base_offset, model.end());
                assert!(!appended.duplicate);
                for record in sent.batch().records().unwrap() {
                    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
                    model.records.push((
                        model.end(),
                        record.key.map_or(String::new(), text),
                        record.value.map(text),
                        record.timestamp,
                    ));
                }
                assert_eq!(appended.last_offset + 1, model.end());
                model.last = by.map(|_| (sent, appended));
            }
            Call::Repeat => {
                if let Some((sent, first)) = &model.last {
                    let again = append(&mut log, sent);
                    assert!(again.duplicate);
                    assert_eq!(again.base_offset, first.base_offset);
                    assert_eq!(again.last_offset, first.last_offset);
                }
            }
            Call::Delete { part } => {
                let to = part_of(part, model.start, model.end());
                assert_eq!(log.delete_records(to).unwrap(), to);
                model.start = to;
            }
            Call::Clean => {
                clean_all(&mut log, NOW);
            }
            Call::Close if on_disk => {
                log.close().unwrap();
                log = open();
            }
            Call::Kill if on_disk => {
                drop(log);
                log = open();
            }
            Call::Close | Call::Kill => {}
            Call::Read { part, max_bytes } => {
                let from = part_of(part, model.start, model.end());
                let seen = consume_from(&log.reader(), from, max_bytes);
                let expected = model.visible(from);
                if is_exact {
                    assert_eq!(seen, expected);
                } else {
                    let mut rest = expected.iter();
                    assert!(seen.iter().all(|record| rest.any(|other| other == record)));
                }
            }
            Call::Find { timestamp } => {
                let found = log.reader().offset_for_time(timestamp).unwrap();
                let expected = consume(&log).into_iter().find(|seen| seen.3 >= timestamp);
                assert_eq!(found, expected.map(|seen| (seen.0, seen.3)));
            }
        }
        assert_eq!(log.reader().start_offset(), model.start);
        assert_eq!(log.reader().end_offset(), model.end());
        let latest = |records: Vec<Seen>| -> BTreeMap<_, _> {
            records
                .into_iter()
                .map(|seen| (seen.1, (seen.0, seen.2)))
                .collect()
        };
        assert_eq!(latest(consume(&log)), latest(model.visible(model.start)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_log_is_a_list_of_records(calls in proptest::collection::vec(call(), 0..60), on_disk in any::<bool>(), segment in select(vec![350_u64, 900, 100_000])) {
        run(calls, on_disk, &LogConfig { segment_bytes: segment, ..small() }, true);
    }

    #[test]
    fn a_compacted_log_has_the_last_value_of_every_key(calls in proptest::collection::vec(call(), 0..60), on_disk in any::<bool>(), keys in select(vec![1_usize, 3, 1000])) {
        run(calls, on_disk, &LogConfig { compaction_keys: keys, segment_bytes: 350, ..compacted() }, false);
    }
}
