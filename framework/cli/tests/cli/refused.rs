//! What an import refuses, and that nothing is written then.

use std::time::Instant;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::json;

use super::backup::{Dir, Raw, create_with, delete, exists, fresh, import, plain, put, raws};
use super::common::{LIMIT, bootstrap, count, create};
use super::owned::long_stream;

// failure: recovery | the target of an import holds other records | the import refuses, and says what differs |
// nothing is written | an operator takes another topic
#[test]
fn a_target_that_holds_something_else_is_refused_with_what_differs() {
    let (topic, dir) = (fresh("intake"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 10));
    dir.export(&topic, &[]).done();
    let other = |change: &dyn Fn(&mut Raw), words: &[&str]| {
        let copy = fresh("other");
        create(&copy, 1);
        let mut found = plain(1, 0, 5);
        change(&mut found[3]);
        put(&copy, &found);
        let words = [&["something else", "at offset 3", "--topic"], words].concat();
        import(&dir.of(&topic), &["--topic", &copy]).fails(2, &words);
        assert_eq!(count(&copy), 5, "nothing was written");
    };
    other(
        &|raw| raw.key = None,
        &["the key is null and not \"key-3\""],
    );
    other(
        &|raw| raw.value = Some(b"x".to_vec()),
        &["the value is \"x\""],
    );
    other(
        &|raw| raw.millis += 1,
        &["the timestamp is 1700000000004 and not 1700000000003"],
    );
    other(
        &|raw| raw.headers[0].1 = None,
        &["the header is ce_id=null"],
    );
    other(&|raw| raw.headers.clear(), &["0 headers and not 1"]);

    let copy = fresh("more");
    create(&copy, 1);
    put(&copy, &plain(1, 0, 11));
    import(&dir.of(&topic), &["--topic", &copy]).fails(2, &["at offset 10", "no more records"]);
    // Its own beginning is gone on with.
    let copy = fresh("beginning");
    create(&copy, 1);
    put(&copy, &plain(1, 0, 5));
    let ran = import(&dir.of(&topic), &["--topic", &copy, "--json"]).done();
    assert_eq!(
        (&ran.json()["found"], &ran.json()["sent"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(raws(&copy), raws(&topic));
    // And the topic itself holds all of it.
    let ran = import(&dir.of(&topic), &["--json"]).done();
    assert_eq!(
        (&ran.json()["found"], &ran.json()["sent"]),
        (&json!(10), &json!(0))
    );
}

#[test]
fn a_stream_that_somebody_has_fenced_is_refused() {
    let (topic, dir) = (fresh("stream"), Dir::new());
    create(&topic, 1);
    put(&topic, &long_stream(5));
    dir.export(&topic, &[]).done();
    import(&dir.of(&topic), &[]).fails(
        2,
        &["at offset 0", "a fence of cafe.counter", "did not write"],
    );
    let copy = fresh("stream-copy");
    import(&dir.of(&topic), &["--topic", &copy]).done();
    let late = Raw {
        headers: vec![],
        ..plain(1, 0, 1).remove(0)
    };
    put(&copy, &[late]);
    import(&dir.of(&topic), &["--topic", &copy]).fails(2, &["at offset 6", "did not write"]);
}

#[test]
fn a_topic_with_other_partitions_or_times_is_refused() {
    let (topic, dir) = (fresh("intake"), Dir::new());
    create(&topic, 2);
    put(&topic, &plain(2, 0, 3));
    dir.export(&topic, &[]).done();
    let copy = fresh("three");
    create(&copy, 3);
    import(&dir.of(&topic), &["--topic", &copy]).fails(2, &[&copy, "3 partitions", "has 2"]);
    let copy = fresh("append-time");
    create_with(&copy, 2, "message.timestamp.type", "LogAppendTime");
    import(&dir.of(&topic), &["--topic", &copy]).fails(2, &[&copy, "LogAppendTime", "CreateTime"]);
    assert_eq!(count(&copy), 0);
}

// failure: recovery | somebody imports a stream while its service runs | the import refuses, and names the group |
// nothing is written | an operator stops the service
#[test]
fn it_refuses_while_the_aggregate_has_members() {
    let (topic, copy, dir) = (fresh("stream"), fresh("stream-copy"), Dir::new());
    create(&topic, 1);
    let aggregate = fresh("counter");
    let mut stream = long_stream(3);
    let fence = String::from_utf8(stream[0].value.take().unwrap()).unwrap();
    stream[0].value = Some(fence.replace("counter", &aggregate).into_bytes());
    put(&topic, &stream);
    dir.export(&topic, &[]).done();
    let group = format!("cafe.{aggregate}");
    let member: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .set("group.id", &group)
        .create()
        .unwrap();
    member.subscribe(&[&topic]).unwrap();
    let begun = Instant::now();
    while member.assignment().unwrap().count() == 0 {
        assert!(begun.elapsed() < LIMIT, "it is assigned");
        member.poll(std::time::Duration::from_millis(50));
    }
    import(&dir.of(&topic), &["--topic", &copy])
        .fails(2, &[&group, "is not empty", "Stop the service `cafe`"]);
    assert!(!exists(&copy), "it was not even created");
    drop(member);
    import(&dir.of(&topic), &["--topic", &copy]).done();
}

#[test]
fn a_backup_of_a_stream_that_cannot_be_judged_is_refused() {
    let (topic, copy, dir) = (fresh("stream"), fresh("stream-copy"), Dir::new());
    create(&topic, 1);
    put(&topic, &long_stream(10)[4..]);
    dir.export(&topic, &[]).done();
    import(&dir.of(&topic), &["--topic", &copy])
        .fails(2, &["begins in partition 0", "offset 0", "fence"]);

    let (topic, dir) = (fresh("stream"), Dir::new());
    create(&topic, 1);
    let mut stream = long_stream(3);
    let stamp = stream[2].headers[2].1.as_mut().unwrap();
    stamp[0] = b'9';
    put(&topic, &stream);
    dir.export(&topic, &[]).done();
    import(&dir.of(&topic), &["--topic", &copy])
        .fails(2, &["offset 2", "partition 0", "newer kolo"]);
    assert!(!exists(&copy));
    delete(&topic);
}
