//! What is kept, and what is not acknowledged.

use kolo_registry_server::{MemoryStore, Registry};
use serde_json::json;

use super::client::{delete, everything, get, live, register};

async fn on(store: &MemoryStore) -> Registry {
    Registry::builder()
        .store(store.clone())
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_registry_goes_on_where_another_ended() {
    let store = MemoryStore::new();
    let first = on(&store).await;
    live(&first).await;
    let before = everything(&first).await;
    first.shutdown().await;
    let second = on(&store).await;
    assert_eq!(everything(&second).await, before);
}

/// Of a log that was compacted, only the latest record of each key is left.
#[tokio::test]
async fn an_id_never_comes_back_although_its_schema_is_gone_for_good() {
    let store = MemoryStore::new();
    let first = on(&store).await;
    register(&first, "a", "\"int\"").await;
    let (_, last) = register(&first, "b", "\"long\"").await;
    delete(&first, "/subjects/b").await;
    delete(&first, "/subjects/b?permanent=true").await;
    let (_, body) = register(&first, "c", "\"bytes\"").await;
    assert_eq!(body["id"].as_u64(), last["id"].as_u64().map(|id| id + 1));
    delete(&first, "/subjects/c").await;
    delete(&first, "/subjects/c?permanent=true").await;
    first.shutdown().await;

    let compacted = MemoryStore::new();
    let records = store.records();
    let latest = records.iter().enumerate().filter(|(index, record)| {
        record.value.is_some()
            && records[index + 1..]
                .iter()
                .all(|later| later.key != record.key)
    });
    let mut log: Box<dyn kolo_registry_server::Store> = Box::new(compacted.clone());
    log.append(latest.map(|(_, record)| record.clone()).collect())
        .await
        .unwrap();
    let second = on(&compacted).await;
    let (_, again) = register(&second, "d", "\"float\"").await;
    assert_eq!(again["id"].as_u64(), body["id"].as_u64().map(|id| id + 1));
}

#[tokio::test]
async fn what_is_not_acknowledged_is_not_in_effect() {
    let store = MemoryStore::new();
    let registry = on(&store).await;
    register(&registry, "a", "\"int\"").await;
    let before = everything(&registry).await;
    store.refuse();
    let (status, body) = register(&registry, "a", "\"long\"").await;
    assert_eq!((status, &body["error_code"]), (500, &json!(50001)));
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("not acknowledged"),
        "{body}"
    );
    assert_eq!(delete(&registry, "/subjects/a").await.0, 500);
    assert_eq!(everything(&registry).await, before);
    store.recover();
    assert_eq!(
        register(&registry, "a", "\"long\"").await.1,
        json!({"id": 2})
    );
}

/// A record whose acknowledgement was lost is in the log: the next change is decided on it, and no id is given twice.
#[tokio::test]
async fn what_was_written_without_being_acknowledged_is_found_before_the_next_change() {
    let store = MemoryStore::new();
    let registry = on(&store).await;
    store.lose_acknowledgements();
    assert_eq!(register(&registry, "a", "\"int\"").await.0, 500);
    assert_eq!(get(&registry, "/subjects").await.1, json!([]));
    store.recover();
    assert_eq!(
        register(&registry, "b", "\"long\"").await.1,
        json!({"id": 2})
    );
    assert_eq!(get(&registry, "/subjects/a/versions").await.1, json!([1]));
    assert_eq!(
        get(&registry, "/schemas/ids/1").await.1,
        json!({"schema": "\"int\""})
    );
}
