//! A record of a topic as a backup keeps it.

use std::sync::LazyLock;

use apache_avro::Schema;
use kolo_core::wire::Headers;
use rdkafka::message::{BorrowedMessage, Headers as _, Message, Timestamp};
use serde::{Deserialize, Serialize};

/// The schema in the head of every file, by which any Avro tool reads it.
#[expect(
    clippy::expect_used,
    reason = "the schema is part of this program; every test that writes a file parses it"
)]
pub(crate) static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::parse_str(include_str!("record.avsc")).expect("a schema that parses"));

/// One record, with everything that Kafka keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp: Option<i64>,
    pub(crate) timestamp_type: TimestampType,
    #[serde(with = "apache_avro::serde::bytes_opt")]
    pub(crate) key: Option<Vec<u8>>,
    #[serde(with = "apache_avro::serde::bytes_opt")]
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<Header>,
}

/// Whose clock the timestamp is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TimestampType {
    None,
    CreateTime,
    LogAppendTime,
}

/// One header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) name: String,
    #[serde(with = "apache_avro::serde::bytes_opt")]
    pub(crate) value: Option<Vec<u8>>,
}

impl Record {
    pub(crate) fn of(message: &BorrowedMessage<'_>) -> Self {
        let (timestamp, timestamp_type) = match message.timestamp() {
            Timestamp::NotAvailable => (None, TimestampType::None),
            Timestamp::CreateTime(millis) => (Some(millis), TimestampType::CreateTime),
            Timestamp::LogAppendTime(millis) => (Some(millis), TimestampType::LogAppendTime),
        };
        let headers = message.headers().into_iter().flat_map(|all| all.iter());
        Record {
            partition: message.partition(),
            offset: message.offset(),
            timestamp,
            timestamp_type,
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers
                .map(|header| Header {
                    name: header.key.to_owned(),
                    value: header.value.map(<[u8]>::to_vec),
                })
                .collect(),
        }
    }

    /// The headers that kolo reads.
    pub(crate) fn kolo_headers(&self) -> Headers<'_> {
        let mut taken = Headers::default();
        for header in &self.headers {
            taken.take(&header.name, header.value.as_deref());
        }
        taken
    }
}
