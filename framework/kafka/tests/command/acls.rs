//! `describe --acls`: what a service must be allowed, as its declaration says.

use serde_json::{Value, json};

use crate::typed::{Typed, command};

pub(crate) fn describe(service: &str, more: &[&str]) -> Typed {
    let nowhere = ["describe", "--bootstrap", "127.0.0.1:1"];
    let all = [&nowhere, more].concat();
    command(service, &all).output().unwrap().into()
}

/// What is allowed: resource, name and operations.
pub(crate) fn allowed(service: &str, more: &[&str]) -> Vec<(String, String, String)> {
    let all = [&["--acls", "--json"], more].concat();
    let json = describe(service, &all).ends(0).json();
    let text = |acl: &Value, name: &str| acl[name].as_str().unwrap().to_owned();
    let operations = |acl: &Value| {
        let names = acl["operations"].as_array().unwrap().iter();
        let names: Vec<&str> = names.map(|name| name.as_str().unwrap()).collect();
        names.join(" ")
    };
    json.as_array()
        .unwrap()
        .iter()
        .map(|acl| (text(acl, "resource"), text(acl, "name"), operations(acl)))
        .collect()
}

pub(crate) fn triples(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    all.iter()
        .map(|(resource, name, operations)| {
            (
                (*resource).to_owned(),
                (*name).to_owned(),
                (*operations).to_owned(),
            )
        })
        .collect()
}

pub(crate) fn a_service_is_allowed_what_it_does_and_no_more() {
    // Routed: its router writes to the inbox, and has a group of its own.
    assert_eq!(
        allowed("unrouted", &[]),
        triples(&[
            (
                "topic",
                "unrouted.counted",
                "Read Write Create DescribeConfigs"
            ),
            ("topic", "unrouted.counter.inbox", "Read Write Create"),
            ("topic", "unrouted.added", "Read Create"),
            ("group", "unrouted.counter", "Read"),
            ("group", "unrouted.counter.router", "Read"),
            ("topic", "kolo.manifests", "Write Create"),
        ])
    );
    // Calls the outside world, whose failures are noted.
    let calls = allowed("request", &[]);
    let notes = ("topic".to_owned(), "kolo.effects".to_owned());
    let noted =
        |(resource, name, _): &&(String, String, String)| (resource, name) == (&notes.0, &notes.1);
    assert_eq!(calls.iter().find(noted).unwrap().2, "Write Create");
    // Reads its inputs itself: nobody but operators writes to its inbox.
    let mut direct = command("list", &["describe", "--acls", "--json"]);
    let direct = Typed::from(direct.env("KOLO_CREATE_TOPICS", "false").output().unwrap());
    let operations = direct.ends(0).json();
    let inbox = operations.as_array().unwrap().iter();
    let inbox = inbox
        .clone()
        .find(|acl| acl["name"] == "list.counter.inbox");
    assert_eq!(inbox.unwrap()["operations"], json!(["Read"]));
    assert!(!operations.to_string().contains("Create"), "{operations}");
    assert_eq!(
        allowed("list", &["--operator"]),
        triples(&[
            ("topic", "list.counted", "Read DescribeConfigs"),
            ("topic", "list.added", "Read"),
            ("topic", "list.counter.inbox", "Read Write"),
            ("group", "list.counter", "Describe"),
            ("topic", "kolo.manifests", "Read"),
            ("topic", "kolo.effects", "Read"),
            ("group", "kolo-tools", "Describe"),
            ("group", "kolo-cli", "Describe"),
        ])
    );

    describe("unrouted", &["--acls"]).ends(0).says(&[
        "User:unrouted must be allowed",
        "RESOURCE  NAME ",
        "the router of unrouted.counter\n",
    ]);
    let lines = [
        "--acls",
        "--commands",
        "--principal",
        "User:CN=a b",
        "--command-config",
        "admin.properties",
    ];
    let lines = describe("unrouted", &lines).ends(0).out;
    assert_eq!(lines.lines().count(), 5, "{lines}");
    assert_eq!(
        lines.lines().next().unwrap(),
        "kafka-acls.sh --bootstrap-server 127.0.0.1:1 --command-config admin.properties --add --allow-principal 'User:CN=a b' --operation Read --operation Write --operation Create --operation DescribeConfigs --topic unrouted.counted --resource-pattern-type literal"
    );
    describe("unrouted", &["--acls", "--principal", "order"]).fails(2, &["User:order"]);
    describe("unrouted", &["--operator"]).fails(2, &["--acls"]);
    assert!(
        describe("unrouted", &[])
            .ends(0)
            .out
            .starts_with("service unrouted\n")
    );
}
