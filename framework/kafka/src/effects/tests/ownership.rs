//! What is left of a partition that is owned no more: nothing.

use kolo_core::CallPolicy;

use super::bench::{Act, Bench, ago, call, seconds};
use crate::effects::Progress;

// failure: outside | the partition moves while a call is in flight | nothing | the reply counts for nobody, and
// the next owner asks again under the same key | nobody
#[tokio::test(start_paused = true)]
async fn a_lost_partition_leaves_nothing_and_a_call_in_flight_replies_to_nobody() {
    let mut bench = Bench::with_max(CallPolicy::new(), 10, |made| match &*made.key {
        "pauses" => Act::Fail,
        _ => Act::ReplyAfter(seconds(5)),
    });
    let at = ago(seconds(0));
    bench.owned.call([call(0, "pauses", "1", at)]);
    let keys = (0..100_000).map(|number| call(0, &format!("key {number}"), "1", at));
    bench.owned.call(keys);
    bench.owned.call([call(1, "key 7", "behind", at)]);
    tokio::time::sleep(seconds(1)).await;
    let pending = bench.pool.pending();
    assert_eq!(pending.len(), 100_002);
    let count = |progress| {
        pending
            .iter()
            .filter(|effect| effect.progress == progress)
            .count()
    };
    assert_eq!((count(Progress::Calling), count(Progress::Behind)), (10, 1));

    bench.owned = bench.effects.own(3, bench.reply_to.clone());
    assert!(bench.pool.pending().is_empty());
    bench.pool.with_schedule(|schedule| {
        assert_eq!((schedule.jobs.len(), schedule.jobs.capacity()), (0, 0));
        assert_eq!(schedule.owners.len(), 1);
        assert_eq!(schedule.lanes[0].waiting_capacity(), 0);
    });

    // The next owner asks for the same request, and gets its own reply alone.
    bench.owned.call([call(0, "key 0", "1", at)]);
    let (ended, failure) = bench.end().await;
    assert!(failure.is_none() && bench.owned.asked_for(&ended));
    tokio::time::sleep(seconds(100)).await;
    assert!(bench.nothing_ended());
    let made = bench.made();
    assert_eq!(made.iter().filter(|made| made.key == "key 0").count(), 2);
    assert_eq!(made.len(), 12, "what waited was not called");
}

#[tokio::test(start_paused = true)]
async fn what_is_pending_can_be_seen() {
    let bench = Bench::new(CallPolicy::new(), |_| Act::Fail);
    let at = ago(seconds(60));
    bench.owned.call([call(1, "a", "1", at)]);
    tokio::time::sleep(seconds(2)).await;
    let pending = bench.pool.pending();
    let [effect] = &pending[..] else {
        panic!("one effect, not {pending:?}")
    };
    assert_eq!(
        (
            &*effect.aggregate,
            effect.partition,
            &*effect.key,
            effect.since
        ),
        ("test.asks", 3, "a", at)
    );
    assert!(effect.port.ends_with("Second"));
    assert_eq!(
        (effect.attempts, effect.problem.as_deref()),
        (2, Some("out of order"))
    );
    assert!(matches!(effect.progress, Progress::Paused(until) if until > at));
    assert_eq!(effect.breaker, None);
}
