//! Frames: bytes of one kind, with their length and their checksum before them. Numbers are little-endian.

use std::io::Read;

/// What a file begins with.
pub(super) const MAGIC: [u8; 12] = *b"kolosnap\x01\0\0\0";
/// Length, kind and checksum.
pub(super) const HEAD_BYTES: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Some keys.
    Keys = 1,
    /// What is no key's own: what stands before it is a snapshot.
    Seal = 2,
}

pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) length: usize,
    checksum: u32,
}

impl Head {
    /// `None` if these bytes are not one.
    pub(super) fn read(bytes: &[u8; HEAD_BYTES]) -> Option<Head> {
        let (numbers, _) = bytes.as_chunks::<4>();
        let [length, kind, checksum] = numbers else {
            return None;
        };
        let kind = match u32::from_le_bytes(*kind) {
            1 => Kind::Keys,
            2 => Kind::Seal,
            _ => return None,
        };
        Some(Head {
            kind,
            length: u32::from_le_bytes(*length) as usize,
            checksum: u32::from_le_bytes(*checksum),
        })
    }

    /// Reads the frame's bytes; `None` if they are not those that were written.
    pub(super) fn body<'a>(
        &self,
        from: &mut impl Read,
        into: &'a mut Vec<u8>,
    ) -> std::io::Result<Option<&'a [u8]>> {
        into.resize(self.length, 0);
        from.read_exact(into)?;
        Ok((checksum(self.kind, into) == self.checksum).then_some(into.as_slice()))
    }
}

fn checksum(kind: Kind, body: &[u8]) -> u32 {
    crc32c::crc32c_append(kind as u32, body)
}

/// Puts the head before a body that begins behind the room for it.
fn close(kind: Kind, frame: &mut [u8]) {
    let Some((head, body)) = frame.split_first_chunk_mut::<HEAD_BYTES>() else {
        return;
    };
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let numbers = [length, kind as u32, checksum(kind, body)];
    for (place, number) in head.as_chunks_mut().0.iter_mut().zip(numbers) {
        *place = number.to_le_bytes();
    }
}

/// The frame that completes a snapshot.
pub(super) fn seal(whole_bytes: u64, rest: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; HEAD_BYTES];
    frame.extend_from_slice(&whole_bytes.to_le_bytes());
    frame.extend_from_slice(rest);
    close(Kind::Seal, &mut frame);
    frame
}

/// A frame of keys in the making.
pub(crate) struct KeysFrame(Vec<u8>);

impl KeysFrame {
    pub(crate) fn new() -> Self {
        KeysFrame(vec![0; HEAD_BYTES])
    }

    pub(crate) fn push(&mut self, key: &str, bytes: &[u8]) {
        for part in [key.as_bytes(), bytes] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.0.extend_from_slice(&length.to_le_bytes());
        }
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == HEAD_BYTES
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        close(Kind::Keys, &mut self.0);
        self.0
    }
}

/// The next key of a frame's body, and its bytes; `None` if there is none.
pub(super) fn next_key<'a>(body: &mut &'a [u8]) -> Option<(&'a str, &'a [u8])> {
    let number = |body: &mut &'a [u8]| -> Option<usize> {
        let (number, rest) = body.split_first_chunk()?;
        *body = rest;
        usize::try_from(u32::from_le_bytes(*number)).ok()
    };
    let lengths = [number(body)?, number(body)?];
    let key = std::str::from_utf8(body.split_off(..lengths[0])?).ok()?;
    Some((key, body.split_off(..lengths[1])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_pushed_and_any_other_byte_is_noticed() {
        let mut frame = KeysFrame::new();
        frame.push("", b"nothing");
        frame.push("ключ", b"");
        let bytes = frame.into_bytes();
        let read = |bytes: &[u8]| -> Option<Vec<(String, Vec<u8>)>> {
            let (head, mut rest) = bytes.split_first_chunk()?;
            let (head, mut into) = (Head::read(head)?, Vec::new());
            let mut body = head.body(&mut rest, &mut into).ok()??;
            let mut keys = Vec::new();
            while let Some((key, bytes)) = next_key(&mut body) {
                keys.push((key.to_owned(), bytes.to_vec()));
            }
            body.is_empty().then_some(keys)
        };
        let keys = [
            (String::new(), b"nothing".to_vec()),
            ("ключ".into(), vec![]),
        ];
        assert_eq!(read(&bytes).as_deref(), Some(&keys[..]));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(read(&other), None, "byte {at}");
        }
    }
}
