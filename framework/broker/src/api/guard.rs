//! Decoding what may be hostile: no announced length makes room for more than there are bytes.
//!
//! The decoder reserves room for as many elements as an array announces before it reads the first, and an element takes
//! many times more room in memory than on the wire. So lengths are looked at on their way to the decoder, and what is read
//! is counted. Produce requests, which alone may be large, are walked before they are decoded: see `produce_shape`.

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::messages::RequestHeader;
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;

/// No request has more fields: a fetch of ten thousand partitions has a quarter of them.
const MAX_READS: usize = 1 << 18;

/// A header has four fields, and room for those that a later version may add.
const MAX_HEADER_READS: usize = 100;

/// Decodes a request body, which is none that carries records, and therefore small: `net` reads no other.
///
/// In flexible versions every length is a varint, and no varint is larger than what is left. In the older versions a
/// length looks like any other number of four bytes, so the body is decoded twice: first with numbers cut down to what
/// could be a length, which is enough to find out whether those that are lengths can be true.
pub(super) fn decode<T: Decodable>(
    body: &Bytes,
    version: i16,
    flexible: bool,
) -> Result<T, String> {
    let numbers = if flexible {
        Numbers::Varints
    } else {
        Numbers::CutDown
    };
    let mut guarded = Guarded::new(body.clone(), numbers, MAX_READS);
    let decoded = guarded.decode(version)?;
    if flexible {
        return Ok(decoded);
    }
    T::decode(&mut body.clone(), version).map_err(|why| why.to_string())
}

/// Takes the header off a frame.
pub(super) fn decode_header(frame: &mut Bytes, version: i16) -> Result<RequestHeader, String> {
    let mut guarded = Guarded::new(frame.clone(), Numbers::Varints, MAX_HEADER_READS);
    let header = guarded.decode(version)?;
    *frame = guarded.bytes;
    Ok(header)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// Varints larger than what is left end the decoding.
    Varints,
    /// Numbers of four bytes larger than what is left become a length that cannot be read to its end.
    CutDown,
}

struct Guarded {
    bytes: Bytes,
    numbers: Numbers,
    reads_left: usize,
    hostile: Option<&'static str>,
}

impl Guarded {
    fn new(bytes: Bytes, numbers: Numbers, reads_left: usize) -> Guarded {
        Guarded {
            bytes,
            numbers,
            reads_left,
            hostile: None,
        }
    }

    fn decode<T: Decodable>(&mut self, version: i16) -> Result<T, String> {
        let decoded = T::decode(self, version).map_err(|why| why.to_string());
        self.hostile.map_or(decoded, |why| Err(why.to_owned()))
    }

    fn end(&mut self, why: &'static str) {
        self.hostile = Some(why);
        self.bytes.clear();
    }

    fn count(&mut self) {
        match self.reads_left.checked_sub(1) {
            Some(left) => self.reads_left = left,
            None => self.end("it has more fields than any request needs"),
        }
    }
}

impl Buf for Guarded {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.count();
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        self.count();
        if self.numbers == Numbers::Varints {
            let (value, width) = varint(&self.bytes);
            // One more than its length is what a nullable thing announces.
            if value > self.bytes.len() - width + 1 {
                self.end("a length is larger than the request");
            }
        }
        self.bytes.try_get_u8()
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        self.count();
        let value = self.bytes.try_get_i32()?;
        if self.numbers == Numbers::Varints {
            return Ok(value);
        }
        let impossible = i32::try_from(self.bytes.len() + 1).unwrap_or(i32::MAX);
        Ok(value.min(impossible))
    }
}

impl ByteBuf for Guarded {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.peek_bytes(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        let bytes = self.bytes.get_bytes(size);
        self.count();
        bytes
    }
}

/// The varint that begins here, if one does, and how many bytes it has.
fn varint(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0usize;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return (value, place + 1);
        }
    }
    (value, bytes.len().min(5))
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
    use kafka_protocol::messages::{MetadataRequest, OffsetCommitRequest, TopicName};
    use kafka_protocol::protocol::{Encodable, StrBytes};

    use super::*;

    fn read<T: Decodable>(body: &[u8], version: i16, flexible: bool) -> Result<T, String> {
        decode(&Bytes::copy_from_slice(body), version, flexible)
    }

    #[test]
    fn what_is_sound_is_decoded_in_both_kinds_of_versions() {
        let topic = MetadataRequestTopic::default()
            .with_name(Some(TopicName(StrBytes::from_static_str("orders"))));
        let request = MetadataRequest::default().with_topics(Some(vec![topic; 300]));
        for version in 0..=13 {
            let mut body = BytesMut::new();
            request.encode(&mut body, version).unwrap();
            assert_eq!(
                read::<MetadataRequest>(&body, version, version >= 9)
                    .unwrap()
                    .topics,
                request.topics
            );
        }
    }

    #[test]
    fn numbers_that_are_no_lengths_stay_as_they_are() {
        let mut request = OffsetCommitRequest::default();
        request.generation_id_or_member_epoch = i32::MAX;
        for version in 2..=9 {
            let mut body = BytesMut::new();
            request.encode(&mut body, version).unwrap();
            let decoded: OffsetCommitRequest = read(&body, version, version >= 8).unwrap();
            assert_eq!(
                decoded.generation_id_or_member_epoch,
                i32::MAX,
                "version {version}"
            );
        }
    }

    #[test]
    fn a_length_that_cannot_be_true_makes_no_room() {
        for length in [i32::MAX, 1 << 24, 100] {
            let mut body = BytesMut::new();
            body.put_i32(length);
            body.put_slice(&[0; 64]);
            assert!(read::<MetadataRequest>(&body, 1, false).is_err());
        }
        for varint in [
            &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
            &[0x80, 0x80, 0x80, 0x08],
            &[0xe4, 0x00],
            &[0x7f],
        ] {
            let mut body = BytesMut::from(varint);
            body.put_slice(&[0; 64]);
            assert!(
                read::<MetadataRequest>(&body, 12, true).is_err(),
                "{varint:?}"
            );
        }
    }

    #[test]
    fn no_cut_of_a_sound_request_is_decoded_or_panics() {
        let topic = MetadataRequestTopic::default()
            .with_name(Some(TopicName(StrBytes::from_static_str("orders"))));
        let request = MetadataRequest::default().with_topics(Some(vec![topic; 3]));
        for version in [0, 4, 9, 12] {
            let mut body = BytesMut::new();
            request.encode(&mut body, version).unwrap();
            for end in 0..body.len() {
                assert!(read::<MetadataRequest>(&body[..end], version, version >= 9).is_err());
            }
        }
    }

    #[test]
    fn a_request_of_very_many_fields_is_refused_in_both_kinds_of_versions() {
        let topics = |count: usize| {
            let topic = MetadataRequestTopic::default()
                .with_name(Some(TopicName(StrBytes::from_static_str(""))));
            MetadataRequest::default().with_topics(Some(vec![topic; count]))
        };
        for (version, count) in [(1, 120_000), (9, 80_000)] {
            for (count, is_served) in [(count, true), (3 * count, false)] {
                let mut body = BytesMut::new();
                topics(count).encode(&mut body, version).unwrap();
                let decoded = read::<MetadataRequest>(&body, version, version >= 9);
                assert_eq!(decoded.is_ok(), is_served, "{count} in version {version}");
            }
        }
    }

    #[test]
    fn a_header_is_taken_off_and_one_full_of_unknown_fields_is_refused() {
        let header = |tags: i32| {
            let mut header = RequestHeader::default();
            for tag in 0..tags {
                header = header.with_unknown_tagged_field(tag, Bytes::new());
            }
            let mut frame = BytesMut::new();
            header.encode(&mut frame, 2).unwrap();
            frame.put_slice(b"body");
            frame.freeze()
        };
        let mut frame = header(3);
        let decoded = decode_header(&mut frame, 2).unwrap();
        assert_eq!(decoded.unknown_tagged_fields.len(), 3);
        assert_eq!(frame, &b"body"[..]);
        assert!(decode_header(&mut header(1000), 2).is_err());
    }
}
