//! `state verify` and `state rebuild`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

const CHANGED: (&str, &str) = (FOLDS, "changed");

fn files(state_dir: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(state_dir.join("state"))
        .into_iter()
        .flatten();
    let mut files: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|name| name == "snapshot"));
    files.sort();
    files
}

/// Until each partition has one that is complete.
fn await_snapshots(dir: &Path) {
    await_that("every partition has a snapshot", || {
        let verified = typed(dir, &["verify", "--json"]).ends(0).json();
        outcomes(&verified) == ["same"; 3]
    });
}

fn outcomes(verified: &Value) -> Vec<&str> {
    let all = verified.as_array().unwrap().iter();
    all.map(|one| one["outcome"].as_str().unwrap()).collect()
}

pub(crate) fn snapshots_are_held_against_the_stream_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let publisher = Publisher::new();
    let running = start(dir);
    for nth in 1..=3 {
        add_one(&publisher, "changed", nth);
        add_one(&publisher, "as-ever", nth);
    }
    for key in 0..20 {
        add_one(&publisher, &format!("key-{key}"), 1);
    }
    await_snapshots(dir);
    // While the service runs: nothing is disturbed, and nothing is deleted.
    let verified = typed(dir, &["verify"]).ends(0);
    verified.says(&[
        "state.tally, state.counted[0]: same, ",
        "state.counted[2]: same, ",
    ]);
    typed(dir, &["rebuild", "--yes"]).fails(
        1,
        &["a running `state` uses /", "stop it", "Nothing was deleted"],
    );
    assert_eq!(files(dir).len(), 3);
    running.stop().expect("a graceful stop");

    let whole = typed(dir, &["verify", "--json"]).ends(0).json();
    assert_eq!(outcomes(&whole), ["same"; 3]);
    an_evolve_that_changed(dir);
    a_version_that_was_raised(dir);
    damage(dir);
    rebuilt(dir, &publisher);
}

fn an_evolve_that_changed(dir: &Path) {
    let differs = typed_by(dir, CHANGED, &["verify"]).ends(1);
    assert!(
        differs.err.contains("raise the version in `.snapshots(…)`"),
        "{}",
        differs.err
    );
    let differs = differs.says(&[
        ": 1 of ",
        "  changed: state\n",
        "    in the snapshot  {\"total\": 3, ",
        "    by the stream    {\"total\": 300, ",
    ]);
    assert!(
        !differs.out.contains("as-ever"),
        "it is what it was: {}",
        differs.out
    );
    let found = typed_by(dir, CHANGED, &["verify", "--json"]).ends(1).json();
    let all = found.as_array().unwrap().iter();
    let differs: Vec<&Value> = all.filter(|one| one["outcome"] == "differs").collect();
    assert_eq!(differs.len(), 1);
    let [first] = differs[0]["first"].as_array().unwrap().as_slice() else {
        panic!("one key: {found:#}");
    };
    assert_eq!(
        (&first["key"], &first["in"]),
        (&json!("changed"), &json!(["state"]))
    );
    assert_eq!(
        (&first["snapshot"]["total"], &first["stream"]["total"]),
        (&json!(3), &json!(300))
    );
    // Only where it was looked.
    let partition = differs[0]["partition"].to_string();
    for other in ["0", "1", "2"] {
        let code = i32::from(other == partition);
        let one = typed_by(dir, CHANGED, &["verify", "--json", "--partition", other]).ends(code);
        assert_eq!(one.json().as_array().unwrap().len(), 1);
    }
    let panics = typed_by(dir, (FOLDS, "panics"), &["verify"]).ends(1);
    assert!(
        panics
            .err
            .contains("starts only for as long as its snapshots last"),
        "{}",
        panics.err
    );
    panics.says(&[
        "the stream cannot be folded: state.counted[",
        "folding the record panicked: no fold for 2",
    ]);
}

fn a_version_that_was_raised(dir: &Path) {
    let ignored = typed_by(dir, (VERSION, "2"), &["verify"]).ends(0);
    ignored.says(&[
        "not compared, and ignored by an owner",
        "the snapshots' version `1`, and this is `2`",
    ]);
    assert_eq!(files(dir).len(), 3, "nothing is deleted");
}

fn damage(dir: &Path) {
    let file = &files(dir)[1];
    let sound = std::fs::read(file).unwrap();
    let verified = |bytes: &[u8], code: i32| {
        std::fs::write(file, bytes).unwrap();
        typed(dir, &["verify", "--partition", "1"]).ends(code)
    };
    let mut bytes = sound.clone();
    bytes[40] ^= 1;
    verified(&bytes, 1).says(&[
        "state.counted[1]: cannot be used",
        "a checksum does not fit",
    ]);
    let other = verified(b"no snapshot", 1).says(&["it does not begin as a snapshot does"]);
    assert!(
        other.err.contains("costs the next start a restore"),
        "{}",
        other.err
    );
    // As it is left behind by who dies before its first snapshot is complete.
    verified(&sound[..12], 0).says(&["nothing was completed in it"]);
    verified(&sound, 0).says(&["state.counted[1]: same"]);
}

fn rebuilt(dir: &Path, publisher: &Publisher) {
    let shown = || typed(dir, &["show", "changed", "--json"]).ends(0).json();
    let before = shown();
    typed(dir, &["rebuild"]).fails(2, &["this is no terminal", "--yes", "Nothing was deleted"]);
    typed(dir, &["rebuild", "--yes", "--aggregate", "plain"])
        .ends(0)
        .says(&["Nothing to delete"]);
    assert_eq!(files(dir).len(), 3);
    let bytes = |file: &PathBuf| std::fs::metadata(file).unwrap().len();
    let first = bytes(&files(dir)[0]);
    typed(dir, &["rebuild", "--yes", "--partition", "0"])
        .ends(0)
        .says(&[&format!("1 file with {first} bytes deleted in /")]);
    let others: u64 = files(dir).iter().map(bytes).sum();
    let deleted = typed(dir, &["rebuild", "--yes"]).ends(0);
    deleted.says(&[
        &format!("2 files with {others} bytes deleted in /"),
        "folds these streams from their beginning",
    ]);
    assert!(files(dir).is_empty());
    assert_eq!(shown(), before, "the stream is the state");

    let running = start(dir);
    add_one(publisher, "changed", 4);
    // The other partitions may be restored later: who does not work yet has nothing to keep at a stop.
    await_snapshots(dir);
    running.stop().expect("a graceful stop");
    assert_eq!(
        events(STREAM, "changed")[3].value,
        "changed 4",
        "it goes on where it was"
    );
    let again = typed(dir, &["verify", "--json"]).ends(0).json();
    assert_eq!(outcomes(&again), ["same"; 3]);
}
