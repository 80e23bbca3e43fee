//! A process that stops in the midst of sending: the broker has all of its request but the last byte.

use bytes::Bytes;
use kafka_protocol::messages::ProduceRequest;
use kafka_protocol::protocol::StrBytes;

use super::record::Found;
use crate::common::calls::{PRODUCE, batch, produce_request, record};
use crate::common::errors::NONE;
use crate::common::raw::{Raw, frame};

const CORRELATION: i32 = 1;

pub(crate) struct Stalled {
    raw: Raw,
    number: usize,
    last: u8,
}

impl Stalled {
    pub(crate) fn sending(topic: &str, partition: usize, number: usize, found: &Found) -> Self {
        let producer = Raw::connect().new_producer();
        let mut record = record(None, found.value.as_deref());
        record.key = found.key.clone().map(Bytes::from);
        record.timestamp = found.at_ms;
        for (name, value) in &found.headers {
            let name = StrBytes::from_string(name.clone());
            record.headers.insert(name, Some(value.clone().into()));
        }
        let records = batch(vec![record], producer);
        let request = produce_request(topic, partition as i32, records);
        let bytes = frame(CORRELATION, PRODUCE, &request);
        let (&last, bytes) = bytes.split_last().expect("a request");
        let mut raw = Raw::connect();
        raw.write(bytes);
        Stalled { raw, number, last }
    }

    /// Sends the rest; gives the record's number and what became of it.
    pub(crate) fn go_on(mut self) -> (usize, Result<i64, String>) {
        self.raw.write(&[self.last]);
        let mut answer = self.raw.receive::<ProduceRequest>(PRODUCE, CORRELATION);
        let answer = answer.responses.remove(0).partition_responses.remove(0);
        let outcome = match answer.error_code {
            NONE => Ok(answer.base_offset),
            code => Err(format!("Kafka's error {code}")),
        };
        (self.number, outcome)
    }
}
