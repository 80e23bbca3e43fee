//! A client that is well-behaved, and must not notice what others do.

use std::time::{Duration, Instant};

use crate::common::calls::{UNSTAMPED, batch, text, topic_name, values};
use crate::common::errors::NONE;
use crate::common::raw::Raw;
use kafka_protocol::messages::CreateTopicsRequest;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};

pub(crate) struct Bystander {
    raw: Raw,
    appended: i64,
}

pub(crate) fn create(raw: &mut Raw, topic: &str, partitions: i32, configs: &[(&str, &str)]) -> i16 {
    let configs = configs.iter().map(|(name, value)| {
        CreatableTopicConfig::default()
            .with_name(text(name))
            .with_value(Some(text(value)))
    });
    let topic = CreatableTopic::default()
        .with_name(topic_name(topic))
        .with_num_partitions(partitions)
        .with_replication_factor(1)
        .with_configs(configs.collect());
    let request = CreateTopicsRequest::default()
        .with_timeout_ms(10_000)
        .with_topics(vec![topic]);
    raw.call(7, &request).topics[0].error_code
}

impl Bystander {
    pub(crate) fn new(address: &str) -> Self {
        let mut raw = Raw::connect_to(address);
        assert_eq!(create(&mut raw, "bystander", 1, &[]), NONE);
        Bystander { raw, appended: 0 }
    }

    /// Appends and reads a while, each in the time that [`Raw`] waits for an answer; the median of how long that took.
    pub(crate) fn works(&mut self) -> Duration {
        let mut took: Vec<Duration> = (0..50).map(|_| self.step()).collect();
        took.sort();
        took[25]
    }

    fn step(&mut self) -> Duration {
        let began = Instant::now();
        let records = batch(values(&["v"]), UNSTAMPED);
        assert_eq!(self.raw.append("bystander", 0, records), self.appended);
        let found = self.raw.fetch("bystander", 0, self.appended);
        assert_eq!(found.error_code, NONE);
        self.appended += 1;
        assert_eq!(found.high_watermark, self.appended);
        began.elapsed()
    }
}
