//! A collector that is not there.

use kolo_broker::Broker;
use kolo_kafka::Config;

use crate::common::{FreeAddress, await_that, get, read_all_from};
use crate::services::Process;
use crate::{added, publisher};

/// What a service has counted of spans that nobody was told of; `None` before it listens.
fn lost(asks: &Process) -> Option<f64> {
    let log = asks.log();
    let (_, rest) = log.split_once("/metrics at http://")?;
    let at = rest.split('"').next()?;
    let (_, _, answer) = get(at, "/metrics").expect("metrics are served");
    let sample = |line: &str| {
        line.strip_prefix("kolo_spans_dropped_total{service=\"asks\"} ")
            .map(|count| count.parse().expect("a count"))
    };
    answer.lines().find_map(sample)
}

pub(crate) fn what_no_collector_takes_is_counted_and_holds_nothing_up() {
    const SAGAS: usize = 100;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let broker = Broker::builder().start_blocking().expect("a broker");
    let brokers = broker.bootstrap();
    let nobody = FreeAddress::take();
    let at = format!("http://{nobody}");
    let folder = tempfile::tempdir().expect("a folder");
    let asks = Process::start("asks", &brokers, &at, folder.path());
    let publisher = publisher(&Config::new(brokers.clone()), &runtime);
    runtime.block_on(async {
        for number in 0..SAGAS {
            let (id, event) = added(&format!("saga-{number}"), 1);
            let told = publisher.publish(&event, id).await;
            told.expect("an acknowledgement");
        }
    });
    await_that("all are answered", || {
        let all = read_all_from(&brokers, "traces.asks").into_iter();
        all.filter(|seen| seen.event_type == "test.Told").count() == SAGAS
    });
    // A request, two calls, and an answer.
    let spans = 4.0 * 100.0;
    await_that("all that nobody took is counted", || {
        lost(&asks) == Some(spans)
    });
    let log = asks.log();
    let warnings = log.matches("spans cannot be told and are lost").count();
    assert_eq!(warnings, 1, "it is said once: {log}");
}
