//! How many calls run at once, and in a time.

use kolo_core::{CallPolicy, Rate};

use super::bench::{Act, Bench, ago, call, seconds};

const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

#[tokio::test(start_paused = true)]
async fn an_effect_has_a_limit_of_its_own_which_does_not_hold_up_another() {
    let policy = CallPolicy::new().at_once(2);
    let bench = Bench::new(policy, |_| Act::ReplyAfter(seconds(1)));
    bench.ask(&KEYS);
    bench.owned.call([call(1, "other", "1", ago(seconds(0)))]);
    bench.ended_keys(7).await;
    assert_eq!(bench.most_at_once(), 3);
    let first = bench.made().into_iter().filter(|made| made.effect == 0);
    let times: Vec<_> = first.map(|made| made.at).collect();
    assert_eq!(times, [0, 0, 1_000, 1_000, 2_000, 2_000]);
}

#[tokio::test(start_paused = true)]
async fn the_process_has_a_limit_on_all_effects_that_they_share_fairly() {
    let bench = Bench::with_max(CallPolicy::new(), 2, |_| Act::ReplyAfter(seconds(1)));
    bench.ask(&KEYS);
    let second = KEYS.map(|key| call(1, &format!("{key}2"), "1", ago(seconds(0))));
    bench.owned.call(second);
    bench.ended_keys(12).await;
    assert_eq!(bench.most_at_once(), 2);
    let made = bench.made();
    for pair in made.chunks(2) {
        assert_ne!(pair[0].effect, pair[1].effect, "{made:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_begin_no_faster_than_the_rate_allows() {
    let policy = CallPolicy::new().rate(Rate::per_second(2));
    let bench = Bench::new(policy, |_| Act::Reply);
    bench.ask(&KEYS);
    bench.ended_keys(6).await;
    assert_eq!(bench.times(), [0, 0, 500, 1_000, 1_500, 2_000]);

    let policy = CallPolicy::new().rate(Rate::new(60, seconds(60)).burst(1));
    let bench = Bench::new(policy, |_| Act::Reply);
    bench.ask(&KEYS[..3]);
    bench.ended_keys(3).await;
    assert_eq!(bench.times(), [0, 1_000, 2_000]);
}
