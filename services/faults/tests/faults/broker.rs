//! The broker restarts in mid-run, with everything connected to it.

use shop_faults::campaign::Recovered;
use shop_faults::{Broker, Load, Service, campaign, quick, run_test};

fn restarted(name: &str, orders: u64, times: u32, stop: fn(&mut Broker) -> anyhow::Result<()>) {
    run_test(name, |shop| {
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(orders);
        let publishing = shop.publish(&mut watch, load)?;
        let recovered = campaign::run(
            shop,
            &mut watch,
            load,
            times,
            Recovered::Grows,
            |shop, _| {
                stop(&mut shop.broker)?;
                shop.broker.start_again()?;
                Ok(Service::ALL.to_vec())
            },
        )?;
        campaign::tell(name, recovered);
        shop.settle(&mut watch, publishing, load, 0)?;
        // Nobody had to be started again.
        running
            .iter_mut()
            .try_for_each(|(_, service)| service.ensure_running())
    });
}

// failure: broker | the broker is stopped and started | one warning in a minute | clients reconnect; no service
// ends | nobody
#[test]
fn stopped_and_started() {
    let (orders, times) = if quick() { (3_000, 1) } else { (10_000, 3) };
    restarted("broker-stopped", orders, times, Broker::stop);
}

// failure: broker | the broker is killed with -9 and started | one warning in a minute | clients reconnect, and
// what was acknowledged is there; no service ends | nobody
#[test]
fn killed_and_started() {
    let (orders, times) = if quick() { (3_000, 1) } else { (10_000, 3) };
    restarted("broker-killed", orders, times, Broker::kill);
}
