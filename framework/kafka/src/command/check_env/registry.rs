//! The schema registry, where there is one, has the schemas of the events that are written: the service's own, and those published beside it.

use kolo_core::{EventType, Service};
use kolo_registry::{Registry, RegistryError};

use crate::config::Config;
use crate::framing::schema_of;

use super::finding::Findings;

const WHAT: &str = "registry";

pub(super) fn check(
    service: &Service,
    published: &[&'static EventType],
    config: &Config,
    found: &mut Findings,
) {
    if !config.registry.is_set() {
        return found.ok(
            WHAT,
            "there is none: values name their schemas by fingerprints",
        );
    }
    let registry = match Registry::open(&config.registry) {
        Ok(registry) => registry,
        Err(error) => return found.error(WHAT, error),
    };
    let aggregates = service.aggregates().iter();
    let own = aggregates.flat_map(|known| known.description().own_events);
    let (mut known, mut absent) = (0, Vec::new());
    let written = own.chain(published);
    for event in written.filter(|event| !event.schema.is_empty()) {
        match registry.look_up(schema_of(event)) {
            Ok(_) => known += 1,
            Err(RegistryError::Absent { .. }) => absent.push(event.name),
            // Of another one it would say the same.
            Err(error @ RegistryError::Unreachable { .. }) => {
                return found.error(
                    WHAT,
                    format_args!(
                        "{error}. Is it running, and is the address (KOLO_REGISTRY_URL) right?"
                    ),
                );
            }
            Err(error) => return found.error(WHAT, error),
        }
    }
    let (at, names) = (registry.shown(), absent.join(", "));
    match (absent.is_empty(), config.registry.register) {
        (true, _) => found.ok(WHAT, format_args!("{at} has the schemas of all {known} events that are written")),
        (false, true) => found.ok(WHAT, format_args!("{at} is given these schemas when the service starts: {names}")),
        (false, false) => found.error(WHAT, format_args!("{at} lacks the schemas of {names}: `kolo schema register` registers them, or KOLO_REGISTRY_REGISTER=true has the service do it")),
    }
}
