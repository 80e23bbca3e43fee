//! The binary: its port, and the stream that it follows.

use std::process::Stdio;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use serde_json::{Value, json};

use crate::support::{Order, broker, command, cups};

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_an_error_that_says_what_to_do() {
    let broker = broker().await;
    let first = Order::start(&broker).await;
    let state = tempfile::tempdir().unwrap();
    let mut second = command(&broker.bootstrap(), state.path());
    second
        .env("ORDER_HTTP", first.address())
        .stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || second.output().unwrap())
        .await
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("order: http: ORDER_HTTP={}: ", first.address())),
        "{last}"
    );
    assert!(
        last.contains("ORDER_HTTP= runs this instance without its HTTP API"),
        "{last}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_needs_is_told_before_it_starts() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let (bootstrap, address) = (broker.bootstrap(), order.address().to_owned());
    let told = move |args: &'static [&str]| {
        let state = tempfile::tempdir().unwrap();
        let mut command = command(&bootstrap, state.path());
        command.env("ORDER_HTTP", &address).stdout(Stdio::piped());
        let output = command.args(args).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let (acls, found) = tokio::task::spawn_blocking(move || {
        let acls = told(&["describe", "--acls", "--json"]);
        (acls, told(&["check-env", "--json"]))
    })
    .await
    .unwrap();
    let line = |all: &Value, name: &str, is: &str| {
        let mut lines = all.as_array().unwrap().iter();
        lines.find(|line| line[name] == is).cloned().unwrap()
    };
    let orders = line(&acls, "name", "orders");
    assert_eq!(orders["operations"], json!(["Read", "Write", "Create"]));
    assert_eq!(
        orders["why"],
        json!([
            "an input of order.lifecycle",
            "publishes OrderCreated, CancelRequested beside the service",
        ])
    );
    let outcome = line(&acls, "name", "orders.outcome");
    let why = "is projected beside the service";
    assert!(outcome["why"].as_array().unwrap().contains(&json!(why)));
    let taken = line(&found, "level", "error");
    let says = taken["says"].as_str().unwrap();
    assert!(says.starts_with("http: ORDER_HTTP="), "{says}");
}

// failure: broker | the stream that the order API's view is folded from is deleted | the instance ends, and says so |
// started again, it builds the view from what is there | whoever deleted it
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_ends_it_with_a_message() {
    let broker = broker().await;
    let mut order = Order::start(&broker).await;
    let id = order.place("key", &cups()).await.order_id().to_owned();
    order
        .until(&id, |known| known.body["opened_at"].is_string())
        .await;
    let config = kolo::Config::new(broker.bootstrap());
    let admin: AdminClient<DefaultClientContext> = config.client().create().unwrap();
    let deleted = admin.delete_topics(&["orders.outcome"], &AdminOptions::new());
    deleted.await.unwrap()[0].as_ref().unwrap();
    let status = order.exit().await;
    assert_eq!(status.code(), Some(1));
    let why = order.log_line("order: http: the stream `orders.outcome` was deleted");
    assert!(why.is_some_and(|line| line.contains("Start again")));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_schema_registry_what_it_publishes_and_reads_names_its_schema_by_an_id() {
    let broker = broker().await;
    let registry = kolo_registry_server::Registry::builder();
    let registry = registry.start().await.unwrap();
    let url = registry.url();
    let settings = [
        ("KOLO_REGISTRY_URL", &*url),
        ("KOLO_REGISTRY_REGISTER", "true"),
    ];
    let order = Order::start_with(&broker, &settings).await;
    let id = order.place("key", &cups()).await.order_id().to_owned();
    let over = order.cancel(&id, "?wait=30s").await;
    assert_eq!((over.status, over.is()), (200, "cancelled"));
    order.kill();
    // A process that has seen none of the ids learns them as it builds its view.
    let order = Order::start_with(&broker, &settings).await;
    order
        .until(&id, |known| {
            known.status == 200 && known.is() == "cancelled"
        })
        .await;
    for (topic, event) in [
        ("orders", "OrderCreated"),
        ("orders.outcome", "OrderOpened"),
    ] {
        assert_eq!(
            order.frames(topic, event),
            [0],
            "{event} has an id in its frame"
        );
    }
}
