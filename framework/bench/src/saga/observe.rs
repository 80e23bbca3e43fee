//! Observes a run from outside: a reader of orders, their outcomes, and of stock.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use kolo::{Config, Event};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use shop::load::Plan;
use shop_schemas::inventory::StockAdded;
use shop_schemas::order::{OrderCancelled, OrderConfirmed, OrderCreated};

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(20);
/// How long one look may take.
const LOOK: Duration = Duration::from_millis(100);

/// What is awaited still.
pub(super) struct Progress {
    pub(super) left: usize,
    pub(super) what: &'static str,
}

/// What a run came to; latencies of confirmed orders, sorted.
pub(super) struct Figures {
    pub(super) orders_per_second: f64,
    pub(super) latencies_ms: Vec<f64>,
}

/// Reads three topics from now on.
pub(super) struct Observer {
    consumer: BaseConsumer,
    skus: HashSet<String>,
    orders: HashMap<String, Order>,
    open: usize,
    latencies_ms: Vec<f64>,
    first_ms: f64,
    last_ms: f64,
}

#[derive(Default)]
struct Order {
    created_ms: Option<f64>,
    /// When its end was seen, and whether it was confirmed: the end may be read before the beginning.
    ended: Option<(f64, bool)>,
}

impl Observer {
    pub(super) fn open(config: &Config, plan: Plan) -> anyhow::Result<Observer> {
        let mut client = config.client();
        client
            .set("group.id", "bench.observer")
            .set("enable.auto.commit", "false")
            .set("fetch.queue.backoff.ms", "2")
            .set("fetch.wait.max.ms", "100")
            .set("socket.nagle.disable", "true")
            .set("auto.offset.reset", "error");
        let consumer: BaseConsumer = client.create().context("the observer's settings")?;
        let mut list = TopicPartitionList::new();
        for topic in [
            OrderCreated::TYPE.topic,
            OrderConfirmed::TYPE.topic,
            StockAdded::TYPE.topic,
        ] {
            let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
            for partition in metadata
                .topics()
                .iter()
                .flat_map(rdkafka::metadata::MetadataTopic::partitions)
            {
                let (_, end) = consumer.fetch_watermarks(topic, partition.id(), ANSWER)?;
                list.add_partition_offset(topic, partition.id(), Offset::Offset(end))?;
            }
        }
        consumer.assign(&list)?;
        let orders: HashMap<_, _> = plan
            .ids()
            .map(|id| (id.to_string(), Order::default()))
            .collect();
        Ok(Observer {
            consumer,
            skus: plan
                .receipts()
                .into_iter()
                .map(|receipt| receipt.sku.0)
                .collect(),
            open: orders.len(),
            orders,
            latencies_ms: Vec::new(),
            first_ms: f64::MAX,
            last_ms: 0.0,
        })
    }

    /// Reads on, and says how many articles are not in stock yet.
    pub(super) fn stock_has_arrived(&mut self) -> anyhow::Result<Progress> {
        self.look()?;
        Ok(Progress {
            left: self.skus.len(),
            what: "articles in stock",
        })
    }

    /// Reads on, and says how many orders have not ended yet.
    pub(super) fn orders_have_ended(&mut self) -> anyhow::Result<Progress> {
        self.look()?;
        Ok(Progress {
            left: self.open,
            what: "ends of orders",
        })
    }

    fn look(&mut self) -> anyhow::Result<()> {
        let mut wait = LOOK;
        for _ in 0..1_000 {
            let Some(message) = self.consumer.poll(wait) else {
                return Ok(());
            };
            let message = message.context("the topics cannot be read")?;
            let taken = Taken::of(&message);
            drop(message);
            if let Some(taken) = taken {
                self.take(taken);
            }
            wait = Duration::ZERO;
        }
        Ok(())
    }

    fn take(&mut self, taken: Taken) {
        let Taken { key, at_ms, what } = taken;
        if what == What::Stock {
            self.skus.remove(&key);
            return;
        }
        let Some(order) = self.orders.get_mut(&key) else {
            return;
        };
        let known = order.created_ms.is_some() && order.ended.is_some();
        match what {
            What::Created if order.created_ms.is_none() => order.created_ms = Some(at_ms),
            What::Ended { confirmed } if order.ended.is_none() => {
                order.ended = Some((at_ms, confirmed));
            }
            _ => {}
        }
        if let (false, Some(created), Some((ended, confirmed))) =
            (known, order.created_ms, order.ended)
        {
            self.open -= 1;
            self.first_ms = self.first_ms.min(created);
            self.last_ms = self.last_ms.max(ended);
            if confirmed {
                self.latencies_ms.push(ended - created);
            }
        }
    }

    pub(super) fn figures(mut self) -> Figures {
        self.latencies_ms.sort_unstable_by(f64::total_cmp);
        Figures {
            orders_per_second: self.orders.len() as f64 * 1_000.0
                / (self.last_ms - self.first_ms).max(1.0),
            latencies_ms: self.latencies_ms,
        }
    }
}

/// What one record says.
struct Taken {
    key: String,
    at_ms: f64,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Stock,
    Created,
    Ended { confirmed: bool },
}

impl Taken {
    fn of(message: &BorrowedMessage<'_>) -> Option<Taken> {
        let mut headers = message.headers()?.iter();
        let event_type = headers.find(|header| header.key == "ce_type")?.value?;
        let event_type = std::str::from_utf8(event_type).ok()?;
        let what = if event_type == OrderCreated::TYPE.name {
            What::Created
        } else if event_type == OrderConfirmed::TYPE.name {
            What::Ended { confirmed: true }
        } else if event_type == OrderCancelled::TYPE.name {
            What::Ended { confirmed: false }
        } else if event_type == StockAdded::TYPE.name {
            What::Stock
        } else {
            return None;
        };
        let at_ms = match what {
            What::Ended { .. } => wall_clock_ms(),
            What::Created | What::Stock => message.timestamp().to_millis()? as f64,
        };
        Some(Taken {
            key: std::str::from_utf8(message.key()?).ok()?.to_owned(),
            at_ms,
            what,
        })
    }
}

fn wall_clock_ms() -> f64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_secs_f64() * 1e3
}
