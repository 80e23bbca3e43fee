//! Whether a schema could be registered, without registering it.

use axum::extract::{Path, State};
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, answer};
use super::asked::{Body, Options, version as parse};
use crate::change::Submission;
use crate::compare;
use crate::refusal::Refusal;

#[derive(Serialize)]
struct Verdict {
    is_compatible: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<String>,
}

fn verdict(problems: Vec<String>, options: &Options) -> Answer {
    let is_compatible = problems.is_empty();
    let messages = if options.is_set("verbose") {
        problems
    } else {
        Vec::new()
    };
    answer(&Verdict {
        is_compatible,
        messages,
    })
}

/// Beside all versions that count at the subject's level.
pub(super) async fn with_all(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    options: Options,
    Body(submission): Body<Submission>,
) -> Answer {
    let problems = ledger.read(|state| {
        let draft = submission.read(state)?;
        let level = state.level_for(&subject);
        compare::with_subject(state, &subject, level, &draft.legal)
    })?;
    verdict(problems, &options)
}

/// Beside one version, in the direction of the subject's level.
pub(super) async fn with_one(
    State(ledger): State<Shared>,
    Path((subject, version)): Path<(String, String)>,
    options: Options,
    Body(submission): Body<Submission>,
) -> Answer {
    let version = parse(&version)?;
    let problems = ledger.read(|state| {
        let draft = submission.read(state)?;
        let earlier = match version {
            None => state.latest(&subject),
            Some(version) => {
                let known = state
                    .version(&subject, version)
                    .filter(|found| !found.deleted);
                Some(known.ok_or_else(|| Refusal::no_version(version))?)
            }
        };
        let earlier: Vec<_> = earlier.into_iter().collect();
        compare::with_versions(state, &earlier, state.level_for(&subject), &draft.legal)
    })?;
    verdict(problems, &options)
}
