//! Deletes: first soft, then for good.

use serde_json::{Value, json};

use super::client::Registry;

fn version(registry: &Registry, number: u32) -> String {
    let optional = |n: u32| json!({"name": format!("f{n}"), "type": "int", "default": 0});
    registry.record(&(1..=number).map(optional).collect::<Value>())
}

async fn with_versions(registry: &Registry, count: u32) -> (String, Vec<u64>) {
    let subject = registry.subject("users");
    let mut ids = Vec::new();
    for number in 1..=count {
        ids.push(
            registry
                .register(&subject, &version(registry, number))
                .await
                .id(),
        );
    }
    (subject, ids)
}

/// A version that was deleted is out of sight, found by its id, and gone only when that is asked for.
#[tokio::test]
async fn a_version_goes_in_two_steps() {
    let registry = Registry::new();
    let (subject, ids) = with_versions(&registry, 3).await;
    let path = format!("/subjects/{subject}/versions");
    let early = registry.delete(&format!("{path}/1?permanent=true")).await;
    assert_eq!(early.body["error_code"], 40407, "{}", early.body);
    assert_eq!(registry.delete(&format!("{path}/1")).await.done(), json!(1));
    let again = registry.delete(&format!("{path}/1")).await;
    assert_eq!(again.body["error_code"], 40406, "{}", again.body);
    assert_eq!(registry.get(&path).await.done(), json!([2, 3]));
    assert_eq!(
        registry.get(&format!("{path}?deleted=true")).await.done(),
        json!([1, 2, 3])
    );
    registry.get(&format!("{path}/1")).await.refused(404, 40402);
    let found = registry.get(&format!("{path}/1?deleted=true")).await.done();
    assert_eq!(found["id"], ids[0]);
    registry
        .get(&format!("/schemas/ids/{}", ids[0]))
        .await
        .done();
    let first = version(&registry, 1);
    registry.look_up(&subject, &first).await.refused(404, 40403);

    assert_eq!(
        registry
            .delete(&format!("{path}/1?permanent=true"))
            .await
            .done(),
        json!(1)
    );
    assert_eq!(
        registry.get(&format!("{path}?deleted=true")).await.done(),
        json!([2, 3])
    );
    assert_eq!(
        registry.delete(&format!("{path}/latest")).await.done(),
        json!(3)
    );
    assert_eq!(registry.get(&path).await.done(), json!([2]));
}

/// A subject that was deleted is out of sight; a schema that comes back keeps its id, and is a new version.
#[tokio::test]
async fn a_subject_goes_in_two_steps_and_comes_back() {
    let registry = Registry::new();
    let (subject, ids) = with_versions(&registry, 2).await;
    let path = format!("/subjects/{subject}");
    let early = registry.delete(&format!("{path}?permanent=true")).await;
    assert_eq!(early.body["error_code"], 40405, "{}", early.body);
    assert_eq!(registry.delete(&path).await.done(), json!([1, 2]));
    registry.delete(&path).await.refused(404, 40404);
    registry
        .get(&format!("{path}/versions/latest"))
        .await
        .refused(404, 40401);
    let listed = |subjects: Value| subjects.as_array().unwrap().contains(&json!(subject));
    assert!(!listed(registry.get("/subjects").await.done()));
    assert!(listed(registry.get("/subjects?deleted=true").await.done()));

    assert_eq!(
        registry
            .register(&subject, &version(&registry, 2))
            .await
            .id(),
        ids[1]
    );
    assert_eq!(
        registry.get(&format!("{path}/versions")).await.done(),
        json!([3])
    );
    registry.delete(&path).await.done();
    assert_eq!(
        registry
            .delete(&format!("{path}?permanent=true"))
            .await
            .done(),
        json!([1, 2, 3])
    );
    registry
        .delete(&format!("{path}?permanent=true"))
        .await
        .refused(404, 40401);
    registry
        .register(&subject, &version(&registry, 1))
        .await
        .id();
    assert_eq!(
        registry.get(&format!("{path}/versions")).await.done(),
        json!([1])
    );
}
