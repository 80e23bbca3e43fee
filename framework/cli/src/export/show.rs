//! What an export says: progress, how far it is durable, and the summary.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::source::Source;
use crate::args::Export;
use crate::failure::Failure;
use crate::terminal::{DIM, PLACE, is_watched, paint, say};

/// How often a follower says how far it is durable, where nobody watches a progress bar.
const TELL: Duration = Duration::from_secs(10);

/// Progress and summary of one run.
pub(super) struct Show {
    json: bool,
    follow: bool,
    bar: ProgressBar,
    begun: Instant,
    told: Option<Instant>,
}

impl Show {
    pub(super) fn new(args: &Export, sources: &[Source]) -> Self {
        let lanes = sources.iter().flat_map(|source| &source.writing.lanes);
        let left: i64 = lanes.map(|lane| (lane.end - lane.next).max(0)).sum();
        let bar = match (is_watched() && !args.json, args.follow) {
            (false, _) => ProgressBar::hidden(),
            (true, true) => ProgressBar::new_spinner(),
            (true, false) => ProgressBar::new(left.unsigned_abs()),
        };
        let template = if args.follow {
            "{spinner} {pos} records, {per_sec}, {msg}; Ctrl-C ends it"
        } else {
            "{bar:30} {pos}/{len} offsets, {per_sec}, {eta} left"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message("0 durable");
        Show {
            json: args.json,
            follow: args.follow,
            bar,
            begun: Instant::now(),
            told: None,
        }
    }

    pub(super) fn progress(&self, sources: &[Source]) {
        if !self.bar.is_hidden() {
            self.bar.set_position(records(sources));
        }
    }

    /// More is durable than before.
    pub(super) fn durable(&mut self, sources: &[Source]) -> Result<(), Failure> {
        self.bar
            .set_message(format!("{} durable", records(sources)));
        if !self.follow {
            return Ok(());
        }
        if self.json {
            let topics = sources.iter().map(|source| {
                let lanes = source.writing.lanes.iter();
                let durable: Map<String, Value> = lanes
                    .map(|lane| (lane.partition.to_string(), lane.durable.into()))
                    .collect();
                (source.topic.clone(), Value::Object(durable))
            });
            let topics: Map<String, Value> = topics.collect();
            return line(&json!({ "durable_before": topics }));
        }
        if !is_watched() && self.told.is_none_or(|told| told.elapsed() >= TELL) {
            self.told = Some(Instant::now());
            for source in sources {
                let lanes = source.writing.lanes.iter();
                let lanes = lanes.map(|lane| format!("[{}]@{}", lane.partition, lane.durable));
                say(&format!(
                    "durable before {}{}",
                    source.topic,
                    lanes.collect::<Vec<_>>().join(" ")
                ));
            }
        }
        Ok(())
    }

    /// The summary, when everything is closed.
    pub(super) fn done(&self, sources: &[Source]) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        if self.json {
            let topics: Vec<Value> = sources.iter().map(summary).collect();
            return line(&json!({ "topics": topics }));
        }
        let mut out = anstream::stdout().lock();
        for source in sources {
            let writing = &source.writing;
            let new: u64 = writing.lanes.iter().map(|lane| lane.records).sum();
            let all: u64 = writing
                .manifest
                .segments
                .iter()
                .map(|one| one.records)
                .sum();
            let bytes: u64 = writing.manifest.segments.iter().map(|one| one.bytes).sum();
            writeln!(
                out,
                "{} {new} records exported; {} has {all} in {} segments, {}",
                paint(PLACE, &source.topic),
                writing.folder.display(),
                writing.manifest.segments.len(),
                HumanBytes(bytes)
            )?;
            for lane in &writing.lanes {
                let reach =
                    &writing.manifest.partitions[usize::try_from(lane.partition).unwrap_or(0)];
                writeln!(
                    out,
                    "  {} offsets {} to before {}, {} new",
                    paint(PLACE, format!("[{}]", lane.partition)),
                    reach.first,
                    reach.next,
                    lane.records
                )?;
            }
            for hole in &writing.manifest.holes {
                writeln!(
                    out,
                    "  a hole in [{}]: offsets {} to {} were gone",
                    hole.partition,
                    hole.from,
                    hole.until - 1
                )?;
            }
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = records(sources) as f64 / seconds.max(0.001);
        writeln!(
            out,
            "{}",
            paint(
                DIM,
                format!("all durable, in {seconds:.1} s, {rate:.0} records a second")
            )
        )?;
        out.flush()?;
        Ok(())
    }
}

fn records(sources: &[Source]) -> u64 {
    let lanes = sources.iter().flat_map(|source| &source.writing.lanes);
    lanes.map(|lane| lane.records).sum()
}

fn summary(source: &Source) -> Value {
    let writing = &source.writing;
    let manifest = &writing.manifest;
    let partitions: Vec<Value> = writing
        .lanes
        .iter()
        .zip(&manifest.partitions)
        .map(|(lane, reach)| {
            json!({
                "partition": lane.partition, "first": reach.first, "next": reach.next, "exported": lane.records,
            })
        })
        .collect();
    json!({
        "topic": source.topic,
        "dir": writing.folder.display().to_string(),
        "exported": writing.lanes.iter().map(|lane| lane.records).sum::<u64>(),
        "records": manifest.segments.iter().map(|one| one.records).sum::<u64>(),
        "segments": manifest.segments.len(),
        "bytes": manifest.segments.iter().map(|one| one.bytes).sum::<u64>(),
        "partitions": partitions,
        "holes": manifest.holes,
    })
}

/// One line of JSON, at once.
fn line(value: &Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()?;
    Ok(())
}
