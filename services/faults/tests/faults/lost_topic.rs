//! The drill for a lost topic: a stream is deleted, and comes back from its backup.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;
use shop_faults::shop::{FAREWELL, Report, STALL, Service, Shop, binary, say};
use shop_faults::{Child, Load, await_that, quick, run_test, topics::Topics};

/// A valid event of a stream.
struct Stands {
    key: String,
    event_type: String,
}

/// The valid events of a stream, by id.
fn events(shop: &Shop, stream: &str) -> anyhow::Result<BTreeMap<String, Stands>> {
    let tail = [
        "tail",
        stream,
        "--from",
        "beginning",
        "--no-follow",
        "--json",
    ];
    let mut events = BTreeMap::new();
    for line in shop.kolo(&tail)?.lines() {
        let record: Value = serde_json::from_str(line)?;
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let event_type = text("type");
        if record["standing"] == "valid" && !event_type.starts_with("kolo.") {
            let (id, key) = (text("id"), text("key"));
            let twice = format!("{id} stands twice in {stream}");
            let stands = Stands { key, event_type };
            ensure!(events.insert(id, stands).is_none(), twice);
        }
    }
    Ok(events)
}

/// The ids of the valid events of a stream.
fn ids(shop: &Shop, stream: &str) -> anyhow::Result<BTreeSet<String>> {
    Ok(events(shop, stream)?.into_keys().collect())
}

/// Imports a stream once nobody is in its group any more: who has just left may be in it until the session ends.
fn import(shop: &Shop, backup: &Path) -> anyhow::Result<()> {
    let arguments = ["import", &backup.to_string_lossy()];
    await_that("the stream is imported", STALL, || {
        match shop.kolo(&arguments) {
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
        shop.kolo(&["export", stream, "--to", &to])?;
        shop.kolo(&["verify-export", &to])?;

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

/// How long one look of the audit may take.
const MOMENT: Duration = Duration::from_secs(1);

/// What the audit misses that is none of the events that are gone.
fn missed(report: &Report, gone: &BTreeMap<&String, &Stands>) -> Option<String> {
    if report.number("pending") != 0 {
        return Some("it has not settled".to_owned());
    }
    let violated = report.violated().into_iter();
    let mut others = violated.filter(|invariant| !["causes", "money"].contains(invariant));
    if let Some(invariant) = others.next() {
        return Some(format!("{invariant} does not hold"));
    }
    let violations = report.0["violations"].as_object().into_iter().flatten();
    let mut texts = violations
        .filter_map(|(_, texts)| texts.as_array())
        .flatten()
        .filter_map(Value::as_str);
    let is_of_gone = |text: &&str| gone.keys().any(|id| text.contains(id.as_str()));
    texts.find(|text| !is_of_gone(text)).map(str::to_owned)
}

/// What is not as it was: the events that did not come back are of orders that were cancelled, and whatever the audit
/// misses is one of them. What is audited beside that holds.
fn ensure_only_undone_is_gone(
    shop: &Shop,
    gone: &BTreeMap<&String, &Stands>,
    ahead: &Ahead,
    loads: &[Load],
) -> anyhow::Result<()> {
    let outcome = events(shop, "orders.outcome")?;
    let cancelled: BTreeSet<&str> = outcome
        .values()
        .filter(|event| event.event_type.ends_with(".OrderCancelled"))
        .map(|event| event.key.as_str())
        .collect();
    for (id, event) in gone {
        ensure!(
            ahead.conflicts.contains(*id) || cancelled.contains(event.key.as_str()),
            "{id}, {} of {}, is gone: it was not told, and the order was not cancelled",
            event.event_type,
            event.key
        );
    }
    for load in loads {
        // The audit itself would wait for books that balance, which they may never.
        let mut report = shop.audit(load.run, MOMENT)?;
        let begun = Instant::now();
        while let Some(missed) = missed(&report, gone) {
            ensure!(
                begun.elapsed() < STALL,
                "after the import: {missed}: {:#}",
                report.0
            );
            report = shop.audit(load.run, MOMENT)?;
        }
    }
    Ok(())
}

// failure: recovery | a stream is deleted; its backup is old | what came behind the backup is missing; `replay ahead` lists what
// will be decided again, and where others have seen it otherwise | ids come back, but for those that it lists, and those of
// sagas that were undone: an undo may now be read before its step, which is not done again then; nobody is charged twice | an
// operator imports the backup, and looks at `replay ahead` before the service is started
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
        shop.kolo(&["export", stream, "--to", &to])?;
        let kept = ids(shop, stream)?;
        let running = shop.start_all()?;
        let second = run(shop, orders / 2, orders)?;
        stop(running)?;

        let before = events(shop, stream)?;
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
        let settled = shop.audit(third.run, STALL)?;
        ensure!(settled.balances(), "what came later: {:#}", settled.0);
        let after = ids(shop, stream)?;
        let gone: BTreeMap<&String, &Stands> = before
            .iter()
            .filter(|(id, _)| !after.contains(*id))
            .collect();
        ensure_only_undone_is_gone(shop, &gone, &ahead, &[first, second])?;
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
