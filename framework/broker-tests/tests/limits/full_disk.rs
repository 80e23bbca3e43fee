//! A file system that is really full: an error to the producer, nothing damaged, and on it goes when there is room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{GroupId, OffsetCommitRequest};

use crate::alone;
use crate::bystander::create;
use crate::common::calls::{Stamp, batch, record, text, topic_name};
use crate::common::errors::NONE;
use crate::common::process::{Process, lasting_address};
use crate::common::raw::Raw;

const KAFKA_STORAGE_ERROR: i16 = 56;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;

/// A small file system in memory. Needs the right to mount one.
struct Disk {
    dir: tempfile::TempDir,
}

impl Disk {
    /// What the system said where it is refused.
    fn mount() -> Result<Disk, String> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(dir.path())
            .output()
            .map_err(|error| error.to_string())?;
        if !mounted.status.success() {
            return Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned());
        }
        Ok(Disk { dir })
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Something else that takes room.
    fn ballast(&self) -> PathBuf {
        self.dir.path().join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a broker of a test that failed may still be there.
        let _ = Command::new("umount")
            .arg("-l")
            .arg(self.dir.path())
            .status();
    }
}

/// An idempotent producer that notes what it was told.
struct Writer {
    stamp: Stamp,
    acknowledged: Vec<Vec<u8>>,
}

impl Writer {
    /// The answer to the next record, which is repeated until it is taken.
    fn send(&mut self, raw: &mut Raw) -> i16 {
        let number = self.acknowledged.len();
        let mut value = number.to_string().into_bytes();
        value.resize(50_000, b'x');
        let stamp = Stamp {
            sequence: number as i32,
            ..self.stamp
        };
        let answer = raw.produce(
            "orders",
            0,
            batch(vec![record(Some("k"), Some(&value))], stamp),
        );
        if answer.error_code == NONE {
            assert_eq!(answer.base_offset, number as i64);
            self.acknowledged.push(value);
        } else {
            assert!(answer.error_message.is_some(), "{answer:?}");
        }
        answer.error_code
    }

    fn is_all_there(&self, raw: &mut Raw) {
        let found = raw.read_from("orders", 0, 0);
        let found: Vec<_> = found
            .iter()
            .map(|record| record.value.clone().unwrap())
            .collect();
        assert!(
            found == self.acknowledged,
            "{} records of {}",
            found.len(),
            self.acknowledged.len()
        );
    }
}

fn commit(raw: &mut Raw, offset: i64) -> i16 {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(offset);
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name("orders"))
        .with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text("readers")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    raw.call(7, &request).topics[0].partitions[0].error_code
}

/// Takes all the room there is, to the last byte.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = fs::File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    for size in [1 << 20, 4096, 1] {
        let bytes = vec![0; size];
        while file.write_all(&bytes).is_ok() {}
    }
}

// failure: disk | the embedded broker's disk is full | appends are refused | nothing is damaged; it goes on when
// there is room | an operator makes room
#[test]
fn a_full_disk_refuses_appends_and_damages_nothing() {
    let _alone = alone();
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!(
                "skipped: no file system can be mounted here ({why}); run as root to test a full disk"
            );
            return;
        }
    };
    fs::write(disk.ballast(), vec![0; 3 << 20]).unwrap();
    let address = lasting_address();
    let (broker, _) = Process::start(&address, Some(&disk.data()));
    let mut raw = Raw::connect_to(&address);
    assert_eq!(
        create(&mut raw, "orders", 1, &[("segment.bytes", "1048576")]),
        NONE
    );
    let mut writer = Writer {
        stamp: raw.new_producer(),
        acknowledged: Vec::new(),
    };
    let mut answers = std::iter::repeat_with(|| writer.send(&mut raw)).take(500);
    let error = answers.find(|error| *error != NONE);
    assert_eq!(error, Some(KAFKA_STORAGE_ERROR));
    assert!(
        writer.acknowledged.len() > 50,
        "{}",
        writer.acknowledged.len()
    );

    // Full to the last byte: nothing is taken, and everything there can be read.
    fill(&disk.ballast());
    for _ in 0..20 {
        assert_eq!(writer.send(&mut raw), KAFKA_STORAGE_ERROR);
    }
    assert_eq!(commit(&mut raw, 7), COORDINATOR_NOT_AVAILABLE);
    assert_eq!(create(&mut raw, "others", 1, &[]), KAFKA_STORAGE_ERROR);
    writer.is_all_there(&mut raw);

    // The same for a process that starts on the full disk, after a kill.
    broker.kill();
    let (broker, _) = Process::start(&address, Some(&disk.data()));
    let mut raw = Raw::connect_to(&address);
    writer.is_all_there(&mut raw);
    assert_eq!(writer.send(&mut raw), KAFKA_STORAGE_ERROR);

    // Room again: the same process goes on where it was.
    fs::remove_file(disk.ballast()).unwrap();
    for _ in 0..30 {
        assert_eq!(writer.send(&mut raw), NONE);
    }
    assert_eq!(commit(&mut raw, 7), NONE);
    assert_eq!(create(&mut raw, "others", 1, &[]), NONE);
    writer.is_all_there(&mut raw);
    broker.kill();
    let (broker, _) = Process::start(&address, Some(&disk.data()));
    writer.is_all_there(&mut Raw::connect_to(&address));
    broker.end();
}
