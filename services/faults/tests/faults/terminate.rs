//! SIGTERM: a service ends by itself, with exit code 0.

use shop_faults::campaign::Recovered;
use shop_faults::shop::FAREWELL;
use shop_faults::{Load, campaign, quick, run_test};

// failure: process | SIGTERM in mid-work: a deploy, a drained node | exit code 0 within seconds | positions made
// durable, appends acknowledged, group left; the next owner goes on at once | nobody
#[test]
fn each_process_in_turn() {
    run_test("terminate-each", |shop| {
        let (orders, times) = if quick() { (3_000, 6) } else { (20_000, 20) };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(orders);
        let publishing = shop.publish(&mut watch, load)?;
        let recovered = campaign::run(
            shop,
            &mut watch,
            load,
            times,
            Recovered::NewOwner,
            |shop, _| {
                let (service, leaving) = running.remove(0);
                leaving.terminate(FAREWELL)?;
                running.push((service, shop.start(service)?));
                Ok(vec![service])
            },
        )?;
        campaign::tell("SIGTERM to one service", recovered);
        shop.settle(&mut watch, publishing, load, 0)?;
        for (_, leaving) in running {
            leaving.terminate(FAREWELL)?;
        }
        Ok(())
    });
}

// failure: process | SIGTERM to all services at once | exit code 0 within seconds | whoever starts next goes on
// where they stopped | nobody
#[test]
fn all_at_once() {
    run_test("terminate-all", |shop| {
        let (orders, times) = if quick() { (3_000, 2) } else { (10_000, 5) };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(orders);
        let publishing = shop.publish(&mut watch, load)?;
        let recovered = campaign::run(
            shop,
            &mut watch,
            load,
            times,
            Recovered::NewOwner,
            |shop, _| {
                let struck = running.iter().map(|(service, _)| *service).collect();
                let mut leaving: Vec<_> = running.drain(..).map(|(_, child)| child).collect();
                for child in &mut leaving {
                    child.begin_to_terminate()?;
                }
                for child in leaving {
                    child.ended_well(FAREWELL)?;
                }
                running = shop.start_all()?;
                Ok(struck)
            },
        )?;
        campaign::tell("SIGTERM to all services at once", recovered);
        shop.settle(&mut watch, publishing, load, 0)
    });
}
