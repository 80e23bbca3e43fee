//! Records that nobody can decide hold back their keys and nothing else, until an operator drops them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::ensure;
use kolo::{Event, EventType};
use shop::load::{Plan, Publisher, topics};
use shop_faults::shop::STALL;
use shop_faults::{
    Child, Load, Parked, Poison, Poisoner, Service, Shop, Watch, quick, run_test, say,
};
use shop_schemas::inventory::{Sku, StockReceived};
use shop_schemas::order::{CancelRequested, OrderCreated};
use uuid::Uuid;

/// How many orders' keys get garbage first; the order itself waits behind it. Each takes a command of an operator to free.
fn garbage() -> usize {
    if quick() { 8 } else { 40 }
}

/// So many more keys get something else: a value of another order, another type, no type, another partition.
const OTHERS: usize = 4;

/// What is parked, without what differs from run to run.
type Keys = BTreeSet<(String, String, String)>;

fn key(aggregate: &str, key: &dyn ToString, class: &str) -> (String, String, String) {
    (aggregate.to_owned(), key.to_string(), class.to_owned())
}

fn keys(parked: &[Parked]) -> Keys {
    let all = parked.iter();
    all.map(|parked| key(&parked.aggregate, &parked.key, &parked.class))
        .collect()
}

/// The orders that are poisoned: a run of their own.
fn poisoned() -> (Plan, Vec<OrderCreated>) {
    let plan = Load::of((garbage() + OTHERS) as u64).plan();
    (plan, plan.orders().map(|planned| planned.order).collect())
}

/// Poisons both topics, and says what is parked for it in order and inventory.
fn poison(shop: &Shop, orders: &[OrderCreated]) -> anyhow::Result<(Keys, Keys)> {
    const CANCEL: &EventType = CancelRequested::TYPE;
    let (lifecycle, reservation, stock) = (
        "order.lifecycle",
        "inventory.reservation",
        "inventory.stock",
    );
    let (mut by_order, mut by_inventory) = (Keys::new(), Keys::new());
    let mut poisoner = Poisoner::connect(&shop.config())?;
    for order in &orders[..garbage()] {
        let sound = Poison::of(order, order.order_id.to_string());
        poisoner.write(&sound.clone().garbage())?;
        poisoner.write(&sound)?;
        by_order.insert(key(lifecycle, &order.order_id, "decode"));
        by_inventory.insert(key(reservation, &order.order_id, "decode"));
    }
    let [mistaken, mistyped, untyped, astray] = &orders[garbage()..] else {
        anyhow::bail!("{OTHERS} orders were expected");
    };
    let of = |order: &OrderCreated| Poison::of(order, order.order_id.to_string());
    let others = [
        // The key of another order.
        (
            Poison {
                value: of(&orders[0]).value,
                ..of(mistaken)
            },
            mistaken,
            "key",
            true,
        ),
        // Inventory does not react to wishes to cancel: to it, this is nothing.
        (
            Poison {
                event_type: Some(CANCEL.name),
                ..of(mistyped)
            },
            mistyped,
            "decode",
            false,
        ),
        // Inventory knows one type on this topic, and takes it for that.
        (
            Poison {
                event_type: None,
                ..of(untyped)
            },
            untyped,
            "type",
            false,
        ),
        (
            Poison {
                astray: 1,
                ..of(astray)
            },
            astray,
            "key",
            true,
        ),
    ];
    for (poison, order, class, is_both) in others {
        poisoner.write(&poison)?;
        by_order.insert(key(lifecycle, &order.order_id, class));
        if is_both {
            by_inventory.insert(key(reservation, &order.order_id, class));
        }
    }
    poisoner.write(&Poison {
        key: None,
        ..of(mistaken)
    })?;
    by_order.insert(key(lifecycle, &"", "key"));
    by_inventory.insert(key(reservation, &"", "key"));

    let receipt = |sku: &str| {
        let event = StockReceived {
            sku: Sku(sku.to_owned()),
            quantity: 1,
        };
        Poison::of(&event, sku)
    };
    let receipts = [
        (
            "poison-garbage",
            receipt("poison-garbage").garbage(),
            "decode",
        ),
        (
            "poison-key",
            Poison {
                value: receipt("another").value,
                ..receipt("poison-key")
            },
            "key",
        ),
        (
            "poison-astray",
            Poison {
                astray: 1,
                ..receipt("poison-astray")
            },
            "key",
        ),
        (
            "",
            Poison {
                key: None,
                ..receipt("poison-none")
            },
            "key",
        ),
    ];
    for (sku, poison, class) in receipts {
        poisoner.write(&poison)?;
        by_inventory.insert(key(stock, &sku, class));
    }
    poisoner.write(&receipt("poison-garbage"))?;
    Ok((by_order, by_inventory))
}

/// Redrives everything, and kills the owner of it meanwhile. Nothing is mended, so nothing may change.
fn redrive_under_kill(shop: &mut Shop, service: Service, owner: Child) -> anyhow::Result<Child> {
    let before = shop.parked(service)?;
    let command = shop.parked_command(
        service,
        &["redrive", "--all", "--json", "--timeout", "120s"],
    )?;
    let mut redrive = shop.start_command("redrive", command)?;
    std::thread::sleep(shop.below(Duration::from_millis(400)));
    owner.kill()?;
    let owner = shop.start(service)?;
    let status = redrive.exit(STALL)?;
    ensure!(
        status.code() == Some(1),
        "the redrive ended with {status}: {}",
        redrive.printed()?
    );
    ensure!(
        !redrive.printed()?.contains("\"pending\""),
        "{}",
        redrive.printed()?
    );
    let after = shop.parked(service)?;
    ensure!(
        before == after,
        "{before:#?} were parked before, and {after:#?} after"
    );
    Ok(owner)
}

/// Drops all that is poison, and kills the owner while it drops one.
fn drop_under_kill(shop: &mut Shop, service: Service, owner: Child) -> anyhow::Result<Child> {
    let mut owner = owner;
    let all = shop.parked(service)?;
    for (number, parked) in all.iter().enumerate() {
        let mut command = shop.drop_command(service, parked, STALL)?;
        if number == all.len() / 2 {
            let mut drop = shop.start_command("drop", command)?;
            std::thread::sleep(shop.below(Duration::from_millis(400)));
            owner.kill()?;
            owner = shop.start(service)?;
            let status = drop.exit(STALL)?;
            ensure!(
                status.success(),
                "{parked:?}: {status}: {}",
                drop.printed()?
            );
            continue;
        }
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{parked:?} is not dropped: {said}");
    }
    let left = shop.parked(service)?;
    ensure!(left.is_empty(), "{left:#?} are parked still");
    Ok(owner)
}

/// The keys are as any others: what comes for them now is decided.
fn order_again(
    shop: &Shop,
    watch: &mut Watch,
    orders: &[OrderCreated],
    before: u64,
) -> anyhow::Result<()> {
    let mut publisher = Publisher::connect(&shop.config(), &topics())?;
    for order in orders {
        publisher.publish(order, Uuid::new_v5(&order.order_id.0, b"later"))?;
    }
    publisher.deliver_all()?;
    shop.await_ends(watch, before + orders.len() as u64)
}

// failure: data | poison of every kind is published into the intake topics under load, and the owners are killed
// in the middle of redrives and drops | the poisoned keys, and no others, are parked | everything else ends; what
// is freed ends too, and the books balance | an operator drops the poison
#[test]
fn it_holds_back_its_key_and_nothing_else() {
    run_test("undecodable", |shop| {
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(if quick() { 2_000 } else { 10_000 });
        let publishing = shop.publish(&mut watch, load)?;
        let (plan, orders) = poisoned();
        let mut publisher = Publisher::connect(&shop.config(), &topics())?;
        shop::load::publish_stock(plan, &mut publisher)?;
        publisher.deliver_all()?;
        shop.await_ends(&mut watch, load.orders / 5)?;
        let (by_order, by_inventory) = poison(shop, &orders)?;
        shop.settle(&mut watch, publishing, load, 0)?;
        for (_, process) in &mut running {
            process.ensure_running()?;
        }
        for (service, expected) in [
            (Service::Order, &by_order),
            (Service::Inventory, &by_inventory),
        ] {
            let found = keys(&shop.parked(service)?);
            ensure!(
                found == *expected,
                "{found:#?} are parked, and should be {expected:#?}"
            );
        }
        let ended = watch.catch_up()?.ended();
        ensure!(
            ended == load.orders,
            "{ended} orders ended, and some were poisoned"
        );
        say(&format!(
            "{} and {} keys are parked, all others ended",
            by_order.len(),
            by_inventory.len()
        ));

        let (_, mut order) = running.remove(0);
        let (_, mut inventory) = running.remove(0);
        for _ in 0..if quick() { 2 } else { 10 } {
            order = redrive_under_kill(shop, Service::Order, order)?;
            inventory = redrive_under_kill(shop, Service::Inventory, inventory)?;
        }
        let _order = drop_under_kill(shop, Service::Order, order)?;
        let _inventory = drop_under_kill(shop, Service::Inventory, inventory)?;
        // Those that waited behind garbage, and the one that inventory took for what it was.
        let freed = load.orders + garbage() as u64 + 1;
        shop.await_ends(&mut watch, freed)?;
        let others = &orders[garbage()..];
        let later = [&others[0], &others[1], &others[3]];
        order_again(shop, &mut watch, &later.map(Clone::clone), freed)?;
        let report = shop.audit(load.run, STALL)?;
        ensure!(
            report.balances(),
            "the books do not balance: {:#}",
            report.0
        );
        say(&format!(
            "{} poisoned orders ended once they were freed",
            orders.len()
        ));
        Ok(())
    });
}
