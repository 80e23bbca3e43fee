//! While a breaker is open no call is made, and waiting for it is no attempt.

use kolo_core::{Breaker, CallPolicy, Retries};

use super::bench::{Act, Bench, seconds};
use crate::effects::{BreakerState, Progress};

const POLICY: CallPolicy = CallPolicy::new().breaker(Breaker::after(3).pause(seconds(10)));

// failure: outside | a port fails again and again | the breaker opens, and the log says so | no call is made for a
// while, then one tries | nobody
#[tokio::test(start_paused = true)]
async fn it_opens_after_failures_in_a_row_tries_one_call_and_closes() {
    let bench = Bench::new(POLICY, |made| match made.at {
        ..15_000 => Act::Fail,
        _ => Act::Reply,
    });
    bench.ask(&["a", "b", "c"]);
    tokio::time::sleep(seconds(5)).await;
    bench.ask(&["d", "e"]);
    let pending = bench.pool.pending();
    assert_eq!(pending.len(), 5);
    for effect in pending {
        assert!(
            matches!(effect.breaker, Some(BreakerState::Open(_))),
            "{effect:?}"
        );
        assert_eq!(effect.progress, Progress::Ready);
    }
    bench.ended_keys(5).await;
    let made = bench.made();
    // Three fail, one tries in vain, one tries and gets a reply, and then all are called.
    let times: Vec<_> = made.iter().map(|made| made.at).collect();
    assert_eq!(
        times,
        [0, 0, 0, 10_000, 20_000, 20_000, 20_000, 20_000, 20_000]
    );
    let fresh = made.iter().filter(|made| ["d", "e"].contains(&&*made.key));
    assert!(fresh.clone().count() == 2 && fresh.clone().all(|made| made.attempt == 1));
}

#[tokio::test(start_paused = true)]
async fn a_reply_and_a_terminal_error_end_the_row() {
    let bench = Bench::new(POLICY.retries(Retries::at_most(1)), |made| {
        match &*made.key {
            "replies" => Act::Reply,
            "refused" => Act::Refuse,
            _ => Act::Fail,
        }
    });
    bench.ask(&["a", "b", "replies", "c", "d", "refused", "e", "f"]);
    bench.ended_keys(8).await;
    assert_eq!(bench.times(), [0; 8]);
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_when_it_opens_do_not_keep_it_open() {
    let bench = Bench::new(POLICY.timeout(seconds(5)), |made| match made.at {
        0 if made.key.starts_with("slow") => Act::ReplyAfter(seconds(3_600)),
        0 => Act::Fail,
        _ => Act::Reply,
    });
    bench.ask(&["slow1", "slow2", "a", "b", "c"]);
    bench.ended_keys(5).await;
    assert_eq!(bench.times()[5..], [10_000; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_bound_on_the_time_holds_while_it_is_open() {
    let policy = POLICY.retries(Retries::for_at_most(seconds(12)));
    let bench = Bench::new(policy, |_| Act::Fail);
    bench.ask(&["a", "b", "c"]);
    tokio::time::sleep(seconds(5)).await;
    bench.ask(&["d", "e", "f", "g"]);
    let mut uncalled = Vec::new();
    for _ in 0..7 {
        let (ended, failure) = bench.end().await;
        let failure = failure.unwrap();
        if failure.attempts == 0 {
            assert!(failure.problem.contains("breaker is open"), "{failure:?}");
            uncalled.push(ended.call.key.to_string());
        } else {
            assert_eq!(failure.problem, "out of order");
        }
    }
    // Both attempts were of requests that came first; what has waited too long ends with the second.
    assert_eq!(uncalled, ["d", "e", "f", "g"]);
    assert_eq!(bench.times(), [0, 0, 0, 10_000, 20_000]);
}
