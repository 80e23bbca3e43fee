//! A produce request walked before it is decoded: lengths that lie, and lists longer than anybody needs.
//!
//! It is the one request that may be as large as a frame, nearly all of it records. The decoder makes room for what a list
//! announces, and for each of its elements more than it has on the wire. The walk makes room for nothing.

/// Topics, partitions and unknown fields of one request, all together. A producer sends a partition one batch at a time.
const MAX_THINGS: usize = 1 << 16;

/// From this version on lengths are varints, and unknown fields may follow.
const FLEXIBLE: i16 = 9;

/// Topics are named by id from this version on.
const BY_ID: i16 = 13;

pub(super) fn check(body: &[u8], version: i16) -> Result<(), String> {
    let mut walk = Walk {
        rest: body,
        is_flexible: version >= FLEXIBLE,
        things_left: MAX_THINGS,
    };
    walk.request(version >= BY_ID).map_err(str::to_owned)
}

struct Walk<'a> {
    rest: &'a [u8],
    is_flexible: bool,
    things_left: usize,
}

type Step<T = ()> = Result<T, &'static str>;

impl Walk<'_> {
    fn request(&mut self, by_id: bool) -> Step {
        self.text()?; // transactional id
        self.skip(2 + 4)?; // acks, timeout
        for _ in 0..self.count()? {
            if by_id {
                self.skip(16)?;
            } else {
                self.text()?;
            }
            for _ in 0..self.count()? {
                self.skip(4)?; // partition
                self.records()?;
                self.unknown_fields()?;
            }
            self.unknown_fields()?;
        }
        self.unknown_fields()
    }

    fn skip(&mut self, length: usize) -> Step {
        self.rest = self.rest.get(length..).ok_or("it is cut off")?;
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Step<[u8; N]> {
        let (first, rest) = self.rest.split_first_chunk().ok_or("it is cut off")?;
        self.rest = rest;
        Ok(*first)
    }

    fn varint(&mut self) -> Step<usize> {
        let mut value = 0_usize;
        for place in 0..5 {
            let [byte] = self.take()?;
            value |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        // The decoder has no more bits than these.
        Ok(value & 0xffff_ffff)
    }

    /// A length that may be that of nothing.
    fn length(&mut self, plain: fn(&mut Self) -> Step<i32>) -> Step<Option<usize>> {
        if self.is_flexible {
            return Ok(self.varint()?.checked_sub(1));
        }
        match plain(self)? {
            -1 => Ok(None),
            length => usize::try_from(length)
                .map(Some)
                .map_err(|_| "a length is below zero"),
        }
    }

    fn short(&mut self) -> Step<i32> {
        Ok(i32::from(i16::from_be_bytes(self.take()?)))
    }

    fn long(&mut self) -> Step<i32> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    fn text(&mut self) -> Step {
        let length = self.length(Self::short)?;
        self.skip(length.unwrap_or(0))
    }

    fn records(&mut self) -> Step {
        let length = self.length(Self::long)?;
        self.skip(length.unwrap_or(0))
    }

    fn count(&mut self) -> Step<usize> {
        let count = self.length(Self::long)?.ok_or("a list is missing")?;
        self.spend(count)?;
        Ok(count)
    }

    fn spend(&mut self, count: usize) -> Step {
        let left = self.things_left.checked_sub(count);
        self.things_left =
            left.ok_or("it has more topics and partitions than any producer sends")?;
        Ok(())
    }

    fn unknown_fields(&mut self) -> Step {
        if !self.is_flexible {
            return Ok(());
        }
        let count = self.varint()?;
        self.spend(count)?;
        for _ in 0..count {
            self.varint()?; // which one
            let length = self.varint()?;
            self.skip(length)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::{ProduceRequest, TopicName};
    use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
    use uuid::Uuid;

    use super::*;

    /// Everything that can be there is there, and some of it twice.
    fn encoded(version: i16, partitions: usize, records: usize) -> Vec<u8> {
        let mut partition = PartitionProduceData::default()
            .with_index(i32::MAX)
            .with_records(Some(Bytes::from(vec![0x7f; records])));
        let mut topic = TopicProduceData::default();
        let mut request = ProduceRequest::default().with_timeout_ms(i32::MAX);
        if version >= FLEXIBLE {
            let unknown = Bytes::from_static(b"unknown");
            partition = partition.with_unknown_tagged_field(7, unknown.clone());
            topic = topic.with_unknown_tagged_field(300, unknown.clone());
            request = request.with_unknown_tagged_field(70_000, unknown);
        }
        topic = if version >= BY_ID {
            topic.with_topic_id(Uuid::from_u128(7))
        } else {
            topic.with_name(TopicName(StrBytes::from_static_str("orders")))
        };
        let nothing = partition.clone().with_records(None);
        let mut partitions = vec![partition; partitions];
        partitions.push(nothing);
        let topic = topic.with_partition_data(partitions);
        let mut body = BytesMut::new();
        request
            .with_topic_data(vec![topic.clone(), topic])
            .encode(&mut body, version)
            .unwrap();
        body.to_vec()
    }

    #[test]
    fn whatever_the_decoder_takes_is_walked_to_its_end_and_no_cut_of_it() {
        for version in 3..=13 {
            for (partitions, records) in [(0, 0), (1, 3), (3, 200), (2, 3_000_000)] {
                let body = encoded(version, partitions, records);
                check(&body, version).unwrap_or_else(|why| panic!("version {version}: {why}"));
                let step = body.len() / 300 + 1;
                for end in (0..body.len()).step_by(step) {
                    assert!(
                        check(&body[..end], version).is_err(),
                        "{end} in version {version}"
                    );
                    let mut cut = Bytes::copy_from_slice(&body[..end]);
                    assert!(ProduceRequest::decode(&mut cut, version).is_err());
                }
            }
        }
    }

    #[test]
    fn more_partitions_than_anybody_has_are_refused() {
        for version in [3, 8, 9, 13] {
            assert_eq!(check(&encoded(version, 10_000, 0), version), Ok(()));
            assert!(check(&encoded(version, 40_000, 0), version).is_err());
        }
    }

    #[test]
    fn lengths_below_zero_and_beyond_the_end_are_refused() {
        for list in [-1, -2, i32::MIN, i32::MAX, 2] {
            let begin = [
                &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0][..],
                &list.to_be_bytes(),
            ]
            .concat();
            assert!(check(&begin, 7).is_err(), "{list}");
        }
        for list in [&[0][..], &[3], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff; 9]] {
            let begin = [&[0, 0xff, 0xff, 0, 0, 0, 0][..], list].concat();
            assert!(check(&begin, 9).is_err(), "{list:?}");
        }
    }
}
