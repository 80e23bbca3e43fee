//! A zombie: a process that stands still past its session while it has work in flight, and then goes on.

use std::collections::HashSet;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use shop::audit::Topic;

use crate::await_that;
use crate::child::Child;
use crate::shop::{STALL, Service, Shop};
use crate::watch::{Void, Watch};

/// How many partitions the services give the topics that they create.
const PARTITIONS: usize = 6;

/// What happened to a zombie.
#[derive(Debug)]
pub struct Risen {
    /// What it wrote when it went on.
    pub void: Vec<Void>,
    /// How long it took until others had taken over, from when it stood still.
    pub taken_over: Duration,
}

/// Starts another instance beside one that owns everything, and waits until it has got its share. It has work in flight
/// at almost any moment while it has a backlog: it lets its appends linger, so that the newest of them are still with it
/// when it stops.
///
/// # Errors
/// When it cannot be started, or gets nothing.
pub fn start(
    shop: &mut Shop,
    service: Service,
    first: &mut Child,
    mut command: Command,
) -> anyhow::Result<Child> {
    // So that nothing moves any more when the zombie is stopped, but to the others.
    let partitions = service.streams().len() * PARTITIONS;
    first.await_printed("took over", partitions, STALL)?;
    command
        .env("KOLO_MAX_IN_FLIGHT_RECORDS", "60")
        .env("KOLO_KAFKA_LINGER_MS", "300");
    let mut zombie = shop.start_command("zombie", command)?;
    zombie.await_printed("took over", 1, STALL)?;
    Ok(zombie)
}

/// The partitions that an instance has taken over, and has neither given up nor thrown away with all else since, by what it
/// prints.
fn partitions(instance: &Child) -> anyhow::Result<HashSet<(Topic, i32)>> {
    let stream = |before: &str| match before.rsplit(' ').next()? {
        "order.lifecycle" => Some(Topic::Outcome),
        "inventory.reservation" => Some(Topic::Reservations),
        "inventory.stock" => Some(Topic::Stock),
        "payment.payment" => Some(Topic::Payments),
        _ => None,
    };
    let partition = |line: &str, verb: &str| {
        let (before, after) = line.split_once(verb)?;
        let (_, number) = after.split_once("partition=")?;
        let number = number
            .split(|letter: char| !letter.is_ascii_digit())
            .next()?;
        Some((stream(before)?, number.parse().ok()?))
    };
    let thrown_away = |line: &str| stream(line.split_once(" throws its clients ")?.0);
    let mut owned = HashSet::new();
    for line in instance.printed()?.lines() {
        if let Some(lost) = thrown_away(line) {
            owned.retain(|(stream, _)| *stream != lost);
        }
        if let Some(given_up) = partition(line, " gives it up") {
            owned.remove(&given_up);
        }
        owned.extend(partition(line, " took over in "));
    }
    Ok(owned)
}

/// Stops an instance where it stands, waits until others have taken over what it owned, and lets it go on
/// until it has found out. It is killed then, before it owns anything anew: whatever it did after it went on, it did as a
/// zombie.
///
/// `in_flight` says whether it has work in flight.
///
/// # Errors
/// When nobody takes over, or the zombie does not find out.
pub fn raise(
    shop: &mut Shop,
    watch: &mut Watch,
    mut zombie: Child,
    service: Service,
    mut in_flight: impl FnMut(&Watch) -> bool,
) -> anyhow::Result<Risen> {
    await_that("the instance works", STALL, || {
        watch.look()?;
        Ok(in_flight(watch))
    })?;
    // Before it stands still: looking takes its time on a busy machine, and others may have taken over by the end of it.
    let owned = partitions(&zombie)?;
    ensure!(!owned.is_empty(), "the zombie owned nothing");
    let fences = watch.catch_up()?.fences().clone();
    // While the broker stands still, what the instance decides stays with it.
    let broker = shop.broker.pause()?;
    std::thread::sleep(Duration::from_millis(20) + shop.below(Duration::from_millis(60)));
    zombie.pause()?;
    drop(broker);
    let begun = Instant::now();

    await_that("others have taken over from the zombie", STALL, || {
        let now = watch.look()?.fences();
        Ok(owned.iter().all(|place| now.get(place) > fences.get(place)))
    })?;
    let taken_over = begun.elapsed();
    let void = watch.catch_up()?.void().len();
    let restarts = zombie.count("begins anew")?;
    zombie.resume()?;
    zombie.await_printed("begins anew", restarts + 1, STALL)?;
    zombie.kill()?;
    let void = watch
        .catch_up()?
        .void()
        .get(void..)
        .context("void records")?
        .to_vec();
    let foreign = void
        .iter()
        .find(|void| !service.streams().contains(&void.place.topic));
    ensure!(
        foreign.is_none(),
        "a void record of somebody else: {foreign:?}"
    );
    Ok(Risen { void, taken_over })
}
