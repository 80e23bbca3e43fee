//! A fetch answer put together around record batches that are not copied.
//!
//! The message's own encoder copies the records of all partitions into one buffer. Here it encodes each level with nothing
//! in it, and what it wrote for "nothing" is replaced by what is there. A test compares both for every version.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::FetchableTopicResponse;
use kafka_protocol::protocol::Encodable;

use super::fetch::FetchedTopic;

/// Records below this are copied after all: a part of its own costs more.
const LINK_BYTES: usize = 4 * 1024;

/// Lengths are varints, and everything ends with tagged fields, from this version on.
const FLEXIBLE: i16 = 12;

pub(super) struct Assembly {
    version: i16,
    length: BytesMut,
    open: BytesMut,
    parts: Vec<Bytes>,
    len_bytes: usize,
}

impl Assembly {
    /// Begins after room for the length, and the header.
    pub(super) fn new(mut begun: BytesMut, version: i16) -> Assembly {
        let length = begun.split_to(4);
        Assembly {
            version,
            length,
            open: begun,
            parts: Vec::new(),
            len_bytes: 0,
        }
    }

    /// The whole answer, in parts, with its length in front.
    pub(super) fn assemble(mut self, topics: Vec<FetchedTopic>) -> Result<Vec<Bytes>, String> {
        self.encode(&FetchResponse::default())?;
        self.begin_array(topics.len())?;
        for topic in topics {
            self.encode(
                &FetchableTopicResponse::default()
                    .with_topic(topic.name)
                    .with_topic_id(topic.id),
            )?;
            self.begin_array(topic.partitions.len())?;
            for (partition, records) in topic.partitions {
                self.encode(&partition)?;
                self.put_records(records)?;
            }
            self.end_struct();
        }
        self.end_struct();
        self.finish()
    }

    fn encode(&mut self, message: &impl Encodable) -> Result<(), String> {
        message
            .encode(&mut self.open, self.version)
            .map_err(|why| why.to_string())
    }

    /// Replaces an empty array, or no records, at the end of a struct without tagged fields.
    fn reopen(&mut self) {
        let nothing = if self.version >= FLEXIBLE { 2 } else { 4 };
        self.open.truncate(self.open.len() - nothing);
    }

    fn begin_array(&mut self, count: usize) -> Result<(), String> {
        self.reopen();
        self.put_length(count)
    }

    fn put_records(&mut self, records: Bytes) -> Result<(), String> {
        self.reopen();
        self.put_length(records.len())?;
        if records.len() < LINK_BYTES {
            self.open.put_slice(&records);
        } else {
            self.close_part();
            self.len_bytes += records.len();
            self.parts.push(records);
        }
        self.end_struct();
        Ok(())
    }

    fn put_length(&mut self, length: usize) -> Result<(), String> {
        if self.version < FLEXIBLE {
            self.open
                .put_i32(i32::try_from(length).map_err(|why| why.to_string())?);
            return Ok(());
        }
        // One more than the length, as zero stands for null.
        let mut rest = u32::try_from(length + 1).map_err(|why| why.to_string())?;
        while rest >= 0x80 {
            self.open.put_u8((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.open.put_u8((rest & 0x7f) as u8);
        Ok(())
    }

    fn end_struct(&mut self) {
        if self.version >= FLEXIBLE {
            self.open.put_u8(0);
        }
    }

    fn close_part(&mut self) {
        self.len_bytes += self.open.len();
        self.parts.push(self.open.split().freeze());
    }

    fn finish(mut self) -> Result<Vec<Bytes>, String> {
        let length =
            u32::try_from(self.len_bytes + self.open.len()).map_err(|why| why.to_string())?;
        self.length.copy_from_slice(&length.to_be_bytes());
        if self.parts.is_empty() {
            // They lie one after the other: this joins them without a copy, unless the buffer has grown meanwhile.
            self.length.unsplit(self.open);
            return Ok(vec![self.length.freeze()]);
        }
        self.close_part();
        let mut parts = vec![self.length.freeze()];
        parts.append(&mut self.parts);
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::TopicName;
    use kafka_protocol::messages::fetch_response::PartitionData;
    use kafka_protocol::protocol::StrBytes;
    use uuid::Uuid;

    use super::*;

    fn partition(number: i32, records: usize) -> (PartitionData, Bytes) {
        let data = PartitionData::default()
            .with_partition_index(number)
            .with_high_watermark(7)
            .with_log_start_offset(1);
        let data = if number % 2 == 0 {
            data.with_aborted_transactions(Some(Vec::new()))
        } else {
            data
        };
        (data, Bytes::from(vec![9; records]))
    }

    fn topics() -> Vec<FetchedTopic> {
        let named = |name: &'static str, partitions| FetchedTopic {
            name: TopicName(StrBytes::from_static_str(name)),
            id: Uuid::from_u128(name.len() as u128),
            partitions,
        };
        vec![
            named(
                "many",
                (0..200)
                    .map(|number| partition(number, number as usize))
                    .collect(),
            ),
            named("none", vec![]),
            named(
                "large",
                vec![
                    partition(0, LINK_BYTES),
                    partition(1, 0),
                    partition(2, 3 * 1024 * 1024),
                ],
            ),
        ]
    }

    #[test]
    fn it_is_what_the_message_s_own_encoder_makes_in_every_version() {
        for version in 4..=18 {
            for take in 0..=3 {
                let mut response = FetchResponse::default();
                for topic in topics().into_iter().take(take) {
                    let partitions = topic.partitions.into_iter();
                    let partitions = partitions
                        .map(|(data, records)| data.with_records(Some(records)))
                        .collect();
                    response.responses.push(
                        FetchableTopicResponse::default()
                            .with_topic(topic.name)
                            .with_topic_id(topic.id)
                            .with_partitions(partitions),
                    );
                }
                let mut expected = BytesMut::from(&b"head"[..]);
                response.encode(&mut expected, version).unwrap();
                let begun = BytesMut::from(&b"\0\0\0\0head"[..]);
                let parts = Assembly::new(begun, version)
                    .assemble(topics().into_iter().take(take).collect())
                    .unwrap();
                let whole = parts.concat();
                assert_eq!(
                    whole[..4],
                    u32::try_from(expected.len()).unwrap().to_be_bytes(),
                    "version {version}"
                );
                assert!(
                    whole[4..] == expected[..],
                    "version {version}, {take} topics"
                );
            }
        }
    }

    #[test]
    fn large_records_are_linked_and_not_copied() {
        let (data, records) = partition(0, 100_000);
        let begin = records.as_ptr();
        let topic = FetchedTopic {
            name: TopicName::default(),
            id: Uuid::nil(),
            partitions: vec![(data, records)],
        };
        let parts = Assembly::new(BytesMut::from(&b"\0\0\0\0"[..]), 17)
            .assemble(vec![topic])
            .unwrap();
        assert!(parts.iter().any(|part| part.as_ptr() == begin));
    }
}
