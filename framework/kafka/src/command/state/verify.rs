//! `state verify`: the snapshots on this machine, held against their streams.

use kolo_core::Service;

use crate::config::Config;
use crate::snapshots::Folder;

use super::super::failure::Failure;
use super::super::parked::json::print_all;
use super::super::print;
use super::super::terminal::note;
use super::args::Verify;
use super::compare::{Verdict, compare};
use super::report;
use super::stream::{Aggregate, aggregates, streams};

/// A snapshot that was looked at.
pub(super) struct Looked {
    pub(super) aggregate: String,
    pub(super) stream: &'static str,
    pub(super) partition: i32,
    pub(super) verdict: Verdict,
}

impl Looked {
    fn is_sound(&self) -> bool {
        matches!(
            self.verdict,
            Verdict::Same(_) | Verdict::Ignored(_) | Verdict::Empty
        )
    }
}

pub(super) fn run(service: &Service, config: &Config, args: &Verify) -> Result<(), Failure> {
    let wanted = aggregates(service, args.filter.aggregate.as_deref())?;
    let kept = kept(service, config, &wanted, args.filter.partition)?;
    let none = match kept {
        Kept::None(why) => why,
        Kept::Files(folder, partitions) => {
            return verify(service, config, args, &folder, wanted, &partitions);
        }
    };
    if args.json {
        note(&none);
        return print_all(std::iter::empty());
    }
    print(&format!("Nothing to compare: {none}.\n"))
}

/// What there is to compare.
enum Kept {
    /// Nothing, and why.
    None(String),
    /// The folder, and of each wanted aggregate its partitions.
    Files(Folder, Vec<Vec<i32>>),
}

fn kept(
    service: &Service,
    config: &Config,
    wanted: &[Aggregate],
    partition: Option<i32>,
) -> Result<Kept, Failure> {
    let keeps = |known: &&Aggregate| known.description.snapshots.is_some();
    if !wanted.iter().any(|known| keeps(&known)) {
        let names: Vec<&str> = wanted.iter().map(|known| known.name.as_str()).collect();
        return Ok(Kept::None(format!(
            "{} keeps no snapshots: `.snapshots(version)` is not declared",
            names.join(" or ")
        )));
    }
    if config.state_dir.as_os_str().is_empty() {
        return Ok(Kept::None(
            "`state_dir` is empty, and no snapshots are kept".into(),
        ));
    }
    let folder = Folder::of(&config.state_dir, service.name());
    let files = report::files(&folder)?;
    let partitions = |known: &Aggregate| {
        let of = files.iter().filter(|file| {
            file.is_snapshot()
                && file.is_of(known.description.aggregate)
                && keeps(&known)
                && partition.is_none_or(|wanted| wanted == file.partition)
        });
        of.map(|file| file.partition).collect::<Vec<_>>()
    };
    let partitions: Vec<Vec<i32>> = wanted.iter().map(partitions).collect();
    if partitions.iter().all(Vec::is_empty) {
        let of = partition.map_or(String::new(), |partition| {
            format!(" of partition {partition}")
        });
        return Ok(Kept::None(format!(
            "no snapshot{of} is in {}",
            report::place(&folder)
        )));
    }
    Ok(Kept::Files(folder, partitions))
}

fn verify(
    service: &Service,
    config: &Config,
    args: &Verify,
    folder: &Folder,
    wanted: Vec<Aggregate>,
    partitions: &[Vec<i32>],
) -> Result<(), Failure> {
    let kept = wanted.into_iter().zip(partitions);
    let (wanted, partitions): (Vec<Aggregate>, Vec<&Vec<i32>>) = kept
        .filter(|(_, partitions)| !partitions.is_empty())
        .unzip();
    let names: Vec<String> = wanted.iter().map(|known| known.name.clone()).collect();
    let mut all = Vec::new();
    for (aggregate, topic) in streams(service, config, wanted)? {
        let at = names.iter().position(|name| *name == aggregate.name);
        for &partition in at.map_or(&[][..], |at| partitions[at].as_slice()) {
            let verdict = compare(service, config, folder, (&aggregate, topic), partition)?;
            let looked = Looked {
                aggregate: aggregate.name.clone(),
                stream: aggregate.description.stream,
                partition,
                verdict,
            };
            if !args.json {
                print(&report::text(&looked))?;
            }
            all.push(looked);
        }
    }
    if args.json {
        print_all(all.iter().map(report::json))?;
    }
    if all.iter().all(Looked::is_sound) {
        return Ok(());
    }
    note(&report::advice(service.name(), &all));
    Err(Failure::NotDone)
}
