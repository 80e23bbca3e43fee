//! A record that does not decode is not skipped: the service stops at it, and says where it stands.

use std::time::Duration;

use anyhow::{Context, ensure};
use kolo::{Event, EventType, partition_of};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use shop_faults::shop::STALL;
use shop_faults::{Child, Load, run_test, say};
use shop_schemas::order::OrderCreated;

const TYPE: &EventType = OrderCreated::TYPE;

/// Publishes a value that is no event, and returns its partition and offset.
fn publish_garbage(bootstrap: &str, key: &str) -> anyhow::Result<(i32, i64)> {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", bootstrap);
    let producer: BaseProducer = client.create()?;
    let patience = Duration::from_secs(10);
    let topic = TYPE.topic;
    let client = producer.client();
    let metadata = client.fetch_metadata(Some(topic), patience)?;
    let partitions = metadata.topics()[0].partitions().len();
    let partition = partition_of(key.as_bytes(), i32::try_from(partitions)?);
    let (_, next) = client.fetch_watermarks(topic, partition, patience)?;
    let header = |key, value| Header {
        key,
        value: Some(value),
    };
    let headers = OwnedHeaders::new()
        .insert(header("ce_id", "broken-1"))
        .insert(header("ce_type", TYPE.name));
    let record = BaseRecord::to(topic).partition(partition).key(key);
    let sent = producer.send(record.payload(b"not an event").headers(headers));
    sent.map_err(|(error, _)| error)?;
    producer.flush(patience)?;
    Ok((partition, next))
}

/// It ends by itself, with an exit code that is not 0 and a message with everything in it.
fn stops_at(service: &mut Child, what: &[String]) -> anyhow::Result<()> {
    let status = service.exit(STALL)?;
    ensure!(status.code() == Some(1), "it ended with {status}");
    let printed = service.printed()?;
    let last = printed.lines().last().context("it printed nothing")?;
    for word in what {
        ensure!(
            last.contains(word.as_str()),
            "`{word}` is missing in: {last}"
        );
    }
    say(last);
    Ok(())
}

#[test]
fn the_service_stops_at_it_each_time() {
    run_test("undecodable", |shop| {
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(500);
        let publishing = shop.publish(&mut watch, load)?;
        shop.settle(&mut watch, publishing, load, 0)?;

        let (partition, offset) = publish_garbage(shop.broker.address(), "order-4711")?;
        let words = [
            TYPE.topic.to_owned(),
            format!("partition {partition}"),
            format!("offset {offset}"),
            "order-4711".to_owned(),
            TYPE.name.to_owned(),
        ];
        for (service, process) in &mut running[..2] {
            stops_at(process, &words)?;
            // Starting again helps nobody: it is not skipped.
            let mut again = shop.start(*service)?;
            stops_at(&mut again, &words)?;
        }
        // Payment does not read that topic, and goes on.
        running[2].1.ensure_running()
    });
}
