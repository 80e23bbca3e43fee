//! Findings that are as they should be.

use kolo_core::choreography::Choreography;

use crate::common::domain::holds;
use crate::domain::{found, manifests};

const UNHEARD: &str = "intake Placed\na.x on Placed -> Paid";

#[test]
fn an_accepted_finding_is_listed_with_its_reason_and_is_clean() {
    let accepted = format!("{UNHEARD}\na.x accepts never-consumed the report reads it");
    let report = Choreography::from_manifests(manifests(&accepted)).check();
    assert!(report.is_clean(), "{report}");
    let text = report.to_string();
    assert!(
        text.contains("accepted[never-consumed]") && text.contains("because the report reads it"),
        "{text}"
    );
    assert!(
        !Choreography::from_manifests(manifests(UNHEARD))
            .check()
            .is_clean()
    );
}

#[test]
fn what_is_accepted_and_not_found_is_a_finding() {
    let found = found(&format!(
        "{UNHEARD}\nterminal Paid\na.x accepts never-consumed the report reads it"
    ));
    assert_eq!(
        found,
        ["accepts-nothing a.x `a.x` accepts `never-consumed`, which is not found"]
    );
}

#[test]
fn only_its_own_aggregate_accepts_a_finding() {
    let found = found(&format!(
        "{UNHEARD}\nb.y on Placed -> Told\nterminal Told\nb.y accepts never-consumed not mine"
    ));
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
#[should_panic(
    expected = "accepts `never-heard`, which is no finding; the codes are never-produced"
)]
fn an_unknown_code_is_refused_where_it_is_declared() {
    let _ = holds().accepts("never-heard", "it is so");
}

#[test]
#[should_panic(expected = "without a reason")]
fn a_code_is_accepted_with_a_reason() {
    let _ = holds().accepts("never-consumed", " ");
}

#[test]
#[should_panic(expected = "accepts `never-consumed` twice")]
fn a_code_is_accepted_once() {
    let accepted = holds().accepts("never-consumed", "it is so");
    let _ = accepted.accepts("never-consumed", "it is so");
}
