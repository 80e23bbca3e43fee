//! `kolo lag`: how far each aggregate is behind its inputs, from the ends of its stream.
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `args.rs` | what can be typed |
//! | `inputs.rs` | what an aggregate reads, and its router |
//! | `tail.rs` | how far it has decided, from the last records of its stream |
//! | `waiting.rs` | what stands before it, and how old that is |
//! | `bounds.rs` | what is too much |
//! | `show.rs` `json.rs` | the answer for people, and for programs |

pub(crate) mod args;
mod bounds;
mod inputs;
mod json;
mod show;
mod tail;
mod waiting;

use std::io::Write;

use kolo_core::Timestamp;
use kolo_core::choreography::Manifest;
use kolo_kafka::Config;

use crate::choreography::published;
use crate::cluster::{Cluster, at_once};
use crate::evidence::plan::Role;
use crate::evidence::{Found, Groups, Plan, expect_owner, now};
use crate::failure::Failure;
use crate::tail::From;

use args::Lag;
use inputs::reads;
use waiting::{Behind, behind};

/// How far everybody is.
struct Lags {
    aggregates: Vec<AggregateLag>,
    now: Timestamp,
}

/// One aggregate, and what it is behind of.
#[derive(Debug)]
struct AggregateLag {
    /// `<service>.<aggregate>`
    name: String,
    members: usize,
    inputs: Vec<Behind>,
    /// Keys that are parked, if they were counted.
    parked: Option<usize>,
}

pub(crate) fn run(args: &Lag, config: &Config) -> Result<(), Failure> {
    let manifests = published(config)?;
    if let Some(whom) = &args.whom {
        expect_owner(whom, &manifests)?;
    }
    let cluster = Cluster::connect(config)?;
    let lags = lags(args, &cluster, &manifests)?;
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", lags.json())?;
    } else {
        lags.show(&mut out, args.all)?;
    }
    out.flush()?;
    bounds::expect(&lags, args)
}

fn lags(args: &Lag, cluster: &Cluster<'_>, manifests: &[Manifest]) -> Result<Lags, Failure> {
    let mut plan = Plan::new(cluster, manifests, None)?;
    let mut all = reads(manifests, &plan);
    if let Some(whom) = &args.whom {
        all.retain(|reads| reads.is_of(whom));
    }
    let groups = Groups::of(cluster, all.iter().map(|reads| reads.by.clone()))?;
    let inputs = at_once(&all, |reads| behind(cluster, reads))?;
    let mut aggregates: Vec<AggregateLag> = all
        .iter()
        .zip(inputs)
        .map(|(reads, inputs)| AggregateLag {
            name: reads.by.clone(),
            members: groups.members(&reads.by),
            inputs,
            parked: None,
        })
        .collect();
    if args.parked {
        let streams: Vec<String> = all.iter().map(|reads| reads.stream.name.clone()).collect();
        drop(all);
        plan.topics.retain(|topic| streams.contains(&topic.name));
        count_parked(cluster, &plan, &mut aggregates)?;
    }
    Ok(Lags {
        aggregates,
        now: now(),
    })
}

/// Reads the streams whole: what was parked at any time may be parked still.
fn count_parked(
    cluster: &Cluster<'_>,
    plan: &Plan,
    aggregates: &mut [AggregateLag],
) -> Result<(), Failure> {
    let (found, _) = Found::read_into(
        cluster,
        plan,
        From::Beginning,
        |_| (),
        |part, record, ()| {
            part.read(record, plan);
        },
    )?;
    for aggregate in aggregates {
        let stream = Role::Stream(aggregate.name.clone());
        let its = found.parts.iter().filter(|part| part.topic.role == stream);
        aggregate.parked = Some(its.map(|part| part.parked.len()).sum());
    }
    Ok(())
}
