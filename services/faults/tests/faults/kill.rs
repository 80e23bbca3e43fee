//! kill -9.

use shop_faults::campaign::Recovered;
use shop_faults::shop::SESSION;
use shop_faults::{Load, campaign, quick, run_test};

// failure: process | a service is killed with -9 at any moment, also in its take-over | its partitions stand still
// until its session has expired | another instance, or the restarted one, fences, restores, completes a torn
// answer, resumes at the last decided input, and calls effects without an answer again under their keys | a
// supervisor restarts it
#[test]
fn each_process_in_turn() {
    run_test("kill-each", |shop| {
        let (orders, kills) = if quick() { (3_000, 6) } else { (20_000, 20) };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(orders);
        let publishing = shop.publish(&mut watch, load)?;
        let recovered = campaign::run(
            shop,
            &mut watch,
            load,
            kills,
            Recovered::NewOwner,
            |shop, number| {
                let (service, victim) = running.remove(0);
                victim.kill()?;
                let mut next = shop.start(service)?;
                if number % 4 == 3 {
                    // Once more, somewhere in its take-over.
                    std::thread::sleep(shop.below(2 * SESSION));
                    next.kill()?;
                    next = shop.start(service)?;
                }
                running.push((service, next));
                Ok(vec![service])
            },
        )?;
        campaign::tell("kill -9 of one service", recovered);
        shop.settle(&mut watch, publishing, load, 0)
    });
}

// failure: process | all services are killed with -9 at once | everything stands still | each partition is taken
// over as when one process is killed | a supervisor restarts them
#[test]
fn all_at_once() {
    run_test("kill-all", |shop| {
        let (orders, kills) = if quick() { (3_000, 2) } else { (10_000, 5) };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(orders);
        let publishing = shop.publish(&mut watch, load)?;
        let recovered = campaign::run(
            shop,
            &mut watch,
            load,
            kills,
            Recovered::NewOwner,
            |shop, _| {
                let struck = running.iter().map(|(service, _)| *service).collect();
                for (_, victim) in running.drain(..) {
                    victim.kill()?;
                }
                running = shop.start_all()?;
                Ok(struck)
            },
        )?;
        campaign::tell("kill -9 of all services at once", recovered);
        shop.settle(&mut watch, publishing, load, 0)
    });
}
