//! `check` and `graph` of manifests in files, on the standard input and on the brokers.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use kolo_broker::Broker;
use kolo_core::Service;
use kolo_core::choreography::Manifest;
use kolo_kafka::manifests::TOPIC;

use super::backup::{Raw, put_to};
use super::common::{Ran, create_at, kolo, run};
use super::model::domain;

/// A folder with the manifest of core's small domain, after a change.
fn folder(change: impl FnOnce(&mut Manifest)) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.json");
    let mut manifest = Manifest::from(&domain::service());
    change(&mut manifest);
    std::fs::write(&file, manifest.to_json()).unwrap();
    (folder, file)
}

/// Makes every finding about the domain go away but for those of one code.
fn only(code: &str, manifest: &mut Manifest) {
    let findings =
        kolo_core::choreography::Choreography::from_manifests([manifest.clone()]).check();
    for finding in findings
        .findings
        .iter()
        .filter(|finding| finding.code.slug() != code)
    {
        let Some(about) = &finding.aggregate else {
            continue;
        };
        let name = about.rsplit('.').next().unwrap();
        let known = manifest
            .aggregates
            .iter_mut()
            .find(|known| known.name == name)
            .unwrap();
        let slug = finding.code.slug();
        if !known.accepted.iter().any(|accepted| accepted.code == slug) {
            known.accepted.push(kolo_core::choreography::Accepted {
                code: slug.into(),
                reason: "it is a test".into(),
                file: "check.rs".into(),
                line: 1,
            });
        }
    }
}

fn piped(args: &[&str], text: &str) -> Ran {
    let mut child = kolo(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn errors_fail_and_name_the_event_the_place_and_the_next_step() {
    let (_folder, file) = folder(|_| {});
    let ran = run(&["check", file.to_str().unwrap()]);
    ran.fails(1, &["error", "`kolo check --explain never-produced` says"]);
    for words in [
        "error[never-produced]",
        "`OrderPlaced`",
        "domain.rs:",
        "next: add the service",
        "1 service: ",
    ] {
        assert!(ran.out.contains(words), "{words} is missing in {}", ran.out);
    }
}

#[test]
fn warnings_fail_where_they_are_denied() {
    let (_folder, file) = folder(|manifest| only("never-consumed", manifest));
    let file = file.to_str().unwrap();
    let ran = run(&["check", file]).done();
    assert!(
        ran.out.contains("warning[never-consumed]") && ran.out.contains("because it is a test"),
        "{}",
        ran.out
    );
    run(&["check", file, "--deny", "warnings"]).fails(1, &["warning", "--explain never-consumed"]);
}

#[test]
fn notes_fail_only_where_even_they_are_denied() {
    let (_folder, file) = folder(|manifest| only("undo-races", manifest));
    let file = file.to_str().unwrap();
    let ran = run(&["check", file, "--deny", "warnings"]).done();
    assert!(ran.out.contains("note[undo-races]"), "{}", ran.out);
    run(&["check", file, "--deny", "notes"]).fails(1, &["note", "--explain undo-races"]);
}

#[test]
fn json_has_every_finding_with_its_parts() {
    let (_folder, file) = folder(|manifest| only("never-consumed", manifest));
    let ran = run(&["check", file.to_str().unwrap(), "--json"]).done();
    let json = ran.json();
    let rows = json.as_array().unwrap();
    let open = rows
        .iter()
        .find(|row| row["code"] == "never-consumed")
        .unwrap();
    assert_eq!(
        (&open["severity"], &open["accepted"]),
        (&"warning".into(), &serde_json::Value::Null)
    );
    assert!(
        open["place"]["line"].as_u64() > Some(0) && open["next"].is_string(),
        "{open}"
    );
    assert!(
        rows.iter().any(|row| row["accepted"] == "it is a test"),
        "{json}"
    );
}

#[test]
fn several_manifests_come_through_the_standard_input() {
    let text: String = [Service::new("one"), Service::new("two")]
        .iter()
        .map(|service| Manifest::from(service).to_json())
        .collect();
    let ran = piped(&["check", "-"], &text).done();
    assert_eq!(
        ran.out,
        "2 services: 0 errors, 0 warnings, 0 notes, 0 accepted\n"
    );
}

#[test]
fn a_code_is_explained_and_an_unknown_one_is_refused_with_those_near_it() {
    let ran = run(&["check", "--explain", "waits-for-ever"]).done();
    assert!(
        ran.out.contains("waits-for-ever (error)") && ran.out.contains(".deadline("),
        "{}",
        ran.out
    );
    run(&["check", "--explain", "waits-forever"])
        .fails(2, &["`waits-forever`", "Did you mean waits-for-ever"]);
}

#[test]
fn what_is_no_manifest_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.json");
    run(&["check", file.to_str().unwrap()]).fails(2, &["x.json cannot be read"]);
    std::fs::write(&file, "{\"service\": \"x\"}").unwrap();
    run(&["check", file.to_str().unwrap()]).fails(
        2,
        &[
            "x.json: this is no manifest",
            "`<service> manifest` prints one",
        ],
    );
    std::fs::write(&file, "{\"service\": \"x\", \"format\": 99}").unwrap();
    run(&["graph", file.to_str().unwrap()]).fails(
        2,
        &["the manifest of `x` has format 99", "as new as the service"],
    );
    piped(&["check", "-"], "").fails(2, &["the standard input: this is no manifest: it is empty"]);
}

#[test]
fn what_moves_the_cursor_is_shown_and_not_done() {
    let (_folder, file) =
        folder(|manifest| manifest.aggregates[0].reactions[0].function.name = "x\u{1b}[2J".into());
    let ran = run(&["check", file.to_str().unwrap()]);
    assert!(
        ran.out.contains("x\\u{1b}[2J") && !ran.out.contains('\u{1b}'),
        "{}",
        ran.out
    );
}

#[test]
fn the_graph_is_drawn_in_both_languages() {
    let (_folder, file) = folder(|_| {});
    let file = file.to_str().unwrap();
    let mermaid = run(&["graph", file]).done().out;
    assert!(
        mermaid.starts_with("flowchart LR\n") && mermaid.contains("undoes Held"),
        "{mermaid}"
    );
    let dot = run(&["graph", file, "--format", "dot", "--all"]).done().out;
    assert!(
        dot.starts_with("digraph choreography {") && dot.contains("\"GaveBack\""),
        "{dot}"
    );
    run(&["graph", file, "--saga", "OrderPlaced"]).done();
    run(&["graph", file, "--saga", "Freed"]).fails(2, &["no saga begins with `Freed`"]);
}

/// The topic of manifests is one for a whole cluster, so this test has a broker of its own.
#[test]
fn what_services_have_published_is_read_from_the_brokers() {
    let broker = Broker::builder()
        .auto_create_topics(false)
        .start_blocking()
        .unwrap();
    let at = broker.bootstrap();
    let on = |args: &[&str]| run(&[args, &["--bootstrap", &at]].concat());
    on(&["check"]).fails(
        1,
        &[
            "no service has published its manifest at",
            &at,
            "`<service> manifest` prints one",
        ],
    );
    create_at(
        &at,
        &[
            (TOPIC, 1),
            ("holds", 3),
            ("orders", 2),
            ("test.hold.inbox", 3),
        ],
    );
    on(&["graph"]).fails(1, &["no service has published its manifest at"]);

    let manifest = Manifest::from(&domain::service()).to_json();
    let record = |key: &str, value: Option<&str>| Raw {
        partition: 0,
        millis: 1_700_000_000_000,
        key: Some(key.into()),
        value: value.map(Into::into),
        headers: vec![],
    };
    let old = Manifest::from(&Service::new("test")).to_json();
    let gone = Manifest::from(&Service::new("gone")).to_json();
    let records = [
        record("test", Some(&old)),
        record("gone", Some(&gone)),
        record("test", Some(&manifest)),
        record("gone", None),
    ];
    put_to(&at, TOPIC, &records);
    let ran = on(&["check"]);
    ran.fails(1, &["`kolo check --explain"]);
    for words in [
        "\n1 service: ",
        "error[partitions-differ]: `test.hold` reads `orders` with 2 partitions, and its stream `holds` has 3",
    ] {
        assert!(ran.out.contains(words), "{words} is missing in {}", ran.out);
    }
    assert!(on(&["graph"]).done().out.contains("undoes Held"));

    put_to(&at, TOPIC, &[record("other", Some("{\"format\": 99}"))]);
    on(&["check"]).fails(1, &["kolo.manifests, key `other`", "has format 99"]);
}
