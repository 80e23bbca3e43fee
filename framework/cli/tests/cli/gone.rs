//! Topics and records that are not there any more when they are to be exported.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::json;

use super::backup::{Dir, Running, delete, fresh, import, plain, put, raws};
use super::common::{LIMIT, admin, block, consumer, create};

// failure: recovery | the topic of a running backup is deleted and created again | the export refuses, and names
// both ids | the backup of the old one stays as it is | an operator begins another backup
#[test]
fn a_topic_that_was_recreated_is_refused() {
    let (topic, dir) = (fresh("recreated"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 3));
    dir.export(&topic, &[]).done();
    delete(&topic);
    recreate(&topic);
    put(&topic, &plain(1, 0, 9));
    let words = [
        "another topic",
        &topic,
        "deleted and created again",
        "another directory",
    ];
    dir.export(&topic, &[]).fails(2, &words);
    dir.holds(&topic, 1, 3);
}

#[test]
fn a_topic_that_is_recreated_while_it_is_followed_is_kept_out() {
    let (topic, dir) = (fresh("recreated-live"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 3));
    let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
    export.durable(&topic, 3);
    delete(&topic);
    recreate(&topic);
    put(&topic, &plain(1, 0, 9));
    let ran = export.ended();
    ran.fails(1, &[&topic]);
    assert!(
        ran.err.contains("created again") || ran.err.contains("was deleted"),
        "{}",
        ran.err
    );
    assert_eq!(dir.verify().done().lines()[0]["records"], 3);
}

/// A topic is gone a while after the answer that it will be.
fn recreate(topic: &str) {
    let begun = Instant::now();
    let new = || {
        let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
        block(admin().create_topics(&[new], &AdminOptions::new()))
            .unwrap()
            .remove(0)
    };
    while new().is_err() {
        assert!(begun.elapsed() < LIMIT, "the topic can be created again");
        std::thread::sleep(Duration::from_millis(50));
    }
    create_listed(topic);
}

fn create_listed(topic: &str) {
    let begun = Instant::now();
    let listed = || consumer().fetch_watermarks(topic, 0, LIMIT).is_ok();
    while !listed() {
        assert!(begun.elapsed() < LIMIT, "the topic is listed");
    }
}

fn remove_before(topic: &str, partition: i32, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset))
        .unwrap();
    block(admin().delete_records(&list, &AdminOptions::new())).unwrap();
}

// failure: recovery | retention removes records before they were exported | the export stops, and names the
// offsets | what is there stays | an operator accepts the hole by a flag
#[test]
fn records_that_were_gone_before_they_were_exported_are_named() {
    let (topic, copy, dir) = (fresh("hole"), fresh("hole-copy"), Dir::new());
    create(&topic, 2);
    put(&topic, &plain(2, 0, 10));
    remove_before(&topic, 0, 4);
    dir.export(&topic, &[]).done();
    assert_eq!(
        dir.offsets(&topic, 0),
        (4..10).collect::<Vec<_>>(),
        "the backup begins where the topic does"
    );
    put(&topic, &plain(2, 10, 20));
    remove_before(&topic, 1, 15);
    let words = [
        "offsets 10 to 14 of partition 1",
        "Retention removed them",
        "--accept-holes",
    ];
    dir.export(&topic, &[]).fails(1, &words);
    dir.export(&topic, &["--follow"]).fails(1, &words);
    let ran = dir.export(&topic, &["--accept-holes"]).done();
    assert!(
        ran.err.contains("offsets 10 to 14 of partition 1"),
        "{}",
        ran.err
    );
    let all: Vec<i64> = (0..10).chain(15..30).collect();
    assert_eq!(dir.offsets(&topic, 1), all);
    assert_eq!(dir.offsets(&topic, 0), (4..30).collect::<Vec<_>>());
    let hole = json!([{"partition": 1, "from": 10, "until": 15}]);
    assert_eq!(dir.verify().done().lines()[0]["holes"], hole);
    import(&dir.of(&topic), &["--topic", &copy]).done();
    assert_eq!(raws(&copy).len(), 51);
}

#[test]
fn a_follower_that_retention_overtakes_stops_or_goes_on_behind_the_hole() {
    for accept in [false, true] {
        let (topic, dir) = (fresh("overtaken"), Dir::new());
        create(&topic, 1);
        put(&topic, &plain(1, 0, 10));
        let accepted: &[&str] = if accept { &["--accept-holes"] } else { &[] };
        let args = [&["--follow", "--json"], accepted].concat();
        let mut export = Running::start(dir.export_command(&topic, &args));
        export.durable(&topic, 10);
        // While it sleeps, more comes, more than the one answer that may be on its way to it holds, and most of it goes.
        export.send("-STOP");
        let mut more = plain(1, 10, 20);
        let large = vec![b'x'; 200_000];
        more.iter_mut()
            .for_each(|raw| raw.value = Some(large.clone()));
        put(&topic, &more);
        remove_before(&topic, 0, 25);
        export.send("-CONT");
        if accept {
            export.durable(&topic, 30);
            export.signal("-INT").done();
            assert_eq!(dir.verify().done().lines()[0]["holes"][0]["until"], 25);
            assert_eq!(dir.offsets(&topic, 0).last(), Some(&29));
        } else {
            let ran = export.ended();
            ran.fails(1, &["to 24 of partition 0", "--accept-holes"]);
        }
    }
}
