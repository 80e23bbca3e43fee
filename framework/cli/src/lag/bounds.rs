//! What is too much: for a probe, which looks at the exit code.

use super::args::Lag;
use super::{AggregateLag, Lags};
use crate::evidence::ago;
use crate::failure::Failure;

/// Fails where a bound is passed, and names the worst that passes it.
pub(super) fn expect(lags: &Lags, args: &Lag) -> Result<(), Failure> {
    let problems = [
        too_many(lags, args),
        too_old(lags, args),
        unknown(lags, args),
    ];
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    match problems.as_slice() {
        [] => Ok(()),
        problems => Err(Failure::run(problems.join(" "))),
    }
}

fn too_many(lags: &Lags, args: &Lag) -> Option<String> {
    let most = args.max_records?;
    let worst = lags.aggregates.iter().max_by_key(|one| one.records())?;
    (worst.records() > most).then(|| {
        format!(
            "{} is {} records behind, which is more than {most}.{}",
            worst.name,
            worst.records(),
            next(worst)
        )
    })
}

fn too_old(lags: &Lags, args: &Lag) -> Option<String> {
    let most = args.max_age?;
    let aged = lags.aggregates.iter();
    let (worst, oldest) = aged
        .filter_map(|one| Some((one, one.oldest()?)))
        .min_by_key(|&(_, oldest)| oldest)?;
    let age = lags.now.since(oldest);
    (age > most).then(|| {
        format!(
            "{} has not decided a record since {}, which is longer than {}.{}",
            worst.name,
            ago(age),
            ago(most),
            next(worst)
        )
    })
}

/// A bound that cannot be checked is not kept.
fn unknown(lags: &Lags, args: &Lag) -> Option<String> {
    if args.max_records.is_none() && args.max_age.is_none() {
        return None;
    }
    let (one, place) = lags.aggregates.iter().find_map(|one| {
        let unknown = one.inputs.iter().find(|input| input.records.is_none())?;
        Some((one, unknown))
    })?;
    Some(format!(
        "How far {} has read {}[{}] is told neither by its stream nor by its group.{}",
        one.name,
        place.topic,
        place.partition,
        next(one)
    ))
}

fn next(one: &AggregateLag) -> String {
    let service = one.name.split('.').next().unwrap_or(&one.name);
    match one.members {
        0 => format!(" Nobody is in its group: `{service} run` starts it."),
        _ => format!(" `kolo lag {} --all` shows each partition.", one.name),
    }
}
