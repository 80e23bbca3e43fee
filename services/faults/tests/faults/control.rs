//! The negative control: with a rule of the protocol left out, the same faults make the audit fail.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;
use shop::audit::Topic;
use shop_faults::zombie::{raise, start};
use shop_faults::{Load, Service, Shop, Watch, run_test, say};

/// How long nothing may move before a run counts as stuck, which is a violation as good as any other.
const QUIET: Duration = Duration::from_secs(15);

/// A service with a rule left out.
fn broken(shop: &Shop, service: Service, rule: &str) -> Command {
    let mut command = shop.command(env!("CARGO_BIN_EXE_broken").as_ref());
    command
        .env("BROKEN_SERVICE", service.name())
        .env("BROKEN_RULE", rule);
    command
}

/// Waits until all orders have ended, or nothing moves any more, and returns the invariants that do not hold.
fn violated(
    shop: &Shop,
    watch: &mut Watch,
    load: Load,
    before: u64,
) -> anyhow::Result<Vec<String>> {
    let (mut ended, mut moved) = (0, Instant::now());
    while ended < before + load.orders && moved.elapsed() < QUIET {
        let now = watch.look()?.ended();
        if now > ended {
            (ended, moved) = (now, Instant::now());
        }
    }
    let report = shop.audit(load.run, Duration::from_secs(5))?;
    Ok(report.violated().into_iter().map(str::to_owned).collect())
}

#[test]
fn without_dedup() {
    run_test("control-dedup", |shop| {
        let _order = shop.start(Service::Order)?;
        let _payment = shop.start(Service::Payment)?;
        let command = broken(shop, Service::Inventory, "dedup");
        let mut inventory = shop.start_command("inventory", command)?;
        let mut watch = shop.watch()?;
        let load = Load {
            duplicates: 0.2,
            ..Load::of(1_000)
        };
        let _publishing = shop.publish(&mut watch, load)?;
        for share in 1..=3 {
            shop.await_ends(&mut watch, load.orders * share / 5)?;
            inventory.kill()?;
            let command = broken(shop, Service::Inventory, "dedup");
            inventory = shop.start_command("inventory", command)?;
        }
        let violated = violated(shop, &mut watch, load, 0)?;
        say(&format!(
            "without dedup, the audit finds fault with: {violated:?}"
        ));
        ensure!(
            violated.iter().any(|name| name != "one_end"),
            "the audit found nothing wrong but {violated:?}"
        );
        Ok(())
    });
}

#[test]
fn without_the_epoch_rule() {
    run_test("control-epoch", |shop| {
        let _order = shop.start(Service::Order)?;
        let _payment = shop.start(Service::Payment)?;
        let command = broken(shop, Service::Inventory, "epoch");
        let mut inventory = shop.start_command("inventory", command)?;
        let mut watch = shop.watch()?;
        let mut before = 0;
        for round in 1.. {
            ensure!(
                round <= 10,
                "{round} zombies have written what does not count, and the audit found nothing wrong"
            );
            let command = broken(shop, Service::Inventory, "epoch");
            let zombie = start(shop, Service::Inventory, &mut inventory, command)?;
            let load = Load::of(2_000);
            let _publishing = shop.publish(&mut watch, load)?;
            let events = watch.catch_up()?.events(&[Topic::Stock]);
            raise(shop, &mut watch, zombie, Service::Inventory, |watch| {
                watch.seen().events(&[Topic::Stock]) > events + 100
            })?;
            // Who restores now folds what the zombie has written.
            inventory.kill()?;
            let command = broken(shop, Service::Inventory, "epoch");
            inventory = shop.start_command("inventory", command)?;
            let violated = violated(shop, &mut watch, load, before)?;
            before += load.orders;
            if !violated.is_empty() {
                say(&format!(
                    "without the epoch rule, the audit finds fault with: {violated:?}"
                ));
                return Ok(());
            }
        }
        Ok(())
    });
}
