//! `kolo explain`: one saga, from the topics and the published manifests alone; no service takes part.
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `find.rs` | what was asked for, from an index or by a scan |
//! | `show.rs` `json.rs` | the answer for people, and for programs |
//!
//! What is read and how it is judged stands in [`evidence`](crate::evidence).

mod find;
mod json;
mod show;

use std::io::Write;

use kolo_core::choreography::Manifest;
use kolo_core::saga::Saga;
use kolo_core::{CorrelationId, Timestamp};
use kolo_kafka::Config;

use crate::args::Explain;
use crate::choreography::published;
use crate::cluster::Cluster;
use crate::evidence::{
    Deadline, Ends, Evidence, Groups, Lookup, Notes, Plan, Routers, Scanned, Status, Wait,
    deadlines, next, now, rank, sentence,
};
use crate::failure::Failure;
use crate::schemas::Schemas;

use find::find;

/// What is told of a saga.
struct Answer<'a> {
    asked: &'a str,
    correlation: CorrelationId,
    saga: &'a Saga,
    manifests: &'a [Manifest],
    status: Status,
    waits: Vec<Wait<'a>>,
    deadlines: Vec<Deadline<'a>>,
    scanned: Scanned,
    now: Timestamp,
}

pub(crate) fn run(args: &Explain, config: &Config) -> Result<(), Failure> {
    let schemas = Schemas::load_if_there(args.schemas.schemas.as_deref())?;
    let manifests = published(config)?;
    let cluster = Cluster::connect(config)?;
    let plan = Plan::new(&cluster, &manifests, schemas)?;
    let routers = Routers::ask(&cluster, &manifests, &plan)?;
    let (correlation, found, scanned) = find(&cluster, &plan, args)?;
    let now = now();
    let notes = Notes::read(&cluster, now)?;
    let evidence = Evidence {
        manifests: &manifests,
        plan: &plan,
        lookup: Lookup::of(&found),
        notes: &notes,
        routers: &routers,
    };
    let saga = Saga::of(found.told().cloned());
    let mut waits = evidence.waits(&saga);
    let groups = Groups::of(&cluster, waits.iter().map(|wait| wait.by.clone()))?;
    rank(&mut waits, &groups);
    let answer = Answer {
        asked: &args.asked,
        correlation,
        status: Status::of(&saga, &manifests, &Ends::of(&manifests), &waits),
        deadlines: deadlines(&saga, &manifests),
        saga: &saga,
        manifests: &manifests,
        waits,
        scanned,
        now,
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", answer.json())?;
    } else {
        answer.show(&mut out)?;
    }
    out.flush()?;
    Ok(())
}

impl Answer<'_> {
    fn sentence(&self) -> String {
        sentence(
            self.status,
            self.saga,
            self.manifests,
            &self.waits,
            self.now,
        )
    }

    fn next(&self) -> Vec<(String, &'static str)> {
        next(self.status, self.asked, &self.waits)
    }
}
