//! Orders that stand still among ten thousand, for five causes: kolo says which, why, and what to type. What it prints is shown in
//! docs/operations.md.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde_json::Value;
use shop::RunId;
use shop::gateway::Faults;
use shop::load::Publisher;
use shop_faults::shop::{FAREWELL, STALL, binary};
use shop_faults::{
    Child, Load, Planted, Poison, Poisoner, Service, Shop, Transcript, Watch, await_that, run_test,
    say,
};

/// All orders, of which these few stand still.
const ORDERS: u64 = 10_000;
const DOWN: usize = 12;
const POISONED: usize = 2;
/// So few that the breaker, which counts their calls, stays closed for minutes.
const REFUSED: usize = 2;
/// More than the breaker lets fail in a row.
const BROKEN: usize = 60;
const BEHIND: usize = 12;

/// What must be said of the orders that stand still.
struct Expected {
    heading: &'static str,
    text: &'static str,
    cause: &'static str,
    by: &'static [&'static str],
    next: &'static str,
    /// What is typed, beside `kolo sagas --stuck`.
    more: &'static [&'static str],
}

/// The shop with its processes, and what was found out.
struct Scene<'s> {
    shop: &'s mut Shop,
    watch: Watch,
    running: BTreeMap<&'static str, Child>,
    publisher: Publisher,
    transcript: Transcript,
}

impl Scene<'_> {
    fn process(&mut self, service: Service) -> anyhow::Result<&mut Child> {
        let process = self.running.get_mut(service.name());
        process.context("it does not run")
    }

    fn stop(&mut self, service: Service) -> anyhow::Result<()> {
        let process = self.running.remove(service.name());
        process.context("it does not run")?.terminate(FAREWELL)
    }

    fn start(&mut self, service: Service) -> anyhow::Result<()> {
        let process = self.shop.start(service)?;
        self.running.insert(service.name(), process);
        Ok(())
    }

    fn set_faults(&self, faults: Faults) -> anyhow::Result<()> {
        let set = self.shop.gateway.set_faults(faults);
        set.map_err(anyhow::Error::msg)
    }

    fn prepare(&mut self, run: &str, count: usize) -> anyhow::Result<Planted> {
        let run: RunId = run.parse()?;
        Planted::prepare(self.shop, &mut self.watch, run, count)
    }

    /// Waits until `kolo sagas --stuck` lists these orders and no others, all for this cause; then `kolo explain` of one must
    /// name the cause and the command as well.
    fn expect(&mut self, planted: &Planted, expected: &Expected) -> anyhow::Result<()> {
        let ids = planted.ids();
        let mut arguments = vec!["sagas", "--stuck"];
        arguments.extend(expected.more);
        let json = [arguments.as_slice(), &["--json"]].concat();
        let mut listed = Value::Null;
        let waited = await_that("exactly these orders are listed", STALL, || {
            listed = serde_json::from_str(&self.shop.kolo(&json)?)?;
            let sagas = listed["sagas"].as_array().context("no sagas")?;
            let names = sagas.iter().filter_map(|saga| saga["name"].as_str());
            let mut names: Vec<&str> = names.collect();
            names.sort_unstable();
            let is_cause = |saga: &Value| {
                let by = saga["by"].as_str().unwrap_or_default();
                saga["cause"] == expected.cause && expected.by.contains(&by)
            };
            // What has ended just now looks as if it went on, until its aggregates write how far they are.
            let open = ["stuck", "running", "compensating"].map(|status| &listed["counts"][status]);
            let open: u64 = open.into_iter().filter_map(Value::as_u64).sum();
            Ok(names.into_iter().eq(ids.iter())
                && sagas.iter().all(is_cause)
                && open == ids.len() as u64)
        });
        waited.with_context(|| format!("{}: the last list: {listed:#}", expected.cause))?;
        let id = ids.first().context("no order")?;
        let explained: Value = serde_json::from_str(&self.shop.kolo(&["explain", id, "--json"])?)?;
        self.expect_explained(id, &explained, expected)?;

        arguments.extend(["--limit", "3"]);
        let mut shown = Vec::new();
        for command in [arguments.as_slice(), &["explain", id]] {
            let typed = format!("kolo {}", command.join(" "));
            shown.push((typed, self.shop.kolo(command)?));
        }
        self.transcript.explain(expected.heading, expected.text);
        self.transcript.show(&shown);
        say(&format!(
            "{}: {} orders are listed",
            expected.cause,
            ids.len()
        ));
        Ok(())
    }

    fn expect_explained(
        &self,
        id: &str,
        explained: &Value,
        expected: &Expected,
    ) -> anyhow::Result<()> {
        let first = &explained["waits"][0];
        let next = explained["next"].as_array().into_iter().flatten();
        let mut next = next.filter_map(Value::as_str);
        let wanted = expected.next.replace("ID", id);
        ensure!(
            expected.by.iter().any(|by| first["by"] == *by) && next.any(|next| next == wanted),
            "the worst wait should be for {:?}, and the next command `{wanted}`: {explained:#}",
            expected.by
        );
        Ok(())
    }

    /// Whatever was planted has been mended: the orders end, and nothing stands still any more.
    fn expect_over(&mut self, planted: &Planted) -> anyhow::Result<()> {
        planted.await_ends(&mut self.watch)?;
        let mut listed = Value::Null;
        let waited = await_that("no order is listed", STALL, || {
            listed = serde_json::from_str(&self.shop.kolo(&["sagas", "--stuck", "--json"])?)?;
            Ok(listed["matching"] == 0)
        });
        waited.with_context(|| format!("the last list: {listed:#}"))
    }

    fn payment_is_down(&mut self) -> anyhow::Result<()> {
        let planted = self.prepare("0000000a", DOWN)?;
        self.stop(Service::Payment)?;
        planted.place(&mut self.publisher)?;
        self.expect(
            &planted,
            &Expected {
                heading: "Nobody is there",
                text: "The payment service was stopped.",
                cause: "down",
                by: &["payment.payment"],
                next: "payment run",
                more: &[],
            },
        )?;
        self.start(Service::Payment)?;
        self.expect_over(&planted)
    }

    fn keys_are_parked(&mut self) -> anyhow::Result<()> {
        let planted = self.prepare("0000000b", POISONED)?;
        let mut poisoner = Poisoner::connect(&self.shop.config())?;
        for order in planted.orders() {
            poisoner.write(&Poison::of(order, order.order_id.to_string()).garbage())?;
        }
        planted.place(&mut self.publisher)?;
        await_that("both services have parked them", STALL, || {
            let parked = |service| self.shop.parked(service).map(|all| all.len());
            Ok(parked(Service::Order)? >= POISONED && parked(Service::Inventory)? >= POISONED)
        })?;
        self.expect(
            &planted,
            &Expected {
                heading: "A key is parked",
                text: "Under the ids of two orders, somebody published bytes that are no event, ahead of the orders.",
                cause: "parked",
                by: &["order.lifecycle", "inventory.reservation"],
                next: "order parked redrive ID",
                more: &[],
            },
        )?;
        for service in [Service::Order, Service::Inventory] {
            for parked in self.shop.parked(service)? {
                let output = self.shop.drop_command(service, &parked, STALL)?.output()?;
                let said = String::from_utf8_lossy(&output.stderr);
                ensure!(output.status.success(), "{parked:?} is not dropped: {said}");
            }
        }
        self.expect_over(&planted)
    }

    /// The gateway answers no call of these orders as it should, until all of it is told.
    fn the_gateway_refuses(
        &mut self,
        run: &str,
        count: usize,
        expected: &Expected,
    ) -> anyhow::Result<()> {
        let planted = self.prepare(run, count)?;
        let called = |scene: &Self| scene.shop.gateway.statement().calls.len();
        let before = called(self);
        let refuses = Faults {
            error_rate: 1.0,
            ..Faults::default()
        };
        // So slow that each order is called for before the breaker opens, and has a problem of its own.
        self.set_faults(Faults {
            latency_ms: 2_000,
            ..refuses
        })?;
        planted.place(&mut self.publisher)?;
        await_that("each order is called for", STALL, || {
            Ok(called(self) >= before + count)
        })?;
        self.set_faults(refuses)?;
        self.expect(&planted, expected)?;
        self.set_faults(Faults::default())?;
        self.expect_over(&planted)
    }

    fn calls_fail(&mut self) -> anyhow::Result<()> {
        let expected = Expected {
            heading: "What is called refuses",
            text: "The gateway answered every call with status 500.",
            cause: "failing",
            by: &["payment.payment"],
            next: "kolo tail kolo.effects",
            more: &[],
        };
        self.the_gateway_refuses("0000000c", REFUSED, &expected)
    }

    fn the_breaker_opens(&mut self) -> anyhow::Result<()> {
        let expected = Expected {
            heading: "The breaker is open",
            text: "The same, with so many orders that the breaker of the port opened: calls are no longer made, but for one now and then.",
            cause: "breaker",
            by: &["payment.payment"],
            next: "kolo tail kolo.effects",
            more: &[],
        };
        self.the_gateway_refuses("0000000d", BROKEN, &expected)
    }

    /// A process that stands still, and is in its group for as long as its session lasts: it cannot be told from a slow one.
    fn inventory_is_behind(&mut self) -> anyhow::Result<()> {
        let planted = self.prepare("0000000e", BEHIND)?;
        self.stop(Service::Inventory)?;
        let mut command = self.shop.command(&binary(Service::Inventory.name())?);
        command.env("KOLO_SESSION_TIMEOUT_MS", "300000");
        let process = self.shop.start_command("inventory-slow", command)?;
        self.running.insert(Service::Inventory.name(), process);
        // It is in its group, and at work, once an order went through.
        let probe = self.prepare("0000000f", 1)?;
        probe.place(&mut self.publisher)?;
        probe.await_ends(&mut self.watch)?;
        self.process(Service::Inventory)?.pause()?;
        planted.place(&mut self.publisher)?;
        self.expect(
            &planted,
            &Expected {
                heading: "A consumer is behind",
                text: "The inventory service was there, and decided nothing. Sagas that wait for one that is merely slow are not `stuck`; `--stuck` lists them once they have waited for longer than `--older` says.",
                cause: "behind",
                by: &["inventory.reservation"],
                next: "kolo lag inventory.reservation",
                more: &["--older", "5s"],
            },
        )?;
        self.process(Service::Inventory)?.resume()?;
        self.expect_over(&planted)
    }
}

#[test]
fn five_causes_are_told() {
    run_test("waiting", |shop| {
        let running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let planted = DOWN + POISONED + REFUSED + BROKEN + BEHIND + 1;
        let load = Load::of(ORDERS - planted as u64);
        let publishing = shop.publish(&mut watch, load)?;
        shop.settle(&mut watch, publishing, load, 0)?;
        let mut scene = Scene {
            publisher: shop.publisher()?,
            watch,
            running: running
                .into_iter()
                .map(|(service, process)| (service.name(), process))
                .collect(),
            transcript: Transcript::default(),
            shop,
        };
        scene.payment_is_down()?;
        scene.keys_are_parked()?;
        scene.calls_fail()?;
        scene.the_breaker_opens()?;
        scene.inventory_is_behind()?;
        let audit = scene.shop.audit(load.run, STALL)?;
        ensure!(audit.balances(), "the books do not balance: {:#}", audit.0);
        scene.transcript.hold_against("operations.md")
    });
}
