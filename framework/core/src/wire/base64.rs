//! Base64url of exactly as many bits as an id has, written to a `String` without allocating another.

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes the lowest `chars` x 6 bits.
pub(super) fn write_base64(out: &mut String, mut bits: u128, chars: usize) {
    let mut text = [0u8; 22];
    for place in text[..chars].iter_mut().rev() {
        *place = BASE64[(bits & 63) as usize];
        bits >>= 6;
    }
    push_ascii(out, &text[..chars]);
}

/// Appends text that is ASCII, all at once.
pub(super) fn push_ascii(out: &mut String, ascii: &[u8]) {
    debug_assert!(ascii.is_ascii());
    out.push_str(std::str::from_utf8(ascii).unwrap_or_default());
}

/// What is no digit.
const NONE: u8 = 0xff;

/// The digit that each byte stands for.
const DIGITS: [u8; 256] = {
    let mut digits = [NONE; 256];
    let mut digit = 0u8;
    while (digit as usize) < BASE64.len() {
        digits[BASE64[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

pub(super) fn read_base64(text: &str, chars: usize, bits: u32) -> Option<u128> {
    if text.len() != chars {
        return None;
    }
    let (mut value, mut none) = (0u128, 0);
    for byte in text.bytes() {
        let digit = DIGITS[usize::from(byte)];
        none |= digit & 0x80;
        value = value << 6 | u128::from(digit & 0x3f);
    }
    // The first character holds what is left over of the bits; more than that would be another text for the same id.
    let first = DIGITS[usize::from(*text.as_bytes().first()?)];
    let room = bits - 6 * (u32::try_from(chars).ok()? - 1);
    let fits = room >= 6 || u32::from(first) < 1 << room;
    (none == 0 && fits).then_some(value)
}
