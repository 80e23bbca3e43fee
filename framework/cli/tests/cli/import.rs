//! `kolo import`: what a topic holds afterwards, and what an owner makes of it.

use std::time::Instant;

use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{Fence, Source, Stamp, Writer};
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::json;

use super::backup::{Dir, Raw, Running, delete, fresh, import, plain, put, raws, with_broker};
use super::common::{LIMIT, bootstrap, count, create, records};
use super::model::bench::Stored;
use super::owned::{history, knows, raw, stored};

/// A topic whose partition n holds the first n records of the log, exported.
fn prefixes(log: &[Stored]) -> (String, Dir) {
    let (topic, dir) = (fresh("holds"), Dir::new());
    let partitions = i32::try_from(log.len() + 1).unwrap();
    create(&topic, partitions);
    let prefix = |partition: i32| {
        let prefix = &log[..usize::try_from(partition).unwrap()];
        prefix.iter().map(move |stored| raw(stored, partition))
    };
    put(
        &topic,
        &(0..partitions).flat_map(prefix).collect::<Vec<_>>(),
    );
    dir.export(&topic, &[]).done();
    (topic, dir)
}

fn partition(topic: &str, partition: i32) -> Vec<Stored> {
    let all = records(topic);
    let of = all
        .iter()
        .filter(|message| rdkafka::Message::partition(*message) == partition);
    of.map(stored).collect()
}

#[test]
fn an_owner_restores_from_an_import_as_from_the_original_after_every_prefix() {
    let log = history();
    let (topic, dir) = prefixes(&log);
    let copy = fresh("holds-copy");
    let ran = import(&dir.of(&topic), &["--topic", &copy, "--json"]).done();
    assert_eq!(ran.json()["owner"], "test.hold");
    let imported = records(&copy);
    for prefix in 1..=log.len() {
        let number = i32::try_from(prefix).unwrap();
        let of = imported
            .iter()
            .filter(|message| rdkafka::Message::partition(*message) == number);
        let imported: Vec<Stored> = of.map(stored).collect();
        assert_eq!(
            knows(&imported),
            knows(&log[..prefix]),
            "the first {prefix} records"
        );
    }
}

#[test]
fn what_is_valid_is_kept_under_a_fence_of_the_import_and_the_rest_is_left_out() {
    let log = history();
    let (topic, dir) = prefixes(&log);
    let copy = fresh("holds-copy");
    let last = i32::try_from(log.len()).unwrap();
    let ran = import(&dir.of(&topic), &["--topic", &copy, "--json"]).done();
    let row = &ran.json()["partitions"][log.len()];
    let mut reader = StreamReader::from_start();
    let valid: Vec<&Stored> = log
        .iter()
        .filter(|stored| {
            let verdict = reader
                .read(stored.offset, &stored.record().headers)
                .unwrap();
            matches!(verdict, Verdict::Valid(_))
        })
        .collect();
    assert_eq!(row["sent"], valid.len());
    assert_eq!(
        row["left_out"],
        json!({"void": 3, "fences": 3, "unfenced": 0})
    );

    let imported = partition(&copy, last);
    let fence: Fence = serde_json::from_str(imported[0].text()).unwrap();
    assert_eq!(
        (fence.service.as_str(), fence.aggregate.as_str()),
        ("test", "hold")
    );
    let topics: Vec<&str> = fence
        .origins
        .iter()
        .map(|origin| origin.topic.as_str())
        .collect();
    assert_eq!(
        topics,
        ["orders", "probes", "probes"],
        "the one that was created again is another origin"
    );
    assert_eq!(
        imported[0].at,
        log.iter().find(|s| s.offset == valid[0].offset).unwrap().at
    );
    assert_eq!(imported.len(), valid.len() + 1);
    let nonce = imported[0].stamp().writer.unwrap().nonce;
    for (number, (imported, original)) in (1..).zip(imported[1..].iter().zip(valid)) {
        let (found, was) = (imported.stamp(), original.stamp());
        let writer = Writer {
            epoch: Some(0),
            nonce,
            number,
        };
        assert_eq!(found.writer, Some(writer));
        assert_eq!(
            (found.correlation, found.causation),
            (was.correlation, was.causation)
        );
        assert_eq!((found.index, found.count), (was.index, was.count));
        if let (
            Source::Input {
                partition,
                position,
                ..
            },
            Source::Input {
                partition: p,
                position: at,
                ..
            },
        ) = (found.source, was.source)
        {
            assert_eq!((partition, position), (p, at));
        }
        let kept = |stored: &Stored| {
            let value = stored
                .value
                .clone()
                .filter(|_| stored.short_type() != "kolo.marker");
            (
                stored.at,
                stored.key.clone().filter(|key| !key.is_empty()),
                stored.id.clone(),
                stored.event_type.clone(),
                value,
                stored.rest.clone(),
            )
        };
        assert_eq!(kept(imported), kept(original));
    }
}

#[test]
fn an_import_that_is_through_is_left_alone_by_the_next_one() {
    let log = history();
    let (topic, dir) = prefixes(&log);
    let copy = fresh("holds-copy");
    import(&dir.of(&topic), &["--topic", &copy]).done();
    let before = raws(&copy);
    let ran = import(&dir.of(&topic), &["--topic", &copy, "--json"]).done();
    assert_eq!(ran.json()["sent"], 0);
    assert_eq!(raws(&copy), before);
}

/// A stream that takes a while to import: one owner, one partition.
fn long_stream(records: u64) -> Vec<Raw> {
    let fence = super::common::fence(7);
    let raw = |ink: &super::common::Ink<'_>| Raw {
        partition: 0,
        millis: 1_700_000_000_000,
        key: Some(ink.key.as_bytes().to_vec()),
        value: Some(ink.value.clone()),
        headers: ink
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(value.clone().into_bytes())))
            .collect(),
    };
    let mut all = vec![raw(&fence)];
    for number in 1..=records {
        let offset = i64::try_from(number).unwrap();
        let stamp = Stamp {
            source: Source::Input {
                origin: 0,
                partition: 0,
                position: kolo_core::Position::direct(offset),
            },
            ..Stamp::own(Writer {
                epoch: Some(0),
                nonce: 7,
                number,
            })
        };
        all.push(Raw {
            key: Some(format!("key-{}", number % 100).into_bytes()),
            value: Some(format!("served {number}").into_bytes()),
            headers: vec![
                (
                    "ce_id".into(),
                    Some(format!("served-{number}").into_bytes()),
                ),
                ("ce_type".into(), Some(b"test.cafe.CupServed".to_vec())),
                ("kolo".into(), Some(stamp.to_string().into_bytes())),
            ],
            ..all[0].clone()
        });
    }
    all
}

/// Kills imports in mid-run, each when there is more in the target than before, and lets the last one end.
fn killed_and_again(folder: &str, copy: &str) {
    let args = ["import", folder, "--topic", copy];
    Running::start(with_broker(&args)).kill();
    let begun = Instant::now();
    for _ in 0..3 {
        let before = if exists(copy) { count(copy) } else { 0 };
        let mut run = Running::start(with_broker(&args));
        while !(exists(copy) && count(copy) > before) && run.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < LIMIT, "it gets on");
        }
        run.kill();
    }
    import(folder, &["--topic", copy]).done();
}

fn exists(topic: &str) -> bool {
    let metadata = super::common::consumer()
        .fetch_metadata(None, LIMIT)
        .unwrap();
    metadata
        .topics()
        .iter()
        .any(|known| known.name() == topic && !known.partitions().is_empty())
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

fn create_with(topic: &str, partitions: i32, setting: &str, value: &str) {
    use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1)).set(setting, value);
    let admin = super::common::admin();
    let made = super::common::block(admin.create_topics(&[new], &AdminOptions::new())).unwrap();
    made.into_iter().for_each(|made| drop(made.unwrap()));
    let begun = Instant::now();
    while !exists(topic) {
        assert!(begun.elapsed() < LIMIT, "{topic} is listed");
    }
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
    let described = super::common::Ran::from(described).done().json();
    assert_eq!(described["settings"]["retention.ms"], "864000000000");
    assert_eq!(described["partitions"].as_array().unwrap().len(), 4);
}

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
    let member: BaseConsumer = rdkafka::ClientConfig::new()
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
fn it_stops_where_somebody_else_writes() {
    let (topic, copy, dir) = (fresh("stream"), fresh("stream-copy"), Dir::new());
    create(&topic, 1);
    put(&topic, &long_stream(60_000));
    dir.export(&topic, &[]).done();
    create(&copy, 1);
    let run = Running::start(with_broker(&["import", &dir.of(&topic), "--topic", &copy]));
    let begun = Instant::now();
    while count(&copy) < 2 {
        assert!(begun.elapsed() < LIMIT, "it gets on");
    }
    put(&copy, &long_stream(0));
    let ran = run.ended();
    ran.fails(
        1,
        &["somebody else writes", &copy, "type the same command again"],
    );
    import(&dir.of(&topic), &["--topic", &copy])
        .fails(2, &["a fence of cafe.counter", "did not write"]);
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

#[test]
fn brokers_that_are_not_there_and_topics_that_must_not_be_made_are_told() {
    let (topic, dir) = (fresh("intake"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 3));
    dir.export(&topic, &[]).done();
    import(&dir.of(&topic), &["--bootstrap", "127.0.0.1:1"])
        .fails(1, &["127.0.0.1:1", "cannot be reached"]);
    let copy = fresh("not-made");
    let mut command = with_broker(&["import", &dir.of(&topic), "--topic", &copy]);
    let ran = command.env("KOLO_CREATE_TOPICS", "false").output().unwrap();
    super::common::Ran::from(ran).fails(2, &[&copy, "create_topics is off", "1 partitions"]);
}
