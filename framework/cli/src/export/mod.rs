//! `kolo export`: the running backup of topics, into files.
//!
//! | file | idea |
//! |---|---|
//! | `source.rs` | one topic: its consumer, and where its folder ends |
//! | `writing.rs` | its backup while it is written: how far each partition is read, and durable |
//! | `resume.rs` | what an export that was cut short has left |
//! | `lost.rs` | offsets that the topic does not have any more |
//! | `follow.rs` | the loop: reads, and makes durable at intervals |
//! | `show.rs` | progress and summary |
//! | `verify.rs` | `kolo verify-export` |

mod follow;
mod lost;
mod resume;
mod show;
mod source;
mod verify;
mod writing;

use kolo_kafka::Config;
use kolo_kafka::topics::TopicAdmin;

use crate::args::Export;
use crate::backup::make_dir;
use crate::cluster::{Cluster, refused};
use crate::failure::Failure;
use crate::terminal::Interrupt;

use follow::Follow;
use show::Show;
use source::Source;
pub(crate) use verify::{folders, missing, progress, run as verify};

pub(crate) fn run(args: &Export, config: &Config) -> Result<(), Failure> {
    let cluster = Cluster::connect(config)?;
    let mut names: Vec<&str> = args.topics.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let topics = names.iter().map(|name| cluster.topic(name));
    let topics = topics.collect::<Result<Vec<_>, _>>()?;
    let admin = TopicAdmin::new(config).map_err(|error| refused(&error))?;
    let known = admin
        .describe(&names)
        .map_err(|error| Failure::run(error.to_string()))?;
    make_dir(&args.to)?;
    // Before anything is written: whoever ends it now is to find it closed as well.
    let interrupt = Interrupt::listen()?;
    let mut sources = Vec::new();
    for topic in topics {
        let id = known.get(&topic.name).map(|known| known.id);
        let id = id.ok_or_else(|| source::deleted(&topic.name))?;
        sources.push(Source::open(&cluster, topic, id, args)?);
    }
    let show = Show::new(args, &sources);
    Follow {
        args,
        cluster: &cluster,
        admin,
        interrupt,
        show,
    }
    .run(&mut sources)
}
