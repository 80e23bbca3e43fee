//! `kolo sagas`: all sagas, each in a line, from the topics and the published manifests alone.
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `args.rs` | what can be typed |
//! | `kept.rs` | the events of all sagas, in short, from a scan |
//! | `indexed.rs` | the sagas of an index: those that are not over |
//! | `row.rs` | one saga in one line |
//! | `causes.rs` | sagas that wait for the same thing, counted |
//! | `show.rs` `json.rs` | the list for people, and for programs |
//!
//! What is read and how it is judged stands in [`evidence`](crate::evidence), which `kolo explain` uses as well.

pub(crate) mod args;
mod causes;
mod indexed;
mod json;
mod kept;
mod row;
mod show;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use kolo_core::choreography::Manifest;
use kolo_core::saga::{Saga, Told};
use kolo_core::wire::Record;
use kolo_core::{CorrelationId, Timestamp};
use kolo_kafka::Config;

use crate::choreography::published;
use crate::cluster::Cluster;
use crate::evidence::part::{Part, Seen};
use crate::evidence::plan::aggregates;
use crate::evidence::{
    Ends, Evidence, Found, Groups, Lookup, Notes, Plan, Routers, Scanned, Status, expect_owner, now,
};
use crate::failure::Failure;
use crate::schemas::Schemas;
use crate::tail::From;

use args::Sagas;
use kept::Kept;
use row::{Row, Rows};

/// Lines for a person, unless more are asked for.
const LINES: usize = 50;
/// How long a saga may wait for somebody who is at work before it counts as one that does not go on. Positions without an
/// answer are written every few seconds only.
const PATIENCE: Duration = Duration::from_secs(60);

/// The list.
struct List {
    /// What is asked for, the worst first.
    rows: Vec<Row>,
    /// How many of those are told one by one.
    lines: usize,
    /// All sagas that were read, by status.
    counts: BTreeMap<Status, usize>,
    scanned: Scanned,
    now: Timestamp,
}

pub(crate) fn run(args: &Sagas, config: &Config) -> Result<(), Failure> {
    let schemas = Schemas::load_if_there(args.schemas.schemas.as_deref())?;
    let manifests = published(config)?;
    if let Some(whom) = &args.waits_for {
        expect_owner(whom, &manifests)?;
    }
    let cluster = Cluster::connect(config)?;
    let plan = Plan::new(&cluster, &manifests, schemas)?;
    let asking = Asking {
        args,
        cluster: &cluster,
        manifests: &manifests,
        plan: &plan,
        routers: &Routers::ask(&cluster, &manifests, &plan)?,
    };
    let list = asking.list()?;
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", list.json())?;
    } else {
        list.show(&mut out)?;
    }
    out.flush()?;
    Ok(())
}

/// What is asked for, and of whom.
struct Asking<'a> {
    args: &'a Sagas,
    cluster: &'a Cluster<'a>,
    manifests: &'a [Manifest],
    plan: &'a Plan,
    routers: &'a Routers,
}

/// Takes up one saga's events; gives how it stands, if there are any.
type Judge<'a> = dyn FnMut(CorrelationId, Vec<Told>) -> Option<Status> + 'a;

impl Asking<'_> {
    fn list(&self) -> Result<List, Failure> {
        let (args, plan) = (self.args, self.plan);
        let bound = args.since.or(args.last.map(From::Last));
        match (&args.index, bound) {
            (Some(path), None) => indexed::list(self, path),
            (_, bound) => {
                let from = bound.unwrap_or(From::Beginning);
                let (found, mut kept) =
                    Found::read_into(self.cluster, plan, from, Kept::of, |part, record, kept| {
                        take(part, record, plan, kept);
                    })?;
                let scanned = Scanned::of(&found, plan, from);
                self.judge(&found, scanned, |judge| {
                    for (id, told) in kept::Sagas::of(&mut kept) {
                        judge(id, told);
                    }
                    Ok(())
                })
            }
        }
    }

    /// Makes the list of the sagas that `each` hands on, by what was found besides.
    fn judge(
        &self,
        found: &Found<'_>,
        scanned: Scanned,
        each: impl FnOnce(&mut Judge<'_>) -> Result<(), Failure>,
    ) -> Result<List, Failure> {
        let &Asking {
            args,
            cluster,
            manifests,
            plan,
            routers,
        } = self;
        let now = now();
        let notes = Notes::read(cluster, now)?;
        let owners =
            aggregates(manifests).map(|(service, known)| format!("{service}.{}", known.name));
        let rows = Rows {
            evidence: &Evidence {
                manifests,
                plan,
                lookup: Lookup::of(found),
                notes: &notes,
                routers,
            },
            groups: &Groups::of(cluster, owners)?,
            ends: &Ends::of(manifests),
            now,
        };
        let mut list = List {
            rows: Vec::new(),
            lines: 0,
            counts: BTreeMap::new(),
            scanned,
            now,
        };
        each(&mut |id, told| {
            let row = rows.of(id, &Saga::of(told))?;
            let status = row.status;
            *list.counts.entry(status).or_default() += 1;
            list.rows
                .extend(Some(row).filter(|row| args.takes(row, now)));
            Some(status)
        })?;
        list.rows.sort_by_key(Row::rank);
        let most = if args.json { usize::MAX } else { LINES };
        list.lines = list.rows.len().min(args.limit.unwrap_or(most));
        Ok(list)
    }
}

/// Keeps a record's event, and what tells where sagas wait.
fn take<'p>(part: &mut Part<'p>, record: &Record<'_>, plan: &Plan, kept: &mut Kept<'p>) {
    match part.read(record, plan) {
        Some(Seen::Event(event)) if event.offset >= part.from => kept.take(part, &event),
        Some(Seen::Copy(_, copied)) => part.copies.push(copied),
        _ => {}
    }
}

impl Sagas {
    fn takes(&self, row: &Row, now: Timestamp) -> bool {
        let is_asked = match self.status.as_slice() {
            [] => !row.status.is_over(),
            asked => asked.iter().any(|asked| asked.takes(row.status)),
        };
        let does_not_go_on = || {
            row.is_stuck()
                || row.waits.is_some() && row.is_older(self.older.unwrap_or(PATIENCE), now)
        };
        is_asked
            && (!self.stuck || does_not_go_on())
            && self.older.is_none_or(|older| row.is_older(older, now))
            && self
                .waits_for
                .as_ref()
                .is_none_or(|whom| row.waits_for(whom))
    }
}
