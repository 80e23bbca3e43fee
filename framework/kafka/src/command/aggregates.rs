//! The aggregates that a command is about.

use std::sync::Arc;

use kolo_core::{Participant, Service};

use super::failure::Failure;

/// All of the service, or the one of this name.
pub(super) fn wanted<'a>(
    service: &'a Service,
    name: Option<&str>,
) -> Result<Vec<&'a Arc<dyn Participant>>, Failure> {
    let (mut names, mut found) = (Vec::new(), Vec::new());
    for participant in service.aggregates() {
        let known = participant.description().aggregate;
        names.push(known);
        if name.is_none_or(|name| name == known) {
            found.push(participant);
        }
    }
    match name {
        Some(name) if found.is_empty() => Err(Failure::input(format!(
            "`{}` has no aggregate `{name}`. Its aggregates are: {}",
            service.name(),
            names.join(", ")
        ))),
        _ => Ok(found),
    }
}
