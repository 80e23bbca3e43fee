//! What an owner makes of an imported stream: the same as of the original.

use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{Fence, Source, Writer};
use serde_json::json;

use super::backup::{Dir, fresh, import, put, raws};
use super::common::{create, records};
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

// failure: recovery | a stream is imported in place of the lost one | the import's fence | its owner restores the
// same state, positions, pending requests and next decisions as from the original | nobody
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
