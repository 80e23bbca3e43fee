//! When a request is given up, and what counts as a failure.

use kolo_core::{CallFailure, CallPolicy, Retries};

use super::bench::{Act, Bench, ago, call, seconds};
use crate::effects::Progress;
use crate::worker::record::now;

fn gave_up(problem: &str, attempts: u32, terminal: bool) -> Option<CallFailure> {
    Some(CallFailure {
        problem: problem.into(),
        attempts,
        terminal,
    })
}

#[tokio::test(start_paused = true)]
async fn a_call_is_made_again_after_growing_pauses_until_there_is_a_reply() {
    let bench = Bench::new(CallPolicy::new(), |made| match made.attempt {
        ..=4 => Act::Fail,
        _ => Act::Reply,
    });
    bench.ask(&["a"]);
    assert_eq!(bench.end().await.1, None);
    assert_eq!(bench.times(), [0, 1_000, 3_000, 7_000, 11_000]);
    assert!(bench.pool.pending().is_empty());
}

#[tokio::test(start_paused = true)]
async fn so_many_calls_are_made_and_no_more() {
    let policy = CallPolicy::new().retries(Retries::at_most(3));
    let bench = Bench::new(policy, |_| Act::Fail);
    bench.ask(&["a"]);
    assert_eq!(bench.end().await.1, gave_up("out of order", 3, false));
    tokio::time::sleep(seconds(100)).await;
    assert_eq!(bench.times(), [0, 1_000, 3_000]);
    assert_eq!(bench.pool.pending()[0].progress, Progress::GivenUp);
}

#[tokio::test(start_paused = true)]
async fn the_time_runs_from_the_request_and_not_from_the_take_over() {
    let policy = CallPolicy::new().retries(Retries::for_at_most(seconds(60)));
    let bench = Bench::new(policy, |_| Act::Fail);
    let asked = ago(seconds(55));
    bench.owned.call([call(0, "a", "1", asked)]);
    // Some of the real time has passed since the request was dated.
    let left = asked.as_millis() + 60_000 - now().as_millis();
    assert_eq!(bench.end().await.1, gave_up("out of order", 4, false));
    let times = bench.times();
    assert_eq!(times[..3], [0, 1_000, 3_000]);
    // The last call is at the bound itself.
    let at_the_bound = u128::try_from(left).unwrap()..=5_000;
    assert!(at_the_bound.contains(&times[3]), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_over_after_the_time_calls_once() {
    let policy = CallPolicy::new().retries(Retries::for_at_most(seconds(60)));
    let bench = Bench::new(policy, |made| match &*made.key {
        "works" => Act::Reply,
        _ => Act::Fail,
    });
    let old = ago(seconds(600));
    bench
        .owned
        .call([call(0, "works", "1", old), call(0, "fails", "1", old)]);
    let (first, second) = (bench.end().await, bench.end().await);
    assert_eq!((&*first.0.call.key, first.1), ("works", None));
    assert_eq!(second.1, gave_up("out of order", 1, false));
}

// failure: outside | a port says that calling again cannot help | the key is parked, or the declared answer given
// | no more call is made | an operator
#[tokio::test(start_paused = true)]
async fn where_calling_again_cannot_help_it_is_not_called_again() {
    let bench = Bench::new(CallPolicy::new(), |_| Act::Refuse);
    bench.ask(&["a"]);
    assert_eq!(bench.end().await.1, gave_up("no such account", 1, true));
    assert_eq!(bench.times(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_decode_is_not_called_at_all() {
    let bench = Bench::new(CallPolicy::new(), |_| Act::Reply);
    let mut garbage = call(0, "a", "1", ago(seconds(0)));
    garbage.value = [0xff][..].into();
    bench.owned.call([garbage]);
    let failure = bench.end().await.1.unwrap();
    assert!(
        failure.terminal && failure.problem.contains("test.Asked"),
        "{failure:?}"
    );
    assert!(bench.made().is_empty());
}

// failure: outside | an adapter panics | a failure with the panic's message | called again, as by its policy | a
// developer
#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_like_any_other() {
    let policy = CallPolicy::new().retries(Retries::at_most(2));
    let bench = Bench::new(policy, |_| Act::Panic);
    bench.ask(&["a"]);
    let problem = "the adapter panicked: as told";
    assert_eq!(bench.end().await.1, gave_up(problem, 2, false));
    assert_eq!(bench.times(), [0, 1_000]);
}

// failure: outside | a call hangs | no reply within the time limit | it is given up and made again under the same
// key | nobody
#[tokio::test(start_paused = true)]
async fn a_call_takes_as_long_as_its_policy_allows_or_else_the_process() {
    let policy = CallPolicy::new().retries(Retries::at_most(1));
    for (policy, problem) in [
        (policy.timeout(seconds(2)), "no reply within 2s"),
        (policy, "no reply within 10s"),
    ] {
        let bench = Bench::new(policy, |_| Act::ReplyAfter(seconds(3_600)));
        bench.ask(&["a"]);
        assert_eq!(bench.end().await.1, gave_up(problem, 1, false));
    }
}
