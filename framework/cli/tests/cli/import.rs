//! `kolo import`: it may be killed, and it stops where somebody else writes.

use std::time::Instant;

use kolo_core::stream::{StreamReader, Verdict};
use rdkafka::consumer::Consumer;
use serde_json::json;

use super::backup::{
    Dir, Running, create_with, exists, fresh, import, plain, put, raws, with_broker,
};
use super::common::{LIMIT, Ran, consumer, count, create, records};
use super::model::bench::Stored;
use super::owned::{long_stream, stored};

/// Kills imports in mid-run, each when there is more in the target than before, and lets the last one end.
fn killed_and_again(folder: &str, copy: &str) {
    let args = ["import", folder, "--topic", copy];
    Running::start(with_broker(&args)).kill();
    for _ in 0..3 {
        let begun = Instant::now();
        let before = if exists(copy) { count(copy) } else { 0 };
        let mut run = Running::start(with_broker(&args));
        while !(exists(copy) && count(copy) > before) && run.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < LIMIT, "it gets on");
        }
        run.kill();
    }
    import(folder, &["--topic", copy]).done();
}

#[test]
fn an_intake_topic_is_the_same_after_an_import_that_was_killed_again_and_again() {
    let (topic, copy, dir) = (fresh("intake"), fresh("intake-copy"), Dir::new());
    create(&topic, 2);
    put(&topic, &plain(2, 0, 20_000));
    dir.export(&topic, &[]).done();
    killed_and_again(&dir.of(&topic), &copy);
    assert!(raws(&copy) == raws(&topic), "record by record");
}

// failure: recovery | an import is killed with -9 in mid-run, again and again | nothing | the next one goes on
// behind what is there; late records of the dead one are void | nobody
#[test]
fn a_stream_is_the_same_after_an_import_that_was_killed_again_and_again() {
    let (topic, copy, dir) = (fresh("stream"), fresh("stream-copy"), Dir::new());
    create(&topic, 1);
    put(&topic, &long_stream(20_000));
    dir.export(&topic, &[]).done();
    killed_and_again(&dir.of(&topic), &copy);
    let mut reader = StreamReader::from_start();
    let imported: Vec<Stored> = records(&copy).iter().map(stored).collect();
    let valid: Vec<String> = imported
        .iter()
        .filter(|stored| {
            let verdict = reader
                .read(stored.offset, &stored.record().headers)
                .unwrap();
            matches!(verdict, Verdict::Valid(_))
        })
        .map(|stored| {
            format!(
                "{:?} {} {:?}",
                stored.id,
                stored.text(),
                stored.stamp().source
            )
        })
        .collect();
    let originals = records(&topic);
    let originals = originals.iter().map(stored).skip(1);
    let originals: Vec<String> = originals
        .map(|stored| {
            format!(
                "{:?} {} {:?}",
                stored.id,
                stored.text(),
                stored.stamp().source
            )
        })
        .collect();
    assert!(
        valid == originals,
        "{} valid of {}",
        valid.len(),
        originals.len()
    );
}

#[test]
fn it_stops_where_somebody_else_writes() {
    let (topic, dir) = (fresh("stream"), Dir::new());
    create(&topic, 1);
    put(&topic, &long_stream(60_000));
    dir.export(&topic, &[]).done();
    let begun = Instant::now();
    // It stands still while somebody else writes: it cannot end before. One that has come too far by then is left alone.
    let (copy, run) = loop {
        let copy = fresh("stream-copy");
        create(&copy, 1);
        let run = Running::start(with_broker(&["import", &dir.of(&topic), "--topic", &copy]));
        let watch = consumer();
        while watch.fetch_watermarks(&copy, 0, LIMIT).unwrap().1 < 2 {
            assert!(begun.elapsed() < LIMIT, "it gets on");
        }
        run.send("-STOP");
        if count(&copy) < 50_000 {
            break (copy, run);
        }
        assert!(begun.elapsed() < LIMIT, "there is much left to do");
        run.send("-CONT");
        run.ended().done();
    };
    put(&copy, &long_stream(0));
    run.send("-CONT");
    let ran = run.ended();
    ran.fails(
        1,
        &["somebody else writes", &copy, "type the same command again"],
    );
    import(&dir.of(&topic), &["--topic", &copy])
        .fails(2, &["a fence of cafe.counter", "did not write"]);
}

#[test]
fn a_topic_that_is_created_has_the_settings_of_the_one_that_was_exported() {
    let (topic, copy, dir) = (fresh("settings"), fresh("settings-copy"), Dir::new());
    create_with(&topic, 4, "retention.ms", "864000000000");
    put(&topic, &plain(4, 0, 1));
    dir.export(&topic, &[]).done();
    import(&dir.of(&topic), &["--topic", &copy]).done();
    let described = with_broker(&["topics", "describe", &copy, "--json"])
        .output()
        .unwrap();
    let described = Ran::from(described).done().json();
    assert_eq!(described["settings"]["retention.ms"], "864000000000");
    assert_eq!(described["partitions"].as_array().unwrap().len(), 4);
}

#[test]
fn inputs_that_are_other_topics_here_are_named() {
    let (topic, copy, dir) = (fresh("stream"), fresh("stream-copy"), Dir::new());
    create(&topic, 1);
    put(&topic, &long_stream(3));
    dir.export(&topic, &[]).done();
    let ran = import(&dir.of(&topic), &["--topic", &copy]).done();
    assert!(
        ran.err
            .contains("other topics here, by their ids: cafe-orders"),
        "{}",
        ran.err
    );
    let ran = import(&dir.of(&topic), &["--topic", &copy, "--json"]).done();
    assert_eq!(ran.json()["unknown_inputs"], json!(["cafe-orders"]));
}
