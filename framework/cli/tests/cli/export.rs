//! `kolo export`: what is on disk, and that it may be killed.

use std::time::{Duration, Instant};

use serde_json::json;

use super::backup::{Dir, Raw, Running, fresh, import, plain, put, raws};
use super::common::create;

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

// failure: recovery | an export is killed with -9 at any moment | nothing | the next one cuts off what was
// half-written and goes on, without a gap and without a repeat | nobody
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
        let look = Duration::from_secs(1);
        while dir.files(&topic, round % 2, "avro").len() <= before && begun.elapsed() < look {
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
