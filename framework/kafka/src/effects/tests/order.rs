//! One key is called in the order of its requests; others are not held up.

use kolo_core::{CallPolicy, Retries};

use super::bench::{Act, Bench, ago, call, seconds};
use crate::effects::Progress;

#[tokio::test(start_paused = true)]
async fn requests_of_one_key_are_called_in_order_across_effects() {
    let bench = Bench::new(CallPolicy::new(), |made| match (&*made.key, made.effect) {
        ("slow", 0) if made.at < 3_000 => Act::Fail,
        _ => Act::ReplyAfter(seconds(1)),
    });
    let at = ago(seconds(0));
    bench.owned.call([
        call(0, "slow", "charge", at),
        call(1, "slow", "refund", at),
        call(0, "slow", "again", at),
        call(1, "other", "refund", at),
    ]);
    let behind = |bench: &Bench| {
        let pending = bench.pool.pending();
        let behind = pending
            .iter()
            .filter(|effect| effect.progress == Progress::Behind);
        behind.count()
    };
    assert_eq!(behind(&bench), 2);
    assert_eq!(bench.ended_keys(4).await, ["other", "slow", "slow", "slow"]);
    let made = bench.made();
    let slow = made.iter().filter(|made| made.key == "slow");
    let slow: Vec<_> = slow
        .map(|made| (made.effect, made.attempt, made.at))
        .collect();
    assert_eq!(
        slow,
        [
            (0, 1, 0),
            (0, 2, 1_000),
            (0, 3, 3_000),
            (1, 1, 4_000),
            (0, 1, 5_000)
        ]
    );
    assert!(bench.pool.pending().is_empty());
}

// failure: outside | one key's call fails and pauses | other keys are called | its later requests wait behind it,
// in order | nobody
#[tokio::test(start_paused = true)]
async fn a_pause_holds_its_key_and_nothing_else() {
    let bench = Bench::with_max(CallPolicy::new(), 1, |made| match &*made.key {
        "away" if made.attempt < 3 => Act::Fail,
        _ => Act::Reply,
    });
    bench.ask(&["away", "b", "c", "d"]);
    assert_eq!(bench.ended_keys(4).await, ["b", "c", "d", "away"]);
    assert_eq!(bench.times(), [0, 0, 0, 0, 1_000, 3_000]);
}

#[tokio::test(start_paused = true)]
async fn a_key_waits_while_nobody_has_said_what_follows() {
    let policy = CallPolicy::new().retries(Retries::at_most(1));
    let bench = Bench::new(policy, |made| match made.effect {
        0 => Act::Fail,
        _ => Act::Reply,
    });
    let at = ago(seconds(0));
    bench
        .owned
        .call([call(0, "a", "1", at), call(1, "a", "2", at)]);
    let (given_up, failure) = bench.end().await;
    assert!(failure.is_some());
    tokio::time::sleep(seconds(100)).await;
    assert!(bench.nothing_ended());

    bench.owned.release(&given_up.call);
    let (ended, failure) = bench.end().await;
    assert_eq!((ended.call.effect, failure), (1, None));
    assert!(bench.pool.pending().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_asked_for_again_is_called_anew() {
    let policy = CallPolicy::new().retries(Retries::at_most(1));
    let bench = Bench::new(policy, |made| match made.at {
        0 => Act::Fail,
        _ => Act::Reply,
    });
    bench.ask(&["a"]);
    assert!(bench.end().await.1.is_some());
    tokio::time::sleep(seconds(1)).await;
    bench.ask(&["a"]);
    assert_eq!(bench.end().await.1, None);
    assert_eq!(bench.made().last().unwrap().attempt, 1);
}
