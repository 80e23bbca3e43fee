//! Finds what was asked for: in an index, or by a scan.

use std::collections::BTreeMap;
use std::path::Path;

use kolo_core::{CorrelationId, Timestamp};

use crate::args::Explain;
use crate::cluster::Cluster;
use crate::evidence::{Asked, Found, Plan, Scanned};
use crate::failure::Failure;
use crate::index::{Index, Watch, Which};
use crate::tail::{From, time};

/// Sagas of a key that are named where there are several.
const NAMED_SAGAS: usize = 5;

type Saga<'p> = (CorrelationId, Found<'p>, Scanned);

/// Where to read is bound, or the index has it all.
pub(super) fn find<'p>(
    cluster: &Cluster<'_>,
    plan: &'p Plan,
    args: &Explain,
) -> Result<Saga<'p>, Failure> {
    let bound = args.since.or(args.last.map(From::Last));
    match (&args.index, bound) {
        (Some(path), None) => in_index(cluster, plan, &args.asked, path),
        (_, bound) => by_scan(cluster, plan, &args.asked, bound.unwrap_or(From::Beginning)),
    }
}

/// Reads the saga; once more, where an event's id or a key has led to it.
fn by_scan<'p>(
    cluster: &Cluster<'_>,
    plan: &'p Plan,
    text: &str,
    from: From,
) -> Result<Saga<'p>, Failure> {
    let asked = Asked::of(text);
    let found = Found::read(cluster, plan, &asked, from)?;
    let scanned = Scanned::of(&found, plan, from);
    if let Some(saga) = found.saga() {
        return Ok((saga, found, scanned));
    }
    let saga = the_only(text, &found.others(), &scanned)?;
    let again = Found::read(cluster, plan, &asked.saga(saga), from)?;
    let both = scanned.and(&again);
    Ok((saga, again, both))
}

fn in_index<'p>(
    cluster: &Cluster<'_>,
    plan: &'p Plan,
    text: &str,
    path: &Path,
) -> Result<Saga<'p>, Failure> {
    let index = Index::open(path, cluster)?;
    let saga = ask(&index, cluster, plan, text)?;
    index.close()?;
    Ok(saga)
}

fn ask<'p>(
    index: &Index,
    cluster: &Cluster<'_>,
    plan: &'p Plan,
    text: &str,
) -> Result<Saga<'p>, Failure> {
    let current = index.catch_up(cluster, plan, &Watch::new())?;
    let scanned = Scanned::in_index(&current, plan, Which::All);
    let asked = Asked::of(text);
    for &saga in asked.sagas() {
        let records = current.saga(saga)?;
        if !records.told.is_empty() {
            return Ok((saga, current.of_saga(saga, records), scanned));
        }
    }
    let mut others = current.of_event(asked.id())?;
    for (saga, at) in current.of_key(text)? {
        let known = others.entry(saga).or_insert(at);
        *known = (*known).max(at);
    }
    let saga = the_only(text, &others, &scanned)?;
    let records = current.saga(saga)?;
    Ok((saga, current.of_saga(saga, records), scanned))
}

/// The saga to which an event's id or a key has led, where it is one.
fn the_only(
    text: &str,
    others: &BTreeMap<CorrelationId, Timestamp>,
    scanned: &Scanned,
) -> Result<CorrelationId, Failure> {
    let mut latest: Vec<_> = others.iter().collect();
    latest.sort_by_key(|&(_, at)| std::cmp::Reverse(at));
    match latest.as_slice() {
        [] => Err(Failure::run(format!(
            "there is no saga, event or key `{text}`: {scanned}. Events that retention has deleted, and topics that no published manifest names, are not seen; `kolo tail TOPIC --key KEY` looks into one topic."
        ))),
        [(saga, _)] => Ok(**saga),
        several => {
            let named = several.iter().take(NAMED_SAGAS);
            let named: Vec<String> = named
                .map(|(saga, at)| format!("{saga} ({})", time(Some(at.as_millis()))))
                .collect();
            Err(Failure::input(format!(
                "`{text}` is a key of {} sagas; explain one of them by its id. The latest: {}.",
                several.len(),
                named.join(", ")
            )))
        }
    }
}
