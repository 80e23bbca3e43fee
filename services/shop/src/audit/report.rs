//! What an audit comes to: a finding an invariant, and figures.

use std::collections::BTreeMap;

use serde::Serialize;

/// How many violations of an invariant are told; all are counted.
const TOLD: usize = 20;

/// Whether an invariant holds, and if not, why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    violations: usize,
    told: Vec<String>,
}

impl Finding {
    pub(super) fn violated(&mut self, message: String) {
        self.violations += 1;
        if self.told.len() < TOLD {
            self.told.push(message);
        }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations == 0
    }

    /// How often it is violated.
    #[must_use]
    pub fn violations(&self) -> usize {
        self.violations
    }

    /// The first violations, for people to read.
    #[must_use]
    pub fn told(&self) -> &[String] {
        &self.told
    }
}

/// One finding an invariant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Every order ends confirmed or cancelled, and not both.
    pub one_end: Finding,
    /// Stock received is in stock or held by confirmed orders, and there is never less than nothing.
    pub stock: Finding,
    /// The money captured is that of the confirmed orders.
    pub money: Finding,
    /// No event id stands twice among the valid records.
    pub unique_ids: Finding,
    /// The event that a valid record names as its cause exists.
    pub causes: Finding,
}

impl Findings {
    /// All of them, with their names and what they mean.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &'static str, &Finding); 5] {
        [
            (
                "one_end",
                "every order ended once, confirmed or cancelled",
                &self.one_end,
            ),
            (
                "stock",
                "stock received = in stock + held by confirmed orders, never negative",
                &self.stock,
            ),
            (
                "money",
                "money captured = sum of the confirmed orders",
                &self.money,
            ),
            (
                "unique_ids",
                "no event id stands twice among the valid records",
                &self.unique_ids,
            ),
            (
                "causes",
                "the cause of every valid record exists",
                &self.causes,
            ),
        ]
    }

    /// Whether each holds, as JSON has it.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        Verdicts {
            one_end: self.one_end.holds(),
            stock: self.stock.holds(),
            money: self.money.holds(),
            unique_ids: self.unique_ids.holds(),
            causes: self.causes.holds(),
        }
    }
}

/// Whether each invariant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the shape that other tools read"
)]
pub struct Verdicts {
    one_end: bool,
    stock: bool,
    money: bool,
    unique_ids: bool,
    causes: bool,
}

impl Verdicts {
    /// Whether all hold.
    #[must_use]
    pub fn all_hold(self) -> bool {
        self.one_end && self.stock && self.money && self.unique_ids && self.causes
    }
}

/// What the audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Orders placed.
    pub orders: u64,
    /// Of them, confirmed (and not cancelled).
    pub confirmed: u64,
    /// Of them, cancelled (and not confirmed).
    pub cancelled: u64,
    /// Of them, without an end so far.
    pub pending: u64,
    /// Money taken and not given back, by currency.
    pub captured_cents: BTreeMap<String, i64>,
    /// Why orders were cancelled, and how many.
    pub reasons: BTreeMap<String, u64>,
    /// The invariants.
    pub findings: Findings,
    /// From the publication of each order to its end, in milliseconds, sorted; orders that were cancelled before they
    /// were placed are left out.
    pub latencies_ms: Vec<i64>,
    /// From the first order's publication to the last end, in milliseconds.
    pub span_ms: i64,
}

impl Report {
    /// Whether nothing is pending and every invariant holds.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.pending == 0 && self.findings.verdicts().all_hold()
    }
}
