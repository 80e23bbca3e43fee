//! A load with faults at random moments, and how long each took to recover from.

use std::time::{Duration, Instant};

use anyhow::ensure;
use shop::audit::Topic;

use crate::shop::{Load, STALL, Service, Shop, say};
use crate::watch::Watch;

/// What shows that a service has recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// Its streams grow again.
    Grows,
    /// Its streams grow under a new fence: what an owner that is no more had on its way does not count.
    NewOwner,
}

/// Strikes so often while the orders of a load end, each time at a random moment of its share of the run, and waits until
/// every stream of what was struck has recovered. Returns how long that took, from when the blow was over: the process
/// or the broker was started again.
///
/// # Errors
/// When the blow fails, or something does not recover.
pub fn run(
    shop: &mut Shop,
    watch: &mut Watch,
    load: Load,
    strikes: u32,
    recovered: Recovered,
    mut strike: impl FnMut(&mut Shop, u32) -> anyhow::Result<Vec<Service>>,
) -> anyhow::Result<Vec<Duration>> {
    let before = watch.look()?.ended();
    let last = before + load.orders;
    // The end of the run is left alone, so that there is still work to recover for.
    let share = load.orders * 8 / 10 / u64::from(strikes);
    let mut times = Vec::new();
    for number in 0..strikes {
        let moment = u64::from(number) * share + shop.random.u64(1..=share);
        shop.await_ends(watch, before + moment)?;
        // Between two ends as well as at one.
        std::thread::sleep(shop.below(Duration::from_millis(50)));
        let fences = watch.catch_up()?.fences().clone();
        let struck = strike(shop, number)?;
        let begun = Instant::now();
        let seen = watch.catch_up()?;
        let streams = struck.iter().flat_map(|service| service.streams());
        let grown: Vec<(Topic, u64)> = streams
            .map(|topic| (*topic, seen.events(&[*topic])))
            .collect();
        loop {
            let seen = watch.look()?;
            let works = |(topic, events): &(Topic, u64)| match recovered {
                Recovered::Grows => seen.events(&[*topic]) > *events,
                Recovered::NewOwner => seen.has_new_owner(*topic, &fences),
            };
            if grown.iter().all(works) {
                times.push(begun.elapsed());
                break;
            }
            // Nothing was left to do for what was struck.
            if seen.ended() >= last {
                break;
            }
            ensure!(
                begun.elapsed() < STALL,
                "{struck:?} did not recover from fault {number} in {STALL:?}"
            );
        }
    }
    ensure!(
        times.len() * 2 > strikes as usize,
        "{} of {strikes} faults hit a service that had nothing left to do",
        strikes as usize - times.len()
    );
    Ok(times)
}

/// Says how long recovering took.
pub fn tell(what: &str, mut recovered: Vec<Duration>) {
    recovered.sort_unstable();
    if let (Some(median), Some(longest)) = (recovered.get(recovered.len() / 2), recovered.last()) {
        let times = recovered.len();
        say(&format!(
            "{what}: {times} times, recovered within {median:.1?} (median), {longest:.1?} (longest)"
        ));
    }
}
