//! Everything at once: the gateway is down, poison stands in every topic, a build with bugs is deployed and mended, and
//! processes are killed all the while. Then an operator frees, compares and mends.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kolo::{Event, EventType};
use serde_json::Value;
use shop::gateway::Faults;
use shop_faults::shop::{FAREWELL, STALL, binary};
use shop_faults::{
    Child, Load, Parked, Poison, Poisoner, Service, Shop, Watch, await_that, quick, run_test, say,
    topics::Topics,
};
use shop_schemas::inventory::{ReservationOpened, Sku, StockReceived};
use shop_schemas::order::{OrderCreated, OrderOpened};

/// How often a process is killed.
const KILL_EVERY: Duration = Duration::from_secs(3);
/// Why the build with bugs cancels what is paid.
const SUSPECTED: &str = "suspected of fraud";
/// The streams and inboxes: records of strangers there are nobody's business, but for those of a routed type.
const OTHERS: [&str; 8] = [
    "inventory",
    "inventory.stock",
    "payments",
    "orders.outcome",
    "order.lifecycle.inbox",
    "inventory.reservation.inbox",
    "inventory.stock.inbox",
    "payment.payment.inbox",
];

/// A key that is parked: the aggregate, the key, the class of its first failure.
type Key = (String, String, String);

struct Numbers {
    orders: u64,
    poison: usize,
    gateway_down: Duration,
    buggy: Duration,
}

fn numbers() -> Numbers {
    let (orders, gateway_down, buggy) = if quick() {
        (4_000, 5, 6)
    } else {
        (50_000, 30, 10)
    };
    Numbers {
        orders,
        // One in a hundred, in each topic.
        poison: usize::try_from(orders).unwrap_or_default() / 100,
        gateway_down: Duration::from_secs(gateway_down),
        buggy: Duration::from_secs(buggy),
    }
}

/// The services, one of which is killed now and then; the order service may be the buggy one.
struct Running {
    running: Vec<(Service, Child)>,
    killed: Instant,
    kills: u32,
    buggy_until: Option<Instant>,
}

impl Running {
    fn start(&self, shop: &mut Shop, service: Service) -> anyhow::Result<Child> {
        if service == Service::Order && self.buggy_until.is_some() {
            let command: Command = shop.command(env!("CARGO_BIN_EXE_buggy").as_ref());
            return shop.start_command("order-buggy", command);
        }
        shop.start(service)
    }

    /// Kills the next one if it is time.
    fn kill(&mut self, shop: &mut Shop) -> anyhow::Result<()> {
        if self.killed.elapsed() < KILL_EVERY {
            return Ok(());
        }
        self.killed = Instant::now();
        self.kills += 1;
        let (service, victim) = self.running.remove(0);
        victim.kill()?;
        let next = self.start(shop, service)?;
        self.running.push((service, next));
        Ok(())
    }

    /// Deploys another build of the order service: the one that runs is told to stop.
    fn deploy(&mut self, shop: &mut Shop, buggy_until: Option<Instant>) -> anyhow::Result<()> {
        self.buggy_until = buggy_until;
        let at = self
            .running
            .iter()
            .position(|(known, _)| *known == Service::Order);
        let (_, mut before) = self.running.remove(at.context("the order service")?);
        // One that was started just now does not yet listen for signals.
        before.await_printed("order starts", 1, STALL)?;
        before.terminate(FAREWELL)?;
        let next = self.start(shop, Service::Order)?;
        self.running.push((Service::Order, next));
        Ok(())
    }
}

/// Puts poison into every topic; gives the keys that are to be parked for it.
fn poison(shop: &Shop, number: usize) -> anyhow::Result<BTreeSet<Key>> {
    const OPENED: &EventType = ReservationOpened::TYPE;
    const ORDER: &EventType = OrderOpened::TYPE;
    let key =
        |aggregate: &str, key: String, class: &str| (aggregate.to_owned(), key, class.to_owned());
    let orders: Vec<OrderCreated> = Load::of(number as u64)
        .plan()
        .orders()
        .map(|planned| planned.order)
        .collect();
    let mut poisoner = Poisoner::connect(&shop.config())?;
    let mut expected = BTreeSet::new();
    for (number, order) in orders.iter().enumerate() {
        let id = order.order_id.to_string();
        poisoner.send(&Poison::of(order, &*id).garbage())?;
        expected.insert(key("order.lifecycle", id.clone(), "decode"));
        expected.insert(key("inventory.reservation", id.clone(), "decode"));
        let sku = format!("poison-{number}");
        let receipt = StockReceived {
            sku: Sku(sku.clone()),
            quantity: 1,
        };
        poisoner.send(&Poison::of(&receipt, &*sku).garbage())?;
        expected.insert(key("inventory.stock", sku.clone(), "decode"));
        for topic in OTHERS {
            // The inbox of the stock takes what was opened for what a router has put there.
            let (of, name) = if topic == "inventory.stock.inbox" {
                (OPENED, format!("poison-inbox-{number}"))
            } else {
                (ORDER, id.clone())
            };
            poisoner.send(&Poison {
                topic,
                key: Some(name.clone()),
                event_type: Some(of.name),
                value: b"not an event".to_vec(),
                astray: 0,
            })?;
            if topic == "inventory.stock.inbox" {
                expected.insert(key("inventory.stock", name, "origin"));
            }
        }
    }
    poisoner.flush()?;
    Ok(expected)
}

fn parked(shop: &Shop) -> anyhow::Result<BTreeSet<Key>> {
    let mut all = BTreeSet::new();
    for service in Service::ALL {
        let keys = shop.parked(service)?;
        all.extend(keys.into_iter().map(
            |Parked {
                 aggregate,
                 key,
                 class,
                 ..
             }| (aggregate, key, class),
        ));
    }
    Ok(all)
}

/// A command of the order service; gives its exit code and what it printed as JSON.
fn order(shop: &Shop, arguments: &[&str]) -> anyhow::Result<(Option<i32>, Value)> {
    let output = shop
        .command(&binary("order")?)
        .args(arguments)
        .arg("--json")
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("order {arguments:?}: {said}"))?;
    Ok((output.status.code(), value))
}

/// What the plan finds: the orders that were decided in another way, and those without an answer.
fn plan(shop: &Shop) -> anyhow::Result<(BTreeSet<String>, BTreeSet<String>)> {
    let (code, plan) = order(shop, &["replay", "plan"])?;
    ensure!(matches!(code, Some(0 | 3)), "the plan ended with {code:?}");
    let (mut different, mut missing) = (BTreeSet::new(), BTreeSet::new());
    let aggregates = plan["aggregates"].as_array().context("aggregates")?;
    for found in aggregates
        .iter()
        .flat_map(|aggregate| aggregate["differing"].as_array())
        .flatten()
    {
        let key = found["key"].as_str().context("a key")?.to_owned();
        match found["finding"].as_str() {
            Some("different") => different.insert(key),
            Some("missing") => missing.insert(key),
            other => anyhow::bail!("{other:?} of {key}: {found:#}"),
        };
    }
    Ok((different, missing))
}

fn is_of_bug((aggregate, _, class): &Key) -> bool {
    aggregate == "order.lifecycle" && class == "panic"
}

/// Whether each of the bugs has shown: on a busy machine, it may take longer than it is to.
fn has_shown(shop: &Shop, watch: &mut Watch) -> anyhow::Result<bool> {
    let suspected = watch.look()?.cancelled_for(SUSPECTED).next().is_some();
    Ok(suspected && parked(shop)?.iter().any(is_of_bug) && !plan(shop)?.1.is_empty())
}

/// Runs the load, and lets everything happen. Gives what must be parked for poison.
fn happen(
    shop: &mut Shop,
    watch: &mut Watch,
    load: Load,
    running: &mut Running,
) -> anyhow::Result<BTreeSet<Key>> {
    let numbers = numbers();
    let publishing = shop.publish(watch, load)?;
    let (mut poisoned, mut was_down, mut was_buggy) = (None, false, false);
    let begun = Instant::now();
    while !(publishing.is_done() && was_buggy && running.buggy_until.is_none()) {
        ensure!(
            begun.elapsed() < 4 * STALL,
            "the load is not published in {:?}",
            4 * STALL
        );
        let ended = watch.look()?.ended();
        if !was_down && ended > load.orders / 10 {
            was_down = true;
            let faults = Faults {
                refuse_ms: u64::try_from(numbers.gateway_down.as_millis())?,
                ..Faults::default()
            };
            shop.gateway
                .set_faults(faults)
                .map_err(anyhow::Error::msg)?;
            say(&format!(
                "the gateway refuses connections for {:?}, after {ended} orders",
                numbers.gateway_down
            ));
        }
        if poisoned.is_none() && ended > load.orders * 2 / 10 {
            poisoned = Some(poison(shop, numbers.poison)?);
            say(&format!(
                "{} poison records stand in each of 10 topics",
                numbers.poison
            ));
        }
        if !was_buggy && ended > load.orders * 3 / 10 {
            was_buggy = true;
            running.deploy(shop, Some(Instant::now() + numbers.buggy))?;
            say(&format!(
                "an order service with bugs is deployed, for {:?}",
                numbers.buggy
            ));
        }
        if running
            .buggy_until
            .is_some_and(|until| Instant::now() > until)
        {
            if has_shown(shop, watch)? {
                running.deploy(shop, None)?;
                say("it is mended");
            } else {
                running.buggy_until = Some(Instant::now() + Duration::from_secs(1));
            }
        }
        running.kill(shop)?;
    }
    publishing.finish()?;
    say(&format!(
        "{} orders are published; a process was killed with -9 {} times, every {KILL_EVERY:?}",
        load.orders, running.kills
    ));
    poisoned.context("no poison")
}

/// Waits until every order has ended, but for those that are parked or have no answer. Gives the latter.
fn settled(
    shop: &Shop,
    watch: &mut Watch,
    load: Load,
    poison: &BTreeSet<Key>,
) -> anyhow::Result<(BTreeSet<Key>, BTreeSet<String>)> {
    let mut found = None;
    let mut ended = 0;
    let waited = await_that(
        "every order has ended, is parked, or has no answer",
        STALL,
        || {
            let by_bug: BTreeSet<Key> = parked(shop)?.difference(poison).cloned().collect();
            let (_, missing) = plan(shop)?;
            let seen = watch.catch_up()?;
            ended = seen.ended();
            // One that was forgotten may have been cancelled by its customer since.
            let waiting = missing.iter().filter(|order| !seen.has_ended(order));
            let all = ended + (by_bug.len() + waiting.count()) as u64 == load.orders;
            found = Some((by_bug, missing));
            Ok(all)
        },
    );
    let found = found.context("nothing was found")?;
    waited.with_context(|| format!("{ended} have ended, and of the others: {found:#?}"))?;
    Ok(found)
}

/// Applies; what became of each order must be as it should.
fn applied(
    shop: &Shop,
    apply: &[&str],
    is_right: impl Fn(&str, &str) -> bool,
) -> anyhow::Result<()> {
    let (code, applied) = order(shop, apply)?;
    let inputs = applied["inputs"].as_array().context("inputs")?;
    let all = inputs.iter().map(|input| {
        let text = |name: &str| input[name].as_str().unwrap_or_default();
        (text("key"), text("outcome"))
    });
    let wrong: Vec<_> = all
        .clone()
        .filter(|(key, outcome)| !is_right(key, outcome))
        .collect();
    ensure!(wrong.is_empty(), "{apply:?} came to {wrong:#?}");
    let expected = i32::from(all.clone().any(|(_, outcome)| outcome != "answered"));
    ensure!(code == Some(expected), "{apply:?} ended with {code:?}");
    Ok(())
}

/// Applies, so slowly that it takes some seconds, and is killed once it has sent a quarter.
fn cut_off(shop: &Shop, missing: usize) -> anyhow::Result<()> {
    const INBOX: &str = "order.lifecycle.inbox";
    let topics = Topics::of(shop.broker.address())?;
    let quarter = (missing / 4).max(1);
    let until = topics.written(INBOX)? + i64::try_from(quarter)?;
    let mut command = shop.command(&binary("order")?);
    command.args(["replay", "apply", "--yes", "--rate", &quarter.to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut applying = command.spawn()?;
    await_that("a quarter is sent", STALL, || {
        Ok(topics.written(INBOX)? >= until)
    })?;
    applying.kill()?;
    applying.wait()?;
    Ok(())
}

// failure: recovery | the gateway is down, poison stands in every topic, a build with bugs is deployed and mended, and
// processes are killed every three seconds, all at once | the poisoned keys are parked, and those that the bugs could
// not bear; the orders that they forgot stay open | `replay plan` names exactly the wrong decisions; once what can be
// freed is redriven and what is missing applied, every order ends and the books balance | an operator: redrive, plan,
// apply
#[test]
fn everything_at_once() {
    run_test("everything", |shop| {
        let numbers = numbers();
        let mut running = Running {
            running: shop.start_all()?,
            killed: Instant::now(),
            kills: 0,
            buggy_until: None,
        };
        let mut watch = shop.watch()?;
        let load = Load {
            on_their_way: numbers.orders / 10,
            ..Load::of(numbers.orders)
        };
        let poison = happen(shop, &mut watch, load, &mut running)?;
        for (_, process) in &mut running.running {
            process.ensure_running()?;
        }
        let (by_bug, forgotten) = settled(shop, &mut watch, load, &poison)?;
        say(&format!(
            "{} keys are parked for poison, {} by a bug; {} orders have no answer",
            poison.len(),
            by_bug.len(),
            forgotten.len()
        ));

        // What is parked is what was poisoned, and what the bug could not bear.
        let all = parked(shop)?;
        let lost: Vec<_> = poison.difference(&all).collect();
        ensure!(lost.is_empty(), "{lost:#?} should be parked");
        ensure!(
            by_bug.iter().all(is_of_bug) && !by_bug.is_empty(),
            "{by_bug:#?} are parked"
        );

        // Redriven, and free; the poison stays.
        let (code, freed) = order(
            shop,
            &["parked", "redrive", "--class", "panic", "--timeout", "120s"],
        )?;
        ensure!(
            code == Some(0),
            "the redrive ended with {code:?}: {freed:#}"
        );
        ensure!(
            parked(shop)? == poison,
            "what was poisoned is parked, and nothing else"
        );
        say(&format!(
            "`parked redrive --class panic` freed {} keys",
            by_bug.len()
        ));

        // The plan names what was decided wrongly, and nothing else.
        let wrong = watch.catch_up()?.cancelled_for(SUSPECTED);
        let wrong: BTreeSet<String> = wrong.map(str::to_owned).collect();
        let (different, missing) = plan(shop)?;
        ensure!(
            !wrong.is_empty() && !missing.is_empty(),
            "the bugs have shown"
        );
        ensure!(
            different == wrong,
            "{different:#?} are named, and {wrong:#?} were decided wrongly"
        );
        ensure!(
            missing == forgotten,
            "{missing:#?} are named, and {forgotten:#?} have no answer"
        );
        say(&format!(
            "`replay plan` names the {} orders that were decided wrongly, and the {} that have no answer",
            wrong.len(),
            missing.len()
        ));

        cut_off(shop, missing.len())?;
        let (_, left) = plan(shop)?;
        ensure!(left.is_subset(&missing), "{left:#?} were not missing");
        let apply = ["replay", "apply", "--yes", "--timeout", "120s"];
        let seen = watch.catch_up()?;
        let late: BTreeSet<String> = left
            .iter()
            .filter(|key| seen.has_ended(key))
            .cloned()
            .collect();
        applied(shop, &apply, |key, outcome| match outcome {
            "answered" => true,
            // Its customer has cancelled it, so that there is nothing to say any more.
            "nothing" => late.contains(key),
            _ => false,
        })?;
        applied(shop, &apply, |key, outcome| {
            outcome == "nothing" && late.contains(key)
        })?;
        shop.await_ends(&mut watch, load.orders)?;
        let report = shop.audit(load.run, STALL)?;
        ensure!(
            report.balances() && report.number("orders") == load.orders,
            "the books do not balance: {:#}",
            report.0
        );
        say(&format!(
            "`replay apply`, killed with {} of {} left and typed again, gave all answers that are still wanted. {} orders: {} confirmed, {} cancelled, {} void records, the books balance",
            left.len(),
            missing.len(),
            load.orders,
            report.number("confirmed"),
            report.number("cancelled"),
            report.number("void"),
        ));
        Ok(())
    });
}
