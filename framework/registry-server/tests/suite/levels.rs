//! Each compatibility level: what is registered under it, and what is refused.

use serde_json::{Value, json};

use super::client::Registry;

/// Versions of one record, each a change of the first.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Old readers read it and new readers read the old: both directions.
    Optional,
    /// New readers do not read the old: forward alone.
    Required,
    /// Old readers do not read it: backward alone.
    Removed,
    /// Neither.
    Retyped,
}

use Change::{Optional, Removed, Required, Retyped};

fn fields(change: Option<Change>) -> Value {
    let id = json!({"name": "id", "type": "long"});
    let name = json!({"name": "name", "type": "string"});
    match change {
        None => json!([id, name]),
        Some(Optional) => {
            json!([id, name, {"name": "email", "type": ["null", "string"], "default": null}])
        }
        Some(Required) => json!([id, name, {"name": "age", "type": "int"}]),
        Some(Removed) => json!([id]),
        Some(Retyped) => json!([{"name": "id", "type": "string"}, name]),
    }
}

/// What is registered beside one earlier version, level by level.
#[tokio::test]
async fn a_level_lets_in_what_it_promises_and_nothing_else() {
    for (level, taken, refused) in [
        ("NONE", vec![Optional, Required, Removed, Retyped], vec![]),
        ("BACKWARD", vec![Optional, Removed], vec![Required, Retyped]),
        (
            "BACKWARD_TRANSITIVE",
            vec![Optional, Removed],
            vec![Required, Retyped],
        ),
        ("FORWARD", vec![Optional, Required], vec![Removed, Retyped]),
        (
            "FORWARD_TRANSITIVE",
            vec![Optional, Required],
            vec![Removed, Retyped],
        ),
        ("FULL", vec![Optional], vec![Required, Removed, Retyped]),
        (
            "FULL_TRANSITIVE",
            vec![Optional],
            vec![Required, Removed, Retyped],
        ),
    ] {
        let changes = taken.iter().map(|change| (change, true));
        for (change, is_taken) in changes.chain(refused.iter().map(|change| (change, false))) {
            let registry = Registry::new();
            let subject = registry.subject("users");
            registry
                .register(&subject, &registry.record(&fields(None)))
                .await
                .id();
            registry.set_level(&subject, level).await;
            let schema = registry.record(&fields(Some(*change)));
            let path = format!("/compatibility/subjects/{subject}/versions/latest");
            let verdict = registry
                .post(&path, &json!({"schema": schema}))
                .await
                .done();
            assert_eq!(verdict["is_compatible"], is_taken, "{level}, {change:?}");
            let answer = registry.register(&subject, &schema).await;
            if is_taken {
                assert_eq!(answer.status, 200, "{level}, {change:?}: {}", answer.body);
            } else {
                assert_eq!(answer.status, 409, "{level}, {change:?}: {}", answer.body);
                answer.refused(409, 409);
                let versions = registry
                    .get(&format!("/subjects/{subject}/versions"))
                    .await
                    .done();
                assert_eq!(versions, json!([1]), "{level}, {change:?}");
            }
        }
    }
}

/// A field that went away comes back as a number with a default: the version between has none of it, the first had a text.
#[tokio::test]
async fn a_transitive_level_looks_behind_the_latest_version() {
    let id = json!({"name": "id", "type": "long"});
    let text = json!({"name": "x", "type": "string", "default": ""});
    let number = json!({"name": "x", "type": "int", "default": 0});
    for (level, is_taken) in [
        ("BACKWARD", true),
        ("BACKWARD_TRANSITIVE", false),
        ("FORWARD", true),
        ("FORWARD_TRANSITIVE", false),
        ("FULL", true),
        ("FULL_TRANSITIVE", false),
    ] {
        let registry = Registry::new();
        let subject = registry.subject("users");
        registry
            .register(&subject, &registry.record(&json!([id, text])))
            .await
            .id();
        registry.set_level(&subject, level).await;
        registry
            .register(&subject, &registry.record(&json!([id])))
            .await
            .id();
        let answer = registry
            .register(&subject, &registry.record(&json!([id, number])))
            .await;
        let wanted = if is_taken { 200 } else { 409 };
        assert_eq!(answer.status, wanted, "{level}: {}", answer.body);
    }
}

/// A subject's level is its own: set, read, and taken back.
#[tokio::test]
async fn a_level_is_set_and_taken_back() {
    let registry = Registry::new();
    let subject = registry.subject("users");
    registry
        .register(&subject, &registry.record(&fields(None)))
        .await
        .id();
    let path = format!("/config/{subject}");
    registry.set_level(&subject, "FORWARD").await;
    let level = json!({"compatibilityLevel": "FORWARD"});
    assert_eq!(registry.get(&path).await.done(), level);
    assert_eq!(registry.delete(&path).await.done(), level);
    let global = registry.get("/config").await.done();
    let in_force = registry
        .get(&format!("{path}?defaultToGlobal=true"))
        .await
        .done();
    assert_eq!(in_force, global);
    registry
        .put(&path, &json!({"compatibility": "SIDEWAYS"}))
        .await
        .refused(422, 42203);
}
