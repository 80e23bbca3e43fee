//! The open segment of a partition: the file that grows.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use apache_avro::{Codec, Writer, ZstandardSettings};
use sha2::{Digest, Sha256};

use super::files::{blocks_file, cannot, hex, make_dir, partition_dir, segment_file, sync_dir};
use super::manifest::Segment;
use super::record::{Record, SCHEMA};
use super::{Block, Blocks};
use crate::failure::Failure;

/// A block's records before compression. Larger ones compress hardly better, and one is what damage to a byte costs.
const BLOCK_BYTES: usize = 256 << 10;

/// A segment that is being written.
pub(crate) struct OpenSegment {
    partition: i32,
    first: i64,
    path: PathBuf,
    file: File,
    list: Blocks,
    /// Encodes into memory: what it writes to a file it does not write whole.
    writer: Writer<'static, Vec<u8>>,
    /// The head of the file, until the first block takes it up.
    head: Vec<u8>,
    sum: Sha256,
    /// The blocks that are written; the last `undurable` ones are not synced yet.
    blocks: Vec<Block>,
    undurable: usize,
    /// The records that are in no block yet.
    waiting: Option<Waiting>,
}

struct Waiting {
    first: i64,
    last: i64,
    records: u64,
}

impl OpenSegment {
    /// A new segment, whose first record will be of this offset.
    pub(crate) fn create(folder: &Path, partition: i32, first: i64) -> Result<Self, Failure> {
        let dir = partition_dir(folder, partition);
        if !dir.is_dir() {
            make_dir(&dir)?;
        }
        let path = segment_file(folder, partition, first);
        if path.exists() {
            let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(cannot("begin the segment", &path, &error));
        }
        // The list comes first: a segment without one would be a segment of which nobody knows what is whole.
        let list = Blocks::create(blocks_file(&path))?;
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|error| cannot("write", &path, &error))?;
        sync_dir(&dir)?;
        let mut writer = Writer::builder()
            .schema(&SCHEMA)
            .writer(Vec::new())
            .codec(Codec::Zstandard(ZstandardSettings::default()))
            .block_size(BLOCK_BYTES)
            .build()
            .map_err(|error| unencoded(&path, &error))?;
        writer.flush().map_err(|error| unencoded(&path, &error))?;
        let head = std::mem::take(writer.get_mut());
        Ok(OpenSegment {
            partition,
            first,
            path,
            file,
            list,
            writer,
            head,
            sum: Sha256::new(),
            blocks: Vec::new(),
            undurable: 0,
            waiting: None,
        })
    }

    /// What the file takes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.last().map_or(0, |block| block.end)
    }

    /// Takes up the next record; writes a block when there are enough of them.
    pub(crate) fn append(&mut self, record: &Record) -> Result<(), Failure> {
        self.writer
            .append_ser(record)
            .map_err(|error| unencoded(&self.path, &error))?;
        let waiting = self.waiting.get_or_insert(Waiting {
            first: record.offset,
            last: record.offset,
            records: 0,
        });
        waiting.last = record.offset;
        waiting.records += 1;
        if self.writer.get_ref().is_empty() {
            return Ok(());
        }
        self.write_block()
    }

    fn write_block(&mut self) -> Result<(), Failure> {
        let Some(waiting) = self.waiting.take() else {
            return Ok(());
        };
        let mut bytes = std::mem::take(&mut self.head);
        bytes.append(self.writer.get_mut());
        self.file
            .write_all(&bytes)
            .map_err(|error| cannot("write", &self.path, &error))?;
        self.sum.update(&bytes);
        self.blocks.push(Block {
            end: self.bytes() + bytes.len() as u64,
            records: waiting.records,
            first: waiting.first,
            last: waiting.last,
            crc: crc32c::crc32c(&bytes),
        });
        self.undurable += 1;
        Ok(())
    }

    /// Makes durable what was appended so far.
    pub(crate) fn sync(&mut self) -> Result<(), Failure> {
        self.writer
            .flush()
            .map_err(|error| unencoded(&self.path, &error))?;
        self.write_block()?;
        if self.undurable == 0 {
            return Ok(());
        }
        self.file
            .sync_data()
            .map_err(|error| cannot("sync", &self.path, &error))?;
        let new = self.blocks.len() - self.undurable;
        self.list.push(&self.blocks[new..])?;
        self.undurable = 0;
        Ok(())
    }

    /// Makes all of it durable; what the manifest is to say of it from now on.
    pub(crate) fn close(mut self) -> Result<Segment, Failure> {
        self.sync()?;
        Ok(Segment {
            partition: self.partition,
            first: self.first,
            last: self.blocks.last().map_or(self.first, |block| block.last),
            records: self.blocks.iter().map(|block| block.records).sum(),
            bytes: self.bytes(),
            sha256: hex(self.sum.finalize()),
        })
    }
}

fn unencoded(path: &Path, error: &apache_avro::Error) -> Failure {
    Failure::run(format!(
        "a record cannot be encoded for {}: {error}",
        path.display()
    ))
}
