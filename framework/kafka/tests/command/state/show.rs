//! `state show`.

use serde_json::{Value, json};

use super::*;
use crate::typed::await_parked;

fn shown(state_dir: &Path, args: &[&str]) -> Value {
    let all: Vec<&str> = ["show", "--json", "--aggregate", "tally"]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    let all = typed(state_dir, &all).ends(0).json();
    assert_eq!(all.as_array().unwrap().len(), 1);
    all[0].clone()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

pub(crate) fn what_a_key_is_or_was_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let publisher = Publisher::new();
    let running = start(dir);
    add_one(&publisher, "key", 1);
    let time = |nth: usize| {
        shown(dir, &["key"])["events"][nth]["at"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first_at = time(0);
    let first_millis = first_at
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_millisecond();
    await_that("the clock goes on", || now() > first_millis);
    add_one(&publisher, "key", 2);
    add(&publisher, INTAKE, "poison", "key", "poison");
    add(&publisher, INTAKE, "behind", "key", "key 1");
    publisher.flush();
    await_parked(STREAM, 2);
    let [first, second] = events(STREAM, "key")[..2].to_vec().try_into().unwrap();

    // Now: everything, also while the service runs.
    let text = typed(dir, &["show", "key"]).ends(0).says(&[
        &format!(
            "state.tally, key key: 4 records in state.counted[{}], as it is now\n",
            first.partition
        ),
        &format!("{:>9} {first_at} Counted\n", first.offset),
        "Counted { key: \"key\", amount: 1 }\n",
        &format!("id {}, saga ", first.id),
        "(an input)\n",
        "kolo.parked\n          decode: test.Added: malformed",
        "\nstate     {\"total\": 2, \"by_total\": {\"total ",
        "\nbarrier   no step done, none barred\n",
        "\ndeadline  2100-01-01T00:00:00Z, in ",
        &format!(" d; set by {}\n", second.id),
        "\npending   no request is without an answer\n",
        "\nparked    2 records for ",
        ", the first for decode: test.Added: malformed",
        "`state parked show key` shows what is parked now\n",
    ]);
    assert!(
        !text.out.contains("state.plain"),
        "it is no key there: {}",
        text.out
    );
    let whole = shown(dir, &["key"]);
    let types: Vec<_> = whole["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["type"])
        .collect();
    assert_eq!(
        types,
        ["test.Counted", "test.Counted", "kolo.parked", "kolo.parked"]
    );
    assert_eq!(
        whole["state"],
        json!({ "total": 2, "by_total": { "total 1": 1, "total 2": 1 } })
    );
    assert_eq!(whole["deadline"]["due"], "2100-01-01T00:00:00Z");
    assert_eq!(whole["deadline"]["cause"], second.id);
    assert_eq!(whole["parked"].as_array().unwrap().len(), 2);
    assert_eq!(whole["parked"][0]["class"], "decode");
    assert_eq!(
        (&whole["later"], &whole["at"]),
        (&Value::Null, &Value::Null)
    );

    then(dir, &first, &second, &first_at);
    a_request_that_waits(dir, &publisher);
    running.stop().expect("a graceful stop");
    assert_eq!(shown(dir, &["key"]), whole, "nobody needs to run for that");
}

/// As it was before what is there now.
fn then(dir: &Path, first: &Seen, second: &Seen, first_at: &str) {
    let at = |at: &str| shown(dir, &["key", "--at", at]);
    for at in [at(&format!("offset:{}", first.offset)), at(first_at)] {
        assert_eq!(at["events"].as_array().unwrap().len(), 1, "{at:#}");
        assert_eq!(
            at["state"],
            json!({ "total": 1, "by_total": { "total 1": 1 } })
        );
        assert_eq!((&at["deadline"], &at["parked"]), (&Value::Null, &json!([])));
    }
    assert_eq!(at(first_at)["later"]["offset"], second.offset);
    let text = typed(dir, &["show", "key", "--at", first_at]).ends(0);
    text.says(&[&format!(
        ", as it was {first_at}, before offset {}\n",
        second.offset
    )]);
    let both = at(&format!("offset:{}", second.offset));
    assert_eq!(both["state"]["total"], 2);
    assert_eq!(both["deadline"]["cause"], second.id);
    let future = typed(dir, &["show", "key", "--at", "2100-01-01T00:00:00Z"]).ends(0);
    assert!(
        future.err.contains("that time has not come"),
        "{}",
        future.err
    );
    // Before it was.
    let before = format!("offset:{}", first.offset - 1);
    for at in [before.as_str(), "2020-01-01T00:00:00Z"] {
        let was = format!(
            "its first record there is offset {}, of {first_at}",
            first.offset
        );
        typed(dir, &["show", "key", "--aggregate", "tally", "--at", at])
            .fails(2, &["the key `key` was not yet there, as of ", &was]);
    }
}

/// In an aggregate whose state has no form, whose request nobody answers.
fn a_request_that_waits(dir: &Path, publisher: &Publisher) {
    add(publisher, PLAIN_INTAKE, "door 1", "door", "door 1");
    publisher.flush();
    await_that("it is asked for", || {
        events(PLAIN_STREAM, "door").len() == 1
    });
    let request = events(PLAIN_STREAM, "door").remove(0);
    typed(dir, &["show", "door"]).ends(0).says(&[
        "state.plain, key door: 1 record",
        "\nstate     has no form that can be printed: `.snapshots(version)` on its aggregate gives it one\n",
        "\ndeadline  none\n",
        "\npending   test.Counted to Bell since 20",
        &format!("; id {}\n", request.id),
        "\nparked    nothing\n",
    ]);
    let json = typed(dir, &["show", "door", "--json"]).ends(0).json();
    assert_eq!(json[0]["state"], Value::Null);
    assert_eq!(json[0]["no_state"], "`.snapshots(version)` is not declared");
    assert_eq!(json[0]["pending"][0]["id"], request.id);
}
