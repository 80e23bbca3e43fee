//! Topics that are deleted under the services.

use std::time::Duration;

use anyhow::ensure;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use tokio::runtime::Runtime;

use crate::await_that;
use crate::shop::STALL;

/// Deletes and creates topics.
pub struct Topics {
    runtime: Runtime,
    client: AdminClient<DefaultClientContext>,
    options: AdminOptions,
}

impl Topics {
    /// Those of a broker.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn of(bootstrap: &str) -> anyhow::Result<Topics> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .create()?;
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        Ok(Topics {
            runtime,
            client,
            options,
        })
    }

    /// How many partitions a topic has; none if there is no such topic.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn partitions(&self, topic: &str) -> anyhow::Result<i32> {
        let metadata = self
            .client
            .inner()
            .fetch_metadata(None, Duration::from_secs(10))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        Ok(i32::try_from(
            found.map_or(0, |topic| topic.partitions().len()),
        )?)
    }

    /// How many records were ever written to a topic.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn written(&self, topic: &str) -> anyhow::Result<i64> {
        let client = self.client.inner();
        let mut written = 0;
        for partition in 0..self.partitions(topic)? {
            let (_, end) = client.fetch_watermarks(topic, partition, Duration::from_secs(10))?;
            written += end;
        }
        Ok(written)
    }

    /// Deletes a topic, and waits until it is gone.
    ///
    /// # Errors
    /// When it is not.
    pub fn delete(&self, topic: &str) -> anyhow::Result<()> {
        let deleted = self
            .runtime
            .block_on(self.client.delete_topics(&[topic], &self.options))?;
        ensure!(deleted.iter().all(Result::is_ok), "{deleted:?}");
        await_that("the topic is gone", STALL, || {
            Ok(self.partitions(topic)? == 0)
        })
    }

    /// Deletes a topic, and creates it again with as many partitions.
    ///
    /// # Errors
    /// When one of the two does not work.
    pub fn recreate(&self, topic: &str) -> anyhow::Result<()> {
        let partitions = self.partitions(topic)?;
        self.delete(topic)?;
        // A broker goes on deleting after it has answered.
        await_that("the topic is created again", STALL, || {
            let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1))
                .set("retention.ms", "-1");
            let created = self
                .runtime
                .block_on(self.client.create_topics(&[new], &self.options))?;
            Ok(created.iter().all(Result::is_ok))
        })
    }
}
