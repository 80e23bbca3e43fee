//! How far everybody is, for people: a line an aggregate, and below it the partitions that are behind.

use std::io::Write;

use super::waiting::{Behind, ToldBy};
use super::{AggregateLag, Lags};
use crate::evidence::ago;
use crate::failure::Failure;
use crate::terminal::{DIM, EVENT, PLACE, WRONG, harmless, paint};

impl AggregateLag {
    /// The records that it has not decided, and its router not copied, as far as they are known.
    pub(super) fn records(&self) -> i64 {
        self.inputs.iter().filter_map(|input| input.records).sum()
    }

    /// When the first record was written that is not decided.
    pub(super) fn oldest(&self) -> Option<kolo_core::Timestamp> {
        self.inputs.iter().filter_map(|input| input.oldest).min()
    }
}

impl Lags {
    pub(super) fn show(&self, out: &mut impl Write, all: bool) -> Result<(), Failure> {
        if self.aggregates.is_empty() {
            writeln!(
                out,
                "no aggregate has a stream yet: a service creates its topics when it starts"
            )?;
        }
        let names = self.aggregates.iter().map(|one| one.name.chars().count());
        let width = names.max().unwrap_or(0);
        for one in &self.aggregates {
            self.aggregate(out, one, width)?;
            let inputs = one.inputs.iter();
            for input in inputs.filter(|input| all || input.records != Some(0)) {
                self.input(out, input)?;
            }
        }
        Ok(())
    }

    fn aggregate(
        &self,
        out: &mut impl Write,
        one: &AggregateLag,
        width: usize,
    ) -> Result<(), Failure> {
        let style = if one.members == 0 { WRONG } else { EVENT };
        let members = match one.members {
            1 => "1 member".to_owned(),
            count => format!("{count} members"),
        };
        let behind = match one.records() {
            0 => "nothing to decide".to_owned(),
            1 => "1 record behind".to_owned(),
            records => format!("{records} records behind"),
        };
        let oldest = one.oldest().map_or_else(String::new, |at| {
            format!(", the oldest since {}", ago(self.now.since(at)))
        });
        let parked = match one.parked {
            None | Some(0) => String::new(),
            Some(1) => ", 1 key parked".to_owned(),
            Some(keys) => format!(", {keys} keys parked"),
        };
        writeln!(
            out,
            "{}  {members:>10}  {behind}{oldest}{parked}",
            paint(style, format!("{:width$}", harmless(&one.name))),
        )?;
        Ok(())
    }

    fn input(&self, out: &mut impl Write, input: &Behind) -> Result<(), Failure> {
        let place = format!("{}[{}]", harmless(&input.topic), input.partition);
        let next = match input.next {
            Some(next) => format!("next {next} of {}", input.end),
            None => format!("not told, of {}", input.end),
        };
        let behind = match (input.records, input.oldest) {
            (None, _) => "how far it has read is not known".to_owned(),
            (Some(records), None) => format!("{records} behind"),
            (Some(records), Some(at)) => {
                format!("{records} behind, since {}", ago(self.now.since(at)))
            }
        };
        let remark = match (input.routed, input.told_by) {
            (true, _) => "  to be routed",
            (false, ToldBy::Group) => "  as its group has committed",
            (false, _) => "",
        };
        writeln!(
            out,
            "  {}  {next:>24}  {behind}{}",
            paint(PLACE, format!("{place:36}")),
            paint(DIM, remark)
        )?;
        Ok(())
    }
}
