//! The log in Kafka: on embedded brokers of its own, and once on the broker that `KOLO_TEST_BOOTSTRAP` names, where one does.

use std::time::{Duration, Instant};

use kolo_broker::Broker;
use kolo_registry_server::{KafkaStore, Registry, StartError, Store};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use serde_json::json;

use super::client::{delete, everything, get, live, register};

async fn on(broker: &Broker) -> Registry {
    let builder = Registry::builder().kafka(broker.bootstrap());
    builder.start().await.unwrap()
}

/// On whichever broker: the topic is made, written to, and read back by another registry.
#[tokio::test]
async fn any_broker_keeps_the_log() {
    let on = async || {
        let builder = Registry::builder().kafka(kolo_broker::testing::bootstrap());
        builder.start().await.unwrap()
    };
    let name = format!("r{}", uuid::Uuid::new_v4().simple());
    let schema = format!(r#"{{"type":"fixed","name":"{name}","size":1}}"#);
    let registry = on().await;
    let (status, registered) = register(&registry, &name, &schema).await;
    assert_eq!(status, 200, "{registered}");
    assert_eq!(
        delete(&registry, &format!("/subjects/{name}")).await.1,
        json!([1])
    );
    let before = everything(&registry).await;
    registry.shutdown().await;
    let again = on().await;
    assert_eq!(everything(&again).await, before);
    let found = get(&again, &format!("/subjects/{name}/versions/1?deleted=true"))
        .await
        .1;
    assert_eq!(found["id"], registered["id"]);
    // Nothing of it is left: where the broker stays, so does what other runs wrote.
    let path = format!("/subjects/{name}?permanent=true");
    assert_eq!(delete(&again, &path).await.1, json!([1]));
    again.shutdown().await;
    let (_, subjects) = get(&on().await, "/subjects?deleted=true").await;
    assert!(
        !subjects.as_array().unwrap().contains(&json!(name)),
        "{subjects}"
    );
}

/// Over restarts of the registry, and of the broker.
#[tokio::test]
async fn schemas_are_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let broker = || {
        let builder = Broker::builder()
            .data_dir(folder.path())
            .auto_create_topics(false);
        builder.start()
    };
    let first = broker().await.unwrap();
    let registry = on(&first).await;
    live(&registry).await;
    let before = everything(&registry).await;
    registry.shutdown().await;
    let again = on(&first).await;
    assert_eq!(everything(&again).await, before);
    again.shutdown().await;
    first.shutdown().await;

    let second = broker().await.unwrap();
    let registry = on(&second).await;
    assert_eq!(everything(&registry).await, before);
    assert_eq!(
        register(&registry, "e", "\"float\"").await.1,
        json!({"id": 6})
    );
    registry.shutdown().await;
    second.shutdown().await;
}

/// The topic is Confluent's: its name, its one partition, its keys.
#[tokio::test]
async fn the_log_is_a_compacted_topic_of_one_partition() {
    let broker = Broker::builder().partitions(6).start().await.unwrap();
    let registry = on(&broker).await;
    register(&registry, "a", "\"int\"").await;
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .create()
        .unwrap();
    let metadata = admin
        .inner()
        .fetch_metadata(Some("_schemas"), Duration::from_secs(10))
        .unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), 1);
    let mut store = KafkaStore::new(broker.bootstrap());
    let log = store.load().await.unwrap();
    let key = String::from_utf8(log[0].key.clone()).unwrap();
    assert_eq!(
        key,
        r#"{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}"#
    );
}

/// Whoever finds a topic that forgets says so, instead of forgetting.
#[tokio::test]
async fn a_topic_that_would_lose_schemas_is_refused() {
    for (partitions, policy, words) in [
        (1, "delete", "cleanup.policy=delete"),
        (3, "compact", "3 partitions"),
    ] {
        let broker = Broker::builder().start().await.unwrap();
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .create()
            .unwrap();
        let topic = NewTopic::new("_schemas", partitions, TopicReplication::Fixed(1))
            .set("cleanup.policy", policy);
        admin
            .create_topics([&topic], &AdminOptions::new())
            .await
            .unwrap();
        let error = Registry::builder()
            .kafka(broker.bootstrap())
            .start()
            .await
            .unwrap_err();
        assert!(matches!(error, StartError::Store(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// While the broker is away, what is known is answered, and what would change is refused.
#[tokio::test]
async fn a_broker_that_is_away_costs_changes_and_nothing_else() {
    let broker = Broker::builder().start().await.unwrap();
    let registry = on(&broker).await;
    register(&registry, "a", "\"int\"").await;
    broker.stop().unwrap();
    let begun = Instant::now();
    let (status, body) = register(&registry, "b", "\"long\"").await;
    assert_eq!((status, &body["error_code"]), (500, &json!(50001)));
    assert!(
        body["message"].as_str().unwrap().contains("_schemas"),
        "{body}"
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(
        get(&registry, "/schemas/ids/1").await.1,
        json!({"schema": "\"int\""})
    );
    assert_eq!(get(&registry, "/subjects").await.1, json!(["a"]));
    broker.start_again().unwrap();
    assert_eq!(
        register(&registry, "b", "\"long\"").await.1,
        json!({"id": 2})
    );
}

/// A schema of a mebibyte is not too large for the topic.
#[tokio::test]
async fn the_largest_schema_that_is_taken_is_kept() {
    let broker = Broker::builder().start().await.unwrap();
    let registry = on(&broker).await;
    let doc = "\\\"".repeat(300_000);
    let schema = format!(r#"{{"type":"record","name":"R","doc":"{doc}","fields":[]}}"#);
    assert_eq!(register(&registry, "a", &schema).await.1["error_code"], 413);
    let schema = format!(
        r#"{{"type":"record","name":"R","doc":"{}","fields":[]}}"#,
        &doc[..500_000]
    );
    assert_eq!(register(&registry, "a", &schema).await.1, json!({"id": 1}));
    registry.shutdown().await;
    let again = on(&broker).await;
    assert_eq!(
        get(&again, "/schemas/ids/1").await.1,
        json!({"schema": schema})
    );
}
