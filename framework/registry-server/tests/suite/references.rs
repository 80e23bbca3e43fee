//! Schemas that refer to others.

use serde_json::{Value, json};

use super::client::{Registry, json};

fn customer(registry: &Registry) -> String {
    registry.named(
        "Customer",
        &json!([{"name": "home", "type": registry.name("Address")}]),
    )
}

fn with_references(registry: &Registry, address: &str, version: i64) -> Value {
    json!({
        "schema": customer(registry),
        "references": [{"name": registry.name("Address"), "subject": address, "version": version}],
    })
}

async fn with_address(registry: &Registry) -> String {
    let subject = registry.subject("address");
    let schema = registry.named("Address", &json!([{"name": "street", "type": "string"}]));
    registry.register(&subject, &schema).await.id();
    subject
}

/// A schema with references is given out with them, and the one it refers to tells of it.
#[tokio::test]
async fn references_are_kept_and_told_of() {
    let registry = Registry::new();
    let address = with_address(&registry).await;
    let subject = registry.subject("customer");
    let path = format!("/subjects/{subject}/versions");
    let body = with_references(&registry, &address, 1);
    let id = registry.post(&path, &body).await.id();
    assert_eq!(registry.post(&path, &body).await.id(), id);
    for path in [
        format!("/schemas/ids/{id}"),
        format!("/subjects/{subject}/versions/latest"),
    ] {
        let found = registry.get(&path).await.done();
        assert_eq!(found["references"], body["references"]);
        assert_eq!(json(&found["schema"])["name"], "Customer");
    }
    let found = registry
        .post(&format!("/subjects/{subject}"), &body)
        .await
        .done();
    assert_eq!(found["id"], id);
    let by = registry
        .get(&format!("/subjects/{address}/versions/1/referencedby"))
        .await
        .done();
    assert_eq!(by, json!([id]));
}

/// A name that nothing defines, and a reference that leads nowhere, are refused.
#[tokio::test]
async fn what_leads_nowhere_is_refused() {
    let registry = Registry::new();
    let address = with_address(&registry).await;
    let subject = registry.subject("customer");
    registry
        .register(&subject, &customer(&registry))
        .await
        .refused(422, 42201);
    let path = format!("/subjects/{subject}/versions");
    let nowhere = registry.subject("nowhere");
    for body in [
        with_references(&registry, &address, 9),
        with_references(&registry, &nowhere, 1),
    ] {
        registry.post(&path, &body).await.refused(422, 42201);
    }
}

/// What others refer to is not deleted.
#[tokio::test]
async fn what_is_referred_to_stays() {
    let registry = Registry::new();
    let address = with_address(&registry).await;
    let subject = registry.subject("customer");
    let body = with_references(&registry, &address, 1);
    registry
        .post(&format!("/subjects/{subject}/versions"), &body)
        .await
        .id();
    registry
        .delete(&format!("/subjects/{address}/versions/1"))
        .await
        .refused(422, 42206);
    registry
        .delete(&format!("/subjects/{address}"))
        .await
        .refused(422, 42206);
    assert_eq!(
        registry
            .get(&format!("/subjects/{address}/versions"))
            .await
            .done(),
        json!([1])
    );
}
