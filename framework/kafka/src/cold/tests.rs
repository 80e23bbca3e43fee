//! A database of cold keys, as the worker uses it.

use kolo_core::processor::ColdKeys;

use super::*;

fn put(store: &mut Store, key: &str, bytes: &[u8]) {
    store.put(key, bytes).unwrap();
}

#[test]
fn what_is_kept_is_given_back_in_order_and_gone_when_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let cold = Cold::open(folder.path(), 1_000).unwrap();
    let mut store = cold.store("a", 0).unwrap();
    let other = cold.store("a", 1).unwrap();
    for number in 0..20_000_u32 {
        put(
            &mut store,
            &format!("{:05}", number % 10_000),
            &number.to_le_bytes(),
        );
    }
    let expected = |number: u32| Some((number + 10_000).to_le_bytes().to_vec());
    assert_eq!(store.get("00007").unwrap(), expected(7));
    assert_eq!(store.get("nobody").unwrap(), None);
    assert_eq!(other.get("00007").unwrap(), None);
    let mut seen = Vec::new();
    let to_the_end = store.each(Some("00007"), &mut |key, bytes| {
        seen.push((key.to_owned(), Some(bytes.to_vec())));
        seen.len() < 3
    });
    assert!(!to_the_end.unwrap());
    let three = [8, 9, 10].map(|number| (format!("{number:05}"), expected(number)));
    assert_eq!(seen, three);
    assert!(store.each(Some("09998"), &mut |_, _| true).unwrap());
    drop((store, other));
    cold.close();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_a_killed_process_left_is_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let cold = Cold::open(folder.path(), 1_000).unwrap();
    put(&mut cold.store("a", 0).unwrap(), "k", b"old");
    // A killed process closes nothing.
    std::mem::forget(cold);
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("cold")).unwrap();
    std::fs::write(copy.path().join("cold/keys"), "left").unwrap();
    let cold = Cold::open(copy.path(), 1_000).unwrap();
    assert!(!copy.path().join("cold/keys").exists());
    assert_eq!(cold.store("a", 0).unwrap().get("k").unwrap(), None);
    cold.close();
}

#[test]
fn a_database_that_is_closed_keeps_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let cold = Cold::open(folder.path(), 1_000).unwrap();
    cold.close();
    assert!(cold.store("a", 0).is_err());
}

#[test]
fn partitions_share_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let cold = Cold::open(folder.path(), 1_000).unwrap();
    let share = cold.share_bytes();
    let stores: Vec<Store> = (0..4).map(|at| cold.store("a", at).unwrap()).collect();
    assert_eq!(share.load(Ordering::Relaxed), 250);
    let mut stores = stores.into_iter();
    drop(stores.next());
    drop(stores.next());
    assert_eq!(share.load(Ordering::Relaxed), 500);
    drop(stores);
    assert_eq!(share.load(Ordering::Relaxed), 1_000);
    cold.close();
}

#[test]
fn bytes_of_another_key_or_with_another_bit_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let cold = Cold::open(folder.path(), 1_000).unwrap();
    let mut store = cold.store("a", 0).unwrap();
    put(&mut store, "one", b"bytes");
    store.damage("one", "two", |_| {});
    assert!(store.get("two").is_err());
    for bit in 0..9 * 8 {
        store.damage("one", "one", |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        assert!(store.get("one").is_err(), "bit {bit}");
        assert!(store.each(None, &mut |_, _| true).is_err());
        store.damage("one", "one", |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    }
    assert_eq!(store.get("one").unwrap().as_deref(), Some(&b"bytes"[..]));
    drop(store);
    cold.close();
}

impl Store {
    /// Puts what is kept of a key in the place of another's, changed.
    fn damage(&self, from: &str, to: &str, change: impl FnOnce(&mut [u8])) {
        let mut bytes = self.keyspace.get(from).unwrap().unwrap().to_vec();
        change(&mut bytes);
        self.keyspace.insert(to, bytes).unwrap();
    }
}
