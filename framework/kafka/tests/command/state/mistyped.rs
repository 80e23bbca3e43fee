//! What cannot be meant, or is not there.

use super::{start, typed};

pub(crate) fn what_cannot_be_meant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |args: &[&str], words: &[&str]| typed(folder.path(), args).fails(2, words);
    refused(&[], &["show", "verify", "rebuild"]);
    refused(&["show"], &["KEY"]);
    refused(&["show", ""], &["no key is empty", "--no-key"]);
    for at in ["yesterday", "offset:", "offset:-1", "12"] {
        refused(&["show", "k", "--at", at], &["--at", "offset:"]);
    }
    refused(
        &["show", "k", "--at", "offset:7"],
        &["--aggregate", "tally, plain"],
    );
    for action in [&["show", "k"][..], &["verify"], &["rebuild"]] {
        let args = [action, &["--aggregate", "lifecycle"]].concat();
        refused(&args, &["no aggregate `lifecycle`", "tally, plain"]);
    }
    for action in ["verify", "rebuild"] {
        refused(&[action, "--partition=-1"], &["--partition"]);
        refused(&[action, "--partition", "two"], &["--partition"]);
    }
    typed(folder.path(), &["show", "k", "--bootstrap", "127.0.0.1:1"])
        .fails(1, &["127.0.0.1:1", "cannot be asked"]);
    typed(folder.path(), &["show", "k"]).fails(1, &["no topic `state.", "`state topics`"]);

    // There is nothing to compare or to delete, and no broker is needed to say so.
    let nowhere = ["--bootstrap", "127.0.0.1:1"];
    let quiet = |args: &[&str], dir: &str, words: &[&str]| {
        let args = [args, &nowhere].concat();
        typed(&folder.path().join(dir), &args).ends(0).says(words);
    };
    quiet(
        &["verify"],
        "none",
        &["Nothing to compare: no snapshot is in /", "/none/state."],
    );
    quiet(
        &["verify", "--aggregate", "plain"],
        "none",
        &["`.snapshots(version)` is not declared"],
    );
    quiet(&["rebuild"], "none", &["Nothing to delete", "/none/state."]);
    assert!(!folder.path().join("none").exists(), "nothing is made");
    let empty = std::path::Path::new("");
    typed(empty, &["verify"])
        .ends(0)
        .says(&["`state_dir` is empty"]);
    typed(empty, &["rebuild"])
        .ends(0)
        .says(&["`state_dir` is empty"]);
    std::fs::write(folder.path().join("state"), "a file").unwrap();
    typed(folder.path(), &["verify"]).fails(1, &["/state cannot be read"]);
    std::fs::remove_file(folder.path().join("state")).unwrap();

    start(folder.path()).stop().expect("a graceful stop");
    refused(
        &["show", "nobody"],
        &[
            "the key `nobody` has no record in state.tally (state.counted[",
            ") or state.plain (state.plain.counted[",
            "`state parked show nobody`",
        ],
    );
    let far = [
        "show",
        "nobody",
        "--aggregate",
        "tally",
        "--at",
        "offset:9999",
    ];
    refused(&far, &["no offset 9999 yet"]);
}
