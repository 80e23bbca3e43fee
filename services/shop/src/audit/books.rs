//! The books: what the topics say happened, order by order and article by article.

use std::collections::{BTreeMap, HashMap, HashSet};

use kolo::{DecodeError, Event};
use shop_schemas::inventory::{StockAdded, StockReceived, StockReturned, StockTaken};
use shop_schemas::order::{CancelRequested, OrderCancelled, OrderConfirmed, OrderCreated};
use shop_schemas::payment::{PaymentRequested, RefundRequested};
use uuid::Uuid;

use super::place::{Place, Topic};
use super::turn::{Claim, FENCE, Turn};

/// The namespace in which ids are derived for facts from outside that have none; docs/protocol.md names it.
const FOREIGN_IDS: Uuid = Uuid::from_u128(0x6b6f_6c6f_0000_5000_8000_7361_6761_7321);

/// A record as it stands on a topic.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record<'a> {
    /// Its key.
    pub key: Option<&'a str>,
    /// Its value.
    pub value: &'a [u8],
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The header `ce_id`.
    pub id: Option<&'a str>,
    /// The header `ce_type`.
    pub event_type: Option<&'a str>,
    /// The header `kolo`.
    pub kolo: Option<&'a str>,
}

/// A record that the audit cannot read: without it, nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}, key {key}: {problem}")]
pub struct Unreadable {
    place: Place,
    key: String,
    problem: String,
}

/// An order as its customer placed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) pieces: BTreeMap<String, i64>,
    pub(super) total_cents: i64,
    pub(super) currency: String,
    pub(super) at_ms: i64,
}

/// An end of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// Why it was cancelled; `None` if it was confirmed.
    pub(super) cancelled: Option<String>,
    pub(super) place: Place,
    pub(super) at_ms: i64,
}

/// All that is known of one order.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    pub(super) placed: Option<Placed>,
    pub(super) is_cancel_wanted: bool,
    pub(super) ends: Vec<End>,
    /// Pieces taken and not returned, by article.
    pub(super) held: BTreeMap<String, i64>,
    /// Ids of the valid requests to charge, and to refund: the keys under which the gateway may have been called.
    pub(super) charges_asked: Vec<Uuid>,
    pub(super) refunds_asked: Vec<Uuid>,
}

/// All that is known of one article.
#[derive(Debug, Clone, Default)]
pub(super) struct Article {
    pub(super) received: i64,
    pub(super) in_stock: i64,
    /// Where there was less than nothing in stock, the first time.
    pub(super) negative: Option<(Place, i64)>,
    receipts: HashSet<Uuid>,
}

/// The books, folded record by record; each partition's records must come in order.
#[derive(Debug, Default)]
pub struct Books {
    scope: Option<String>,
    turns: HashMap<(Topic, i32), Turn>,
    pub(super) orders: BTreeMap<Uuid, Order>,
    pub(super) articles: BTreeMap<String, Article>,
    /// Where each event of a stream stands.
    own: HashMap<Uuid, Place>,
    /// The facts from outside.
    foreign: HashSet<Uuid>,
    /// Facts from outside that nobody gave an id.
    nameless: Vec<Place>,
    /// The ids that the topics have had, as the fences tell.
    topic_ids: HashSet<(String, Uuid)>,
    /// Causes whose event was not seen so far, with who names them.
    pub(super) unseen_causes: Vec<(Uuid, Place)>,
    pub(super) without_cause: Vec<Place>,
    pub(super) repeated: Vec<(Uuid, Place, Place)>,
    /// Own events that have the id of a fact from outside.
    pub(super) reused: Vec<(Uuid, Place)>,
    events: u64,
    void: u64,
}

impl Books {
    /// Empty books; with a scope, only keys that start with it count.
    #[must_use]
    pub fn new(scope: Option<String>) -> Self {
        Books {
            scope,
            ..Books::default()
        }
    }

    /// How many facts and valid events were taken up.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many void records were passed over.
    #[must_use]
    pub fn void(&self) -> u64 {
        self.void
    }

    /// Whether a key is looked at.
    #[must_use]
    pub fn covers(&self, key: &str) -> bool {
        self.scope
            .as_ref()
            .is_none_or(|scope| key.starts_with(scope))
    }

    /// Takes up the next record of a partition.
    ///
    /// # Errors
    /// When it counts and cannot be read.
    pub fn take(&mut self, place: Place, record: &Record<'_>) -> Result<(), Unreadable> {
        let key = record.key.unwrap_or_default();
        if place.topic.is_stream() {
            let claim = record.kolo.and_then(Claim::read);
            let turn = self
                .turns
                .entry((place.topic, place.partition))
                .or_default();
            if !turn.is_valid(place.offset, record.event_type, claim.as_ref()) {
                self.void += 1;
                return Ok(());
            }
            match record.event_type {
                Some(FENCE) => return self.take_fence(place, record),
                // It holds positions, and no fact.
                Some("kolo.marker") => return Ok(()),
                _ => self.take_links(place, key, record, claim.and_then(|claim| claim.causation)),
            }
        } else {
            self.take_foreign_id(place, key, record);
        }
        if !self.covers(key) {
            return Ok(());
        }
        self.events += 1;
        self.take_fact(place, record)
            .map_err(|error| self.unreadable(place, record, error.to_string()))
    }

    fn unreadable(&self, place: Place, record: &Record<'_>, problem: String) -> Unreadable {
        Unreadable {
            place,
            key: record.key.unwrap_or("(none)").to_owned(),
            problem,
        }
    }

    /// Fences name the ids of topics, of which the ids of nameless facts are made.
    fn take_fence(&mut self, place: Place, record: &Record<'_>) -> Result<(), Unreadable> {
        #[derive(serde::Deserialize)]
        struct Fence {
            origins: Vec<Origin>,
        }
        #[derive(serde::Deserialize)]
        struct Origin {
            id: Uuid,
            topic: String,
        }
        let fence: Fence = serde_json::from_slice(record.value).map_err(|error| {
            self.unreadable(place, record, format!("a fence that is not one: {error}"))
        })?;
        self.topic_ids.extend(
            fence
                .origins
                .into_iter()
                .map(|origin| (origin.topic, origin.id)),
        );
        Ok(())
    }

    fn take_foreign_id(&mut self, place: Place, key: &str, record: &Record<'_>) {
        let Some(id) = record.id else {
            return self.nameless.push(place);
        };
        let id = id.parse().unwrap_or_else(|_| foreign_id(id));
        if self.foreign.insert(id)
            && let Some(own) = self.own.get(&id)
            && self.covers(key)
        {
            self.reused.push((id, *own));
        }
    }

    /// The id of an own event, and the event that caused it.
    fn take_links(&mut self, place: Place, key: &str, record: &Record<'_>, cause: Option<Uuid>) {
        let is_covered = self.covers(key);
        let id: Option<Uuid> = record.id.and_then(|id| id.parse().ok());
        let first = id.and_then(|id| self.own.insert(id, place));
        if !is_covered {
            return;
        }
        if let Some(id) = id {
            self.repeated.extend(first.map(|first| (id, first, place)));
            self.reused
                .extend(self.foreign.contains(&id).then_some((id, place)));
        }
        match cause {
            Some(cause) if self.own.contains_key(&cause) || self.foreign.contains(&cause) => {}
            Some(cause) => self.unseen_causes.push((cause, place)),
            None => self.without_cause.push(place),
        }
    }

    /// Drops the causes that were seen meanwhile: an effect may be read before its cause, which stands in another topic.
    pub(super) fn settle_causes(&mut self) {
        let nameless = self.nameless.iter().flat_map(|place| {
            let ids = self
                .topic_ids
                .iter()
                .filter(|(topic, _)| topic == place.topic.name());
            ids.map(|(_, id)| foreign_id(&format!("{id}:{}:{}", place.partition, place.offset)))
        });
        let nameless: HashSet<Uuid> = nameless.collect();
        let (own, foreign) = (&self.own, &self.foreign);
        self.unseen_causes.retain(|(cause, _)| {
            !own.contains_key(cause) && !foreign.contains(cause) && !nameless.contains(cause)
        });
    }

    fn take_fact(&mut self, place: Place, record: &Record<'_>) -> Result<(), NoFact> {
        let (value, at_ms) = (record.value, record.timestamp_ms);
        let event_type = match (place.topic, record.event_type) {
            (_, Some(event_type)) => event_type,
            (Topic::Receipts, None) => StockReceived::TYPE.name,
            (_, None) => return Err(NoFact::NoType),
        };
        let is = |wanted: &str| event_type == wanted;
        match place.topic {
            Topic::Orders if is(OrderCreated::TYPE.name) => {
                let created = OrderCreated::decode(value)?;
                // A repeat changes nothing: the first is the order.
                self.order(created.order_id.0)
                    .placed
                    .get_or_insert_with(|| Placed::of(&created, at_ms));
            }
            Topic::Orders if is(CancelRequested::TYPE.name) => {
                let wish = CancelRequested::decode(value)?;
                self.order(wish.order_id.0).is_cancel_wanted = true;
            }
            Topic::Receipts if is(StockReceived::TYPE.name) => {
                let receipt = StockReceived::decode(value)?;
                let article = self.article(&receipt.sku.0);
                let id = record
                    .id
                    .map(|id| id.parse().unwrap_or_else(|_| foreign_id(id)));
                if id.is_none_or(|id| article.receipts.insert(id)) {
                    article.received += i64::from(receipt.quantity);
                }
            }
            Topic::Stock if is(StockAdded::TYPE.name) => {
                let added = StockAdded::decode(value)?;
                self.move_stock(place, &added.sku.0, added.quantity, None);
            }
            Topic::Stock if is(StockTaken::TYPE.name) => {
                let taken = StockTaken::decode(value)?;
                self.move_stock(place, &taken.sku.0, -taken.quantity, Some(taken.order_id.0));
            }
            Topic::Stock if is(StockReturned::TYPE.name) => {
                let returned = StockReturned::decode(value)?;
                self.move_stock(
                    place,
                    &returned.sku.0,
                    returned.quantity,
                    Some(returned.order_id.0),
                );
            }
            Topic::Payments if is(PaymentRequested::TYPE.name) => {
                let request = PaymentRequested::decode(value)?;
                let id: Option<Uuid> = record.id.and_then(|id| id.parse().ok());
                self.order(request.order_id.0).charges_asked.extend(id);
            }
            Topic::Payments if is(RefundRequested::TYPE.name) => {
                let request = RefundRequested::decode(value)?;
                let id: Option<Uuid> = record.id.and_then(|id| id.parse().ok());
                self.order(request.order_id.0).refunds_asked.extend(id);
            }
            Topic::Outcome if is(OrderConfirmed::TYPE.name) => {
                let end = End {
                    cancelled: None,
                    place,
                    at_ms,
                };
                self.order(OrderConfirmed::decode(value)?.order_id.0)
                    .ends
                    .push(end);
            }
            Topic::Outcome if is(OrderCancelled::TYPE.name) => {
                let cancelled = OrderCancelled::decode(value)?;
                let end = End {
                    cancelled: Some(cancelled.reason),
                    place,
                    at_ms,
                };
                self.order(cancelled.order_id.0).ends.push(end);
            }
            // Whatever else stands there says nothing about orders, stock or money.
            _ => {}
        }
        Ok(())
    }

    fn order(&mut self, id: Uuid) -> &mut Order {
        self.orders.entry(id).or_default()
    }

    fn article(&mut self, sku: &str) -> &mut Article {
        self.articles.entry(sku.to_owned()).or_default()
    }

    fn move_stock(&mut self, place: Place, sku: &str, pieces: i32, order: Option<Uuid>) {
        let pieces = i64::from(pieces);
        let article = self.article(sku);
        article.in_stock += pieces;
        if article.in_stock < 0 && article.negative.is_none() {
            article.negative = Some((place, article.in_stock));
        }
        if let Some(order) = order {
            *self.order(order).held.entry(sku.to_owned()).or_default() -= pieces;
        }
    }
}

/// Why a record says nothing that could be understood.
#[derive(Debug, thiserror::Error)]
enum NoFact {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("it has no header `ce_type`, and its topic carries several types")]
    NoType,
}

impl Placed {
    fn of(created: &OrderCreated, at_ms: i64) -> Self {
        let mut pieces = BTreeMap::new();
        for line in &created.lines {
            *pieces.entry(line.sku.0.clone()).or_default() += i64::from(line.quantity);
        }
        Placed {
            pieces,
            total_cents: created.total_cents,
            currency: created.currency.clone(),
            at_ms,
        }
    }
}

/// The id that stands for a text which is no uuid.
fn foreign_id(text: &str) -> Uuid {
    Uuid::new_v5(&FOREIGN_IDS, text.as_bytes())
}
