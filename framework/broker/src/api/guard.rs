//! Decoding what may be hostile: no announced length makes room for more than there are bytes.
//!
//! The decoder reserves room for as many elements as an array announces before it reads the first. A length of four bytes
//! would have it reserve gigabytes, which ends the process. So lengths are looked at on their way to the decoder.

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;

/// No request has a longer array, nor anything longer but the records of a produce request.
pub(super) const MAX_ELEMENTS: usize = 1 << 20;

/// Decodes a request body.
///
/// In flexible versions every length is a varint, and no varint is larger than what is left. In the older versions a
/// length looks like any other number of four bytes, so the body is decoded twice: first with numbers cut down to what
/// could be a length, which is enough to find out whether those that are lengths can be true.
pub(super) fn decode<T: Decodable>(
    body: &Bytes,
    version: i16,
    flexible: bool,
    longest: usize,
) -> Result<T, String> {
    let numbers = if flexible {
        Numbers::Varints { longest }
    } else {
        Numbers::CutDown
    };
    let mut guarded = Guarded {
        bytes: body.clone(),
        numbers,
        hostile: false,
    };
    let decoded = T::decode(&mut guarded, version).map_err(|why| why.to_string());
    if guarded.hostile {
        return Err("a length is larger than the request".to_owned());
    }
    if flexible {
        return decoded;
    }
    decoded?;
    T::decode(&mut body.clone(), version).map_err(|why| why.to_string())
}

enum Numbers {
    /// Varints larger than what is left end the decoding.
    Varints { longest: usize },
    /// Numbers of four bytes larger than what is left become a length that cannot be read to its end.
    CutDown,
}

struct Guarded {
    bytes: Bytes,
    numbers: Numbers,
    hostile: bool,
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
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        if let Numbers::Varints { longest } = self.numbers {
            let (value, width) = varint(&self.bytes);
            let left = (self.bytes.len() - width).min(longest);
            // One more than its length is what a nullable thing announces.
            if value > left.saturating_add(1) {
                self.hostile = true;
                self.bytes.clear();
            }
        }
        self.bytes.try_get_u8()
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        let value = self.bytes.try_get_i32()?;
        if matches!(self.numbers, Numbers::Varints { .. }) {
            return Ok(value);
        }
        let impossible = self.bytes.len().saturating_add(1).min(MAX_ELEMENTS);
        let impossible = i32::try_from(impossible).unwrap_or(i32::MAX);
        Ok(value.min(impossible))
    }
}

impl ByteBuf for Guarded {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.peek_bytes(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.bytes.get_bytes(size)
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
        decode(
            &Bytes::copy_from_slice(body),
            version,
            flexible,
            MAX_ELEMENTS,
        )
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
}
