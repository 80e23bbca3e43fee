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
