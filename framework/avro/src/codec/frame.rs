//! Avro's single-object framing: `C3 01`, then the fingerprint of the writer's schema (8 bytes, little-endian).

/// The two bytes that every framed value starts with.
pub const MAGIC: [u8; 2] = [0xC3, 0x01];

/// Bytes before the body.
pub const FRAME_BYTES: usize = 10;

/// The frame of values written with the schema of this fingerprint.
#[must_use]
pub const fn frame(fingerprint: u64) -> [u8; FRAME_BYTES] {
    let print = fingerprint.to_le_bytes();
    [
        MAGIC[0], MAGIC[1], print[0], print[1], print[2], print[3], print[4], print[5], print[6],
        print[7],
    ]
}

/// The writer's fingerprint, if `value` starts with a frame.
#[must_use]
#[inline]
pub fn fingerprint(value: &[u8]) -> Option<u64> {
    let (frame, _) = value.split_first_chunk::<FRAME_BYTES>()?;
    let [MAGIC_0, MAGIC_1, print @ ..] = *frame else {
        return None;
    };
    Some(u64::from_le_bytes(print))
}

const MAGIC_0: u8 = MAGIC[0];
const MAGIC_1: u8 = MAGIC[1];

/// The first bytes of a value in hex, for messages about values that are not framed.
#[must_use]
pub fn start_in_hex(value: &[u8]) -> String {
    if value.is_empty() {
        return "nothing (the value is empty)".to_owned();
    }
    let shown: Vec<String> = value
        .iter()
        .take(FRAME_BYTES)
        .map(|byte| format!("{byte:02X}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_gives_its_fingerprint_back() {
        let mut value = frame(0x0123_4567_89AB_CDEF).to_vec();
        assert_eq!(
            value[..3],
            [0xC3, 0x01, 0xEF],
            "little-endian, as the specification says"
        );
        value.push(7);
        assert_eq!(fingerprint(&value), Some(0x0123_4567_89AB_CDEF));
    }

    #[test]
    fn what_is_not_framed_is_not_taken_for_a_fingerprint() {
        assert_eq!(fingerprint(&[]), None);
        assert_eq!(fingerprint(&frame(1)[..9]), None, "shorter than a frame");
        assert_eq!(fingerprint(&[0; 20]), None, "a registry's framing");
        assert_eq!(start_in_hex(&[0, 0xAB]), "00 AB");
    }
}
