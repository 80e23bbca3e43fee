//! The whole shop on a broker: as one process, and as separate ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up fails"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kolo::{App, Config};
use kolo_broker::testing::bootstrap;
use payment::{Charge, HttpGateway, Refund};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;
use shop::RunId;
use shop::load::{Fate, Plan};

/// Services of one name share their work, whoever started them: one shop at a time.
fn alone() -> MutexGuard<'static, ()> {
    static SHOP: Mutex<()> = Mutex::new(());
    SHOP.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shop(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    // A lost answer of the gateway is asked for again soon, not after ten seconds.
    command
        .args(arguments)
        .env("KOLO_BOOTSTRAP", bootstrap())
        .env("KOLO_EFFECT_TIMEOUT_MS", "500");
    command
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = shop(arguments).output().unwrap();
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// A process that is killed when it is not needed any more.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_demo_ends_all_orders_and_its_last_line_is_one_object() {
    let _alone = alone();
    let (code, stdout, stderr) = output(&[
        "demo",
        "--orders",
        "400",
        "--seed",
        "7",
        "--duplicates",
        "0.2",
        "--json",
    ]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let last = stdout.lines().last().unwrap();
    let summary: Value = serde_json::from_str(last).unwrap();
    let places = [
        "\"orders\"",
        "\"confirmed\"",
        "\"cancelled\"",
        "\"pending\"",
        "\"invariants\"",
        "\"one_end\"",
        "\"stock\"",
        "\"money\"",
        "\"unique_ids\"",
        "\"causes\"",
        "\"seconds\"",
        "\"orders_per_second\"",
        "\"latency_ms\"",
        "\"p50\"",
        "\"p90\"",
        "\"p99\"",
        "\"max\"",
    ]
    .map(|name| {
        last.find(name)
            .unwrap_or_else(|| panic!("{name} is missing: {last}"))
    });
    assert!(places.is_sorted(), "{last}");
    assert_eq!(
        (&summary["orders"], &summary["pending"]),
        (&400.into(), &0.into()),
        "{last}"
    );
    for (name, holds) in summary["invariants"].as_object().unwrap() {
        assert_eq!(holds, &Value::Bool(true), "{name}");
    }

    // What became of the orders is what was planned: only a customer who cancels leaves it open.
    let plan = Plan {
        run: "00000000".parse().unwrap(),
        orders: 400,
        seed: 7,
        duplicates: 0.2,
    };
    let count =
        |is: fn(Fate) -> bool| plan.orders().filter(|planned| is(planned.fate)).count() as u64;
    let lost = count(|fate| matches!(fate, Fate::Short | Fate::Declined));
    let open = count(|fate| matches!(fate, Fate::Cancelled(_)));
    let cancelled = summary["cancelled"].as_u64().unwrap();
    assert!(
        (lost..=lost + open).contains(&cancelled),
        "{cancelled} cancelled, planned {lost} and up to {open}"
    );
    assert_eq!(summary["confirmed"].as_u64().unwrap(), 400 - cancelled);
}

/// A command with nothing of this process's environment that names a broker.
fn alone_with_no_broker(arguments: &[&str]) -> Command {
    let mut command = shop(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KOLO_")) {
        command.env_remove(name);
    }
    command.env_remove("KOLO_BOOTSTRAP");
    command
}

/// The address in the line that tells of the embedded broker.
fn embedded(stderr: &str) -> Option<&str> {
    let (_, said) = stderr.split_once("embedded broker on ")?;
    let (address, next) = said.split_once("; ")?;
    assert!(
        next.starts_with("--bootstrap ADDR uses your own Kafka"),
        "{stderr}"
    );
    Some(address)
}

#[test]
fn without_a_broker_the_demo_brings_its_own_and_takes_it_away() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("shop.toml");
    std::fs::write(&settings, "partitions = 2\n").unwrap();
    let settings = settings.to_str().unwrap();
    let arguments = ["demo", "--orders", "100", "--json", "--config", settings];
    let output = alone_with_no_broker(&arguments).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    // Nothing but the object: a program may read all of it.
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(summary["pending"], 0, "{stdout}");
    let address = embedded(&stderr).unwrap_or_else(|| panic!("no broker is told of: {stderr}"));
    std::net::TcpStream::connect(address).expect_err("the broker is gone with its process");
}

#[test]
fn a_broker_that_is_named_in_any_way_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("shop.toml");
    std::fs::write(
        &settings,
        "[kafka]\n\"bootstrap.servers\" = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let settings = settings.to_str().unwrap();
    let mut by_variable = alone_with_no_broker(&["demo"]);
    by_variable.env("KOLO_BOOTSTRAP", "127.0.0.1:1");
    for (way, mut command) in [
        (
            "argument",
            alone_with_no_broker(&["demo", "--bootstrap", "127.0.0.1:1"]),
        ),
        (
            "file",
            alone_with_no_broker(&["demo", "--config", settings]),
        ),
        ("variable", by_variable),
    ] {
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), embedded(&stderr)),
            (Some(2), None),
            "{way}: {stderr}"
        );
        assert!(
            stderr.contains("127.0.0.1:1 do not answer") && stderr.contains("`kolo dev`"),
            "{way}: {stderr}"
        );
    }
}

#[test]
fn the_books_balance_with_a_gateway_that_fails_and_loses_its_answers() {
    let _alone = alone();
    let faults = [
        "--gateway-error-rate",
        "0.2",
        "--gateway-timeout-rate",
        "0.1",
        "--gateway-latency-ms",
        "5",
        // Charges and refunds of orders that have ended are called again and again, too.
        "--settle",
        "240",
    ];
    let (code, stdout, stderr) = output(
        &[
            &["demo", "--orders", "150", "--duplicates", "0.1"],
            &faults[..],
        ]
        .concat(),
    );
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(
        stdout.contains("150 orders in ") && stdout.contains("The books balance"),
        "{stdout}"
    );
    assert!(
        !stdout.contains(" 0 repeated calls"),
        "with these faults some calls were made again: {stdout}"
    );
}

#[test]
fn load_and_audit_work_beside_services_of_their_own_and_the_audit_finds_what_is_wrong() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let ledger = ledger.to_str().unwrap();
    let mut gateway = Process(
        shop(&["gateway", "--port", "0", "--ledger", ledger])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut url = String::new();
    BufReader::new(gateway.0.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    let url = url.trim();

    let config = Config::new(bootstrap());
    let adapter = HttpGateway::new(url).unwrap();
    let payment = App::new(payment::service())
        .bind::<Charge>(adapter.clone())
        .bind::<Refund>(adapter);
    let services = [
        App::new(order::service()),
        App::new(inventory::service()),
        payment,
    ]
    .map(|app| app.start(&config).unwrap());

    let (code, stdout, stderr) = output(&["load", "--orders", "120", "--rate", "400", "--json"]);
    assert_eq!(code, Some(0), "{stderr}");
    let load: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!(load["orders"], 120);
    let run = load["run"].as_str().unwrap();
    let plan = Plan {
        run: run.parse::<RunId>().unwrap(),
        orders: 120,
        seed: 7,
        duplicates: 0.0,
    };

    let (code, stdout, stderr) = output(&["audit", "--run", run, "--gateway", url, "--wait", "60"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(
        stdout.starts_with("120 orders: ") && stdout.contains(" 0 pending"),
        "{stdout}"
    );
    for service in services {
        service.stop().unwrap();
    }
    drop(gateway);

    // The ledger outlives its gateway.
    let (code, stdout, stderr) = output(&["audit", "--run", run, "--ledger", ledger, "--json"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let found: Value = serde_json::from_str(stdout.trim()).unwrap();
    assert_eq!(
        (&found["orders"], &found["invariants"]["money"]),
        (&120.into(), &true.into())
    );

    // What anybody else writes into a stream is void.
    let confirmed = plan
        .orders()
        .find(|planned| planned.fate == Fate::Plain)
        .unwrap()
        .order
        .order_id
        .to_string();
    let producer: BaseProducer = config.client().create().unwrap();
    producer
        .send(
            BaseRecord::to("orders.outcome")
                .key(&confirmed)
                .payload("nonsense"),
        )
        .unwrap();
    producer.flush(std::time::Duration::from_secs(10)).unwrap();
    let (code, stdout, _) = output(&["audit", "--run", run, "--ledger", ledger]);
    assert_eq!(code, Some(0), "{stdout}");

    // A charge that nobody asked for, by a hand in the ledger.
    let forged = format!(
        r#"{{"charge":{{"idempotency_key":"forged","order_id":"{confirmed}","customer_id":"c","amount_cents":1,"currency":"EUR","authorization_id":"a"}}}}"#
    );
    writeln!(
        std::fs::OpenOptions::new()
            .append(true)
            .open(ledger)
            .unwrap(),
        "{forged}"
    )
    .unwrap();
    let (code, stdout, _) = output(&["audit", "--run", run, "--ledger", ledger]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains("✗ money"), "{stdout}");
    assert!(
        stdout.contains(&format!(
            "order {confirmed}: the charge under the key forged answers no valid"
        )),
        "{stdout}"
    );
    assert!(stdout.contains("✓ stock"), "{stdout}");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_message_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    std::fs::write(&ledger, "").unwrap();
    let ledger = ledger.to_str().unwrap();
    for (arguments, wanted) in [
        (&["audit"][..], "--gateway <URL>|--ledger <FILE>"),
        (
            &["audit", "--ledger", "/nowhere", "--run", "xyz"][..],
            "expected eight hex digits",
        ),
        (
            &["load", "--duplicates", "2"][..],
            "expected a number from 0 (none) to 1 (all)",
        ),
        (
            &["demo", "--rate", "0"][..],
            "expected more than 0 orders a second",
        ),
        (
            &["audit", "--ledger", "/nowhere"][..],
            "the ledger /nowhere cannot be read",
        ),
        (
            &["gateway", "--gateway-error-rate", "3", "--port", "0"][..],
            "error_rate is 3",
        ),
        (
            &["load", "--bootstrap", "127.0.0.1:1"][..],
            "no broker answers at 127.0.0.1:1; `kolo dev` starts one for development, scripts/kafka/start an Apache Kafka",
        ),
        (
            &["audit", "--ledger", ledger, "--bootstrap", "127.0.0.1:1"][..],
            "no broker answers at 127.0.0.1:1; `kolo dev` starts one",
        ),
        (
            &["demo", "--bootstrap", "127.0.0.1:1"][..],
            "the brokers at 127.0.0.1:1 do not answer",
        ),
    ] {
        let (code, stdout, stderr) = output(arguments);
        assert_eq!(
            (code, stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}: {stderr}"
        );
        assert!(stderr.contains(wanted), "{arguments:?}: {stderr}");
    }
}
