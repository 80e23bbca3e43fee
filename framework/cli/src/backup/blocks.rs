//! The list of a segment's blocks: a line for each, with its sum.
//!
//! A line is written behind its block's fsync. So a line says that the block is durable, and where a sum does not fit,
//! the line says which offsets are damaged.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::files::cannot;
use crate::failure::Failure;

/// One block: it begins where the one before it ends. The first has the file's head in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) end: u64,
    pub(crate) records: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// CRC-32C of its bytes in the file.
    pub(crate) crc: u32,
}

impl Block {
    /// `<end> <records> <first> <last> <crc>`, and the CRC-32C of that.
    fn line(&self) -> String {
        let Block {
            end,
            records,
            first,
            last,
            crc,
        } = self;
        let line = format!("{end} {records} {first} {last} {crc:08x}");
        let sum = crc32c::crc32c(line.as_bytes());
        format!("{line} {sum:08x}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let block = Block {
            end: fields.next()?.parse().ok()?,
            records: fields.next()?.parse().ok()?,
            first: fields.next()?.parse().ok()?,
            last: fields.next()?.parse().ok()?,
            crc: u32::from_str_radix(fields.next()?, 16).ok()?,
        };
        (block.line().strip_suffix('\n') == Some(line)).then_some(block)
    }
}

/// The list of an open segment, to be written.
#[derive(Debug)]
pub(crate) struct Blocks {
    file: File,
    path: PathBuf,
}

impl Blocks {
    /// A new and empty list, in the place of one whose segment was removed.
    pub(crate) fn create(path: PathBuf) -> Result<Self, Failure> {
        let file = File::create(&path).map_err(|error| cannot("write", &path, &error))?;
        Ok(Blocks { file, path })
    }

    /// Names blocks that are durable, durably.
    pub(crate) fn push(&mut self, blocks: &[Block]) -> Result<(), Failure> {
        let lines: String = blocks.iter().map(Block::line).collect();
        self.file
            .write_all(lines.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| cannot("write", &self.path, &error))
    }

    /// The blocks that a list names; none where there is no list.
    ///
    /// What ends the list and is no line is a write that was cut short. What is no line before a line is damage.
    pub(crate) fn read(path: &Path) -> Result<Option<Vec<Block>>, Failure> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot("read", path, &error)),
        };
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        let lines = bytes[..whole].split_inclusive(|&byte| byte == b'\n');
        let mut blocks: Vec<Block> = Vec::new();
        let mut bad = None;
        for (number, line) in (1..).zip(lines) {
            let text = std::str::from_utf8(&line[..line.len() - 1]).ok();
            match (text.and_then(Block::parse), bad) {
                (Some(block), None) => blocks.push(block),
                (None, None) => bad = Some(number),
                (None, Some(_)) => {}
                (Some(_), Some(bad)) => {
                    return Err(Failure::run(format!(
                        "{} is damaged in line {bad}: the blocks of the segment beside it cannot be told. Take both from another copy of this backup.",
                        path.display()
                    )));
                }
            }
        }
        Ok(Some(blocks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(end: u64) -> Block {
        Block {
            end,
            records: 2,
            first: 10,
            last: 12,
            crc: 0xDEAD_0001,
        }
    }

    fn list() -> Vec<u8> {
        [block(100), block(250), block(300)]
            .iter()
            .flat_map(|block| block.line().into_bytes())
            .collect()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Block>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.blocks");
        std::fs::write(&path, bytes).unwrap();
        Blocks::read(&path).map(Option::unwrap)
    }

    #[test]
    fn a_list_cut_off_anywhere_names_the_blocks_before_the_cut() {
        let list = list();
        for cut in 0..=list.len() {
            let whole = list[..cut].iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(read(&list[..cut]).unwrap().len(), whole, "cut at {cut}");
        }
        assert_eq!(read(&list).unwrap(), [block(100), block(250), block(300)]);
    }

    #[test]
    fn a_flipped_bit_is_damage_before_a_line_and_a_cut_short_write_at_the_end() {
        let list = list();
        let line = list.len() / 3;
        for at in 0..list.len() {
            for bit in 0..8 {
                let mut flipped = list.clone();
                flipped[at] ^= 1 << bit;
                let found = read(&flipped);
                // The break between the last two makes one line of them, which is then the last.
                let whole = if at == 2 * line - 1 { 1 } else { 2 };
                if at < 2 * line - 1 {
                    assert!(found.is_err(), "byte {at}, bit {bit}");
                } else {
                    assert_eq!(found.unwrap().len(), whole, "byte {at}, bit {bit}");
                }
            }
        }
    }
}
