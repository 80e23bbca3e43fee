//! What is read is what was last sealed, wherever a process was killed.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Attempt, Damage, KeysFrame, Snapshots};

/// What a file holds: the last bytes of each key, and of the rest.
type Held = (BTreeMap<String, Vec<u8>>, Vec<u8>);

fn read(store: &Snapshots) -> Result<Option<Held>, Damage> {
    let Some(mut reader) = store.read("a", 0)? else {
        return Ok(None);
    };
    let rest = reader.rest()?.2.to_vec();
    let mut keys = BTreeMap::new();
    while reader.next_keys::<Damage>(|key, bytes| {
        keys.insert(key.to_owned(), bytes.to_vec());
        Ok(())
    })? {}
    Ok(Some((keys, rest)))
}

fn held(keys: &[(&str, u8)], rest: u8) -> Held {
    let keys = keys
        .iter()
        .map(|(key, byte)| ((*key).to_owned(), vec![*byte]));
    (keys.collect(), vec![rest])
}

fn hand_out(store: &Snapshots, attempt: &Attempt, keys: &[(&str, u8)]) {
    let mut frame = KeysFrame::new();
    for (key, byte) in keys {
        frame.push(key, &[*byte]);
    }
    store.keys(attempt, frame);
}

fn snapshot(store: &Snapshots, is_whole: bool, keys: &[(&str, u8)], rest: u8) {
    let attempt = store.begin("a", 0, is_whole);
    hand_out(store, &attempt, keys);
    store.seal(&attempt, 7, &[rest]);
}

fn open(folder: &tempfile::TempDir) -> Snapshots {
    Snapshots::open(folder.path(), "s").expect("a directory")
}

fn flush(store: &Snapshots) {
    store.flush(Duration::from_secs(60));
    assert!(store.are_on());
}

#[test]
fn what_was_not_sealed_does_not_count_and_is_not_sealed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    assert_eq!(read(&store).unwrap(), None);
    let given_up = store.begin("a", 0, true);
    hand_out(&store, &given_up, &[("k", 0)]);
    flush(&store);
    assert_eq!(read(&store).unwrap(), None);
    snapshot(&store, true, &[("k", 1), ("l", 1)], 1);
    let given_up = store.begin("a", 0, false);
    hand_out(&store, &given_up, &[("l", 0), ("m", 0)]);
    flush(&store);
    assert_eq!(read(&store).unwrap(), Some(held(&[("k", 1), ("l", 1)], 1)));
    snapshot(&store, false, &[("k", 2)], 2);
    flush(&store);
    assert_eq!(read(&store).unwrap(), Some(held(&[("k", 2), ("l", 1)], 2)));
    // A new file that is not completed leaves the old one alone.
    let given_up = store.begin("a", 0, true);
    hand_out(&store, &given_up, &[("k", 0)]);
    snapshot(&store, false, &[("m", 3)], 3);
    flush(&store);
    let all = held(&[("k", 2), ("l", 1), ("m", 3)], 3);
    assert_eq!(read(&store).unwrap(), Some(all));
    store.delete("a", 0);
    flush(&store);
    assert_eq!(read(&store).unwrap(), None);
    store.close();
}

#[test]
fn killed_at_any_byte_it_is_what_was_last_sealed_and_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let path = store.folder.file("a", 0);
    let mut seals = vec![(0, None)];
    for (at, keys) in (1..).zip([
        &[("k", 1), ("l", 1)][..],
        &[("l", 2)],
        &[("m", 3), ("k", 3)],
    ]) {
        snapshot(&store, at == 1, keys, at);
        flush(&store);
        let length = usize::try_from(path.metadata().unwrap().len()).unwrap();
        seals.push((length, read(&store).unwrap()));
    }
    let unsealed = store.begin("a", 0, false);
    hand_out(&store, &unsealed, &[("k", 0)]);
    flush(&store);
    store.close();
    drop(store);
    let bytes = std::fs::read(&path).unwrap();
    for cut in super::frame::MAGIC.len()..=bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let store = open(&folder);
        let (_, expected) = seals.iter().rfind(|(length, _)| *length <= cut).unwrap();
        assert_eq!(&read(&store).unwrap(), expected, "cut to {cut} bytes");
        if let Some((mut keys, _)) = expected.clone() {
            snapshot(&store, false, &[("l", 9)], 9);
            flush(&store);
            keys.insert("l".into(), vec![9]);
            assert_eq!(
                read(&store).unwrap(),
                Some((keys, vec![9])),
                "cut to {cut} bytes"
            );
        }
        store.close();
    }
}

#[test]
fn any_byte_that_is_another_is_noticed_or_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    snapshot(&store, true, &[("k", 1), ("l", 1)], 1);
    flush(&store);
    let path = store.folder.file("a", 0);
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 0x81;
        std::fs::write(&path, other).unwrap();
        assert!(matches!(read(&store), Err(_) | Ok(None)), "byte {at}");
    }
    store.close();
}
