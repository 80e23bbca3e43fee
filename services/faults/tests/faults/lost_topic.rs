//! The drill for a lost topic: a stream is deleted, and comes back from its backup.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;
use shop_faults::shop::{FAREWELL, STALL, Service, Shop, binary, say};
use shop_faults::{Child, Load, await_that, quick, run_test, topics::Topics};

/// Runs `kolo` to its end; gives what it printed.
fn kolo(shop: &Shop, arguments: &[&str]) -> anyhow::Result<String> {
    let output = shop.command(&binary("kolo")?).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kolo {arguments:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The ids of the valid events of a stream.
fn ids(shop: &Shop, stream: &str) -> anyhow::Result<BTreeSet<String>> {
    let tail = [
        "tail",
        stream,
        "--from",
        "beginning",
        "--no-follow",
        "--json",
    ];
    let mut ids = BTreeSet::new();
    for line in kolo(shop, &tail)?.lines() {
        let record: Value = serde_json::from_str(line)?;
        let event_type = record["type"].as_str().unwrap_or_default();
        if record["standing"] == "valid" && !event_type.starts_with("kolo.") {
            let id = record["id"].as_str().context("an id")?;
            ensure!(ids.insert(id.to_owned()), "{id} stands twice in {stream}");
        }
    }
    Ok(ids)
}

/// Imports a stream once nobody is in its group any more: who has just left may be in it until the session ends.
fn import(shop: &Shop, backup: &Path) -> anyhow::Result<()> {
    let arguments = ["import", &backup.to_string_lossy()];
    await_that("the stream is imported", STALL, || {
        match kolo(shop, &arguments) {
            Ok(_) => Ok(true),
            Err(error) if error.to_string().contains("is not empty") => Ok(false),
            Err(error) => Err(error),
        }
    })
}

fn run(shop: &mut Shop, orders: u64, before: u64) -> anyhow::Result<Load> {
    let mut watch = shop.watch()?;
    let load = Load::of(orders);
    let publishing = shop.publish(&mut watch, load)?;
    shop.settle(&mut watch, publishing, load, before)?;
    Ok(load)
}

fn stop(running: Vec<(Service, Child)>) -> anyhow::Result<()> {
    let mut running = running.into_iter();
    running.try_for_each(|(_, service)| service.terminate(FAREWELL))
}

fn drill(name: &str, stream: &'static str) {
    run_test(name, |shop| {
        let orders = if quick() { 1_000 } else { 10_000 };
        let running = shop.start_all()?;
        let folder = shop.folder().join("backup");
        let to = folder.to_string_lossy().into_owned();
        let mut export = Command::new(binary("kolo")?);
        export.args(["export", stream, "--follow", "--to", &to]);
        export.env("KOLO_BOOTSTRAP", shop.broker.address());
        let backup = shop.start_command("export", export)?;
        let first = run(shop, orders, 0)?;
        stop(running)?;
        backup.terminate(FAREWELL)?;
        // What stands behind the last look of the backup: its owner's farewell.
        kolo(shop, &["export", stream, "--to", &to])?;
        kolo(shop, &["verify-export", &to])?;

        let before = ids(shop, stream)?;
        ensure!(before.len() as u64 > orders, "{} events", before.len());
        let topics = Topics::of(shop.broker.address())?;
        topics.delete(stream)?;
        let backup = folder.join(stream);
        import(shop, &backup)?;
        ensure!(before == ids(shop, stream)?, "other events came back");

        // Everybody reads the new topic from its beginning, recognises what it answered, and goes on.
        let mut running = shop.start_all()?;
        let second = run(shop, orders / 4, orders)?;
        for load in [first, second] {
            let report = shop.audit(load.run, STALL)?;
            ensure!(report.balances(), "after the import: {:#}", report.0);
        }
        let after = ids(shop, stream)?;
        ensure!(before.is_subset(&after), "events are gone");
        running
            .iter_mut()
            .try_for_each(|(_, service)| service.ensure_running())?;
        say(&format!(
            "{stream}: {} events came back, {} more after that, the books balance",
            before.len(),
            after.len() - before.len()
        ));
        Ok(())
    });
}

// failure: recovery | the stream of the stock is deleted; there is a backup that is current | the services are stopped,
// and the stream imported under a fence of the import | ids come back, downstream recognises them, and all goes on | an
// operator imports the backup
#[test]
fn the_stock_comes_back_from_its_backup() {
    drill("lost-stock", "inventory.stock");
}

// failure: recovery | the stream of the payments is deleted; there is a backup that is current | the same | nobody is
// charged twice, no refund is repeated | an operator imports the backup
#[test]
fn the_payments_come_back_from_their_backup_and_nobody_is_charged_twice() {
    drill("lost-payments", "payments");
}

/// What `payment replay ahead` says.
struct Ahead {
    /// How many events will be appended before any port replies.
    events: u64,
    /// How many were seen that can only follow from replies.
    by_replies: u64,
    /// The ids that others have seen otherwise.
    conflicts: BTreeSet<String>,
}

fn ahead(shop: &Shop) -> anyhow::Result<Ahead> {
    let mut command = shop.command(&binary("payment")?);
    command.args(["replay", "ahead", "--json"]);
    command.args(["--seen", "orders.outcome", "--seen", "inventory"]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let value: Value = serde_json::from_slice(&output.stdout).with_context(|| said.into_owned())?;
    let payment = &value["aggregates"][0];
    let number = |name: &str| payment[name].as_u64().with_context(|| name.to_owned());
    let listed = payment["conflicts"].as_array().context("conflicts")?;
    let ids = listed.iter().map(|conflict| conflict["id"].as_str());
    let conflicts: BTreeSet<String> = ids.flatten().map(str::to_owned).collect();
    let expected = if conflicts.is_empty() { 0 } else { 3 };
    ensure!(output.status.code() == Some(expected), "{}", output.status);
    Ok(Ahead {
        events: number("events")?,
        by_replies: number("seen_and_by_replies")?,
        conflicts,
    })
}

// failure: recovery | a stream is deleted; its backup is old | what came behind the backup is missing; `replay ahead` lists what
// will be decided again, and where others have seen it otherwise | ids come back, but for those that it lists; nobody is charged
// twice | an operator imports the backup, and looks at `replay ahead` before the service is started
#[test]
fn what_came_behind_an_old_backup_is_decided_again() {
    run_test("lost-behind", |shop| {
        let stream = "payments";
        let orders = if quick() { 800 } else { 8_000 };
        let folder = shop.folder().join("backup");
        let to = folder.to_string_lossy().into_owned();
        let running = shop.start_all()?;
        let first = run(shop, orders, 0)?;
        stop(running)?;
        kolo(shop, &["export", stream, "--to", &to])?;
        let kept = ids(shop, stream)?;
        let running = shop.start_all()?;
        let second = run(shop, orders / 2, orders)?;
        stop(running)?;

        let before = ids(shop, stream)?;
        let topics = Topics::of(shop.broker.address())?;
        topics.delete(stream)?;
        import(shop, &folder.join(stream))?;
        ensure!(kept == ids(shop, stream)?, "other events came back");
        let ahead = ahead(shop)?;
        let lost = before.len() - kept.len();
        ensure!(
            ahead.events > 0,
            "{lost} events are lost, and nothing is said of them"
        );

        let running = shop.start_all()?;
        let third = run(shop, orders / 4, orders + orders / 2)?;
        for load in [first, second, third] {
            let report = shop.audit(load.run, STALL)?;
            ensure!(report.balances(), "after the import: {:#}", report.0);
        }
        let after = ids(shop, stream)?;
        let gone: Vec<&String> = before.difference(&after).collect();
        let told = gone.iter().all(|id| ahead.conflicts.contains(*id));
        ensure!(
            told,
            "{gone:?} are gone, and {:?} were told",
            ahead.conflicts
        );
        stop(running)?;
        say(&format!(
            "{lost} events were lost: {} were foretold, {} that others had seen were to follow from replies, {} conflicts; {} did not come back",
            ahead.events,
            ahead.by_replies,
            ahead.conflicts.len(),
            gone.len()
        ));
        Ok(())
    });
}
