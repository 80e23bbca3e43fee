//! Reading a file: which part of it counts, and the frames of that part.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::frame::{HEAD_BYTES, Head, Kind, MAGIC, next_key};

/// A file that is not what was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    #[error("the file system says: {0}")]
    Io(#[from] std::io::Error),
    #[error("the file is damaged: {0}")]
    Bytes(&'static str),
}

/// A file up to its last seal.
pub(crate) struct Reader {
    file: File,
    /// Where the next frame begins.
    at: u64,
    seal: u64,
    end: u64,
    body: Vec<u8>,
}

impl Reader {
    /// `None` if there is no file, or nothing in it was ever completed.
    pub(super) fn open(path: &Path) -> Result<Option<Reader>, Damage> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let length = file.metadata()?.len();
        let mut magic = [0; MAGIC.len()];
        let is_ours = file.read_exact(&mut magic).is_ok() && magic == MAGIC;
        if !is_ours {
            return Err(Damage::Bytes("it does not begin as a snapshot does"));
        }
        let start = MAGIC.len() as u64;
        let (mut at, mut seal) = (start, None);
        // What an attempt left behind that was not completed ends the file, in the middle of a frame if the process died.
        while at + HEAD_BYTES as u64 <= length {
            let head = read_head(&mut file)?;
            let end = at + (HEAD_BYTES + head.length) as u64;
            if end > length {
                break;
            }
            if head.kind == Kind::Seal {
                seal = Some((at, end));
            }
            seek_by(&mut file, head.length)?;
            at = end;
        }
        let Some((seal, end)) = seal else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(start))?;
        Ok(Some(Reader {
            file,
            at: start,
            seal,
            end,
            body: Vec::new(),
        }))
    }

    /// Where the part that counts ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// How many bytes count, and how many the file had when it was begun; and what is no key's own.
    pub(crate) fn rest(&mut self) -> Result<(u64, u64, &[u8]), Damage> {
        self.file.seek(SeekFrom::Start(self.seal))?;
        let head = read_head(&mut self.file)?;
        let body = head.body(&mut self.file, &mut self.body)?;
        self.file.seek(SeekFrom::Start(self.at))?;
        let (whole, rest) = body
            .and_then(<[u8]>::split_first_chunk)
            .ok_or(WRONG_CHECKSUM)?;
        Ok((self.end, u64::from_le_bytes(*whole), rest))
    }

    /// Hands out the keys of the next frame; false if there is none.
    pub(crate) fn next_keys<E: From<Damage>>(
        &mut self,
        mut take: impl FnMut(&str, &[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        while self.at < self.seal {
            let head = read_head(&mut self.file)?;
            self.at += (HEAD_BYTES + head.length) as u64;
            if head.kind == Kind::Seal {
                seek_by(&mut self.file, head.length)?;
                continue;
            }
            let body = head
                .body(&mut self.file, &mut self.body)
                .map_err(Damage::from)?;
            let mut body = body.ok_or(WRONG_CHECKSUM)?;
            while let Some((key, bytes)) = next_key(&mut body) {
                take(key, bytes)?;
            }
            if !body.is_empty() {
                return Err(Damage::Bytes("a frame has bytes that are no key").into());
            }
            return Ok(true);
        }
        Ok(false)
    }
}

const WRONG_CHECKSUM: Damage = Damage::Bytes("a checksum does not fit");

fn read_head(file: &mut File) -> Result<Head, Damage> {
    let mut head = [0; HEAD_BYTES];
    file.read_exact(&mut head)?;
    Head::read(&head).ok_or(Damage::Bytes("a frame is of no known kind"))
}

fn seek_by(file: &mut File, bytes: usize) -> Result<(), Damage> {
    file.seek_relative(i64::try_from(bytes).unwrap_or(i64::MAX))?;
    Ok(())
}
