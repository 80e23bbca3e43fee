//! Two instances of one service, joining and leaving under load.

use std::time::{Duration, Instant};

use shop_faults::campaign::Recovered;
use shop_faults::shop::{FAREWELL, STALL};
use shop_faults::{Load, Service, campaign, quick, run_test};

// failure: process | instances join and leave under load | a rebalance | partitions move one by one; those that
// stay are not interrupted | nobody
#[test]
fn join_and_leave() {
    run_test("instances", |shop| {
        let (orders, rounds) = if quick() { (4_000, 1) } else { (20_000, 4) };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let rounds = rounds * u32::try_from(Service::ALL.len())?;
        let load = Load::of(orders);
        let publishing = shop.publish(&mut watch, load)?;
        let mut joined = Vec::new();
        let left = campaign::run(
            shop,
            &mut watch,
            load,
            rounds,
            Recovered::NewOwner,
            |shop, number| {
                let (service, mut first) = running.remove(0);
                let begun = Instant::now();
                let mut second = shop.start(service)?;
                second.await_printed("took over", 1, STALL)?;
                joined.push(begun.elapsed());
                // Both own partitions now. Either leaves, in either way.
                std::thread::sleep(shop.below(Duration::from_secs(2)));
                if shop.random.bool() {
                    std::mem::swap(&mut first, &mut second);
                }
                if number % 2 == 0 {
                    first.terminate(FAREWELL)?;
                } else {
                    first.kill()?;
                }
                running.push((service, second));
                Ok(vec![service])
            },
        )?;
        campaign::tell("a second instance joined", joined);
        campaign::tell(
            "one of two instances left or was killed, after the join",
            left,
        );
        shop.settle(&mut watch, publishing, load, 0)
    });
}
