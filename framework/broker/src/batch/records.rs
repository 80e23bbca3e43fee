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
    let length = usize::try_from(short_varint(rest)?).ok()?;
    let mut body = take(rest, length)?;
    let bytes = &whole[..whole.len() - rest.len()];
    let attributes = *take(&mut body, 1)?.first()?;
    let timestamp_delta = varint(&mut body)?;
    let tail = body;
    let offset_delta = short_varint(&mut body)?;
    let key = nullable(&mut body)?;
    let value = nullable(&mut body)?;
    let headers = short_varint(&mut body)?;
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
    match short_varint(rest)? {
        -1 => Some(None),
        length => take(rest, usize::try_from(length).ok()?).map(Some),
    }
}

/// A number that has four bytes when it is decoded, and five at most before. Kafka refuses a longer one, and the decoder
/// would read on in the midst of it, so that it saw other records than were checked here.
fn short_varint(rest: &mut &[u8]) -> Option<i32> {
    let before = rest.len();
    let value = varint(rest)?;
    (before - rest.len() <= 5)
        .then(|| i32::try_from(value).ok())
        .flatten()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_written_longer_than_it_may_be_is_refused() {
        // Attributes, timestamp, offset, no key, no value, no headers.
        let body = [0, 0, 0, 1, 1, 0];
        let length = |bytes: &[u8]| [bytes, &body].concat();
        for (bytes, is_record) in [
            (&[12][..], true),
            // In five bytes, and in six.
            (&[0x8c, 0x80, 0x80, 0x80, 0], true),
            (&[0x8c, 0x80, 0x80, 0x80, 0x80, 0], false),
        ] {
            let data = length(bytes);
            let records: Result<Vec<_>, _> = Walk::new(&data, 1).collect();
            assert_eq!(records.is_ok(), is_record, "{bytes:?}");
        }
    }
}
