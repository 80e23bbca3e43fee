//! Whatever happens, each request ends once, and those of a key in order and one at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kolo_core::{Breaker, CallPolicy, Rate, Retries};
use parking_lot::Mutex;

use super::bench::{Act, Bench, ago, call, seconds};

const REQUESTS: usize = 1_000;

async fn run(seed: u64, policy: CallPolicy) {
    let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
    let acts = Arc::clone(&random);
    let bench = Bench::with_max(policy, 16, move |_| {
        let mut acts = acts.lock();
        match acts.u32(..100) {
            ..40 => Act::Reply,
            40..60 => Act::ReplyAfter(Duration::from_millis(acts.u64(1..15_000))),
            60..95 => Act::Fail,
            95..98 => Act::Refuse,
            _ => Act::Panic,
        }
    });
    // What is asked, by key, in order; the name is the place in it.
    let mut asked: HashMap<String, Vec<usize>> = HashMap::new();
    for _ in 0..REQUESTS {
        let (key, effect, pause) = {
            let mut random = random.lock();
            (random.u32(..100), random.usize(..2), random.u64(..20))
        };
        let key = format!("key {key}");
        let places = asked.entry(key.clone()).or_default();
        let name = places.len().to_string();
        places.push(effect);
        bench
            .owned
            .call([call(effect, &key, &name, ago(seconds(0)))]);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    let mut ended: HashMap<String, usize> = HashMap::new();
    for _ in 0..REQUESTS {
        let (end, failure) = bench.end().await;
        let place = ended.get(&*end.call.key).copied().unwrap_or_default();
        let effect = asked[&*end.call.key][place];
        let due = call(effect, &end.call.key, &place.to_string(), end.call.at);
        assert_eq!(*end.call, due, "in order, seed {seed}");
        if failure.is_some() {
            bench.owned.release(&end.call);
        }
        assert!(failure.is_none_or(|failure| !failure.problem.is_empty()));
        *ended.entry(end.call.key.to_string()).or_default() += 1;
    }
    assert!(bench.pool.pending().is_empty() && bench.nothing_ended());
    bench.pool.with_schedule(|schedule| {
        assert!(schedule.jobs.is_empty());
    });
    assert!(bench.most_at_once() <= 16);
}

#[tokio::test(start_paused = true)]
async fn each_request_ends_once_and_in_order() {
    for seed in 0..3 {
        run(seed, CallPolicy::new()).await;
        run(
            seed,
            CallPolicy::new().retries(Retries::at_most(2)).at_once(5),
        )
        .await;
        let timed = CallPolicy::new().retries(Retries::for_at_most(seconds(30)));
        let breaker = Breaker::after(5).pause(seconds(3));
        run(seed, timed.breaker(breaker).rate(Rate::per_second(200))).await;
    }
}
