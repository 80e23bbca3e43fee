//! `kolo export`: what is on disk, whatever happens to the process.

use std::io::Write;
use std::time::{Duration, Instant};

use rdkafka::admin::AdminOptions;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::json;

use super::backup::{Dir, Raw, Running, delete, flip, fresh, import, plain, put, raws};
use super::common::{LIMIT, admin, block, create, kolo, run};

/// Small enough that a few thousand records fill several.
const SMALL: &[&str] = &["--segment-bytes", "2000"];

fn odd() -> Vec<Raw> {
    let bytes = |bytes: &[u8]| Some(bytes.to_vec());
    let record = |key, value, headers: Vec<(&str, Option<Vec<u8>>)>| Raw {
        partition: 0,
        millis: 1_600_000_000_123,
        key,
        value,
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    };
    vec![
        record(bytes(b"key"), bytes(b"value"), vec![]),
        record(None, bytes(b"no key"), vec![]),
        record(bytes(b"no value"), None, vec![]),
        record(None, None, vec![]),
        record(bytes(b""), bytes(b""), vec![("empty", bytes(b""))]),
        record(
            bytes(&[0, 0xFF, 0xC3]),
            bytes(&[0; 3]),
            vec![("bin", bytes(&[0, 0xFF, 10, 13]))],
        ),
        record(
            bytes(b"twice"),
            bytes(b"v"),
            vec![
                ("a", bytes(b"1")),
                ("b", None),
                ("a", bytes(b"2")),
                ("a", bytes(b"1")),
                ("", bytes(b"x")),
            ],
        ),
        record(
            bytes(b"kolo"),
            bytes(b"v"),
            vec![("kolo", bytes(b"9 not ours")), ("\u{10d}aj", bytes(b"y"))],
        ),
        record(
            bytes(b"large"),
            Some(
                (0..700_000u32)
                    .map(|n| (n.wrapping_mul(n) >> 3) as u8)
                    .collect(),
            ),
            vec![],
        ),
        Raw {
            partition: 2,
            millis: 1,
            key: None,
            value: bytes(b"early"),
            headers: vec![],
        },
        Raw {
            partition: 2,
            millis: 1_790_000_000_000,
            key: None,
            value: bytes(b"late"),
            headers: vec![],
        },
    ]
}

#[test]
fn odd_records_come_back_byte_for_byte() {
    let (topic, copy, dir) = (fresh("odd"), fresh("odd-copy"), Dir::new());
    create(&topic, 3);
    put(&topic, &odd());
    let ran = dir.export(&topic, &["--json"]).done();
    assert_eq!(ran.json()["topics"][0]["exported"], 11);
    assert_eq!(dir.offsets(&topic, 0), (0..9).collect::<Vec<_>>());
    assert_eq!(dir.offsets(&topic, 1), [] as [i64; 0]);

    let ran = import(&dir.of(&topic), &["--topic", &copy, "--json"]).done();
    assert_eq!(ran.json()["sent"], 11);
    assert_eq!(raws(&copy), raws(&topic));
    assert_eq!(raws(&copy), odd());
}

#[test]
fn another_export_goes_on_where_the_files_end() {
    let (topic, dir) = (fresh("again"), Dir::new());
    create(&topic, 2);
    put(&topic, &plain(2, 0, 10));
    dir.export(&topic, &[]).done();
    let first = dir.manifest(&topic);
    let nothing = dir.export(&topic, &["--json"]).done();
    assert_eq!(nothing.json()["topics"][0]["exported"], 0);
    assert_eq!(dir.manifest(&topic), first, "nothing new, nothing changed");

    put(&topic, &plain(2, 10, 5));
    let ran = dir.export(&topic, &[]).done();
    assert!(ran.out.contains("10 records exported"), "{}", ran.out);
    dir.holds(&topic, 2, 15);
    assert_eq!(dir.files(&topic, 0, "avro").len(), 2);
    let manifest = dir.manifest(&topic);
    assert_eq!(manifest["config"]["retention.ms"], "-1");
    assert_eq!(
        manifest["partitions"],
        json!([{"first": 0, "next": 15}, {"first": 0, "next": 15}])
    );
}

#[test]
fn killed_at_any_moment_it_goes_on_without_a_gap_and_without_a_repeat() {
    let (topic, dir) = (fresh("killed"), Dir::new());
    create(&topic, 2);
    put(&topic, &plain(2, 0, 24_000));
    let args = [SMALL, &["--follow", "--json"]].concat();
    // At once, and then whenever there is one more file: that is in the middle of blocks, of syncs, and of manifests.
    Running::start(dir.export_command(&topic, &args)).kill();
    for round in 0..8 {
        let before = dir.files(&topic, round % 2, "avro").len();
        let export = Running::start(dir.export_command(&topic, &args));
        let begun = Instant::now();
        while dir.files(&topic, round % 2, "avro").len() <= before && begun.elapsed() < LIMIT / 30 {
            std::thread::yield_now();
        }
        export.kill();
    }
    let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
    put(&topic, &plain(2, 24_000, 10));
    export.durable(&topic, 24_010);
    export.kill();
    let still_open = dir.verify().done().lines();
    assert_eq!(
        still_open[0]["records"], 48_020,
        "what was durable is there before anybody mends it"
    );
    put(&topic, &plain(2, 24_010, 10));
    dir.export(&topic, SMALL).done();
    dir.holds(&topic, 2, 24_020);
}

#[test]
fn following_says_what_is_durable_and_a_signal_closes_all() {
    for signal in ["-INT", "-TERM"] {
        let (topic, dir) = (fresh("follow"), Dir::new());
        create(&topic, 2);
        let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
        for round in 0..3 {
            put(&topic, &plain(2, round * 7, 7));
            export.durable(&topic, (round + 1) * 7);
            for partition in 0..2 {
                let durable = dir.verify().done().lines();
                assert_eq!(durable[0]["partitions"][partition]["next"], (round + 1) * 7);
            }
        }
        let ran = export.signal(signal).done();
        let last: serde_json::Value =
            serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
        assert_eq!(last["topics"][0]["exported"], 42);
        assert_eq!(
            dir.manifest(&topic)["segments"].as_array().unwrap().len(),
            2,
            "closed"
        );
        dir.holds(&topic, 2, 21);
    }
}

#[test]
fn a_block_that_was_half_written_is_cut_off() {
    let (topic, dir) = (fresh("half"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 20));
    let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
    export.durable(&topic, 20);
    export.kill();
    let open = dir.files(&topic, 0, "avro").remove(0);
    let whole = open.metadata().unwrap().len();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&open)
        .unwrap();
    file.write_all(b"\x14\xf0half a block").unwrap();
    assert_eq!(dir.verify().done().lines()[0]["unfinished_bytes"], 14);
    let ran = dir.export(&topic, &[]).done();
    assert!(
        ran.err.contains("14 bytes of a write that was cut short"),
        "{}",
        ran.err
    );
    assert_eq!(open.metadata().unwrap().len(), whole);
    dir.holds(&topic, 1, 20);
}

#[test]
fn a_flipped_bit_is_found_and_its_place_is_named() {
    let (topic, dir) = (fresh("flip"), Dir::new());
    create(&topic, 1);
    let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
    for round in 0..3 {
        put(&topic, &plain(1, round * 10, 10));
        export.durable(&topic, (round + 1) * 10);
    }
    export.kill();
    // Three blocks in an open segment. A bit of the second one:
    let open = dir.files(&topic, 0, "avro").remove(0);
    let list = std::fs::read_to_string(dir.files(&topic, 0, "blocks").remove(0)).unwrap();
    let ends: Vec<usize> = list
        .lines()
        .map(|line| line.split(' ').next().unwrap().parse().unwrap())
        .collect();
    let (first, second) = (ends[0], ends[1]);
    let place = format!("damaged at bytes {first} to {second}");
    for at in [first, (first + second) / 2, second - 1] {
        flip(&open, at);
        let words = ["offsets 10 to 19", &place, "another copy"];
        dir.export(&topic, &[]).fails(1, &words);
        dir.verify().fails(1, &words);
        import(&dir.of(&topic), &["--topic", &fresh("never")]).fails(1, &words);
        flip(&open, at);
    }
    dir.export(&topic, &[]).done();
    dir.holds(&topic, 1, 30);
    // And in the closed one:
    flip(&open, (first + second) / 2);
    dir.verify().fails(1, &["offsets 10 to 19", &place]);
    std::fs::remove_file(dir.files(&topic, 0, "blocks").remove(0)).unwrap();
    dir.verify().fails(1, &["SHA-256", "offsets 0 to 29"]);
    flip(&open, (first + second) / 2);
    dir.verify().done();
}

#[test]
fn files_that_are_missing_or_do_not_belong_are_named() {
    let (topic, dir) = (fresh("missing"), Dir::new());
    create(&topic, 1);
    for round in 0..3 {
        put(&topic, &plain(1, round * 10, 10));
        dir.export(&topic, &[]).done();
    }
    let second = dir.files(&topic, 0, "avro").remove(1);
    let name = second.to_str().unwrap();
    let away = second.with_extension("away");
    std::fs::rename(&second, &away).unwrap();
    dir.verify().fails(1, &[name]);
    dir.export(&topic, &[])
        .fails(1, &[name, "offsets 10 to 19", "verify-export"]);
    std::fs::rename(&away, &second).unwrap();

    let bytes = std::fs::read(&second).unwrap();
    std::fs::write(&second, &bytes[..bytes.len() - 3]).unwrap();
    dir.verify().fails(1, &[name, "the file ends at byte"]);
    dir.export(&topic, &[])
        .fails(1, &[name, "offsets 10 to 19"]);
    std::fs::write(&second, &bytes).unwrap();

    let stray = second.with_file_name("00000000000000000015.avro");
    std::fs::copy(&second, &stray).unwrap();
    dir.verify().fails(1, &["00000000000000000015.avro"]);
    dir.export(&topic, &[])
        .fails(1, &["00000000000000000015.avro", "does not belong here"]);
    std::fs::remove_file(&stray).unwrap();
    dir.holds(&topic, 1, 30);
}

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
        use rdkafka::admin::{NewTopic, TopicReplication};
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
    use rdkafka::consumer::Consumer;
    let begun = Instant::now();
    let listed = || {
        super::common::consumer()
            .fetch_watermarks(topic, 0, LIMIT)
            .is_ok()
    };
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
        // While it sleeps, more comes and most of it goes.
        export.send("-STOP");
        put(&topic, &plain(1, 10, 10));
        put(&topic, &plain(1, 20, 10));
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

#[test]
fn a_directory_is_for_one_export_at_a_time() {
    let (topic, dir) = (fresh("locked"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 3));
    let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
    export.durable(&topic, 3);
    let words = ["in use by another", &topic];
    dir.export(&topic, &[]).fails(1, &words);
    import(&dir.of(&topic), &[]).fails(1, &words);
    dir.verify().done();
    export.signal("-INT").done();
    dir.export(&topic, &[]).done();
}

#[test]
fn a_disk_that_is_full_is_told_and_the_next_run_goes_on() {
    let (topic, dir) = (fresh("full"), Dir::new());
    create(&topic, 1);
    let mut seed = 7u64;
    let mut noise = |_| Raw {
        value: Some(
            (0..20_000)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (seed >> 56) as u8
                })
                .collect(),
        ),
        millis: 1,
        ..Raw::default()
    };
    put(&topic, &(0..40).map(&mut noise).collect::<Vec<_>>());
    let export = dir.export_command(&topic, &[]);
    let mut limited = std::process::Command::new("sh");
    limited.envs(
        export
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    limited.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "sh"]);
    limited.arg(export.get_program()).args(export.get_args());
    let ran = super::common::Ran::from(limited.output().unwrap());
    ran.fails(
        1,
        &["cannot write", "00000000000000000000.avro", "Make room"],
    );
    dir.export(&topic, &[]).done();
    dir.holds(&topic, 1, 40);
}

#[test]
fn what_is_no_backup_is_refused_with_what_to_name() {
    let (topic, dir) = (fresh("none"), Dir::new());
    let none = dir.of("none");
    run(&["verify-export", &none]).fails(2, &["no directory", "kolo export --to"]);
    import(&none, &[]).fails(2, &["no directory", "kolo export --to"]);
    run(&["verify-export", &dir.text()]).fails(2, &["is not a backup", "manifest.json"]);
    import(&dir.text(), &[]).fails(2, &["is not a backup", "manifest.json"]);

    create(&topic, 1);
    put(&topic, &plain(1, 0, 1));
    dir.export(&topic, &[]).done();
    import(&dir.text(), &[]).fails(2, &["an import is of one", &dir.of(&topic)]);
    let manifest = dir.topic(&topic).join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    for (changed, code, words) in [
        (
            text.replace("\"version\": 1", "\"version\": 2"),
            2,
            "version 2 of the format",
        ),
        (
            text.replace("kolo-backup", "other-backup"),
            2,
            "not the manifest of a backup",
        ),
        (
            text.replace("\"next\": 1", "\"next\": 7"),
            1,
            "damaged, or was edited",
        ),
        (text[..text.len() / 2].to_owned(), 1, "is damaged"),
    ] {
        std::fs::write(&manifest, changed).unwrap();
        let words = ["manifest.json", words];
        run(&["verify-export", &dir.text()]).fails(code, &words);
        import(&dir.of(&topic), &[]).fails(code, &words);
        dir.export(&topic, &[]).fails(code, &words);
    }
    std::fs::remove_file(&manifest).unwrap();
    dir.export(&topic, &[])
        .fails(1, &[&dir.of(&topic), "segments and no manifest.json"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let (topic, dir) = (fresh("place"), Dir::new());
    create(&topic, 1);
    let file = dir.topic("a-file");
    std::fs::write(&file, "").unwrap();
    let to = |to: &str| {
        super::backup::with_broker(&["export", &topic, "--to", to])
            .output()
            .unwrap()
    };
    super::common::Ran::from(to(file.to_str().unwrap())).fails(1, &["a-file", "another directory"]);
    super::common::Ran::from(to("/proc/none")).fails(1, &["/proc/none"]);
}

#[test]
fn brokers_and_topics_that_are_not_there_are_told() {
    let dir = Dir::new();
    let export = |bootstrap: &str| {
        let ran = kolo(&[
            "export",
            "nonesuch",
            "--to",
            &dir.text(),
            "--bootstrap",
            bootstrap,
        ])
        .output();
        super::common::Ran::from(ran.unwrap())
    };
    export("127.0.0.1:1").fails(1, &["127.0.0.1:1", "cannot be reached", "kolo dev"]);
    export(super::common::bootstrap()).fails(1, &["no topic `nonesuch`", "kolo topics list"]);
    assert_eq!(
        std::fs::read_dir(dir.text()).unwrap().count(),
        0,
        "nothing was begun"
    );
}
