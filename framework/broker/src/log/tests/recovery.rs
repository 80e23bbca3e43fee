use super::*;

/// A log of two segments whose last one was not checkpointed, and its directory.
fn crashed(dir: &Path) -> (LogConfig, Vec<Seen>, std::path::PathBuf) {
    let config = LogConfig {
        segment_bytes: 500,
        ..small()
    };
    let mut log = LogWriter::open(Some(dir), config.clone()).unwrap();
    for sequence in 0..9 {
        append(
            &mut log,
            &Sent::of([("a", &*sequence.to_string(), 5)]).by(7, 0, sequence),
        );
    }
    assert!(segment_count(&log) > 1);
    let seen = consume(&log);
    let last = file_names(dir, ".log").pop().unwrap();
    (config, seen, dir.join(last))
}

#[test]
fn a_log_cut_at_any_byte_ends_with_its_last_whole_batch_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (config, seen, last) = crashed(dir.path());
    let bytes = fs::read(&last).unwrap();
    let batches = batches_of(bytes.clone().into());
    assert!(batches.len() >= 3);
    for length in 0..=bytes.len() {
        fs::write(&last, &bytes[..length]).unwrap();
        let mut whole = 0;
        let stay = batches.iter().take_while(|batch| {
            whole += batch.len_bytes();
            whole <= length
        });
        let end = stay
            .last()
            .map_or(batches[0].base_offset(), |last| last.last_offset() + 1);
        let mut log = LogWriter::open(Some(dir.path()), config.clone()).unwrap();
        assert_eq!(log.reader().end_offset(), end, "cut at {length}");
        assert_eq!(consume(&log), seen[..usize::try_from(end).unwrap()]);
        // The producer goes on where the log ends, and its last batch is still a repeat.
        let sequence = i32::try_from(end).unwrap();
        let repeat = Sent::of([("a", &*(end - 1).to_string(), 5)]).by(7, 0, sequence - 1);
        assert_eq!(append(&mut log, &repeat).base_offset, end - 1);
        let next = append(&mut log, &Sent::of([("a", "next", 5)]).by(7, 0, sequence));
        assert_eq!((next.base_offset, next.duplicate), (end, false));
        drop(log);
        let log = LogWriter::open(Some(dir.path()), config.clone()).unwrap();
        assert_eq!(log.reader().end_offset(), end + 1, "cut at {length}");
    }
}

#[test]
fn a_log_with_any_byte_flipped_ends_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (config, seen, last) = crashed(dir.path());
    let bytes = fs::read(&last).unwrap();
    let batches = batches_of(bytes.clone().into());
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x80;
        fs::write(&last, &flipped).unwrap();
        let mut begin = 0;
        let damaged = batches
            .iter()
            .find(|batch| {
                begin += batch.len_bytes();
                begin > at
            })
            .unwrap();
        let in_batch = at - (begin - damaged.len_bytes());
        let log = LogWriter::open(Some(dir.path()), config.clone()).unwrap();
        let end = log.reader().end_offset();
        // The leader epoch stands outside of the checksum, and nothing depends on it.
        let expected = match in_batch {
            12..16 => i64::try_from(seen.len()).unwrap(),
            _ => damaged.base_offset(),
        };
        assert_eq!(end, expected, "byte {at}, {in_batch} of its batch");
        assert_eq!(consume(&log), seen[..usize::try_from(end).unwrap()]);
    }
}

#[test]
fn a_base_offset_that_leads_back_ends_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (config, seen, last) = crashed(dir.path());
    let mut bytes = fs::read(&last).unwrap();
    let first = batches_of(bytes.clone().into()).remove(0);
    // The whole first batch again: sound, but what a longer tail might have left.
    bytes.extend_from_slice(first.as_bytes());
    fs::write(&last, &bytes).unwrap();
    let log = LogWriter::open(Some(dir.path()), config).unwrap();
    assert_eq!(consume(&log), seen);
    drop(log);
    assert_eq!(
        fs::read(&last).unwrap().len(),
        bytes.len() - first.len_bytes()
    );
}

#[test]
fn a_clean_close_scans_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(Some(dir.path()), small()).unwrap();
    for sequence in 0..9 {
        append(&mut log, &Sent::some(1, 5).by(7, 0, sequence));
    }
    log.delete_records(2).unwrap();
    let seen = consume(&log);
    let producers = log.producers.clone();
    log.close().unwrap();
    // Had the last segment been scanned, this would be its end.
    let last = dir
        .path()
        .join(file_names(dir.path(), ".log").pop().unwrap());
    let sound = fs::read(&last).unwrap();
    fs::write(&last, vec![0xff; sound.len()]).unwrap();
    let log = LogWriter::open(Some(dir.path()), small()).unwrap();
    assert_eq!(log.reader().end_offset(), 9);
    fs::write(&last, sound).unwrap();
    assert_eq!(consume(&log), seen);
    assert_eq!(log.producers, producers);
    assert_eq!(log.reader().start_offset(), 2);
    assert_eq!(log.reader().offset_for_time(5).unwrap(), Some((2, 5)));
}

#[test]
fn a_lost_or_damaged_checkpoint_or_index_is_found_again_in_the_batches() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(Some(dir.path()), small()).unwrap();
    for sequence in 0..9 {
        append(
            &mut log,
            &Sent::of([("a", "1", i64::from(sequence))]).by(7, 0, sequence),
        );
    }
    let seen = consume(&log);
    let producers = log.producers.known_batches();
    log.close().unwrap();
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 4] = [
        Vec::clear,
        |bytes| bytes[0] ^= 1,
        |bytes| bytes.truncate(20),
        |bytes| bytes.push(0),
    ];
    for extension in ["checkpoint", ".index"] {
        for damage in damages {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(dir.path(), copy.path());
            for name in file_names(copy.path(), extension) {
                let path = copy.path().join(name);
                let mut bytes = fs::read(&path).unwrap();
                damage(&mut bytes);
                fs::write(&path, bytes).unwrap();
            }
            let log = LogWriter::open(Some(copy.path()), small()).unwrap();
            assert_eq!(consume(&log), seen);
            assert_eq!(log.producers.known_batches(), producers);
            for timestamp in 0..9 {
                let found = log.reader().offset_for_time(timestamp).unwrap();
                assert_eq!(found, Some((timestamp, timestamp)));
            }
        }
    }
}

#[test]
fn hostile_bytes_recover_to_something_and_reserve_nothing() {
    let batch = Sent::some(3, 5).bytes();
    let sound = Recovered {
        sound_bytes: batch.len() as u64,
        next_offset: 3,
    };
    assert_eq!(recover_bytes(&batch), sound);
    let mut lie = batch.to_vec();
    // Behind it a header that claims two gigabytes.
    lie.extend_from_slice(&batch[..61]);
    let at = batch.len() + 8;
    lie[at..at + 4].copy_from_slice(&i32::MAX.to_be_bytes());
    assert_eq!(recover_bytes(&lie), sound);
    assert_eq!(recover_bytes(&[0; 500]).sound_bytes, 0);
}

proptest::proptest! {
    #[test]
    fn any_bytes_recover(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), whole in 0_usize..3) {
        let mut data = Sent::some(2, 5).bytes().repeat(whole.min(1));
        data.append(&mut bytes);
        let recovered = recover_bytes(&data);
        proptest::prop_assert!(recovered.sound_bytes <= data.len() as u64);
        parse_bytes(&data);
    }
}
