//! What the fuzz targets call: bytes from outside, followed to where they are trusted.
//!
//! Batches carry a checksum, which hardly any mutation keeps right. So most inputs begin with a byte that says whether
//! checksums are to be put right first: [`as_is`] or [`sealed`].

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use crate::api;
use crate::batch::{self, HEADER_BYTES};
use crate::log::{LogConfig, LogWriter, parse_bytes, recover_bytes};

/// One frame without its length: header and body are decoded as those of a request are.
pub fn request(frame: &[u8]) {
    api::decode_frame(Bytes::copy_from_slice(frame));
}

/// The records field of a produce request, read to its last record.
pub fn records(input: &[u8]) {
    parse_bytes(&unsealed(input));
}

/// A log of one segment, judged as a start judges it.
///
/// # Panics
/// If what is found to be sound is not found so again.
pub fn recovery(input: &[u8]) {
    let log = unsealed(input);
    let recovered = recover_bytes(&log);
    let sound = usize::try_from(recovered.sound_bytes)
        .ok()
        .and_then(|bytes| log.get(..bytes));
    assert_eq!(sound.map(recover_bytes), Some(recovered));
}

/// The files of a log's directory, put there, opened, read, appended to, and opened again.
///
/// # Panics
/// If the log opens and then does not hold together.
pub fn directory(input: &[u8], dir: &Path) {
    let Some((checkpoint, index, log)) = split(input) else {
        return;
    };
    let write = || {
        let _ = fs::remove_dir_all(dir);
        fs::create_dir_all(dir)?;
        fs::write(dir.join("checkpoint"), checkpoint)?;
        fs::write(dir.join("00000000000000000000.0.index"), index)?;
        fs::write(dir.join("00000000000000000000.0.log"), log)
    };
    // A disk that refuses says nothing of the input.
    if write().is_err() {
        return;
    }
    // What a damaged file makes of the settings is an error to whoever starts the broker, and no more.
    let Ok(mut writer) = LogWriter::open(Some(dir), LogConfig::default()) else {
        return;
    };
    let reader = writer.reader();
    let (start, end) = (reader.start_offset(), reader.end_offset());
    assert!((0..=end).contains(&start), "{start} to {end}");
    let mut offset = start;
    while offset < end {
        // An index that lies may make a read fail, not go back.
        let Ok(bytes) = reader.read(offset, 1 << 20, true) else {
            break;
        };
        let mut rest = bytes;
        let mut last = None;
        while let Ok(batch) = batch::Batch::split_from(&mut rest) {
            last = Some(batch.last_offset());
        }
        let Some(last) = last.filter(|last| *last >= offset) else {
            break;
        };
        offset = last + 1;
    }
    // Any answer will do, and no panic.
    drop(reader.offset_for_time(0));
    drop(writer.clean(SystemTime::now()));
    let end = writer.reader().end_offset();
    drop(writer);
    if let Ok(again) = LogWriter::open(Some(dir), LogConfig::default()) {
        assert_eq!(again.reader().end_offset(), end, "opened again");
    }
}

/// An input whose batches are taken as they are.
#[must_use]
pub fn as_is(batches: &[u8]) -> Vec<u8> {
    [&[0], batches].concat()
}

/// An input whose batches get their checksums put right.
#[must_use]
pub fn sealed(batches: &[u8]) -> Vec<u8> {
    [&[1], batches].concat()
}

/// An input of three files: each but the last has its length in front.
#[must_use]
pub fn files(checkpoint: &[u8], index: &[u8], log: &[u8]) -> Vec<u8> {
    let mut input = vec![0];
    for file in [checkpoint, index] {
        let length = u16::try_from(file.len()).unwrap_or(u16::MAX);
        input.extend(length.to_be_bytes());
        input.extend(&file[..usize::from(length)]);
    }
    input.extend(log);
    input
}

fn split(input: &[u8]) -> Option<(Bytes, Bytes, Bytes)> {
    let (first, mut rest) = input.split_first()?;
    let mut file = || {
        let (length, files) = rest.split_first_chunk()?;
        let (file, others) = files.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = others;
        Some(file)
    };
    let (checkpoint, index) = (file()?, file()?);
    if first & 1 == 0 {
        let copied = Bytes::copy_from_slice;
        return Some((copied(checkpoint), copied(index), copied(rest)));
    }
    Some((seal_checkpoint(checkpoint), seal_index(index), seal(rest)))
}

fn unsealed(input: &[u8]) -> Bytes {
    match input.split_first() {
        Some((first, batches)) if first & 1 == 1 => seal(batches),
        Some((_, batches)) => Bytes::copy_from_slice(batches),
        None => Bytes::new(),
    }
}

/// Puts the checksum of batch after batch right, as far as lengths lead.
fn seal(batches: &[u8]) -> Bytes {
    let mut bytes = BytesMut::from(batches);
    let mut at = 0;
    while let Some(rest) = bytes
        .get_mut(at..)
        .filter(|rest| rest.len() >= HEADER_BYTES)
    {
        let Some(length) = batch::whole_len(rest).filter(|length| *length <= rest.len()) else {
            break;
        };
        batch::seal(&mut rest[..length]);
        at += length;
    }
    bytes.freeze()
}

fn seal_checkpoint(file: &[u8]) -> Bytes {
    let json = file.get(9..).unwrap_or_default();
    let mut sealed = format!("{:08x}\n", crc32c::crc32c(json)).into_bytes();
    sealed.extend(json);
    sealed.into()
}

fn seal_index(file: &[u8]) -> Bytes {
    let mut sealed = file.to_vec();
    if let Some(at) = sealed.len().checked_sub(4) {
        let trailer = at.saturating_sub(crate::log::INDEX_TRAILER_BYTES - 4);
        let crc = crc32c::crc32c(&sealed[trailer..at]);
        sealed[at..].copy_from_slice(&crc.to_be_bytes());
    }
    sealed.into()
}
