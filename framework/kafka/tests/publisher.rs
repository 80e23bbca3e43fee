//! Events from outside: acknowledged, recognised when they come again, and never said to be lost when they may have arrived.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{await_that, config, read_all, read_all_from};
use kolo_broker::Broker;
use kolo_broker::faults::{Action, Api, Plan};
use kolo_core::EventId;
use kolo_kafka::{App, Config, PublishError, Publisher};

common::counter_events!("publisher.added", "publisher.counted");
common::counter!("publisher");

const INTAKE: &str = "publisher.added";

fn added(key: &str) -> Added {
    Added {
        key: key.into(),
        amount: 1,
    }
}

fn id(text: &str) -> EventId {
    EventId::foreign(text)
}

async fn connect(config: &Config, within: Duration) -> Result<Publisher, PublishError> {
    let publisher = Publisher::builder("/test/publisher").event::<Added>();
    publisher.acknowledged_within(within).connect(config).await
}

/// A broker of its own with the intake topic.
async fn broker(plan: Plan) -> (Broker, Config) {
    let broker = Broker::builder().faults(plan).start().await.unwrap();
    let config = Config::new(broker.bootstrap());
    let running = tokio::task::spawn_blocking({
        let config = config.clone();
        move || {
            App::new(service())
                .start(&config)
                .map(kolo_kafka::Running::stop)
        }
    });
    running.await.unwrap().unwrap().unwrap();
    (broker, config)
}

#[test]
fn the_same_id_is_the_same_event_and_stands_where_it_is_said_to() {
    let running = App::new(service()).start(&config()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let published = runtime.block_on(async {
        let publisher = connect(&config(), Duration::from_secs(30)).await.unwrap();
        let first = publisher.publish(&added("k"), id("one")).await.unwrap();
        publisher.publish(&added("k"), id("one")).await.unwrap();
        let second = publisher
            .publish_traced(&added("k"), id("two"), trace)
            .await;
        publisher.close().await;
        let closed = publisher.publish(&added("k"), id("three")).await;
        assert!(matches!(closed, Err(PublishError::Closed)), "{closed:?}");
        (first, second.unwrap())
    });
    let intake: Vec<_> = read_all(INTAKE);
    assert_eq!(intake.len(), 3);
    let at = |seen: &common::Seen| (seen.partition, seen.offset);
    assert_eq!(at(&intake[0]), (published.0.partition, published.0.offset));
    assert_eq!(at(&intake[2]), (published.1.partition, published.1.offset));
    assert_eq!(intake[0].id, id("one").to_string());
    let counted = || {
        let all = read_all("publisher.counted").into_iter();
        all.filter(|seen| seen.event_type == "test.Counted" && seen.valid)
            .map(|seen| seen.value)
            .collect::<Vec<_>>()
    };
    await_that("both are counted", || counted().len() >= 2);
    running.stop().unwrap();
    assert_eq!(counted(), ["k 1", "k 2"], "the repeat was recognised");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_is_lost_is_asked_for_again_and_the_event_stands_there_once() {
    let lost = Plan::new().on(Api::Produce).topic(INTAKE).nth(1);
    let (broker, config) = broker(lost.then(Action::DropAfter)).await;
    let publisher = connect(&config, Duration::from_secs(30)).await.unwrap();
    publisher.publish(&added("k"), id("one")).await.unwrap();
    assert_eq!(broker.faults().fired().len(), 1);
    assert_eq!(read_all_from(&broker.bootstrap(), INTAKE).len(), 1);
}

// failure: broker | the broker is gone while an edge publishes | the publish ends in bounded time, and says that the
// event may have arrived | sent again under the same id it is the same event | the client
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_acknowledged_in_time_may_have_arrived_and_comes_again_as_the_same() {
    let (broker, config) = broker(Plan::new()).await;
    let publisher = connect(&config, Duration::from_secs(1)).await.unwrap();
    // Each publish may meet a client that is not connected: a retry is what the message asks for. How often it was tried.
    let publish = async |name: &str| {
        let until = Instant::now() + Duration::from_secs(60);
        let mut tries = 1;
        while publisher.publish(&added("k"), id(name)).await.is_err() {
            assert!(Instant::now() < until, "it is published at last");
            tries += 1;
        }
        tries
    };
    publish("one").await;
    broker.stop().unwrap();
    let begun = Instant::now();
    let error = publisher.publish(&added("k"), id("two")).await.unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert!(error.may_be_published(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("publisher.added key k") && text.contains("under the same id"),
        "{text}"
    );
    broker.start_again().unwrap();
    let tries = 1 + publish("two").await;
    let ids = read_all_from(&broker.bootstrap(), INTAKE).into_iter();
    let twos = ids.filter(|seen| seen.id == id("two").to_string()).count();
    assert!((1..=tries).contains(&twos), "{twos} by {tries} tries");
}

// failure: broker | the brokers are away while a service's edge connects its publisher | a warning | it waits for them, up to
// `start_timeout_ms` | nobody
#[tokio::test(flavor = "multi_thread")]
async fn who_connects_waits_for_the_brokers() {
    let (broker, config) = broker(Plan::new()).await;
    broker.stop().unwrap();
    let connecting = tokio::spawn(async move { connect(&config, Duration::from_secs(30)).await });
    // Longer than one question to the brokers takes.
    tokio::time::sleep(Duration::from_secs(13)).await;
    assert!(!connecting.is_finished());
    broker.start_again().unwrap();
    let publisher = connecting.await.unwrap().unwrap();
    publisher.publish(&added("k"), id("one")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_what_is_under_way_though_nobody_else_does() {
    let slow = Plan::new().on(Api::Produce).topic(INTAKE).nth(1);
    let slow = slow.then(Action::Hold("late".into()));
    let (broker, config) = broker(slow).await;
    let publisher = connect(&config, Duration::from_secs(30)).await.unwrap();
    for number in 0..10 {
        // The client has gone away before the answer.
        let added = added("k");
        let published = publisher.publish(&added, id(&number.to_string()));
        let given_up = tokio::time::timeout(Duration::from_millis(1), published).await;
        assert!(given_up.is_err(), "it is held");
    }
    let arrived = async {
        while broker.faults().held("late") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        broker.faults().release("late");
    };
    let closed = async { tokio::join!(publisher.close(), arrived) };
    let closed = tokio::time::timeout(Duration::from_secs(60), closed);
    closed.await.expect("it is closed");
    assert_eq!(read_all_from(&broker.bootstrap(), INTAKE).len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_published_is_said_before_the_first_client_comes() {
    let refused = Publisher::builder("/test").event::<Counted>();
    let error = refused.connect(&config()).await.unwrap_err();
    assert!(
        matches!(
            error,
            PublishError::NotIntake {
                event: "test.Counted",
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.may_be_published());

    let broker = Broker::builder()
        .auto_create_topics(false)
        .start()
        .await
        .unwrap();
    let empty = Config::new(broker.bootstrap());
    let error = connect(&empty, Duration::from_secs(1)).await.unwrap_err();
    assert!(
        matches!(error, PublishError::NoTopic { topic: INTAKE, .. }),
        "{error}"
    );

    let mut nobody = Config::new("127.0.0.1:1");
    nobody.start_timeout_ms = 0;
    let error = connect(&nobody, Duration::from_secs(1)).await.unwrap_err();
    assert!(
        error.to_string().contains("127.0.0.1:1 do not answer"),
        "{error}"
    );

    let (_there, config) = self::broker(Plan::new()).await;
    let nothing = Publisher::builder("/test").connect(&config).await.unwrap();
    let error = nothing.publish(&added("k"), id("one")).await.unwrap_err();
    assert!(
        matches!(
            error,
            PublishError::Undeclared {
                event: "test.Added"
            }
        ),
        "{error}"
    );
}
