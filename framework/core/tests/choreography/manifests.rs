//! Manifests as texts.

use kolo_core::Service;
use kolo_core::choreography::{Manifest, ManifestError};

use crate::common::domain::{holds, shelves};
use crate::domain::manifests;

const DOMAIN: &str = "intake Placed
     a.x on Placed -> Held?, Refused!
     a.x call Held -> Done
     a.x deadline -> Late
     a.x accepts never-consumed it is so
     b.y undo Late Taken -> Given
     b.y on Refused -> Taken";

#[test]
fn what_is_written_is_read() {
    for manifest in manifests(DOMAIN) {
        let text = manifest.to_json();
        assert_eq!(Manifest::from_json(&text), Ok(manifest));
    }
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let text = manifests(DOMAIN)[0]
        .to_json()
        .replace("\"format\": 1", "\"format\": 2");
    let error = Manifest::from_json(&text).unwrap_err();
    assert_eq!(
        error,
        ManifestError::Newer {
            service: "a".into(),
            format: 2
        }
    );
    assert!(
        error.to_string().contains("as new as the service"),
        "{error}"
    );
}

#[test]
fn what_a_newer_build_adds_to_this_format_is_passed_over() {
    let text = manifests(DOMAIN)[0]
        .to_json()
        .replacen('{', "{\"colour\": \"blue\",", 1);
    assert_eq!(Manifest::from_json(&text).unwrap(), manifests(DOMAIN)[0]);
}

#[test]
fn what_is_no_manifest_is_refused() {
    for text in ["", "[]", "{}", "{\"format\": 1}", "{\"format\": \"x\"}"] {
        let error = Manifest::from_json(text).unwrap_err().to_string();
        assert!(error.contains("`<service> manifest` prints one"), "{error}");
    }
}

#[test]
fn a_declaration_says_all_of_itself() {
    let holds = holds().accepts("undo-races", "the barrier answers it");
    let service = Service::new("shop").aggregate(holds).aggregate(shelves());
    let manifest = Manifest::from(&service);
    let [hold, shelf] = &manifest.aggregates[..] else {
        panic!("{manifest:#?}")
    };
    let held = &hold.reactions[0];
    assert_eq!(
        (held.event.as_str(), held.routed),
        ("test.OrderPlaced", false)
    );
    let emits: Vec<_> = held
        .emits
        .iter()
        .map(|edge| (edge.event.as_str(), edge.failure))
        .collect();
    assert_eq!(emits, [("test.Held", false), ("test.Refused", true)]);
    assert_eq!(
        (held.function.name.as_str(), held.function.line > 0),
        ("hold", true)
    );
    assert!(
        held.function.file.ends_with("domain.rs"),
        "{}",
        held.function.file
    );
    assert_eq!(hold.compensations[0].undoes, "test.Held");
    assert_eq!(hold.effects[0].request, "test.Asked");
    assert!(
        hold.effects[0].policy.starts_with("again after"),
        "{}",
        hold.effects[0].policy
    );
    assert_eq!(hold.accepted[0].reason, "the barrier answers it");
    assert_eq!(
        (shelf.inbox.as_str(), shelf.key.as_str()),
        ("shop.shelf.inbox", "Sku")
    );
    assert!(shelf.reactions[0].routed);
    let taken = manifest
        .events
        .iter()
        .find(|event| event.name == "test.Taken")
        .unwrap();
    assert_eq!(
        (taken.key_type.as_str(), taken.topic.as_str()),
        ("Sku", "shelves")
    );
    let names: Vec<_> = manifest.events.iter().map(|event| &event.name).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn manifests_stand_one_after_the_other() {
    let both = manifests(DOMAIN);
    let text: String = both.iter().map(Manifest::to_json).collect();
    assert_eq!(Manifest::all_from_json(&text), Ok(both));
    for text in ["", "  ", "{\"format\": 1} {", "1 2"] {
        let error = Manifest::all_from_json(text).unwrap_err().to_string();
        assert!(error.contains("this is no manifest"), "{error}");
    }
}
