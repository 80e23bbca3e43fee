//! What a run came to: one object for programs, a page for people.

use std::fmt::Write as _;

use console::style;
use serde::Serialize;

use crate::audit::{Report, Verdicts, describe};
use crate::gateway::Statement;
use crate::run::RunId;

/// The object that `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    orders: u64,
    confirmed: u64,
    cancelled: u64,
    pending: u64,
    invariants: Verdicts,
    seconds: f64,
    orders_per_second: f64,
    latency_ms: Latency,
}

/// How long orders took from their publication to their end, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    p50: i64,
    p90: i64,
    p99: i64,
    max: i64,
}

impl Latency {
    /// Of sorted durations; zero where there is none.
    fn of(sorted: &[i64]) -> Self {
        let at = |percent: usize| {
            // The smallest one that at least so many per cent do not exceed.
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Latency {
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

impl Summary {
    /// What the audit says in numbers.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let seconds = report.span_ms as f64 / 1000.0;
        let ended = report.orders - report.pending;
        Summary {
            orders: report.orders,
            confirmed: report.confirmed,
            cancelled: report.cancelled,
            pending: report.pending,
            invariants: report.findings.verdicts(),
            seconds,
            orders_per_second: if seconds > 0.0 {
                (ended as f64 / seconds * 10.0).round() / 10.0
            } else {
                0.0
            },
            latency_ms: Latency::of(&report.latencies_ms),
        }
    }

    /// The page for people.
    pub(super) fn page(&self, run: RunId, report: &Report, statement: &Statement) -> String {
        let mut page = String::new();
        // Writing to a text cannot fail.
        let _ = self.write_page(&mut page, run, report, statement);
        page
    }

    fn write_page(
        &self,
        page: &mut String,
        run: RunId,
        report: &Report,
        statement: &Statement,
    ) -> Result<(), std::fmt::Error> {
        let title = format!(
            "{} orders in {:.1} s, {:.0} a second",
            self.orders, self.seconds, self.orders_per_second
        );
        writeln!(
            page,
            "{}  {}\n",
            style(title).bold(),
            style(format!("run {run}")).dim()
        )?;
        writeln!(page, "  confirmed  {:>7}", style(self.confirmed).green())?;
        writeln!(
            page,
            "  cancelled  {:>7}   {}",
            self.cancelled,
            style(reasons(report, run)).dim()
        )?;
        writeln!(
            page,
            "  pending    {:>7}",
            if self.pending == 0 {
                style(0).green()
            } else {
                style(self.pending).red()
            }
        )?;
        let Latency { p50, p90, p99, max } = self.latency_ms;
        writeln!(
            page,
            "\n  latency    p50 {p50} ms   p90 {p90} ms   p99 {p99} ms   max {max} ms"
        )?;
        let repeats: u64 = statement
            .calls
            .values()
            .map(|calls| calls.saturating_sub(1))
            .sum();
        writeln!(
            page,
            "  gateway    {} charges, {} refunds, {} declined; {repeats} repeated calls recognised",
            statement.charges.len(),
            statement.refunds.len(),
            statement.declines.len()
        )?;
        for (currency, cents) in &report.captured_cents {
            writeln!(
                page,
                "  captured   {}.{:02} {currency}",
                cents / 100,
                cents % 100
            )?;
        }
        let verdict = if report.is_clean() {
            style("The books balance").green().bold()
        } else {
            style("The books do not balance").red().bold()
        };
        write!(page, "\n{verdict}\n\n{}", describe(&report.findings))
    }
}

/// Why orders were cancelled, the most frequent first.
fn reasons(report: &Report, run: RunId) -> String {
    let mut grouped: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    for (reason, count) in &report.reasons {
        *grouped.entry(without_names(reason, run)).or_default() += count;
    }
    let mut reasons: Vec<_> = grouped.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reasons
        .iter()
        .take(4)
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect::<Vec<_>>()
        .join(" · ")
}

/// A reason without what it says of one article, so that like reasons are counted together.
fn without_names(reason: &str, run: RunId) -> String {
    let start = reason.split_once(':').map_or(reason, |(start, _)| start);
    let run = run.to_string();
    let words = start.split(' ').map(|word| {
        if word.starts_with(&run) {
            "an article"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_orders() {
        let sorted: Vec<i64> = (1..=200).collect();
        assert_eq!(
            Latency::of(&sorted),
            Latency {
                p50: 100,
                p90: 180,
                p99: 198,
                max: 200
            }
        );
        assert_eq!(
            Latency::of(&[7]),
            Latency {
                p50: 7,
                p90: 7,
                p99: 7,
                max: 7
            }
        );
        assert_eq!(
            Latency::of(&[]),
            Latency {
                p50: 0,
                p90: 0,
                p99: 0,
                max: 0
            }
        );
    }

    #[test]
    fn like_reasons_are_counted_together() {
        let run: RunId = "0000002a".parse().unwrap();
        let reasons_of = [
            ("0000002a-sku-1 is short: 1 in stock", 2),
            ("0000002a-sku-2 is short: 0 in stock", 3),
            ("insufficient funds", 4),
        ];
        let reasons_of = reasons_of
            .into_iter()
            .map(|(reason, count)| (reason.to_owned(), count))
            .collect();
        let report = Report {
            reasons: reasons_of,
            ..Report::default()
        };
        assert_eq!(
            reasons(&report, run),
            "5 an article is short · 4 insufficient funds"
        );
    }

    #[test]
    fn the_object_has_exactly_the_fields_that_other_tools_read() {
        let report = Report {
            orders: 3,
            confirmed: 1,
            cancelled: 1,
            pending: 1,
            span_ms: 2_000,
            latencies_ms: vec![4, 5],
            ..Report::default()
        };
        let text = serde_json::to_string(&Summary::of(&report)).unwrap();
        assert_eq!(
            text,
            r#"{"orders":3,"confirmed":1,"cancelled":1,"pending":1,"invariants":{"one_end":true,"stock":true,"money":true,"unique_ids":true,"causes":true},"seconds":2.0,"orders_per_second":1.0,"latency_ms":{"p50":4,"p90":5,"p99":5,"max":5}}"#
        );
    }
}
