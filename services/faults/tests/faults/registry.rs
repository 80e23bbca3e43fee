//! A schema registry that is away holds nobody up but who starts, and records of schemas that nobody has seen.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kolo::Event;
use shop::audit::{From, Reader};
use shop_faults::shop::{FAREWELL, STALL, binary};
use shop_faults::watch::STREAMS;
use shop_faults::{
    Load, Poison, Poisoner, Registry, Service, Shop, await_that, quick, run_test, say,
};
use shop_schemas::inventory::StockReceived;
use shop_schemas::order::OrderCreated;

/// The schemas of all events of the shop.
const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");

/// How long it is away at least: longer than sessions, pauses between two tries, and whatever else is counted in seconds.
const OUTAGE: Duration = Duration::from_secs(60);

/// Runs `kolo`; gives its exit code, and what it printed.
fn kolo(shop: &Shop, arguments: &[&str]) -> anyhow::Result<(i32, String)> {
    let mut command = shop.command(&binary("kolo")?);
    command.args(arguments).env("KOLO_SCHEMAS", SCHEMAS);
    let output = command.output()?;
    let said = [output.stdout, output.stderr].concat();
    let code = output.status.code().context("kolo was killed")?;
    Ok((code, String::from_utf8(said)?))
}

/// Registers all schemas, as a pipeline does; says how many.
fn register(shop: &Shop, registry: &Registry) -> anyhow::Result<usize> {
    let (code, said) = kolo(shop, &["schema", "register", "--dry-run"])?;
    ensure!(code == 1 && said.contains("missing"), "{code}: {said}");
    let (code, said) = kolo(shop, &["schema", "register"])?;
    ensure!(code == 0, "{code}: {said}");
    let registered = said.matches("registered shop.").count();
    ensure!(registered == shop_schemas::EVENTS.len(), "{said}");
    let (code, said) = kolo(shop, &["schema", "register", "--json"])?;
    let known = said.matches(r#""state":"known""#).count();
    ensure!(code == 0 && known == registered, "{code}: {said}");
    registry.learn_ids()?;
    Ok(registered)
}

fn ids_in_frames(shop: &Shop) -> anyhow::Result<u64> {
    let mut by_id = 0;
    let mut other = None;
    let mut reader = Reader::open(&shop.config(), &STREAMS, From::Beginning)?;
    reader.catch_up(|place, record| {
        match record.value.first() {
            Some(0) => by_id += 1,
            // What kolo writes for itself.
            Some(b'{') => {}
            _ => {
                other = Some(format!(
                    "{place}: {:02x?}",
                    &record.value[..record.value.len().min(12)]
                ));
            }
        }
        Ok(())
    })?;
    ensure!(
        other.is_none(),
        "not framed by id: {}",
        other.unwrap_or_default()
    );
    Ok(by_id)
}

// failure: registry | it is away, for a minute and more | services go on with the schemas that they have seen, and what is
// published meanwhile ends meanwhile; one that starts waits before it owns anything, and its log says for what; one with a schema
// that was never registered ends, and names it | nothing is lost, it begins when the registry is back | no; `kolo schema register`
// for what is missing
#[test]
fn a_registry_that_is_away_is_noticed_by_those_who_start() {
    run_test("registry-away", |shop| {
        let mut registry = Registry::start()?;
        shop.use_registry(&registry);
        let mut early = shop.start(Service::Order)?;
        let status = early.exit(STALL)?;
        let said = early.printed()?;
        ensure!(status.code() == Some(1), "{status}: {said}");
        for expected in ["shop.order.", "kolo schema register"] {
            ensure!(said.contains(expected), "`{expected}` is not said: {said}");
        }

        let schemas = register(shop, &registry)?;
        let orders = if quick() { 1_000 } else { 10_000 };
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let first = Load::of(orders);
        // A publisher goes on without a registry, and cannot begin without one.
        let early = (shop.publisher()?, shop.publisher()?);
        let publishing = shop.publish(&mut watch, first)?;
        shop.await_ends(&mut watch, orders / 4)?;
        registry.goes_away();
        let away = Instant::now();
        shop.await_ends(&mut watch, orders)?;
        publishing.finish()?;

        // Another load lasts for the whole of it, and ends before the registry is back.
        let second = Load::of(3 * orders).over(OUTAGE);
        let publishing = shop.publish_by(early.0, &mut watch, second)?;
        let ended = first.orders + second.orders;
        shop.await_ends(&mut watch, ended)?;
        publishing.finish()?;
        for (_, service) in &mut running {
            service.ensure_running()?;
        }

        // One of them starts again, and cannot; what is published now waits for it.
        let at = running
            .iter()
            .position(|(service, _)| *service == Service::Payment);
        let (_, payment) = running.remove(at.context("payment runs")?);
        payment.terminate(FAREWELL)?;
        let mut payment = shop.start(Service::Payment)?;
        payment.await_printed("waits for the id of the schema of shop.payment.", 1, STALL)?;
        let third = Load::of(orders / 4);
        let publishing = shop.publish_by(early.1, &mut watch, third)?;
        shop.await_ends(&mut watch, ended + 1)?;
        ensure!(
            payment.count("took over")? == 0,
            "it owns partitions, and cannot write: {}",
            payment.printed()?
        );
        let away = away.elapsed();
        ensure!(away >= OUTAGE, "it was away for {away:?} only");
        registry.comes_back()?;
        shop.settle(&mut watch, publishing, third, ended)?;
        for run in [first.run, second.run] {
            let report = shop.audit(run, STALL)?;
            ensure!(report.balances(), "after the outage: {:#}", report.0);
        }
        let by_id = ids_in_frames(shop)?;
        ensure!(by_id > ended, "{by_id} events are framed by id");
        say(&format!(
            "{schemas} schemas: away for {away:.0?}, in which {} orders were published and ended, and payment waited for it; {by_id} events name their schema by id",
            second.orders
        ));
        running.push((Service::Payment, payment));
        running
            .into_iter()
            .try_for_each(|(_, service)| service.terminate(FAREWELL))
    });
}

/// A fact from outside with this id in its frame.
fn with_id(order: &OrderCreated, id: u32) -> Poison {
    let mut poison = Poison::of(order, order.order_id.to_string());
    // Ten bytes name the schema by its fingerprint.
    let body = poison.value.split_off(10);
    poison.value = [&[0], id.to_be_bytes().as_slice(), &body].concat();
    poison
}

// failure: registry | a record names its schema by an id that is new to the service, of nothing, or of another event | while
// the registry is away it waits, with those behind it; of nothing or of another event, its key is parked | it is decided when the
// registry is back; or by a redrive, once its id has a meaning | an operator registers and redrives, or drops it
#[test]
fn an_id_that_nobody_has_seen_waits_and_one_of_nothing_is_parked() {
    run_test("registry-ids", |shop| {
        let mut registry = Registry::start()?;
        shop.use_registry(&registry);
        register(shop, &registry)?;
        let mut watch = shop.watch()?;
        let running = shop.start_all()?;
        let load = Load::of(100);
        let publishing = shop.publish(&mut watch, load)?;
        shop.settle(&mut watch, publishing, load, 0)?;

        let strange = Load::of(3);
        let orders: Vec<OrderCreated> = strange.plan().orders().map(|one| one.order).collect();
        let [nothing, wrong, new] = orders.as_slice() else {
            anyhow::bail!("three orders were expected");
        };
        let mut poisoner = Poisoner::connect(&shop.config())?;
        let unknown = registry.free_id();
        poisoner.write(&with_id(nothing, unknown))?;
        let receipts = registry.id_of(StockReceived::TYPE.name)?;
        poisoner.write(&with_id(wrong, receipts))?;
        await_that("both keys are parked", STALL, || {
            let parked = shop.parked(Service::Order)?;
            Ok(parked.len() == 2 && parked.iter().all(|parked| parked.class == "decode"))
        })?;
        let shown = |order: &OrderCreated| -> anyhow::Result<String> {
            let key = order.order_id.to_string();
            let mut show = shop.parked_command(Service::Order, &["show", &key])?;
            Ok(String::from_utf8(show.output()?.stdout)?)
        };
        let (of_nothing, of_wrong) = (shown(nothing)?, shown(wrong)?);
        let expected = format!("the schema with the id {unknown}");
        ensure!(of_nothing.contains(&expected), "{of_nothing}");
        ensure!(
            of_wrong.contains("`shop.inventory.StockReceived`"),
            "{of_wrong}"
        );

        // The tools look ids up as well.
        let value = r#"{"sku": "tea", "quantity": 3}"#;
        let (code, said) = kolo(shop, &["publish", "StockReceived", value])?;
        ensure!(code == 0, "{code}: {said}");
        let tail = [
            "tail",
            "stock-receipts",
            "--from",
            "beginning",
            "--no-follow",
            "--json",
        ];
        let (code, said) = kolo(shop, &tail)?;
        ensure!(
            code == 0 && said.contains(r#""sku":"tea""#),
            "{code}: {said}"
        );

        // An id that nobody has seen, while nobody can be asked.
        registry.goes_away();
        let (code, said) = kolo(shop, &["publish", "StockReceived", value])?;
        ensure!(
            code == 1 && said.contains("nothing is published"),
            "{code}: {said}"
        );
        let unseen = registry.free_id();
        registry.put(unseen, OrderCreated::TYPE.schema)?;
        poisoner.write(&with_id(new, unseen))?;
        let waits = format!("its schema id {unseen} means");
        let mut running = running;
        for (service, process) in &mut running {
            if *service == Service::Order {
                process.await_printed(&waits, 1, STALL)?;
            }
        }
        ensure!(
            shop.parked(Service::Order)?.len() == 2,
            "it was not to be parked"
        );
        let key = new.order_id.to_string();
        ensure!(!watch.catch_up()?.has_ended(&key), "it was to wait");
        registry.comes_back()?;
        await_that("what waited has ended", STALL, || {
            Ok(watch.look()?.has_ended(&key))
        })?;

        // The id has a meaning now.
        registry.put(unknown, OrderCreated::TYPE.schema)?;
        for service in [Service::Order, Service::Inventory] {
            let key = nothing.order_id.to_string();
            // That it had none is believed for a while.
            await_that("it is decided by a redrive", STALL, || {
                let output = shop.parked_command(service, &["redrive", &key])?.output()?;
                let said = String::from_utf8_lossy(&output.stderr);
                ensure!(matches!(output.status.code(), Some(0 | 1)), "{said}");
                let parked = shop.parked(service)?;
                Ok(parked.iter().all(|parked| parked.key != key))
            })?;
        }
        let key = nothing.order_id.to_string();
        await_that("what was parked has ended", STALL, || {
            Ok(watch.look()?.has_ended(&key))
        })?;
        let report = shop.audit(load.run, STALL)?;
        ensure!(report.balances(), "{:#}", report.0);
        running
            .into_iter()
            .try_for_each(|(_, service)| service.terminate(FAREWELL))
    });
}

// failure: registry | partitions move while a record waits for it | whoever owns them now reads what it needs itself | nothing is
// lost or decided twice | no
#[test]
fn what_waits_may_change_its_owner() {
    run_test("registry-moves", |shop| {
        let mut registry = Registry::start()?;
        shop.use_registry(&registry);
        register(shop, &registry)?;
        let unseen = registry.free_id();
        registry.put(unseen, OrderCreated::TYPE.schema)?;
        registry.trouble(unseen)?;
        let mut watch = shop.watch()?;
        let mut running = shop.start_all()?;
        let load = Load::of(if quick() { 1_000 } else { 10_000 });
        let publishing = shop.publish(&mut watch, load)?;
        let strange = Load::of(1).plan();
        let strange = strange.orders().next().context("an order")?.order;
        Poisoner::connect(&shop.config())?.write(&with_id(&strange, unseen))?;
        let waits = format!("its schema id {unseen} means");
        for (service, process) in &mut running {
            if *service != Service::Payment {
                process.await_printed(&waits, 1, STALL)?;
            }
        }
        // Half of the partitions go, and come back.
        for service in [Service::Order, Service::Inventory] {
            let mut other = shop.start(service)?;
            other.await_printed("took over", 3, STALL)?;
            other.terminate(FAREWELL)?;
        }
        registry.end_trouble()?;
        let key = strange.order_id.to_string();
        await_that("what waited has ended", STALL, || {
            Ok(watch.look()?.has_ended(&key))
        })?;
        shop.settle(&mut watch, publishing, load, 1)?;
        running
            .into_iter()
            .try_for_each(|(_, service)| service.terminate(FAREWELL))
    });
}
