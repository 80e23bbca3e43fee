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

pub(super) fn read_base64(text: &str, chars: usize, bits: u32) -> Option<u128> {
    if text.len() != chars {
        return None;
    }
    let mut value: u128 = 0;
    for (at, byte) in text.bytes().enumerate() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        // The first character holds what is left over of the bits; more than that would be another text for the same id.
        let room = bits - 6 * (u32::try_from(chars).ok()? - 1);
        if at == 0 && room < 6 && u32::from(digit) >= 1 << room {
            return None;
        }
        value = value << 6 | u128::from(digit);
    }
    Some(value)
}
