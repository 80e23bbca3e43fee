//! The builds that run: each reader against each writer.

use crate::choreography::Reads;
use crate::choreography::codes::Code;
use crate::choreography::findings::Finding;
use crate::choreography::manifest::Manifest;

use super::Gate;
use super::edge::{Reader, consequence, readers, short, trouble, written_at};

pub(super) fn findings(gate: &Gate, reads: Reads<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for event in gate.events() {
        for (writer, written) in gate.writers(event) {
            let others = gate.running.iter();
            let others = others.filter(|build| !std::ptr::eq(*build, writer));
            for reader in others.flat_map(|build| readers(build, event)) {
                if refuses_to_follow(&reader, writer, event) {
                    continue;
                }
                let Some(problem) =
                    trouble(reader.known.into(), written.into(), reads, gate.registry)
                else {
                    continue;
                };
                findings.push(Finding {
                    code: Code::SchemasIncompatible,
                    aggregate: Some(reader.name()),
                    message: format!(
                        "{} cannot read `{}` as {} writes it: {problem}; {}{}",
                        gate.name(reader.build),
                        short(event),
                        gate.name(writer),
                        consequence(reader.is_owner()),
                        written_at(&writer.writers(event)),
                    ),
                    place: reader.place.cloned(),
                    next: next(gate, &reader, writer, event, reads),
                    accepted: None,
                });
            }
        }
    }
    findings
}

/// Whether an owner's older build never reads what the newer one writes: a lower version of the declaration does not take
/// a partition back.
fn refuses_to_follow(reader: &Reader<'_>, writer: &Manifest, event: &str) -> bool {
    let version = |build: &Manifest| build.owner(event).map(|known| known.version);
    reader.is_owner()
        && reader.build.service == writer.service
        && version(reader.build) < version(writer)
}

fn next(
    gate: &Gate,
    reader: &Reader<'_>,
    writer: &Manifest,
    event: &str,
    reads: Reads<'_>,
) -> String {
    let (service, owner) = (&reader.build.service, &writer.service);
    let reads_it = |known: &Reader<'_>| {
        let written = writer.event(event);
        written.is_some_and(|written| {
            trouble(known.known.into(), written.into(), reads, gate.registry).is_none()
        })
    };
    let other = gate
        .running
        .iter()
        .filter(|build| build.service == *service)
        .flat_map(|build| readers(build, event))
        .any(|known| known.aggregate == reader.aggregate && reads_it(&known));
    match (service == owner, other) {
        (true, _) => format!(
            "end all processes of this build of `{service}` before one that writes the version starts; for an owner, raising `.version(…)` of the aggregate does that too"
        ),
        (false, true) => format!(
            "deploy the readers first: end this build of `{service}`, then start that one of `{owner}`"
        ),
        (false, false) => format!(
            "deploy the readers first: build `{service}` with that version published to it; then `{owner}`"
        ),
    }
}
