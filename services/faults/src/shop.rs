//! The whole sample under test: a broker, the gateway, and services as processes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kolo::Config;
use kolo::registry::Settings;
use serde_json::Value;
use shop::RunId;
use shop::audit::Topic;
use shop::gateway::{Faults, Gateway};
use shop::load::{self, Plan, Publisher};
use tempfile::TempDir;

use crate::await_that;
use crate::broker::Broker;
use crate::child::{Child, tail};
use crate::publish::Publishing;
use crate::registry::Registry;
use crate::watch::Watch;

/// How long nothing may move before a test gives up. A machine with two busy cores recovers in a tenth of it.
pub const STALL: Duration = Duration::from_secs(240);
/// After how long without a sign of life another instance takes over.
pub const SESSION: Duration = Duration::from_secs(3);
/// How long a service that is told to stop may take.
pub const FAREWELL: Duration = Duration::from_secs(30);

/// A service of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Opens orders and ends them.
    Order,
    /// Reserves.
    Inventory,
    /// Charges.
    Payment,
}

impl Service {
    /// All of them.
    pub const ALL: [Service; 3] = [Service::Order, Service::Inventory, Service::Payment];

    /// Its name, which is that of its binary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Service::Order => "order",
            Service::Inventory => "inventory",
            Service::Payment => "payment",
        }
    }

    /// The streams that it writes.
    #[must_use]
    pub const fn streams(self) -> &'static [Topic] {
        match self {
            Service::Order => &[Topic::Outcome],
            Service::Inventory => &[Topic::Reservations, Topic::Stock],
            Service::Payment => &[Topic::Payments],
        }
    }
}

/// What is published.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many orders.
    pub orders: u64,
    /// The share of orders that are published twice.
    pub duplicates: f64,
    /// The run they belong to.
    pub run: RunId,
    /// What they are drawn from.
    pub seed: u64,
    /// How many may be on their way at once. So a run lasts for as long as it is struck, however long that takes:
    /// whatever is struck has work, or will have.
    pub on_their_way: u64,
    /// Over how long they are published, evenly; as fast as others end if that is zero.
    pub over: Duration,
}

impl Load {
    /// So many orders of a run of their own.
    #[must_use]
    pub fn of(orders: u64) -> Load {
        Load {
            orders,
            duplicates: 0.0,
            run: RunId::fresh(),
            seed: 7,
            on_their_way: 300,
            over: Duration::ZERO,
        }
    }

    /// The same, published evenly over so long, and no faster.
    #[must_use]
    pub fn over(self, over: Duration) -> Load {
        Load { over, ..self }
    }

    /// What is published, order by order.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan {
            run: self.run,
            orders: self.orders,
            seed: self.seed,
            duplicates: self.duplicates,
        }
    }
}

/// Whether smaller numbers are wanted.
#[must_use]
pub fn quick() -> bool {
    std::env::var("KOLO_FAULTS_QUICK").is_ok_and(|quick| quick == "1")
}

/// Tells whoever runs the tests something, on a line of its own.
#[expect(
    clippy::print_stdout,
    reason = "what was measured is for people to read"
)]
pub fn say(text: &str) {
    println!("      {text}");
}

/// Runs a test on a shop of its own. If it fails, what the processes printed last is shown.
///
/// # Panics
/// When the test fails.
pub fn run_test(name: &str, test: impl FnOnce(&mut Shop) -> anyhow::Result<()>) {
    let mut shop = match Shop::open(name) {
        Ok(shop) => shop,
        Err(error) => panic!("{name}: {error:?}"),
    };
    let begun = Instant::now();
    if let Err(error) = test(&mut shop) {
        panic!("{name}: {error:?}\n{}", shop.logs());
    }
    say(&format!("{name}: passed in {:.0?}", begun.elapsed()));
}

/// A broker, the gateway, and whatever is started.
pub struct Shop {
    /// Where every moment of a fault is drawn from.
    pub random: fastrand::Rng,
    /// The broker. It is dropped before the folder that its data may be in.
    pub broker: Broker,
    /// The gateway.
    pub gateway: Gateway,
    /// The schema registry that everybody uses, if there is one.
    registry: Settings,
    folder: TempDir,
    started: u32,
}

impl Shop {
    /// Starts broker and gateway, and has the services create their topics.
    fn open(name: &str) -> anyhow::Result<Shop> {
        let seed = match std::env::var("KOLO_FAULTS_SEED") {
            Ok(seed) => seed.parse().context("KOLO_FAULTS_SEED is no number")?,
            Err(_) => fastrand::u64(..),
        };
        say(&format!("{name}: KOLO_FAULTS_SEED={seed}"));
        let folder = tempfile::Builder::new().prefix("kolo-faults-").tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let ledger = folder.path().join("ledger.jsonl");
        let shop = Shop {
            random: fastrand::Rng::with_seed(seed),
            broker: Broker::start(name, folder.path())?,
            gateway: Gateway::start(address, Faults::default(), Some(&ledger))?,
            registry: Settings::default(),
            folder,
            started: 0,
        };
        for service in Service::ALL {
            let mut topics = shop.command(&binary(service.name())?);
            topics.arg("topics");
            // A broker that has just been started may take longer than an answer has.
            let mut said = String::new();
            let created = await_that("the topics are created", STALL, || {
                let output = topics.output()?;
                said = String::from_utf8_lossy(&output.stderr).into_owned();
                Ok(output.status.success())
            });
            created.with_context(|| format!("{} topics: {said}", service.name()))?;
        }
        Ok(shop)
    }

    /// A random time below this one.
    pub fn below(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.random.f64())
    }

    /// How everything that runs here finds the broker.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = Config::new(self.broker.address());
        config.registry = self.registry.clone();
        config
    }

    /// From now on, everybody uses this schema registry.
    pub fn use_registry(&mut self, registry: &Registry) {
        self.registry = registry.settings();
    }

    /// A command with the settings of the services.
    #[must_use]
    pub fn command(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command
            .env("KOLO_BOOTSTRAP", self.broker.address())
            .env("KOLO_SESSION_TIMEOUT_MS", SESSION.as_millis().to_string())
            .env("KOLO_EFFECT_TIMEOUT_MS", "1000")
            // So often that most of what is killed is killed while it writes one.
            .env("KOLO_STATE_DIR", self.folder.path().join("state"))
            .env("KOLO_SNAPSHOT_INTERVAL_MS", "20")
            .env("KOLO_LOG", "info")
            .env("KOLO_REGISTRY_URL", &self.registry.url)
            .env("GATEWAY_URL", self.gateway.url());
        command
    }

    /// Where files of the test may be kept.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in which a process may log.
    #[must_use]
    pub fn log(&mut self, name: &str) -> PathBuf {
        self.started += 1;
        self.folder
            .path()
            .join(format!("{:03}-{name}.log", self.started))
    }

    /// Starts an instance of a service.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self, service: Service) -> anyhow::Result<Child> {
        let command = self.command(&binary(service.name())?);
        self.start_command(service.name(), command)
    }

    /// Starts a process by its command.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_command(&mut self, name: &str, mut command: Command) -> anyhow::Result<Child> {
        let log = self.log(name);
        Child::spawn(name, &mut command, log)
    }

    /// Starts one instance of each service.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn start_all(&mut self) -> anyhow::Result<Vec<(Service, Child)>> {
        let services = Service::ALL.into_iter();
        services
            .map(|service| Ok((service, self.start(service)?)))
            .collect()
    }

    /// Publishes the goods of a load, waits until they are in stock, and starts publishing the orders.
    ///
    /// # Errors
    /// When it cannot be published, or nobody takes the goods in.
    pub fn publish(&mut self, watch: &mut Watch, load: Load) -> anyhow::Result<Publishing> {
        let publisher = self.publisher()?;
        self.publish_by(publisher, watch, load)
    }

    /// Connects a publisher, which asks the schema registry now and never again.
    ///
    /// # Errors
    /// When the broker or the registry does not answer.
    pub fn publisher(&self) -> anyhow::Result<Publisher> {
        Publisher::connect(&self.config(), &load::topics())
    }

    /// [`publish`](Self::publish), by a publisher that was connected before.
    ///
    /// # Errors
    /// When it cannot be published, or nobody takes the goods in.
    pub fn publish_by(
        &mut self,
        mut publisher: Publisher,
        watch: &mut Watch,
        load: Load,
    ) -> anyhow::Result<Publishing> {
        let plan = load.plan();
        let before = watch.catch_up()?.events(&[Topic::Stock]);
        load::publish_stock(plan, &mut publisher)?;
        // Orders that come before the goods are cancelled, and would put nothing else to the test.
        let goods = plan.receipts().len() as u64;
        await_that("the goods are in stock", STALL, || {
            Ok(watch.look()?.events(&[Topic::Stock]) >= before + goods)
        })?;
        let ended = watch.seen().count();
        Ok(Publishing::start(publisher, load, ended))
    }

    /// Follows the streams from their beginning.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn watch(&self) -> anyhow::Result<Watch> {
        Watch::open(&self.config())
    }

    /// Waits until so many orders have ended.
    ///
    /// # Errors
    /// When nothing moves for too long, or the streams cannot be read.
    pub fn await_ends(&self, watch: &mut Watch, orders: u64) -> anyhow::Result<()> {
        let (mut ended, mut moved) = (0, Instant::now());
        while ended < orders {
            let now = watch.look()?.ended();
            if now > ended {
                (ended, moved) = (now, Instant::now());
            }
            ensure!(
                moved.elapsed() < STALL,
                "{ended} of {orders} orders have ended, and nothing has moved for {STALL:?}"
            );
        }
        Ok(())
    }

    /// Waits until a load was published, and all its orders have ended; then the books must balance.
    ///
    /// # Errors
    /// When an order is lost, or the audit finds fault.
    pub fn settle(
        &self,
        watch: &mut Watch,
        publishing: Publishing,
        load: Load,
        before: u64,
    ) -> anyhow::Result<()> {
        self.await_ends(watch, before + load.orders)?;
        publishing.finish()?;
        let report = self.audit(load.run, STALL)?;
        ensure!(
            report.balances(),
            "the books do not balance: {:#}",
            report.0
        );
        ensure!(
            report.number("orders") == load.orders,
            "{} orders were expected: {:#}",
            load.orders,
            report.0
        );
        let void = watch.catch_up()?.void().len() as u64;
        ensure!(
            report.number("void") == void,
            "the audit counts {} void records, and the framework {void}",
            report.number("void")
        );
        say(&format!(
            "{} orders: {} confirmed, {} cancelled, {} pending, {void} void records, the books balance",
            report.number("orders"),
            report.number("confirmed"),
            report.number("cancelled"),
            report.number("pending"),
        ));
        Ok(())
    }

    /// Has `shop audit` look at a run, and wait until it is settled, or for so long.
    ///
    /// # Errors
    /// When it cannot read the books.
    pub fn audit(&self, run: RunId, wait: Duration) -> anyhow::Result<Report> {
        let mut command = self.command(&binary("shop")?);
        command.arg("audit").arg("--json");
        command.args(["--gateway", &self.gateway.url(), "--run", &run.to_string()]);
        command.args(["--wait", &wait.as_secs().to_string()]);
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            matches!(output.status.code(), Some(0 | 1)),
            "shop audit: {}: {said}",
            output.status
        );
        let report: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("shop audit: {said}"))?;
        let report = Report(report);
        ensure!(
            report.balances() == output.status.success(),
            "exit code and report differ: {:#}",
            report.0
        );
        Ok(report)
    }

    /// Runs `kolo` to its end; gives what it printed.
    ///
    /// # Errors
    /// When it ends with another code than 0.
    pub fn kolo(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(&binary("kolo")?).args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kolo {arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The last lines of what the processes printed.
    fn logs(&self) -> String {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.folder.path())
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        files.sort();
        let logs = files.iter().map(|path| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            format!("--- {}\n{}\n", path.display(), tail(&text))
        });
        logs.collect()
    }
}

/// What `shop audit` found.
#[derive(Debug, Clone)]
pub struct Report(pub Value);

impl Report {
    /// Whether nothing is pending and every invariant holds.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.number("pending") == 0 && self.violated().is_empty()
    }

    /// The invariants that do not hold.
    #[must_use]
    pub fn violated(&self) -> Vec<&str> {
        let invariants = self.0["invariants"].as_object().into_iter().flatten();
        invariants
            .filter(|(_, holds)| **holds != Value::Bool(true))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// A count; one that is not there is as bad as it can be.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or(u64::MAX)
    }
}

/// A binary that was built beside the tests.
///
/// # Errors
/// When it was not.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    // target/debug/deps/faults-…: the tests need no optimisation, what they test is what is released.
    let tests = std::env::current_exe()?;
    let target = tests.ancestors().nth(3).context("the target folder")?;
    let folder = std::env::var_os("KOLO_FAULTS_BINARIES");
    let folder = folder.map_or_else(|| target.join("release"), PathBuf::from);
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "{} is missing: scripts/faults builds it",
        path.display()
    );
    Ok(path)
}
