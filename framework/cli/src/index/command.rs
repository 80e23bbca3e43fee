//! `kolo index`: reads on until it is told to end.

use std::io::Write;
use std::time::{Duration, Instant};

use kolo_kafka::Config;
use serde_json::json;

use super::{Index, Watch};
use crate::args;
use crate::choreography::published;
use crate::cluster::{Cluster, Ends};
use crate::evidence::plan::Plan;
use crate::failure::Failure;
use crate::schemas::Schemas;
use crate::terminal::{Interrupt, note};

/// Between two looks whether there is more. Nobody has the directory meanwhile, so that others can ask.
const PAUSE: Duration = Duration::from_secs(1);
/// How often manifests and topics are asked for again: a service publishes its manifest when it starts.
const PLAN: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(50);

pub(crate) fn run(args: &args::Index, config: &Config) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let follower = Follower {
        args,
        config,
        watch: Watch::following(interrupt.clone(), args.json),
        interrupt,
    };
    follower.plan()?;
    let mut is_told = false;
    while !args.once && !follower.interrupt.came() {
        follower.pause();
        match follower.plan() {
            Ok(()) => is_told = false,
            Err(Failure::Run(problem)) => {
                if !is_told {
                    note(&format!("{problem} It is tried again; Ctrl-C ends this."));
                    is_told = true;
                }
            }
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

struct Follower<'a> {
    args: &'a args::Index,
    config: &'a Config,
    watch: Watch,
    interrupt: Interrupt,
}

impl Follower<'_> {
    /// Follows the topics that the manifests name now, for a while.
    fn plan(&self) -> Result<(), Failure> {
        let schemas = Schemas::load_if_there(self.args.schemas.schemas.as_deref())?;
        let manifests = published(self.config)?;
        let cluster = Cluster::connect(self.config)?;
        let plan = Plan::new(&cluster, &manifests, schemas)?;
        let begun = Instant::now();
        let mut known: Option<Ends> = None;
        loop {
            let ends = plan.ends(&cluster)?;
            if known.as_ref() != Some(&ends) {
                self.round(&cluster, &plan)?;
                known = Some(ends);
            }
            if self.args.once || self.interrupt.came() || begun.elapsed() >= PLAN {
                return Ok(());
            }
            self.pause();
        }
    }

    fn round(&self, cluster: &Cluster<'_>, plan: &Plan) -> Result<(), Failure> {
        let index = Index::open(&self.args.index, cluster)?;
        let current = index.catch_up(cluster, plan, &self.watch)?;
        let forgotten = if self.interrupt.came() {
            0
        } else {
            current.forget()?
        };
        if current.read == 0 && forgotten == 0 && !self.args.once {
            return index.close();
        }
        let mut out = anstream::stdout().lock();
        if self.args.json {
            let line = json!({
                "index": index.path(),
                "records": current.all(),
                "read": current.read,
                "forgotten": forgotten,
                "topics": plan.topics.len(),
                "seconds": current.found.took.as_secs_f64(),
                "is_whole": !self.interrupt.came(),
            });
            writeln!(out, "{line}")?;
        } else {
            writeln!(
                out,
                "{}: {} records of {} topics were read, {} of them now in {:.1} s{}{}",
                index.path().display(),
                current.all(),
                plan.topics.len(),
                current.read,
                current.found.took.as_secs_f64(),
                match forgotten {
                    0 => String::new(),
                    count =>
                        format!("; {count} are forgotten, since their topics have them no more"),
                },
                if self.interrupt.came() {
                    "; interrupted, and the next time goes on there"
                } else {
                    ""
                }
            )?;
        }
        out.flush()?;
        index.close()
    }

    fn pause(&self) {
        let begun = Instant::now();
        while begun.elapsed() < PAUSE && !self.interrupt.came() {
            std::thread::park_timeout(STEP);
        }
    }
}
