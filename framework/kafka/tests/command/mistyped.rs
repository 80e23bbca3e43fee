//! What cannot be meant, or cannot be done now: the code says which, the words say what to do.

use crate::common;
use crate::typed::{command, parked, start};

common::counter_events!("mistyped.added", "mistyped.counted");
common::counter!("mistyped");

pub(crate) fn what_cannot_be_meant_is_refused() {
    let refused = |args: &[&str], words: &[&str]| parked("mistyped", args).fails(2, words);
    let typed =
        |args: &[&str]| crate::typed::Typed::from(command("mistyped", args).output().unwrap());
    typed(&["parked", "list", "--bootstrap", "127.0.0.1:1"])
        .fails(1, &["127.0.0.1:1", "cannot be asked"]);
    refused(
        &["list", "--class", "bad"],
        &["--class", "decode", "behind"],
    );
    refused(&["list", "--since", "yesterday"], &["2026-11-23T08:00:00Z"]);
    refused(&["show"], &["KEY", "--no-key"]);
    refused(&["redrive"], &["KEY"]);
    refused(&["redrive", "k", "--all"], &["--all"]);
    refused(&["redrive", "k", "--timeout", "soon"], &["30s"]);
    refused(&["drop", "k"], &["--reason"]);
    refused(&["drop", "k", "--reason", " "], &["say why"]);
    refused(&["drop", "k", "--reason", "r", "--id", "7"], &["--id"]);
    refused(
        &["list", "--aggregate", "lifecycle"],
        &["no aggregate `lifecycle`", "counter"],
    );
    let own = "reads or writes `mistyped.added` itself";
    refused(&["mirror", "--to", "mistyped.added"], &[own]);
    parked("mistyped", &["mirror", "--to", "nowhere"])
        .fails(1, &["no topic `nowhere`", "create it"]);
    parked("mistyped", &["redrive", "--all"]).fails(1, &["no topic `mistyped.counted`"]);

    start(service()).stop().expect("a graceful stop");
    for action in [
        &["show"][..],
        &["redrive"],
        &["drop", "--reason", "r", "--yes"],
    ] {
        let args: Vec<&str> = action.iter().copied().chain(["sku-1"]).collect();
        refused(
            &args,
            &[
                "nothing is parked under the key `sku-1` in mistyped.counter",
                "another service",
            ],
        );
    }
    refused(&["show", "--no-key"], &["nothing is parked under no key"]);
    parked("mistyped", &["redrive", "--all"])
        .ends(0)
        .says(&["Nothing is parked."]);
}
