//! The audit: reads the topics and the gateway's ledger, and says whether the books balance.
//!
//! It shares nothing with the services: it reads the topics itself, has its own idea of which records are valid, and
//! knows the events by their schemas alone. What must hold:
//!
//! - every order ends confirmed or cancelled, and not both
//! - stock received = in stock + held by confirmed orders, for each article, and never negative
//! - money captured = sum of the confirmed orders, order by order, and under keys of valid requests only
//! - no event id stands twice among the valid records
//! - the event that a valid record of a stream names as its cause exists
//!
//! Repeats on intake topics are legal and change nothing.

mod books;
mod check;
mod command;
mod money;
mod place;
mod reader;
mod report;
mod turn;

pub use books::{Books, Record, Unreadable};
pub use check::check;
pub(crate) use command::describe;
pub use command::{AuditArgs, run};
pub use money::{Ledger, Movement};
pub use place::{Place, Topic};
pub use reader::{From, Reader};
pub use report::{Finding, Findings, Report, Verdicts};

use std::time::{Duration, Instant};

use kolo::Config;

/// How long nothing may have happened before the books count as settled.
const QUIET: Duration = Duration::from_millis(500);
/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// An audit that can be taken up again as the topics grow.
pub struct Audit {
    reader: Reader,
    books: Books,
}

impl Audit {
    /// Opens the books on all topics; with a scope, only keys that start with it count.
    ///
    /// # Errors
    /// When no broker answers, or a topic is missing.
    pub fn open(config: &Config, scope: Option<String>) -> anyhow::Result<Self> {
        Ok(Audit {
            reader: Reader::open(config, &Topic::ALL, From::Beginning)?,
            books: Books::new(scope),
        })
    }

    /// Takes up what the topics hold by now, and checks it.
    ///
    /// # Errors
    /// When a topic or the ledger cannot be read.
    pub fn look(
        &mut self,
        ledger: &mut impl FnMut() -> anyhow::Result<Ledger>,
    ) -> anyhow::Result<Report> {
        let books = &mut self.books;
        self.reader
            .catch_up(|place, record| Ok(books.take(place, record)?))?;
        // Behind the topics: what the gateway did for a record that was read is in its ledger by now.
        Ok(check(books, &ledger()?))
    }

    /// Looks until the books balance and nothing moves any more, or until `patience` is over. The last look counts.
    ///
    /// # Errors
    /// When a topic or the ledger cannot be read, or `go_on` says so; it is asked between two looks.
    pub fn settle(
        &mut self,
        patience: Duration,
        mut ledger: impl FnMut() -> anyhow::Result<Ledger>,
        mut go_on: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Report> {
        let begun = Instant::now();
        let (mut events, mut moved) = (self.books.events(), begun);
        loop {
            let report = self.look(&mut ledger)?;
            if self.books.events() != events {
                (events, moved) = (self.books.events(), Instant::now());
            }
            let is_over = begun.elapsed() >= patience;
            if is_over || report.is_clean() && moved.elapsed() >= QUIET {
                return Ok(report);
            }
            go_on()?;
            std::thread::sleep(PAUSE);
        }
    }

    /// The books as they are.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }
}
