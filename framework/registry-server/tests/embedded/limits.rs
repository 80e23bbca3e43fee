//! What a request may weigh and say, and answers of this registry alone.

use kolo_registry_server::{Registry, StartError};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::client::{ask, get, put, register};

async fn post(registry: &Registry, path: &str, body: Value) -> (u16, Value) {
    ask(registry, Method::POST, path, Some(body)).await
}

#[tokio::test]
async fn a_request_of_more_than_a_mebibyte_is_refused() {
    let registry = Registry::builder().start().await.unwrap();
    let doc = |length: usize| {
        format!(
            r#"{{"type":"record","name":"R","doc":"{}","fields":[]}}"#,
            "x".repeat(length)
        )
    };
    let (status, body) = register(&registry, "a", &doc(1024 * 1024)).await;
    assert_eq!((status, &body["error_code"]), (413, &json!(413)), "{body}");
    assert_eq!(
        register(&registry, "a", &doc(1024 * 1024 - 200)).await.0,
        200
    );
}

#[tokio::test]
async fn what_is_no_avro_by_its_type_is_refused_in_words() {
    let registry = Registry::builder().start().await.unwrap();
    for schema_type in ["JSON", "PROTOBUF"] {
        let body = json!({"schemaType": schema_type, "schema": "{}"});
        let (status, body) = post(&registry, "/subjects/a/versions", body).await;
        assert_eq!((status, &body["error_code"]), (422, &json!(42201)));
        let message = body["message"].as_str().unwrap();
        assert!(
            message.contains(schema_type) && message.contains("AVRO alone"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn an_incompatible_schema_is_told_what_is_wrong_with_it() {
    let registry = Registry::builder().start().await.unwrap();
    let record =
        |fields: Value| json!({"type": "record", "name": "User", "fields": fields}).to_string();
    let id = json!({"name": "id", "type": "long"});
    register(&registry, "a", &record(json!([id]))).await;
    let wrong = record(json!([id, {"name": "age", "type": "int"}]));
    let (status, body) = register(&registry, "a", &wrong).await;
    assert_eq!((status, &body["error_code"]), (409, &json!(409)));
    for words in [
        "'a'",
        "BACKWARD",
        "version 1",
        "User.age",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
    ] {
        assert!(
            body["message"].as_str().unwrap().contains(words),
            "{words}: {body}"
        );
    }
    let path = "/compatibility/subjects/a/versions/1?verbose=true";
    let (_, verdict) = post(&registry, path, json!({"schema": wrong})).await;
    assert_eq!(verdict["is_compatible"], false);
    assert!(
        verdict["messages"][0]
            .as_str()
            .unwrap()
            .contains("User.age"),
        "{verdict}"
    );
}

/// A default of a union's second branch is legal since Avro 1.12, and nothing that kolo reads.
#[tokio::test]
async fn a_legal_schema_that_kolo_does_not_understand_is_kept_and_not_compared() {
    let registry = Registry::builder().start().await.unwrap();
    let foreign = r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","long"],"default":1}]}"#;
    assert_eq!(register(&registry, "a", foreign).await.1, json!({"id": 1}));
    assert_eq!(
        get(&registry, "/schemas/ids/1").await.1,
        json!({"schema": foreign})
    );
    let next = r#"{"type":"record","name":"R","fields":[]}"#;
    let (status, body) = register(&registry, "a", next).await;
    assert_eq!((status, &body["error_code"]), (422, &json!(42201)));
    for words in ["version 1 of subject 'a'", "cannot compare", "NONE", "R.a"] {
        assert!(
            body["message"].as_str().unwrap().contains(words),
            "{words}: {body}"
        );
    }
    put(&registry, "/config/a", json!({"compatibility": "NONE"})).await;
    assert_eq!(register(&registry, "a", next).await.1, json!({"id": 2}));
}

#[tokio::test]
async fn a_schema_is_given_out_with_what_it_refers_to() {
    let registry = Registry::builder().start().await.unwrap();
    register(
        &registry,
        "zip",
        r#"{"type":"fixed","name":"n.Zip","size":5}"#,
    )
    .await;
    let body = json!({
        "schema": r#"{"type":"array","items":"n.Zip"}"#,
        "references": [{"name": "n.Zip", "subject": "zip", "version": -1}],
    });
    post(&registry, "/subjects/zips/versions", body).await;
    let wanted = json!([{"name": "n.Zip", "subject": "zip", "version": 1}]);
    assert_eq!(
        get(&registry, "/schemas/ids/2").await.1["references"],
        wanted
    );
    let inline =
        r#"{"type":"array","items":{"type":"fixed","name":"Zip","namespace":"n","size":5}}"#;
    assert_eq!(
        get(&registry, "/schemas/ids/2?format=resolved").await.1["schema"],
        inline
    );
}

#[tokio::test]
async fn a_subject_that_is_read_only_is_not_changed() {
    let registry = Registry::builder().start().await.unwrap();
    register(&registry, "a", "\"int\"").await;
    for (path, mode) in [("/mode/a", "READONLY"), ("/mode", "READONLY_OVERRIDE")] {
        put(&registry, path, json!({"mode": mode})).await;
        let (status, body) = register(&registry, "a", "\"long\"").await;
        assert_eq!(
            (status, &body["error_code"]),
            (422, &json!(42205)),
            "{body}"
        );
        let (status, body) = ask(&registry, Method::DELETE, "/subjects/a", None).await;
        assert_eq!(
            (status, &body["error_code"]),
            (422, &json!(42205)),
            "{body}"
        );
        // What is there already is no change.
        assert_eq!(
            register(&registry, "a", "\"int\"").await.1,
            json!({"id": 1})
        );
        put(&registry, path, json!({"mode": "READWRITE"})).await;
    }
    assert_eq!(register(&registry, "a", "\"long\"").await.0, 200);
    let (status, body) = put(&registry, "/mode", json!({"mode": "IMPORT"})).await;
    assert_eq!((status, &body["error_code"]), (422, &json!(42204)));
}

#[tokio::test]
async fn what_is_sent_wrongly_is_refused_in_json() {
    let registry = Registry::builder().start().await.unwrap();
    for (path, body, status, code) in [
        (
            "/subjects/a%00/versions",
            json!({"schema": "\"int\""}),
            422,
            42208,
        ),
        ("/subjects/a/versions", json!({"schema": 7}), 422, 42201),
        ("/subjects/a/versions", json!([]), 422, 42201),
        (
            "/subjects/a/versions",
            json!({"schema": "\"int\"", "version": 5}),
            422,
            42201,
        ),
        (
            "/subjects/a/versions",
            json!({"schema": "\"int\"", "id": 5}),
            422,
            42205,
        ),
        (
            "/compatibility/subjects/a/versions/zero",
            json!({"schema": "\"int\""}),
            422,
            42202,
        ),
        (
            "/subjects/%ff/versions",
            json!({"schema": "\"int\""}),
            400,
            400,
        ),
    ] {
        let (was, answer) = post(&registry, path, body).await;
        assert_eq!(
            (was, &answer["error_code"]),
            (status, &json!(code)),
            "{path}: {answer}"
        );
    }
    let request = Client::new().put(format!("{}/subjects", registry.url()));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert!(
        response.headers()["allow"]
            .to_str()
            .unwrap()
            .contains("GET")
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_it() {
    let registry = Registry::builder().start().await.unwrap();
    let address = registry.address().to_string();
    let second = Registry::builder().listen(&address).start().await;
    let error = second.unwrap_err();
    assert!(
        matches!(&error, StartError::Listen { address: named, .. } if *named == address),
        "{error}"
    );
}
