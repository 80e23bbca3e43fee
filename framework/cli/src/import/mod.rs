//! `kolo import`: the backup of one topic into a topic.
//!
//! | file | idea |
//! |---|---|
//! | `plan.rs` | what the backup holds: plain records, or a stream and whose |
//! | `rewrite.rs` | a record under another owner |
//! | `expected.rs` | what a partition is to hold, in order |
//! | `target.rs` | the topic: created, or looked at |
//! | `vet.rs` | what a partition holds already, compared with what it is to hold |
//! | `send.rs` | appends in order, each where it is to stand |
//! | `partition.rs` | one partition: compare, fence, append |
//! | `show.rs` | progress and summary |

mod expected;
mod partition;
mod plan;
mod rewrite;
mod send;
mod show;
mod target;
mod vet;

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use kolo_kafka::Config;

use crate::args::Import;
use crate::backup::{Checked, Lock, Manifest, check};
use crate::cluster::{Cluster, ends};
use crate::export::{folders, missing, progress};
use crate::failure::Failure;
use crate::terminal::Interrupt;

use partition::Importing;
use plan::Plan;
use send::Sender;
use show::Show;

/// What a run that was killed a moment ago may still have on its way to the brokers has arrived by then.
const SETTLE: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Import, config: &Config) -> Result<(), Failure> {
    let folder = &args.dir;
    if !folder.is_dir() {
        return Err(missing(folder));
    }
    let manifest = Manifest::read(folder)?.ok_or_else(|| no_topic(folder))?;
    let _lock = Lock::shared(folder)?;
    let (plan, checked) = inspect(args, &manifest)?;

    let interrupt = Interrupt::listen()?;
    let cluster = Cluster::connect(config)?;
    if let Some(owner) = plan.owner() {
        target::refuse_while_owned(&cluster, &owner)?;
    }
    let name = args.topic.as_deref().unwrap_or(&manifest.topic);
    let id = target::prepare(&cluster, name, &manifest)?;
    if !is_empty(&cluster, name, &manifest)? {
        std::thread::sleep(SETTLE);
    }
    let unknown = target::unknown_inputs(&cluster, &plan)?;
    let mut show = Show::new(args, name, &plan, &checked, unknown);
    let mut importing = Importing {
        cluster: &cluster,
        topic: name,
        id,
        backup: manifest.topic_id,
        sender: Sender::new(config, name)?,
        interrupt,
    };
    for ((partition, _), part) in manifest.reaches().zip(&plan.partitions) {
        let parts: VecDeque<_> = checked
            .parts
            .iter()
            .filter(|known| known.partition == partition)
            .cloned()
            .collect();
        let done = importing.partition(partition, part, parts, &mut show)?;
        show.partition(partition, part, done);
    }
    show.done(&plan)
}

/// A directory that is not one topic's folder; perhaps those of several are in it.
fn no_topic(dir: &Path) -> Failure {
    match folders(dir) {
        Ok(found) => Failure::input(format!(
            "{} holds the folders of topics, and an import is of one: name it, as in `kolo import {}`.",
            dir.display(),
            found[0].display()
        )),
        Err(failure) => failure,
    }
}

/// Checks all of the backup, and finds out what it holds.
fn inspect(args: &Import, manifest: &Manifest) -> Result<(Plan, Checked), Failure> {
    let mut plan = Plan::new(manifest);
    let bar = progress(manifest, args.json);
    let take = |record: &_| {
        plan.take(record);
        Ok(())
    };
    let checked = check(&args.dir, manifest, take, |bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    if let Some(problem) = checked.problems.first() {
        return Err(Failure::run(format!(
            "{problem} Nothing was imported; `kolo verify-export {}` shows all damage.",
            args.dir.display()
        )));
    }
    plan.check(manifest)?;
    Ok((plan, checked))
}

fn is_empty(cluster: &Cluster<'_>, topic: &str, manifest: &Manifest) -> Result<bool, Failure> {
    for (partition, _) in manifest.reaches() {
        let (low, high) = ends(&cluster.reader, topic, partition)?;
        if low < high {
            return Ok(false);
        }
    }
    Ok(true)
}
