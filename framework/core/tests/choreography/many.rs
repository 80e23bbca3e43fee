//! A hundred services: the checks stay quick, and find the one that is wrong.

use std::fmt::Write;

use kolo_core::choreography::Choreography;

use crate::domain::manifests;

/// A chain of services, each of which works on what the one before it did, and undoes when the last one fails.
fn chain(services: usize) -> String {
    let mut text = String::from("intake Step0\nfailure Failed\n");
    for number in 1..=services {
        let before = number - 1;
        let name = format!("s{number:03}.work");
        writeln!(
            text,
            "{name} on Step{before} -> Step{number}?, Refused{number}!"
        )
        .unwrap();
        writeln!(text, "{name} owns Undone{number}\nterminal Undone{number}").unwrap();
        writeln!(text, "{name} undo Failed Step{number} -> Undone{number}").unwrap();
        writeln!(text, "s000.end on Refused{number} -> Failed?").unwrap();
    }
    writeln!(text, "s000.end on Step{services} -> Ended?\nsuccess Ended").unwrap();
    text
}

#[test]
fn a_missing_undo_is_found_among_a_hundred_services() {
    let mut services = manifests(&chain(100));
    let whole = Choreography::from_manifests(services.clone()).check();
    assert!(
        !whole
            .findings
            .iter()
            .any(|finding| finding.code.slug() == "not-compensated"),
        "{whole}"
    );
    let gone = services
        .iter_mut()
        .find(|manifest| manifest.service == "s042")
        .unwrap();
    gone.aggregates[0].compensations.clear();
    let begun = std::time::Instant::now();
    let report = Choreography::from_manifests(services).check();
    let took = begun.elapsed();
    let missing: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.code.slug() == "not-compensated")
        .collect();
    assert!(
        !missing.is_empty()
            && missing
                .iter()
                .all(|finding| finding.aggregate.as_deref() == Some("s042.work")),
        "{report}"
    );
    // Printed, not judged: a loaded machine is no defect of the checks.
    eprintln!("101 services with 302 events were checked in {took:?}");
}

#[test]
fn what_a_service_hears_too_late_of_a_hundred_others_is_one_finding() {
    let report = Choreography::from_manifests(manifests(&chain(100))).check();
    let about = |finding: &&kolo_core::choreography::Finding| {
        finding.code.slug() == "compensated-by-way-of"
            && finding.aggregate.as_deref() == Some("s001.work")
    };
    let about: Vec<_> = report.findings.iter().filter(about).collect();
    assert_eq!(about.len(), 1, "{report}");
    let message = &about[0].message;
    assert!(
        message.contains("`Refused2` (`s002.work`)")
            && message.contains("and 88 more only by way of `Failed`"),
        "{message}"
    );
}
