//! A few orders among many, placed for a test to find again.

use std::collections::BTreeSet;

use anyhow::ensure;
use shop::RunId;
use shop::load::{Fate, Plan, Planned, Publisher, publish_stock};
use shop_schemas::order::OrderCreated;

use crate::shop::STALL;
use crate::{Shop, Watch, await_that};

/// Orders that nothing stands in the way of, each of one run that the test names, so that their ids are always the same.
#[derive(Debug, Clone)]
pub struct Planted(Vec<Planned>);

impl Planted {
    /// So many of them; their goods are published, and in stock when it returns.
    ///
    /// # Errors
    /// When the goods cannot be published, or nobody takes them in.
    pub fn prepare(
        shop: &Shop,
        watch: &mut Watch,
        run: RunId,
        count: usize,
    ) -> anyhow::Result<Planted> {
        let plan = Plan {
            run,
            // Most are plain.
            orders: 2 * count as u64 + 10,
            seed: 7,
            duplicates: 0.0,
        };
        let plain = plan.orders().filter(|planned| planned.fate == Fate::Plain);
        let planted: Vec<Planned> = plain.take(count).collect();
        ensure!(planted.len() == count, "the plan has too few plain orders");
        let before = watch.catch_up()?.events(&[shop::audit::Topic::Stock]);
        let goods = plan.receipts().len() as u64;
        publish_stock(plan, &mut shop.publisher()?)?;
        await_that("the goods are in stock", STALL, || {
            Ok(watch.look()?.events(&[shop::audit::Topic::Stock]) >= before + goods)
        })?;
        Ok(Planted(planted))
    }

    /// Places all of them; they are delivered when it returns.
    ///
    /// # Errors
    /// When they cannot be published.
    pub fn place(&self, publisher: &mut Publisher) -> anyhow::Result<()> {
        for planned in &self.0 {
            publisher.publish(&planned.order, planned.id)?;
        }
        publisher.deliver_all()
    }

    /// The orders.
    pub fn orders(&self) -> impl Iterator<Item = &OrderCreated> {
        self.0.iter().map(|planned| &planned.order)
    }

    /// Their ids, as they stand in topics.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<String> {
        self.orders()
            .map(|order| order.order_id.to_string())
            .collect()
    }

    /// Waits until all have ended.
    ///
    /// # Errors
    /// When one does not.
    pub fn await_ends(&self, watch: &mut Watch) -> anyhow::Result<()> {
        let ids = self.ids();
        await_that("the planted orders have ended", STALL, || {
            let seen = watch.look()?;
            Ok(ids.iter().all(|id| seen.has_ended(id)))
        })
    }
}
