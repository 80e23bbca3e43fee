//! What an import says.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::partition::Done;
use super::plan::{PartitionPlan, Plan};
use crate::args::Import;
use crate::backup::Checked;
use crate::failure::Failure;
use crate::terminal::{DIM, PLACE, is_watched, note, paint};

/// Progress and summary of one import.
pub(super) struct Show {
    json: bool,
    topic: String,
    owner: Option<String>,
    /// Inputs of the stream that this cluster does not have under the id that they had.
    unknown_inputs: BTreeSet<String>,
    bar: ProgressBar,
    /// Records of the partitions that are through.
    through: u64,
    begun: Instant,
    rows: Vec<Value>,
    found: u64,
    sent: u64,
}

impl Show {
    pub(super) fn new(
        args: &Import,
        topic: &str,
        plan: &Plan,
        checked: &Checked,
        unknown_inputs: BTreeSet<String>,
    ) -> Self {
        let all: u64 = match plan.is_stream() {
            true => plan.partitions.iter().map(|part| part.valid).sum(),
            false => checked.records,
        };
        let bar = if is_watched() && !args.json {
            ProgressBar::new(all)
        } else {
            ProgressBar::hidden()
        };
        let template = "{bar:30} {pos}/{len} records, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Show {
            json: args.json,
            topic: topic.to_owned(),
            owner: plan.owner(),
            unknown_inputs,
            bar,
            through: 0,
            begun: Instant::now(),
            rows: Vec::new(),
            found: 0,
            sent: 0,
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        self.owner.is_some()
    }

    /// So many records of the present partition are there.
    pub(super) fn progress(&self, records: u64) {
        if !self.bar.is_hidden() {
            self.bar.set_position(self.through + records);
        }
    }

    /// A partition is through.
    pub(super) fn partition(&mut self, partition: i32, plan: &PartitionPlan, done: Done) {
        self.through += done.found + done.sent;
        self.found += done.found;
        self.sent += done.sent;
        let mut row = json!({ "partition": partition, "found": done.found, "sent": done.sent });
        if self.is_stream() {
            row["left_out"] =
                json!({ "void": plan.void, "fences": plan.fences, "unfenced": plan.unfenced });
        }
        self.rows.push(row);
    }

    pub(super) fn done(&self, plan: &Plan) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let mut out = anstream::stdout().lock();
        if self.json {
            let kind = if self.is_stream() { "stream" } else { "open" };
            let summary = json!({
                "topic": self.topic, "kind": kind, "owner": self.owner, "found": self.found, "sent": self.sent,
                "unknown_inputs": self.unknown_inputs, "most_answers": plan.most_answers(), "partitions": self.rows,
            });
            writeln!(out, "{summary}")?;
            out.flush()?;
            return Ok(());
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        let pace = self.sent as f64 / seconds.max(0.001);
        let pace = paint(DIM, format!("in {seconds:.1} s, {pace:.0} a second"));
        let topic = paint(PLACE, &self.topic);
        let before = match self.found {
            0 => String::new(),
            found => format!(", {found} were there already"),
        };
        writeln!(
            out,
            "{} records imported into {topic}{before} {pace}",
            self.sent
        )?;
        if let Some(owner) = &self.owner {
            let sum = |of: fn(&PartitionPlan) -> u64| plan.partitions.iter().map(of).sum::<u64>();
            writeln!(
                out,
                "It is the stream of {owner}, under fences of the import; left out are {} old fences, {} void records and {} from before the first fence.",
                sum(|part| part.fences),
                sum(|part| part.void),
                sum(|part| part.unfenced)
            )?;
        }
        out.flush()?;
        self.notes(plan);
        Ok(())
    }

    fn notes(&self, plan: &Plan) {
        if !self.unknown_inputs.is_empty() {
            let inputs: Vec<&str> = self.unknown_inputs.iter().map(String::as_str).collect();
            note(&format!(
                "the inputs that this stream answers are other topics here, by their ids: {}. Its owner will read them from the beginning, and recognise by their ids what it has answered, as many as a key remembers: 128 unless its declaration says `.remembers(n)`, and one key has answered {} here. See \"Moving to another cluster\" in docs/backup.md before you start it.",
                inputs.join(", "),
                plan.most_answers()
            ));
        }
        if self.sent > 0 {
            note(
                "a topic is known by its id: whoever has read the one that was exported will read this one from the beginning.",
            );
        }
        if plan.without_id > 0 && !self.is_stream() {
            note(&format!(
                "{} records have no ce_id: services take their ids from topic and offset, which are others now, and do not recognise them as those that they have answered.",
                plan.without_id
            ));
        }
        if plan.at_zero > 0 {
            note(&format!(
                "{} records of the first millisecond of 1970 stand at the second one now: the client library cannot say the first.",
                plan.at_zero
            ));
        }
    }
}
