//! Watches a run from outside: goods that are in stock, and orders that have ended.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::ProgressBar;
use kolo::{Config, Event};
use shop_schemas::inventory::StockAdded;
use shop_schemas::order::{OrderCancelled, OrderConfirmed};

use crate::audit::{From, Reader, Topic};
use crate::load::Plan;

/// A reader of one stream that waits for keys. What it sees may be void: it shows progress, the audit judges.
pub(super) struct Watch {
    reader: Reader,
    waiting: HashSet<String>,
    ends: &'static [&'static str],
    total: u64,
}

impl Watch {
    /// For the goods of a plan to be in stock, from now on.
    pub(super) fn stock(config: &Config, plan: Plan) -> anyhow::Result<Watch> {
        let skus = plan
            .receipts()
            .into_iter()
            .map(|receipt| receipt.sku.0)
            .collect();
        const ADDED: &[&str] = &[StockAdded::TYPE.name];
        Self::open(config, Topic::Stock, skus, ADDED)
    }

    /// For the orders of a plan to end, from now on.
    pub(super) fn orders(config: &Config, plan: Plan) -> anyhow::Result<Watch> {
        let orders = plan.ids().map(|id| id.to_string()).collect();
        const ENDED: &[&str] = &[OrderConfirmed::TYPE.name, OrderCancelled::TYPE.name];
        Self::open(config, Topic::Outcome, orders, ENDED)
    }

    fn open(
        config: &Config,
        topic: Topic,
        waiting: HashSet<String>,
        ends: &'static [&'static str],
    ) -> anyhow::Result<Watch> {
        let total = waiting.len() as u64;
        Ok(Watch {
            reader: Reader::open(config, &[topic], From::Now)?,
            waiting,
            ends,
            total,
        })
    }

    /// Takes up what has come, without much waiting.
    pub(super) fn look(&mut self) -> anyhow::Result<u64> {
        let Watch {
            reader,
            waiting,
            ends,
            ..
        } = self;
        reader.follow(|_, record| {
            if let (Some(key), Some(event_type)) = (record.key, record.event_type)
                && ends.contains(&event_type)
            {
                waiting.remove(key);
            }
            Ok(())
        })?;
        Ok(self.total - self.waiting.len() as u64)
    }

    /// Waits for all keys; `go_on` is asked all the time.
    pub(super) fn wait(
        &mut self,
        until: Instant,
        what: &str,
        progress: &ProgressBar,
        go_on: impl Fn() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        loop {
            let done = self.look()?;
            progress.set_position(done);
            if self.waiting.is_empty() {
                return Ok(());
            }
            go_on()?;
            if Instant::now() >= until {
                let example = self.waiting.iter().min().cloned().unwrap_or_default();
                bail!(
                    "{} of {} {what} in time, {example} for one",
                    self.waiting.len(),
                    self.total
                );
            }
        }
    }
}

/// When something that begins now is to be given up.
pub(super) fn deadline(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}
