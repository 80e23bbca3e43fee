//! Orders that are published again: under the same id, and under another.

use anyhow::ensure;
use shop::load::Publisher;
use shop_faults::watch::STREAMS;
use shop_faults::{Load, quick, run_test, say};

// failure: data | the same order is published twice, under the same id and under another | nothing | the id, or
// the aggregate's own decision, recognises it | nobody
#[test]
fn the_same_order_twice() {
    run_test("duplicates", |shop| {
        let orders = if quick() { 2_000 } else { 10_000 };
        let _running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load {
            duplicates: 0.5,
            ..Load::of(orders)
        };
        let publishing = shop.publish(&mut watch, load)?;
        shop.settle(&mut watch, publishing, load, 0)?;
        let events = watch.catch_up()?.events(&STREAMS);

        // All orders once more, and behind them a run by which to see when they are through.
        let mut publisher = Publisher::connect(&shop.config(), &shop::load::topics())?;
        for planned in load.plan().orders() {
            publisher.publish(&planned.order, planned.id)?;
        }
        publisher.deliver_all()?;
        let behind = Load::of(600);
        let publishing = shop.publish(&mut watch, behind)?;
        shop.settle(&mut watch, publishing, behind, orders)?;
        let report = shop.audit(load.run, std::time::Duration::from_secs(5))?;
        ensure!(
            report.balances(),
            "the books do not balance: {:#}",
            report.0
        );
        say(&format!(
            "{events} events of {orders} orders stand as they were"
        ));
        let ended = watch.catch_up()?.ended();
        ensure!(ended == orders + behind.orders, "{ended} orders ended");
        Ok(())
    });
}
