//! The events of a stream, for read models: every valid one once, from the first on, through outages.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Publisher, await_that, config, read_all_from};
use kolo_broker::Broker;
use kolo_core::wire::{FENCE, Stamp, Writer};
use kolo_kafka::{App, Config, Projected, Projection, ProjectionError, Told};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

common::counter_events!("projection.added", "projection.counted");
common::counter!("projection");

const AT_MOST: Duration = Duration::from_secs(60);

/// What was handed over, in words.
#[derive(Clone, Default)]
struct Model(Arc<Mutex<Vec<String>>>);

impl Model {
    fn take(&self, record: Projected<'_, CounterEvent>) {
        let told = match record.told {
            Told::Event(CounterEvent::Counted(counted)) => {
                assert_eq!(counted.key, record.key);
                assert!(record.id.is_some() && record.causation.is_some());
                assert!(record.correlation.is_some() && record.at.as_millis() > 0);
                format!("{} {}", counted.key, counted.amount)
            }
            Told::Parked(_) => format!("{} parked", record.key),
            Told::Unparked(_) => format!("{} unparked", record.key),
            Told::Unreadable(problem) => format!("unreadable: {problem}"),
        };
        self.0.lock().unwrap().push(told);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn start(&self, config: &Config) -> Projection {
        let model = self.clone();
        Projection::start(config, move |record| model.take(record)).unwrap()
    }
}

/// A broker of its own on which the stream exists.
fn broker() -> (Broker, Config) {
    let broker = Broker::builder()
        .auto_create_topics(false)
        .start_blocking()
        .unwrap();
    let mut config = Config::new(broker.bootstrap());
    config.partitions = 1;
    config.check_interval_ms = 500;
    (broker, config)
}

fn create(config: &Config, topic: &str) -> bool {
    let admin: AdminClient<DefaultClientContext> = config.client().create().unwrap();
    let new = [NewTopic::new(
        topic,
        config.partitions,
        TopicReplication::Fixed(1),
    )];
    let options = AdminOptions::new();
    let created = admin.create_topics(&new, &options);
    runtime().block_on(created).unwrap()[0].is_ok()
}

fn delete(config: &Config, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = config.client().create().unwrap();
    let (topics, options) = ([topic], AdminOptions::new());
    let deleted = admin.delete_topics(&topics, &options);
    runtime().block_on(deleted).unwrap()[0].as_ref().unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn in_time<T>(what: impl Future<Output = T>) -> T {
    let within = async { tokio::time::timeout(AT_MOST, what).await };
    runtime().block_on(within).expect("it comes in time")
}

fn ready(projection: &Projection) -> Result<(), ProjectionError> {
    in_time(projection.ready())
}

fn ended(projection: &Projection) -> ProjectionError {
    in_time(projection.ended())
}

#[test]
fn every_valid_event_is_handed_over_once_what_came_before_and_what_comes() {
    let running = App::new(service()).start(&config()).unwrap();
    let publisher = Publisher::new();
    let add = |id: &str, key: &str, value: &str| {
        publisher.publish("projection.added", "test.Added", id, key, value.as_bytes());
        publisher.flush();
    };
    add("one", "a", "a 1");
    add("two", "b", "b 5");
    add("two", "b", "b 5");
    let first = Model::default();
    let projection = first.start(&config());
    await_that("both are there", || first.all().len() == 2);
    // What nobody but the owner may write is void.
    publisher.intrude(
        "projection.counted",
        0,
        "test.Counted",
        "1 - - 0.AAAAAAAAAAA.1 - 1/1",
        "a 9",
    );
    add("three", "a", "a 1");
    add("four", "c", "nonsense");
    await_that("what comes is told, and that it is parked", || {
        first.all().len() == 4
    });

    // One that starts now comes to the same.
    let second = Model::default();
    let later = second.start(&config());
    ready(&later).unwrap();
    assert!(later.is_ready());
    let sorted = |model: &Model| {
        let mut all = model.all();
        all.sort();
        all
    };
    assert_eq!(sorted(&first), ["a 1", "a 2", "b 5", "c parked"]);
    assert_eq!(sorted(&second), sorted(&first));
    let in_order: Vec<_> = second
        .all()
        .into_iter()
        .filter(|one| one.starts_with('a'))
        .collect();
    assert_eq!(in_order, ["a 1", "a 2"]);

    in_time(projection.caught_up(&"a".to_owned())).unwrap();
    // The owner is idle, but for the marker that it may be writing.
    await_that("all is read", || projection.behind().records == 0);
    assert!(projection.behind().age.unwrap() < AT_MOST);
    running.stop().unwrap();
}

#[test]
fn what_is_known_is_all_that_stood_there_when_it_was_asked() {
    let (broker, config) = broker();
    let running = App::new(service()).start(&config).unwrap();
    let model = Model::default();
    let projection = model.start(&config);
    ready(&projection).unwrap();
    let publisher = Publisher::to(&broker.bootstrap());
    for number in 0..20 {
        let (id, value) = (format!("caught up {number}"), "up 1");
        publisher.publish(
            "projection.added",
            "test.Added",
            &id,
            "up",
            value.as_bytes(),
        );
        publisher.flush();
        let wanted = format!("up {}", number + 1);
        let stands = || {
            let all = read_all_from(&broker.bootstrap(), "projection.counted");
            all.iter().any(|seen| seen.value == wanted)
        };
        await_that("it is counted", stands);
        in_time(projection.caught_up(&"up".to_owned())).unwrap();
        assert!(model.all().contains(&wanted), "{:?}", model.all());
    }
    running.stop().unwrap();
}

#[test]
fn what_a_replaced_owner_left_is_skipped_and_what_cannot_be_read_is_told() {
    let (broker, config) = broker();
    assert!(create(&config, "projection.counted"));
    let publisher = Publisher::to(&broker.bootstrap());
    let write = |event_type: &str, epoch: Option<i64>, nonce: u64, number: u64, value: &str| {
        let writer = Writer {
            epoch,
            nonce,
            number,
        };
        let stamp = Stamp::own(writer).to_string();
        publisher.intrude("projection.counted", 0, event_type, &stamp, value);
    };
    write("test.Counted", Some(0), 9, 1, "before 0");
    write(FENCE, None, 7, 0, "{}");
    write("test.NotOfThisBuild", Some(1), 7, 1, "x 1");
    write("test.Counted", Some(1), 7, 2, "garbage");
    write(FENCE, None, 8, 0, "{}");
    write("test.NotOfThisBuild", Some(1), 7, 3, "late 1");
    write("kolo.marker", Some(4), 8, 1, "{}");
    write("kolo.parked", Some(4), 8, 2, "not json");
    let model = Model::default();
    let projection = model.start(&config);
    ready(&projection).unwrap();
    let all = model.all();
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(
        all[0].contains("`test.NotOfThisBuild` is no event of the stream"),
        "{all:?}"
    );
    assert!(all[1].contains("not `key amount`"), "{all:?}");
    assert!(all[2].contains("unreadable: kolo.parked"), "{all:?}");

    // A header after which nobody can tell what is valid ends it.
    publisher.intrude("projection.counted", 0, "test.Counted", "2 what", "x 1");
    let why = ended(&projection);
    assert!(matches!(why, ProjectionError::Unreadable { .. }), "{why}");
    assert!(why.to_string().contains("projection.counted[0]@8"), "{why}");
}

// failure: broker | the broker is gone while a read model follows a stream | a warning; the model says how long it is
// behind | it goes on where it was | nobody
#[test]
fn it_goes_on_through_an_outage_and_says_how_long_it_is_behind() {
    let (broker, config) = broker();
    let running = App::new(service()).start(&config).unwrap();
    let model = Model::default();
    let projection = model.start(&config);
    ready(&projection).unwrap();
    broker.stop().unwrap();
    await_that("it knows that it may be behind", || {
        projection.behind().age.unwrap() > Duration::from_secs(3)
    });
    let key = "a".to_owned();
    let asked = projection.caught_up(&key);
    let asked = async { tokio::time::timeout(Duration::from_millis(500), asked).await };
    assert!(runtime().block_on(asked).is_err(), "nobody can say");
    broker.start_again().unwrap();
    let publisher = Publisher::to(&broker.bootstrap());
    publisher.publish("projection.added", "test.Added", "one", "a", b"a 1");
    publisher.flush();
    await_that("it goes on", || model.all() == ["a 1"]);
    await_that("it is not behind", || {
        projection.behind().age.unwrap() < Duration::from_secs(3)
    });
    running.stop().unwrap();
}

// failure: broker | the stream that a read model follows is deleted, or created again | the projection ends, and says
// so | started again, the model is built from what is there | whoever deleted it
#[test]
fn a_stream_that_is_deleted_or_another_one_ends_it() {
    let (_broker, config) = broker();
    let model = Model::default();
    let why = ended(&model.start(&config));
    assert!(matches!(why, ProjectionError::Missing { .. }), "{why}");

    assert!(create(&config, "projection.counted"));
    let projection = model.start(&config);
    ready(&projection).unwrap();
    delete(&config, "projection.counted");
    let why = ended(&projection);
    assert!(matches!(why, ProjectionError::Lost { .. }), "{why}");
    assert!(matches!(ready(&projection), Ok(())), "it was ready once");

    await_that("it can be created again", || {
        create(&config, "projection.counted")
    });
    let projection = model.start(&config);
    ready(&projection).unwrap();
    delete(&config, "projection.counted");
    await_that("it can be created again", || {
        create(&config, "projection.counted")
    });
    let why = ended(&projection);
    assert!(matches!(why, ProjectionError::Lost { .. }), "{why}");
    assert_eq!(model.all(), [""; 0]);
}

#[test]
fn a_stream_that_has_lost_its_beginning_is_not_read_by_halves() {
    let (broker, config) = broker();
    assert!(create(&config, "projection.counted"));
    let publisher = Publisher::to(&broker.bootstrap());
    for number in 0..3 {
        let writer = Writer {
            epoch: (number > 0).then_some(0),
            nonce: 7,
            number,
        };
        let kind = if number == 0 { FENCE } else { "test.Counted" };
        let stamp = Stamp::own(writer).to_string();
        publisher.intrude("projection.counted", 0, kind, &stamp, "k 1");
    }
    let admin: AdminClient<DefaultClientContext> = config.client().create().unwrap();
    let mut until = TopicPartitionList::new();
    let two = Offset::Offset(2);
    until
        .add_partition_offset("projection.counted", 0, two)
        .unwrap();
    let options = AdminOptions::new();
    runtime()
        .block_on(admin.delete_records(&until, &options))
        .unwrap();
    let model = Model::default();
    let why = ended(&model.start(&config));
    assert!(
        matches!(why, ProjectionError::Trimmed { offset: 0, .. }),
        "{why}"
    );
    assert_eq!(model.all(), [""; 0]);
}

#[test]
fn a_read_model_that_panics_ends_it_with_its_message() {
    let (broker, config) = broker();
    let running = App::new(service()).start(&config).unwrap();
    let publisher = Publisher::to(&broker.bootstrap());
    publisher.publish("projection.added", "test.Added", "panics", "p", b"p 1");
    publisher.flush();
    let panics = |_: Projected<'_, CounterEvent>| panic!("not total");
    let projection = Projection::start(&config, panics).unwrap();
    let why = ended(&projection);
    assert!(matches!(why, ProjectionError::Panicked { .. }), "{why}");
    assert!(why.to_string().contains("not total"), "{why}");
    running.stop().unwrap();
}

#[test]
fn settings_that_are_refused_are_told_at_once() {
    let mut config = config();
    config
        .kafka
        .insert("fetch.wait.max.ms".into(), "soon".into());
    let refused = Projection::start(&config, |_: Projected<'_, CounterEvent>| {});
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("fetch.wait.max.ms"), "{error}");
}
