//! Deletes: first such that a version can still be read, then for good.

use super::writable;
use crate::fact::Fact;
use crate::ledger::Decision;
use crate::refusal::Refusal;
use crate::state::{Found, State};

/// Deletes all versions of a subject, and gives their numbers.
pub(crate) fn delete_subject(
    state: &State,
    subject: &str,
    permanent: bool,
) -> Result<Decision<Vec<u32>>, Refusal> {
    let all = state.versions_of(subject, true)?;
    writable(state, subject)?;
    if permanent {
        if all.iter().any(|found| !found.deleted) {
            return Err(Refusal::subject_is_not_deleted(subject));
        }
        return Ok(for_good(state, &all));
    }
    let live: Vec<&Found> = all.iter().filter(|found| !found.deleted).collect();
    let Some(last) = live.last() else {
        return Err(Refusal::subject_is_deleted(subject));
    };
    for found in &live {
        unreferenced(state, found)?;
    }
    let mut facts = vec![Fact::SubjectDeleted {
        subject: subject.to_owned(),
        version: last.version,
    }];
    let of = Some(subject.to_owned());
    if state.level(Some(subject)).is_some() {
        facts.push(Fact::Level {
            subject: of.clone(),
            level: None,
        });
    }
    if state.mode(Some(subject)).is_some() {
        facts.push(Fact::Mode {
            subject: of,
            mode: None,
        });
    }
    Ok(Decision {
        facts,
        answer: live.iter().map(|found| found.version).collect(),
    })
}

/// Deletes one version, and gives its number. `None` is the latest.
pub(crate) fn delete_version(
    state: &State,
    subject: &str,
    version: Option<u32>,
    permanent: bool,
) -> Result<Decision<u32>, Refusal> {
    let known = state.versions_of(subject, true)?;
    let found = match version {
        Some(version) => known
            .into_iter()
            .find(|found| found.version == version)
            .ok_or_else(|| Refusal::no_version(version))?,
        None => state
            .latest(subject)
            .ok_or_else(|| Refusal::no_version("latest"))?,
    };
    writable(state, subject)?;
    let answer = found.version;
    if permanent {
        if !found.deleted {
            return Err(Refusal::version_is_not_deleted(subject, answer));
        }
        let Decision { facts, .. } = for_good(state, &[found]);
        return Ok(Decision { facts, answer });
    }
    if found.deleted {
        return Err(Refusal::version_is_deleted(subject, answer));
    }
    unreferenced(state, &found)?;
    Ok(Decision {
        facts: vec![Fact::Version(found.stored(true))],
        answer,
    })
}

/// The highest id is written first: once the versions are gone from the log, nothing else may tell of it.
fn for_good(state: &State, versions: &[Found]) -> Decision<Vec<u32>> {
    let mut facts = vec![Fact::HighestId(state.highest_id())];
    facts.extend(versions.iter().map(|found| Fact::NoVersion {
        subject: found.subject.clone(),
        version: found.version,
    }));
    Decision {
        facts,
        answer: versions.iter().map(|found| found.version).collect(),
    }
}

fn unreferenced(state: &State, found: &Found) -> Result<(), Refusal> {
    let by = state.referenced_by(&found.subject, found.version);
    if by.is_empty() {
        return Ok(());
    }
    Err(Refusal::is_referenced(&found.subject, found.version, &by))
}
