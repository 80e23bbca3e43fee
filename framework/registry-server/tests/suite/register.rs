//! Registering, and finding what was registered.

use serde_json::json;

use super::client::{Registry, json};

fn two_fields() -> serde_json::Value {
    json!([{"name": "id", "type": "long"}, {"name": "name", "type": "string"}])
}

/// What is registered is found by id, by version, as the latest, and by its text.
#[tokio::test]
async fn what_is_registered_is_found_in_every_way() {
    let registry = Registry::new();
    let subject = registry.subject("users");
    let schema = registry.record(&two_fields());
    let id = registry.register(&subject, &schema).await.id();
    let text = serde_json::Value::String(schema.clone());

    let by_id = registry.get(&format!("/schemas/ids/{id}")).await.done();
    assert_eq!(json(&by_id["schema"]), json(&text));
    for version in ["1", "latest", "-1"] {
        let found = registry
            .get(&format!("/subjects/{subject}/versions/{version}"))
            .await
            .done();
        assert_eq!(
            (&found["subject"], &found["version"], &found["id"]),
            (&json!(subject), &json!(1), &json!(id))
        );
        assert_eq!(json(&found["schema"]), json(&text));
    }
    let bare = registry
        .get(&format!("/subjects/{subject}/versions/1/schema"))
        .await
        .done();
    assert_eq!(bare, json(&text));
    let found = registry.look_up(&subject, &schema).await.done();
    assert_eq!((&found["version"], &found["id"]), (&json!(1), &json!(id)));
    assert_eq!(
        registry
            .get(&format!("/subjects/{subject}/versions"))
            .await
            .done(),
        json!([1])
    );
    let subjects = registry.get("/subjects").await.done();
    assert!(subjects.as_array().unwrap().contains(&json!(subject)));
}

/// The same schema again, in whatever spacing, is the same version, also behind a later one.
#[tokio::test]
async fn registering_again_changes_nothing() {
    let registry = Registry::new();
    let subject = registry.subject("users");
    let first = registry.record(&two_fields());
    let second = registry.record(
        &json!([{"name": "id", "type": "long"}, {"name": "name", "type": "string"},
        {"name": "email", "type": ["null", "string"], "default": null}]),
    );
    let id = registry.register(&subject, &first).await.id();
    let spaced = first.replace(',', " ,\n ");
    assert_eq!(registry.register(&subject, &spaced).await.id(), id);
    let other = registry.register(&subject, &second).await.id();
    assert_ne!(other, id);
    assert_eq!(registry.register(&subject, &first).await.id(), id);
    assert_eq!(
        registry
            .get(&format!("/subjects/{subject}/versions"))
            .await
            .done(),
        json!([1, 2])
    );
}

/// One schema has one id in all subjects, and its id tells where it is.
#[tokio::test]
async fn a_schema_has_one_id_in_all_subjects() {
    let registry = Registry::new();
    let (one, other) = (registry.subject("a"), registry.subject("b"));
    let schema = registry.record(&two_fields());
    let id = registry.register(&one, &schema).await.id();
    assert_eq!(registry.register(&other, &schema).await.id(), id);
    let versions = registry
        .get(&format!("/schemas/ids/{id}/versions"))
        .await
        .done();
    assert_eq!(
        versions,
        json!([{"subject": one, "version": 1}, {"subject": other, "version": 1}])
    );
    let subjects = registry
        .get(&format!("/schemas/ids/{id}/subjects"))
        .await
        .done();
    assert_eq!(subjects, json!([one, other]));
}

/// Schemas that are no records are schemas too.
#[tokio::test]
async fn a_primitive_is_a_schema() {
    let registry = Registry::new();
    let subject = registry.subject("keys");
    let id = registry.register(&subject, "\"string\"").await.id();
    let found = registry.get(&format!("/schemas/ids/{id}")).await.done();
    assert_eq!(json(&found["schema"]), "string");
    assert_eq!(
        registry
            .register(&subject, r#"{"type":"string"}"#)
            .await
            .id(),
        id
    );
}

/// Many at once: each schema gets an id of its own, and no version is lost.
#[tokio::test]
async fn registrations_at_once_get_ids_of_their_own() {
    let registry = std::sync::Arc::new(Registry::new());
    let subject = registry.subject("busy");
    registry.register(&subject, "\"int\"").await.id();
    registry.set_level(&subject, "NONE").await;
    let mut registering = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (registry, subject) = (std::sync::Arc::clone(&registry), subject.clone());
        registering.spawn(async move {
            let schema = registry.named(&format!("T{number}"), &json!([]));
            registry.register(&subject, &schema).await.id()
        });
    }
    let mut ids = registering.join_all().await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 8);
    let versions = registry
        .get(&format!("/subjects/{subject}/versions"))
        .await
        .done();
    assert_eq!(versions, json!([1, 2, 3, 4, 5, 6, 7, 8, 9]));
}
