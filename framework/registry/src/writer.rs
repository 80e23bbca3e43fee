//! Writing with a registry's framing: an id in the place of a fingerprint.

use kolo_avro::codec::frame;

/// A schema that values are written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema<'a> {
    /// Full name of the event.
    pub event: &'a str,
    /// The topic that its events are written to.
    pub topic: &'a str,
    /// The whole text.
    pub text: &'a str,
}

/// The ids of the schemas that a process writes with. Made by [`Registry::writer`](crate::Registry::writer), or of pairs of
/// a fingerprint and its id.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    /// By fingerprint, sorted: a service writes few types.
    ids: Vec<(u64, u32)>,
}

impl FromIterator<(u64, u32)> for Writer {
    fn from_iter<T: IntoIterator<Item = (u64, u32)>>(pairs: T) -> Self {
        let mut ids: Vec<(u64, u32)> = pairs.into_iter().collect();
        ids.sort_unstable_by_key(|(fingerprint, _)| *fingerprint);
        ids.dedup_by_key(|(fingerprint, _)| *fingerprint);
        Writer { ids }
    }
}

impl Writer {
    /// The id for a fingerprint.
    #[must_use]
    #[inline]
    pub fn id(&self, fingerprint: u64) -> Option<u32> {
        let known = |&(known, _): &(u64, u32)| known;
        let place = self.ids.binary_search_by_key(&fingerprint, known).ok()?;
        Some(self.ids[place].1)
    }

    /// The value as it is written to a topic, in `buffer`: with an id in its frame. What is not in single-object encoding,
    /// as kolo's own records, stays as it is.
    ///
    /// # Errors
    /// The fingerprint of a schema that this writer was not made for. Such a value must not be written.
    #[inline]
    pub fn frame<'a>(&self, value: &'a [u8], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], u64> {
        let Some(fingerprint) = frame::fingerprint(value) else {
            return Ok(value);
        };
        let id = self.id(fingerprint).ok_or(fingerprint)?;
        buffer.clear();
        buffer.extend_from_slice(&frame::registry_frame(id));
        buffer.extend_from_slice(&value[frame::FRAME_BYTES..]);
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_frame_changes_and_only_where_there_is_one() {
        let writer = Writer::from_iter([(77, 1), (42, 0x0102)]);
        let mut buffer = Vec::new();
        let mut value = frame::frame(42).to_vec();
        value.extend_from_slice(b"body");
        assert_eq!(
            writer.frame(&value, &mut buffer),
            Ok(&b"\0\0\0\x01\x02body"[..])
        );
        assert_eq!(
            writer.frame(b"{\"json\": 1}", &mut buffer),
            Ok(&b"{\"json\": 1}"[..])
        );
        assert_eq!(writer.frame(b"", &mut buffer), Ok(&b""[..]));
        assert_eq!(writer.frame(&frame::frame(43), &mut buffer), Err(43));
    }
}
