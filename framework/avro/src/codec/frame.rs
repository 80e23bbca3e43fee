//! The frame before a value's body: it names the schema that wrote it.
//!
//! | starts with | framing | names the schema by |
//! |---|---|---|
//! | `C3 01` | Avro's single-object encoding | its fingerprint, 8 bytes, little-endian |
//! | `00` | a schema registry's | an id that the registry gave it, 4 bytes, big-endian |
//!
//! The first needs nobody to be understood. What the second means is learnt from the registry, by [`super::ids`].

use super::ids;

/// The two bytes that every value in single-object encoding starts with.
pub const MAGIC: [u8; 2] = [0xC3, 0x01];

/// Bytes before the body in single-object encoding.
pub const FRAME_BYTES: usize = 10;

/// The byte that every value in a registry's framing starts with.
pub const REGISTRY_MAGIC: u8 = 0;

/// Bytes before the body in a registry's framing.
pub const REGISTRY_FRAME_BYTES: usize = 5;

/// The frame of values written with the schema of this fingerprint.
#[must_use]
pub const fn frame(fingerprint: u64) -> [u8; FRAME_BYTES] {
    let print = fingerprint.to_le_bytes();
    [
        MAGIC[0], MAGIC[1], print[0], print[1], print[2], print[3], print[4], print[5], print[6],
        print[7],
    ]
}

/// The frame of values written with the schema that a registry gave this id.
#[must_use]
pub const fn registry_frame(id: u32) -> [u8; REGISTRY_FRAME_BYTES] {
    let id = id.to_be_bytes();
    [REGISTRY_MAGIC, id[0], id[1], id[2], id[3]]
}

/// The writer's fingerprint, if `value` is in single-object encoding.
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

/// The id of the writer's schema, if `value` is in a registry's framing.
#[must_use]
#[inline]
pub fn registry_id(value: &[u8]) -> Option<u32> {
    let (frame, _) = value.split_first_chunk::<REGISTRY_FRAME_BYTES>()?;
    let [REGISTRY_MAGIC, id @ ..] = *frame else {
        return None;
    };
    Some(u32::from_be_bytes(id))
}

/// A frame that says which schema wrote the body behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The fingerprint of the writer's schema.
    pub fingerprint: u64,
    /// Where the body begins.
    pub body: usize,
}

/// Why a frame does not say which schema wrote the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// It is neither framing.
    Unframed,
    /// A registry's framing with an id that nothing is known of in this process.
    NotLearnt(u32),
    /// A registry's framing with an id that is of no schema that can be read, and why.
    NoSchema(u32, String),
}

/// Reads the frame of a value.
///
/// # Errors
/// When there is none, or its id says nothing in this process; see [`ids`].
#[inline]
pub fn open(value: &[u8]) -> Result<Opened, Closed> {
    if let Some(fingerprint) = fingerprint(value) {
        return Ok(Opened {
            fingerprint,
            body: FRAME_BYTES,
        });
    }
    let id = registry_id(value).ok_or(Closed::Unframed)?;
    let fingerprint = ids::fingerprint(id).map_or_else(|| ids::resolve(id), Ok)?;
    Ok(Opened {
        fingerprint,
        body: REGISTRY_FRAME_BYTES,
    })
}

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
        assert_eq!(registry_id(&frame(1)), None);
        assert_eq!(registry_id(&registry_frame(7)[..4]), None, "too short");
        assert_eq!(start_in_hex(&[0, 0xAB]), "00 AB");
        assert_eq!(open(&[]), Err(Closed::Unframed));
    }

    #[test]
    fn a_registrys_frame_means_what_was_learnt_of_its_id() {
        let (id, fingerprint) = (0x00AB_CD01, 42);
        let value = registry_frame(id);
        assert_eq!(value, [0, 0x00, 0xAB, 0xCD, 0x01], "big-endian");
        assert_eq!(registry_id(&value), Some(id));
        assert_eq!(open(&value), Err(Closed::NotLearnt(id)));
        ids::learn(id, ids::Meaning::none("it was deleted"));
        assert_eq!(
            open(&value),
            Err(Closed::NoSchema(id, "it was deleted".into()))
        );
        ids::learn(id, ids::Meaning::schema(fingerprint, "shop.X", ""));
        let opened = Opened {
            fingerprint,
            body: 5,
        };
        assert_eq!(open(&value), Ok(opened));
        assert_eq!(open(&value), Ok(opened), "by the thread's own memory too");
    }
}
