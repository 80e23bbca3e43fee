//! The records of a batch, one by one, without a copy and without trusting a length.
//!
//! kafka-protocol decodes records as well, but allocates for whatever count the bytes claim, and cannot hand a record
//! back unchanged, which compaction needs.

use super::BatchError;

const BAD: BatchError = BatchError::Invalid("its records do not fit their lengths");

/// One record in its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawRecord<'a> {
    /// Milliseconds from the batch's base timestamp.
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) key: Option<&'a [u8]>,
    /// A record with a key and no value deletes that key.
    pub(crate) value: Option<&'a [u8]>,
    /// The whole record with its length.
    pub(crate) bytes: &'a [u8],
    /// Everything behind the timestamp.
    tail: &'a [u8],
    attributes: u8,
}

impl RawRecord<'_> {
    /// Writes the record with another distance from the base timestamp.
    pub(crate) fn write_with_delta(&self, timestamp_delta: i64, out: &mut Vec<u8>) {
        let mut delta = Vec::with_capacity(10);
        put_varint(timestamp_delta, &mut delta);
        let length = 1 + delta.len() + self.tail.len();
        put_varint(i64::try_from(length).unwrap_or(i64::MAX), out);
        out.push(self.attributes);
        out.extend_from_slice(&delta);
        out.extend_from_slice(self.tail);
    }
}

/// Walks over a decompressed records field; it must hold exactly the records that the header counts.
pub(crate) struct Walk<'a> {
    rest: &'a [u8],
    left: i32,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(data: &'a [u8], record_count: i32) -> Self {
        Self {
            rest: data,
            left: record_count,
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<RawRecord<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            let clean = self.left == 0 && self.rest.is_empty();
            self.left = 0;
            self.rest = &[];
            return (!clean).then_some(Err(BAD));
        }
        let record = record(&mut self.rest);
        self.left -= 1;
        if record.is_none() {
            self.left = 0;
            self.rest = &[];
        }
        Some(record.ok_or(BAD))
    }
}

fn record<'a>(rest: &mut &'a [u8]) -> Option<RawRecord<'a>> {
    let whole = *rest;
    let length = usize::try_from(varint(rest)?).ok()?;
    let mut body = take(rest, length)?;
    let bytes = &whole[..whole.len() - rest.len()];
    let attributes = *take(&mut body, 1)?.first()?;
    let timestamp_delta = varint(&mut body)?;
    let tail = body;
    let offset_delta = i32::try_from(varint(&mut body)?).ok()?;
    let key = nullable(&mut body)?;
    let value = nullable(&mut body)?;
    let headers = i32::try_from(varint(&mut body)?).ok()?;
    // A header takes two bytes at least: a larger count is a lie, and must not become an allocation.
    if headers < 0 || usize::try_from(headers).ok()? > body.len() / 2 {
        return None;
    }
    for _ in 0..headers {
        nullable(&mut body)??;
        nullable(&mut body)?;
    }
    body.is_empty().then_some(RawRecord {
        timestamp_delta,
        offset_delta,
        key,
        value,
        bytes,
        tail,
        attributes,
    })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

/// `None`: damaged; `Some(None)`: null, which is written as length -1.
fn nullable<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match i32::try_from(varint(rest)?).ok()? {
        -1 => Some(None),
        length => take(rest, usize::try_from(length).ok()?).map(Some),
    }
}

/// Zigzag, seven bits a byte, the lowest first; at most ten bytes.
fn varint(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

fn put_varint(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        if rest == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}
