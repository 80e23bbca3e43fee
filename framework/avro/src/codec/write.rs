//! Appends Avro's binary encoding to a buffer. Nothing here can fail: what a type cannot hold is refused when the value is made.

use uuid::Uuid;

/// A `long`.
#[inline]
pub fn long(out: &mut Vec<u8>, value: i64) {
    let mut bits = (value << 1 ^ value >> 63).cast_unsigned();
    while bits >= 0x80 {
        out.push(low_bits(bits) | 0x80);
        bits >>= 7;
    }
    out.push(low_bits(bits));
}

#[inline]
fn low_bits(bits: u64) -> u8 {
    (bits & 0x7F) as u8
}

/// An `int`.
#[inline]
pub fn int(out: &mut Vec<u8>, value: i32) {
    long(out, i64::from(value));
}

/// A `boolean`.
#[inline]
pub fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(u8::from(value));
}

/// A `float`.
#[inline]
pub fn float(out: &mut Vec<u8>, value: f32) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// A `double`.
#[inline]
pub fn double(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// A length or count.
#[inline]
pub fn count(out: &mut Vec<u8>, count: usize) {
    // No collection holds more than isize::MAX bytes, and units take part in no wire count above it in practice.
    long(out, i64::try_from(count).unwrap_or(i64::MAX));
}

/// `bytes`.
#[inline]
pub fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    count(out, value.len());
    out.extend_from_slice(value);
}

/// A `string`.
#[inline]
pub fn string(out: &mut Vec<u8>, value: &str) {
    bytes(out, value.as_bytes());
}

/// A `string` of the logical type `uuid`: hyphenated, lower case.
#[inline]
pub fn uuid(out: &mut Vec<u8>, value: Uuid) {
    let mut text = [0; 37];
    text[0] = 36 << 1;
    let (_, hyphenated) = text.split_at_mut(1);
    value.hyphenated().encode_lower(hyphenated);
    out.extend_from_slice(&text);
}

/// A `fixed`.
#[inline]
pub fn fixed<const N: usize>(out: &mut Vec<u8>, value: &[u8; N]) {
    out.extend_from_slice(value);
}
