//! Every fault of the gateway.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use shop::gateway::Faults;
use shop_faults::shop::STALL;
use shop_faults::{Load, await_that, campaign, quick, run_test};

fn orders() -> u64 {
    if quick() { 600 } else { 5_000 }
}

/// Runs a load against a gateway with faults from its start on; some calls must have been made again.
fn faulty(name: &str, faults: Faults) {
    run_test(name, |shop| {
        shop.gateway
            .set_faults(faults)
            .map_err(anyhow::Error::msg)?;
        let _running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(orders());
        let publishing = shop.publish(&mut watch, load)?;
        shop.settle(&mut watch, publishing, load, 0)?;
        let calls = shop.gateway.statement().calls;
        let repeated = calls.values().filter(|&&times| times > 1).count();
        shop_faults::say(&format!(
            "{repeated} of {} calls were made again",
            calls.len()
        ));
        ensure!(
            repeated * 10 > calls.len(),
            "the gateway was not as faulty as it was told to be"
        );
        Ok(())
    });
}

// failure: outside | the gateway charges and its answer is lost | calls time out and are made again | the same key
// gets the same answer: charged once | nobody; the gateway must honour the key
#[test]
fn it_charges_and_never_answers() {
    faulty(
        "gateway-timeouts",
        Faults {
            timeout_after_charge_rate: 0.2,
            ..Faults::default()
        },
    );
}

// failure: outside | the gateway answers 500 | one warning, then lines with counts | called again, with growing
// pauses | nobody, as long as the policy's bound is not reached
#[test]
fn it_answers_500() {
    faulty(
        "gateway-500",
        Faults {
            error_rate: 0.4,
            ..Faults::default()
        },
    );
}

// failure: outside | the gateway is slow, fails and loses its answers at once | warnings with counts | called
// again under the same keys, until it answers | nobody, as long as the policy's bound is not reached
#[test]
fn it_does_anything_but_work() {
    faulty(
        "gateway-mixed",
        Faults {
            latency_ms: 100,
            error_rate: 0.3,
            timeout_after_charge_rate: 0.2,
            ..Faults::default()
        },
    );
}

// failure: outside | the gateway is down for a while | payments stay pending, everything else goes on | they are
// answered within the pause | nobody
#[test]
fn it_refuses_connections_for_ten_seconds() {
    run_test("gateway-refuses", |shop| {
        let mut running = shop.start_all()?;
        let mut watch = shop.watch()?;
        let load = Load::of(orders());
        let publishing = shop.publish(&mut watch, load)?;
        shop.await_ends(&mut watch, load.orders / 5)?;
        let refusing = Duration::from_secs(10);
        let faults = Faults {
            refuse_ms: u64::try_from(refusing.as_millis())?,
            ..Faults::default()
        };
        let begun = Instant::now();
        shop.gateway
            .set_faults(faults)
            .map_err(anyhow::Error::msg)?;
        // All connections are cut where none is accepted: nothing is charged until it accepts them again.
        let url = shop.gateway.url();
        let address = url.strip_prefix("http://").context("an address")?;
        await_that("connections are refused", STALL, || {
            Ok(TcpStream::connect(address).is_err())
        })?;
        let (_, payment) = running.last_mut().context("payment")?;
        await_that("calls fail", refusing, || {
            watch.look()?;
            Ok(payment.count("no definitive reply")? > 0)
        })?;
        let charges = shop.gateway.statement().charges.len();
        await_that("the gateway is called again", STALL, || {
            watch.look()?;
            Ok(shop.gateway.statement().charges.len() > charges)
        })?;
        let recovered = begun.elapsed();
        ensure!(
            recovered >= refusing,
            "the gateway charged after {recovered:?}, and was to refuse connections for {refusing:?}"
        );
        campaign::tell(
            "the gateway accepted connections again after 10 s",
            vec![recovered - refusing],
        );
        shop.settle(&mut watch, publishing, load, 0)
    });
}
