//! An input topic that is deleted and created again is noticed: it is read from its beginning, as another origin.

use std::time::Duration;

use anyhow::ensure;
use kolo::Event;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use shop_faults::shop::{FAREWELL, STALL, Shop};
use shop_faults::{Load, await_that, quick, run_test};
use shop_schemas::order::OrderCreated;

/// Deletes a topic, and creates it again with as many partitions.
fn recreate(bootstrap: &str, topic: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let client: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()?;
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    let metadata = client
        .inner()
        .fetch_metadata(Some(topic), Duration::from_secs(10))?;
    let partitions = i32::try_from(
        metadata
            .topics()
            .iter()
            .map(|topic| topic.partitions().len())
            .sum::<usize>(),
    )?;
    let deleted = runtime.block_on(client.delete_topics(&[topic], &options))?;
    ensure!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    // A broker goes on deleting after it has answered.
    await_that("the topic is created again", STALL, || {
        let new =
            NewTopic::new(topic, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
        let created = runtime.block_on(client.create_topics(&[new], &options))?;
        Ok(created.iter().all(Result::is_ok))
    })
}

/// Publishes a run, and settles it.
fn run(
    shop: &mut Shop,
    watch: &mut shop_faults::Watch,
    orders: u64,
    before: u64,
) -> anyhow::Result<()> {
    let load = Load::of(orders);
    let publishing = shop.publish(watch, load)?;
    shop.settle(watch, publishing, load, before)
}

// failure: broker | an input topic is deleted and created again under load, while the services run and while they
// do not | a warning within the topic check's interval | it is read from its beginning, as another origin |
// whoever deleted it publishes again what was lost
#[test]
fn while_the_services_run_and_while_they_do_not() {
    run_test("recreated", |shop| {
        let orders = if quick() { 600 } else { 3_000 };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        run(shop, &mut watch, orders, 0)?;

        recreate(shop.broker.address(), OrderCreated::TYPE.topic)?;
        for (_, service) in &mut running[..2] {
            service.await_printed("deleted and created again", 1, STALL)?;
        }
        // Fewer orders than before: their offsets were all decided, in the topic that is no more.
        run(shop, &mut watch, orders / 2, orders)?;

        for (_, service) in running {
            service.terminate(FAREWELL)?;
        }
        recreate(shop.broker.address(), OrderCreated::TYPE.topic)?;
        let mut running = shop.start_all()?;
        run(shop, &mut watch, orders / 4, orders + orders / 2)?;
        running
            .iter_mut()
            .try_for_each(|(_, service)| service.ensure_running())
    });
}
