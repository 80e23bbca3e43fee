//! What is refused, and with which codes.

use serde_json::json;

use super::client::Registry;

/// What is not there is named by its code: the subject, the version, the id, the schema.
#[tokio::test]
async fn what_is_not_there_has_its_code() {
    let registry = Registry::new();
    let (subject, absent) = (registry.subject("users"), registry.subject("absent"));
    let schema = registry.record(&json!([]));
    registry.register(&subject, &schema).await.id();
    for path in ["/versions", "/versions/1", "/versions/latest"] {
        registry
            .get(&format!("/subjects/{absent}{path}"))
            .await
            .refused(404, 40401);
    }
    registry.look_up(&absent, &schema).await.refused(404, 40401);
    registry
        .delete(&format!("/subjects/{absent}"))
        .await
        .refused(404, 40401);
    registry
        .get(&format!("/subjects/{subject}/versions/99"))
        .await
        .refused(404, 40402);
    registry
        .delete(&format!("/subjects/{subject}/versions/99"))
        .await
        .refused(404, 40402);
    let path = format!("/compatibility/subjects/{subject}/versions/99");
    registry
        .post(&path, &json!({"schema": schema}))
        .await
        .refused(404, 40402);
    for path in ["", "/schema", "/subjects", "/versions"] {
        registry
            .get(&format!("/schemas/ids/2000000000{path}"))
            .await
            .refused(404, 40403);
    }
    let other = registry.named("Other", &json!([]));
    registry.look_up(&subject, &other).await.refused(404, 40403);
    assert_eq!(registry.get("/nonesuch").await.status, 404);
    assert_eq!(registry.get("/schemas/ids/abc").await.status, 404);
}

/// Nothing is compatible with everything.
#[tokio::test]
async fn any_schema_goes_with_a_subject_that_has_none() {
    let registry = Registry::new();
    let path = format!(
        "/compatibility/subjects/{}/versions/latest",
        registry.subject("absent")
    );
    let schema = registry.record(&json!([]));
    let verdict = registry
        .post(&path, &json!({"schema": schema}))
        .await
        .done();
    assert_eq!(verdict["is_compatible"], true);
}

/// What is no Avro is refused, and leaves nothing behind.
#[tokio::test]
async fn what_is_no_schema_is_refused() {
    let registry = Registry::new();
    let subject = registry.subject("bad");
    for schema in [
        r#"{"type":"record","name":"X"}"#,
        r#"{"type":"nosuch"}"#,
        "not json",
    ] {
        registry
            .register(&subject, schema)
            .await
            .refused(422, 42201);
    }
    let path = format!("/subjects/{subject}/versions");
    registry
        .post(&path, &json!({"schema": "\"int\"", "schemaType": "THRIFT"}))
        .await
        .refused(422, 42201);
    assert_eq!(registry.post_text(&path, "{\"schema\":").await.status, 400);
    registry.post_text(&path, "").await.refused(422, 42201);
    registry.get(&path).await.refused(404, 40401);
}
