//! Subjects with names that a path could trip over.

use serde_json::json;

use super::client::{Registry, escaped};

/// A name arrives as it was sent, whatever is in it.
#[tokio::test]
async fn a_subject_may_have_any_name() {
    let registry = Registry::new();
    let schema = registry.record(&json!([]));
    for name in [
        "a%b", "a/b", "a b", "a%2Fb", "a+b", "é%", "a?b=c#d", "a.b.C", "a\"b",
    ] {
        let subject = registry.subject(name);
        let id = registry.register(&subject, &schema).await.id();
        let path = format!("/subjects/{}", escaped(&subject));
        let found = registry
            .get(&format!("{path}/versions/latest"))
            .await
            .done();
        assert_eq!(
            (&found["subject"], &found["id"]),
            (&json!(subject), &json!(id)),
            "{name}"
        );
        assert_eq!(registry.look_up(&subject, &schema).await.id(), id, "{name}");
        let subjects = registry.get("/subjects").await.done();
        assert!(
            subjects.as_array().unwrap().contains(&json!(subject)),
            "{name}"
        );
        registry.set_level(&subject, "FULL").await;
        let level = registry
            .get(&format!("/config/{}", escaped(&subject)))
            .await
            .done();
        assert_eq!(level, json!({"compatibilityLevel": "FULL"}), "{name}");
        assert_eq!(registry.delete(&path).await.done(), json!([1]), "{name}");
    }
}
