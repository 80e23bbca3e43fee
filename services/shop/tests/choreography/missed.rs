//! Each part of the declarations, taken out: the checks must miss it, and say so by its name.

use kolo::choreography::{AggregateManifest, Choreography, Finding, Manifest};
use kolo_avro::compat::reads;

use crate::choreography;

/// The findings after a change of one aggregate.
fn changed(
    service: usize,
    aggregate: usize,
    change: impl FnOnce(&mut AggregateManifest),
) -> Vec<Finding> {
    let mut manifests = choreography().manifests().to_vec();
    change(&mut manifests[service].aggregates[aggregate]);
    found(manifests)
}

fn found(manifests: Vec<Manifest>) -> Vec<Finding> {
    let choreography = Choreography::from_manifests(manifests).language(shop_schemas::EVENTS);
    choreography.check_with(&reads).findings
}

/// Each aggregate of each service, by its place.
fn aggregates() -> Vec<(usize, usize, AggregateManifest)> {
    let choreography = choreography();
    let manifests = choreography.manifests().iter().enumerate();
    let all = manifests.flat_map(|(service, manifest)| {
        let aggregates = manifest.aggregates.iter().enumerate();
        aggregates.map(move |(number, aggregate)| (service, number, aggregate.clone()))
    });
    all.collect()
}

fn short(event: &str) -> String {
    format!("`{}`", event.rsplit('.').next().unwrap())
}

fn list(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_compensation_that_is_taken_out_is_missed_with_its_trigger() {
    let mut taken = 0;
    for (service, number, aggregate) in aggregates() {
        for (place, undo) in aggregate.compensations.iter().enumerate() {
            let findings = changed(service, number, |known| {
                known.compensations.remove(place);
            });
            let about = |finding: &&Finding| {
                finding
                    .aggregate
                    .as_ref()
                    .is_some_and(|about| about.ends_with(&format!(".{}", aggregate.name)))
            };
            let codes = ["not-compensated", "compensated-by-way-of"];
            let missed = findings.iter().filter(about).any(|finding| {
                codes.contains(&finding.code.slug())
                    && finding.message.contains(&short(&undo.event))
            });
            assert!(
                missed,
                "{} on {} is not missed:\n{}",
                undo.function.name,
                undo.event,
                list(&findings)
            );
            taken += 1;
        }
    }
    assert_eq!(taken, 3, "the sample's compensations");
}

#[test]
fn a_reaction_that_is_taken_out_is_missed() {
    let mut taken = 0;
    for (service, number, aggregate) in aggregates() {
        for (place, reaction) in aggregate.reactions.iter().enumerate() {
            let findings = changed(service, number, |known| {
                known.reactions.remove(place);
            });
            let about = format!(".{}", aggregate.name);
            let missed = findings.iter().any(|finding| {
                finding.message.contains(&short(&reaction.event))
                    || finding
                        .aggregate
                        .as_ref()
                        .is_some_and(|known| known.ends_with(&about))
            });
            assert!(
                missed,
                "{} on {} is not missed:\n{}",
                reaction.function.name,
                reaction.event,
                list(&findings)
            );
            taken += 1;
        }
    }
    assert_eq!(taken, 12, "the sample's reactions");
}

#[test]
fn a_deadline_that_is_taken_out_is_missed_where_it_was() {
    let mut taken = 0;
    for (service, number, aggregate) in aggregates()
        .into_iter()
        .filter(|(.., known)| known.deadline.is_some())
    {
        let findings = changed(service, number, |known| known.deadline = None);
        let about = format!(".{}", aggregate.name);
        let missed = findings.iter().any(|finding| {
            finding.code.slug() == "waits-for-ever"
                && finding
                    .aggregate
                    .as_ref()
                    .is_some_and(|known| known.ends_with(&about))
        });
        assert!(
            missed,
            "the deadline of {} is not missed:\n{}",
            aggregate.name,
            list(&findings)
        );
        taken += 1;
    }
    assert_eq!(taken, 1, "the sample's deadlines");
}

#[test]
fn an_effect_that_is_taken_out_is_missed() {
    for (service, number, aggregate) in aggregates() {
        for (place, effect) in aggregate.effects.iter().enumerate() {
            let findings = changed(service, number, |known| {
                known.effects.remove(place);
            });
            let missed = findings
                .iter()
                .any(|finding| finding.message.contains(&short(&effect.request)));
            assert!(
                missed,
                "{} is not missed:\n{}",
                effect.request,
                list(&findings)
            );
        }
    }
}

#[test]
fn a_service_that_is_taken_out_is_missed() {
    for gone in 0..choreography().manifests().len() {
        let mut manifests = choreography().manifests().to_vec();
        let service = manifests.remove(gone).service;
        let findings = found(manifests);
        assert!(!findings.is_empty(), "{service} is not missed");
    }
}

#[test]
fn a_reader_that_cannot_read_its_writer_is_named() {
    let mut manifests = choreography().manifests().to_vec();
    let order = manifests
        .iter_mut()
        .find(|manifest| manifest.service == "order")
        .unwrap();
    let cancelled = order
        .events
        .iter_mut()
        .find(|event| event.name.ends_with(".OrderCancelled"))
        .unwrap();
    let changed = cancelled
        .schema
        .replace(r#""name": "reason""#, r#""name": "motive""#);
    assert_ne!(cancelled.schema, changed);
    cancelled.schema = changed;
    // Another schema is another version, which nobody has heard of.
    cancelled.versions.insert(0, "00000000deadbeef".to_owned());
    let findings = found(manifests);
    for reader in ["inventory", "payment"] {
        let named = findings.iter().any(|finding| {
            finding.code.slug() == "schemas-incompatible"
                && finding.message.contains(&format!(
                    "the service `{reader}` cannot read `OrderCancelled`"
                ))
                && finding.message.contains("reason")
        });
        assert!(named, "{reader}:\n{}", list(&findings));
    }
}
