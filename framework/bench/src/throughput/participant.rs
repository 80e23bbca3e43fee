//! The same work as a kolo service: one aggregate, one reaction, one own event.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kolo::{Aggregate, App, Config, Received, Running, Service, State, Timestamp};
use rdkafka::consumer::Consumer;

use crate::bench::{AccountEvent, Credited, Deposited};

use super::watch::Watch;

#[derive(Default)]
struct Account {
    balance_cents: i64,
}

impl State for Account {
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent, _: Timestamp) {
        let AccountEvent::Credited(credited) = event;
        self.balance_cents = credited.balance_cents;
    }
}

fn credit(account: &Account, deposited: &Received<Deposited>) -> Credited {
    Credited {
        account: deposited.account.clone(),
        balance_cents: account.balance_cents + deposited.amount_cents,
        memo: deposited.memo.clone(),
    }
}

const GROUP: &str = "bench.account";

/// Starts the service.
pub(super) fn start(config: &Config) -> anyhow::Result<Running> {
    let service = Service::new("bench").aggregate(Aggregate::<Account>::new("account").on(credit));
    App::new(service)
        .start(config)
        .context("the service does not start")
}

/// Fails if the service has.
pub(crate) fn check(service: &Running) -> anyhow::Result<()> {
    ensure!(!service.wait(Duration::ZERO), "the service has failed");
    Ok(())
}

/// Waits until every worker has its share of the partitions and has taken all of them over.
pub(crate) fn await_ready(service: &Running, config: &Config, watch: &Watch) -> anyhow::Result<()> {
    const CALM: Duration = Duration::from_secs(1);
    let until = Instant::now() + Duration::from_secs(60);
    let share = usize::try_from(config.partitions)? / config.workers;
    let mut fences = Vec::new();
    let mut since = Instant::now();
    loop {
        check(service)?;
        ensure!(
            Instant::now() < until,
            "the workers did not share the partitions within a minute"
        );
        let shares = shares(watch)?;
        let now = watch.offsets()?;
        let is_shared =
            shares.len() == config.workers && shares.iter().all(|&found| found >= share);
        // A fence for each partition, and none added for a while: nobody takes over any more.
        if !is_shared || now != fences || now.contains(&0) {
            fences = now;
            since = Instant::now();
        } else if since.elapsed() > CALM {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// How many partitions each member of the group has.
fn shares(watch: &Watch) -> anyhow::Result<Vec<usize>> {
    let groups = watch
        .consumer()
        .fetch_group_list(Some(GROUP), Duration::from_secs(20))?;
    let members = groups
        .groups()
        .iter()
        .flat_map(rdkafka::groups::GroupInfo::members);
    Ok(members
        .map(|member| member.assignment().and_then(count).unwrap_or(0))
        .collect())
}

/// Counts the partitions in a member's assignment: version, then topics with name and partitions.
fn count(mut bytes: &[u8]) -> Option<usize> {
    let number = |bytes: &mut &[u8]| -> Option<usize> {
        let number = i32::from_be_bytes(*bytes.split_off(..4)?.first_chunk()?);
        usize::try_from(number).ok()
    };
    bytes.split_off(..2)?;
    let mut partitions = 0;
    for _ in 0..number(&mut bytes)? {
        let name = u16::from_be_bytes(*bytes.split_off(..2)?.first_chunk()?);
        bytes.split_off(..usize::from(name))?;
        let here = number(&mut bytes)?;
        bytes.split_off(..here.checked_mul(4)?)?;
        partitions += here;
    }
    Some(partitions)
}
