//! An input topic that is deleted and created again is noticed: it is read from its beginning, as another origin.

use kolo::Event;
use shop_faults::shop::{FAREWELL, STALL, Shop};
use shop_faults::topics::Topics;
use shop_faults::{Load, quick, run_test};
use shop_schemas::order::OrderCreated;

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

        Topics::of(shop.broker.address())?.recreate(OrderCreated::TYPE.topic)?;
        for (_, service) in &mut running[..2] {
            service.await_printed("deleted and created again", 1, STALL)?;
        }
        // Fewer orders than before: their offsets were all decided, in the topic that is no more.
        run(shop, &mut watch, orders / 2, orders)?;

        for (_, service) in running {
            service.terminate(FAREWELL)?;
        }
        Topics::of(shop.broker.address())?.recreate(OrderCreated::TYPE.topic)?;
        let mut running = shop.start_all()?;
        run(shop, &mut watch, orders / 4, orders + orders / 2)?;
        running
            .iter_mut()
            .try_for_each(|(_, service)| service.ensure_running())
    });
}
