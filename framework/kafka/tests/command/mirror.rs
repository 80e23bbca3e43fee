//! `parked mirror`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::common::{self, Publisher, await_that};
use crate::letters::{Dead, create_topic, dead_letters};
use crate::typed::{add, await_parked, command, parked, start};

common::counter_events!("mirror.added", "mirror.counted");
common::counter!("mirror");

const INTAKE: &str = "mirror.added";
const LETTERS: &str = "mirror.letters";

fn header<'a>(dead: &'a Dead, name: &str) -> &'a str {
    let found = dead.headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str()).expect(name)
}

pub(crate) fn dead_letters_have_the_headers_that_connect_gives_them() {
    let publisher = Publisher::new();
    let running = start(service());
    create_topic(LETTERS);
    add(&publisher, INTAKE, "1", "key", "poison");
    add(&publisher, INTAKE, "2", "key", "key 1");
    publisher.flush();
    await_parked("mirror.counted", 2);
    let once = parked("mirror", &["mirror", "--to", LETTERS]).ends(0);
    assert!(
        once.err
            .contains("2 parked records written to `mirror.letters`, at least once"),
        "{}",
        once.err
    );

    let letters = dead_letters(LETTERS);
    assert_eq!(letters.len(), 2);
    let dead = &letters[0];
    assert_eq!((dead.key.as_str(), dead.value.as_str()), ("key", "poison"));
    let partition = kolo_core::partition_of(b"key", 3).to_string();
    for (name, value) in [
        ("ce_id", "1"),
        ("ce_type", "test.Added"),
        ("__connect.errors.topic", INTAKE),
        ("__connect.errors.partition", &partition),
        ("__connect.errors.offset", "0"),
        ("__connect.errors.connector.name", "mirror.counter"),
        ("__connect.errors.task.id", &partition),
        ("__connect.errors.stage", "VALUE_CONVERTER"),
        ("__connect.errors.class.name", "kolo"),
        ("__connect.errors.exception.class.name", "kolo.decode"),
    ] {
        assert_eq!(header(dead, name), value, "{name}");
    }
    assert!(
        header(dead, "__connect.errors.exception.message").starts_with("test.Added: malformed")
    );
    assert_eq!(
        header(&letters[1], "__connect.errors.exception.class.name"),
        "kolo.behind"
    );

    let mut follower = command("mirror", &["parked", "mirror", "--follow", "--to", LETTERS])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(follower.stderr.take().unwrap()).lines();
    assert!(
        said.any(|line| line.unwrap().contains("until SIGTERM")),
        "it follows"
    );
    add(&publisher, INTAKE, "3", "other", "poison");
    publisher.flush();
    await_that("what is parked then is mirrored as well", || {
        // Started again, it has written the first two again.
        dead_letters(LETTERS).len() == 5
    });
    let sent = Command::new("kill").arg(follower.id().to_string()).status();
    assert!(sent.unwrap().success());
    assert_eq!(
        follower.wait().unwrap().code(),
        Some(0),
        "it stops on request"
    );
    running.stop().expect("a graceful stop");
}
