//! Topics of the broker under test.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kolo::Config;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;

/// How long a broker may take to do as it is told.
const PATIENCE: Duration = Duration::from_secs(30);

/// Creates and deletes topics.
pub(crate) struct Topics {
    admin: AdminClient<DefaultClientContext>,
    runtime: tokio::runtime::Runtime,
}

impl Topics {
    pub(crate) fn connect(config: &Config) -> anyhow::Result<Topics> {
        Ok(Topics {
            admin: config
                .client()
                .create()
                .context("the admin client's settings")?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("no tokio runtime")?,
        })
    }

    /// Deletes the topic if it is there, and creates it empty.
    pub(crate) fn renew(&self, topic: &str, partitions: i32) -> anyhow::Result<()> {
        self.delete(topic)?;
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1))
            .set("retention.ms", "-1")
            .set("retention.bytes", "-1")
            // What is deleted between runs should not fill the disk for another minute.
            .set("file.delete.delay.ms", "100");
        let until = Instant::now() + PATIENCE;
        loop {
            let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
            let created = self
                .runtime
                .block_on(self.admin.create_topics([&new], &options));
            match created.context("the broker does not create topics")?.pop() {
                None | Some(Ok(_)) => return Ok(()),
                // Being deleted still.
                Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) if Instant::now() < until => {
                    std::thread::park_timeout(Duration::from_millis(50));
                }
                Some(Err((topic, error))) => bail!("the topic `{topic}` is not created: {error}"),
            }
        }
    }

    /// Deletes the topic if it is there.
    pub(crate) fn delete(&self, topic: &str) -> anyhow::Result<()> {
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let deleted = self
            .runtime
            .block_on(self.admin.delete_topics(&[topic], &options));
        match deleted.context("the broker does not delete topics")?.pop() {
            None | Some(Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition))) => Ok(()),
            Some(Err((topic, error))) => bail!("the topic `{topic}` is not deleted: {error}"),
        }
    }
}
