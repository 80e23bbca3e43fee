//! Eras: the stretches of an event's versions within which Avro's rules lead from one to the next. Between two of them
//! stands a declared function, the upcast.

use crate::schema::published::Version;
use crate::schema::{Document, TreeEvent, canonical};

/// Published versions that are read as one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Era<'a> {
    /// Oldest first.
    pub(crate) versions: &'a [Version],
    /// The version that all of them are read as, and that the upcast turns; `None` for the era of the working schema.
    pub(crate) last: Option<&'a Version>,
}

/// The eras of an event, the oldest first; the last one is the working schema's, and may have no version yet.
pub(crate) fn eras<'a>(event: &TreeEvent<'_>, versions: &'a [Version]) -> Vec<Era<'a>> {
    let mut eras = Vec::new();
    let mut rest = versions;
    for number in &event.properties.upcasts {
        let (before, after) = rest.split_at(rest.partition_point(|known| known.number <= *number));
        eras.push(Era {
            versions: before,
            last: before.last(),
        });
        rest = after;
    }
    eras.push(Era {
        versions: rest,
        last: None,
    });
    eras
}

/// The era of a version that a registry has: that of the published version with its layout, or else the one that its own list of
/// upcasts says. `None` where that list is no beginning of the working schema's.
pub(crate) fn of_registered<'a>(
    event: &TreeEvent<'_>,
    versions: &'a [Version],
    registered: &Document,
) -> Option<Era<'a>> {
    let eras = eras(event, versions);
    let print = canonical::fingerprint(&registered.root, &registered.types);
    let has_it = |era: &Era<'_>| era.versions.iter().any(|known| known.fingerprint == print);
    if let Some(era) = eras.iter().copied().find(has_it) {
        return Some(era);
    }
    let said = registered.upcasts();
    let begins = event.properties.upcasts.starts_with(said);
    begins.then(|| eras.get(said.len()).copied()).flatten()
}

/// What is wrong with the upcasts that a schema names: each problem with the version it is about.
pub(crate) fn problems(event: &TreeEvent<'_>, versions: &[Version]) -> Vec<(u32, String)> {
    let upcasts = &event.properties.upcasts;
    let mut problems = Vec::new();
    for number in upcasts {
        if !versions.iter().any(|known| known.number == *number) {
            let problem = match versions.last() {
                None => format!("\"upcasts\" names the version {number}, and none is published"),
                Some(newest) => format!(
                    "\"upcasts\" names the version {number}, and {} is the newest that is published",
                    newest.number
                ),
            };
            problems.push((*number, problem));
        }
    }
    if upcasts.is_empty() || !problems.is_empty() {
        return problems;
    }
    // A record tells its version by the fingerprint alone, and so must belong to one era.
    let eras = eras(event, versions);
    for (index, era) in eras.iter().enumerate() {
        for version in era.versions {
            let later = eras[index + 1..].iter();
            let twin = later
                .flat_map(|later| later.versions)
                .find(|other| other.fingerprint == version.fingerprint);
            let other = match twin {
                Some(twin) => format!("the version {}", twin.number),
                None if era.last.is_some() && version.fingerprint == event.fingerprint => {
                    "the working schema".to_owned()
                }
                None => continue,
            };
            let problem = format!(
                "\"upcasts\" parts the version {} from {other}, and the records of both look alike: they have the fingerprint {:016x}; give the new meaning a field of another name",
                version.number, version.fingerprint
            );
            problems.push((version.number, problem));
        }
    }
    problems
}
