//! Plain clients: a record at any partition, with a key or none; and dead letters with all their headers.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::common::bootstrap;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn client() -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", bootstrap());
    client
}

/// Publishes to a partition, whatever the key's own is.
pub(crate) fn publish_to(topic: &str, partition: i32, key: Option<&str>, id: &str, value: &str) {
    let producer: ThreadedProducer<DefaultProducerContext> = client().create().unwrap();
    let header = |key, value| Header {
        key,
        value: Some(value),
    };
    let headers = OwnedHeaders::new()
        .insert(header("ce_id", id))
        .insert(header("ce_type", "test.Added"));
    let record = BaseRecord::<str, str>::to(topic).partition(partition);
    let record = record.payload(value).headers(headers);
    let record = match key {
        Some(key) => record.key(key),
        None => record,
    };
    let sent = producer.send(record).map_err(|(error, _)| error);
    sent.unwrap();
    producer.flush(PATIENCE).unwrap();
}

/// Creates a topic of one partition.
pub(crate) fn create_topic(name: &str) {
    let admin: AdminClient<DefaultClientContext> = client().create().unwrap();
    let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let created = admin.create_topics([&topic], &AdminOptions::new());
    runtime.block_on(created).unwrap()[0].as_ref().unwrap();
}

/// A dead letter.
pub(crate) struct Dead {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// Everything that a topic of one partition holds now.
pub(crate) fn dead_letters(topic: &str) -> Vec<Dead> {
    let consumer: BaseConsumer = client().set("group.id", "looks-only").create().unwrap();
    let (_, end) = consumer.fetch_watermarks(topic, 0, PATIENCE).unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning)
        .unwrap();
    consumer.assign(&list).unwrap();
    let text =
        |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let letters = (0..end).map(|_| {
        let message = consumer.poll(PATIENCE).expect("a record in time").unwrap();
        let headers = message.headers().expect("headers");
        Dead {
            key: text(message.key()),
            value: text(message.payload()),
            headers: headers
                .iter()
                .map(|header| (header.key.to_owned(), text(header.value)))
                .collect(),
        }
    });
    letters.collect()
}
