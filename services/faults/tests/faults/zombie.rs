//! A zombie: what it still writes is void, and it starts no effect for it.

use std::collections::HashSet;

use anyhow::ensure;
use shop::audit::Topic;
use shop_faults::proxy::Proxy;
use shop_faults::shop::binary;
use shop_faults::zombie::{raise, start};
use shop_faults::{Load, Service, campaign, quick, run_test, say};
use uuid::Uuid;

// failure: process | a zombie has asked for a charge that is void | the request stands in the stream and counts
// for nobody | its port is never called: effects start for sound appends only | nobody
#[test]
fn of_payment_starts_no_effect_for_what_is_void() {
    run_test("zombie-payment", |shop| {
        // How many times work was in flight: only those count.
        let wanted = if quick() { 2 } else { 10 };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let (mut taken_over, mut void, mut before) = (Vec::new(), 0, 0);
        for round in 1.. {
            ensure!(
                round <= 5 * wanted,
                "only {} of {round} zombies had work in flight",
                taken_over.len()
            );
            let proxy = Proxy::start(&shop.gateway.url())?;
            let mut command = shop.command(&binary("payment")?);
            command.env("GATEWAY_URL", proxy.url());
            let zombie = start(shop, Service::Payment, &mut running[2].1, command)?;
            let load = Load::of(2_000);
            let publishing = shop.publish(&mut watch, load)?;
            let risen = raise(shop, &mut watch, zombie, Service::Payment, |_| {
                proxy.calls().len() > 20
            })?;
            let called: HashSet<Uuid> = proxy.calls().into_iter().map(|(_, key)| key).collect();
            for record in &risen.void {
                let was_called = record.id.is_some_and(|id| called.contains(&id));
                ensure!(
                    !was_called,
                    "the zombie called the gateway for the void {record:?}"
                );
            }
            shop.settle(&mut watch, publishing, load, before)?;
            before += load.orders;
            let requests = risen
                .void
                .iter()
                .filter(|record| record.event_type.ends_with("Requested"))
                .count();
            if requests > 0 {
                taken_over.push(risen.taken_over);
                void += requests;
            }
            if taken_over.len() == wanted {
                break;
            }
        }
        say(&format!(
            "{void} requests of zombies were void, and none was started"
        ));
        campaign::tell("SIGSTOP of payment: taken over", taken_over);
        Ok(())
    });
}

// failure: process | a process is paused past its session and goes on with requests in flight | void records in
// the stream; its log says that it did not run | what it writes is void for every reader; it throws its state away
// and joins anew | nobody
#[test]
fn of_each_service_writes_nothing_that_counts() {
    run_test("zombie-each", |shop| {
        let wanted = if quick() { 1 } else { 5 };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let mut before = 0;
        for (at, service, stream) in [
            (0, Service::Order, Topic::Outcome),
            (1, Service::Inventory, Topic::Stock),
        ] {
            let mut taken_over = Vec::new();
            for round in 1.. {
                ensure!(
                    round <= 5 * wanted,
                    "only {} of {round} zombies had work in flight",
                    taken_over.len()
                );
                let command = shop.command(&binary(service.name())?);
                let zombie = start(shop, service, &mut running[at].1, command)?;
                let load = Load::of(2_000);
                let publishing = shop.publish(&mut watch, load)?;
                let events = watch.catch_up()?.events(&[stream]);
                let risen = raise(shop, &mut watch, zombie, service, |watch| {
                    watch.seen().events(&[stream]) > events + 100
                })?;
                shop.settle(&mut watch, publishing, load, before)?;
                before += load.orders;
                if !risen.void.is_empty() {
                    taken_over.push(risen.taken_over);
                }
                if taken_over.len() == wanted {
                    break;
                }
            }
            campaign::tell(
                &format!("SIGSTOP of {}: taken over", service.name()),
                taken_over,
            );
        }
        Ok(())
    });
}
