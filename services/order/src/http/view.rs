//! What is known of each order: a fold of `orders.outcome`, in memory, built anew at each start.

use std::sync::Arc;

use dashmap::DashMap;
use kolo::{EventId, Projected, Timestamp, Told};
use shop_schemas::order::{OrderCreated, OrderEvent, OrderId};
use tokio::sync::Notify;

/// How an order has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Confirmed { at: Timestamp },
    Cancelled { at: Timestamp, reason: Box<str> },
}

impl Outcome {
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Outcome::Confirmed { at } | Outcome::Cancelled { at, .. } => *at,
        }
    }
}

/// What an order was opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) at: Timestamp,
    pub(super) customer_id: Box<str>,
    pub(super) total_cents: i64,
    pub(super) currency: Box<str>,
    pub(super) answer_by: Option<Timestamp>,
}

/// What is known of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Not, where it was cancelled before it was opened.
    pub(super) opened: Option<Opened>,
    pub(super) outcome: Option<Outcome>,
    /// What waits for an operator.
    pub(super) parked: Vec<EventId>,
    /// There is more, which this build cannot read.
    pub(super) is_unreadable: bool,
}

impl Known {
    /// Whether it tells that the order has arrived. That something is parked may be about a cancellation alone.
    pub(super) fn tells_of_an_order(&self) -> bool {
        self.opened.is_some() || self.outcome.is_some()
    }

    /// Whether it was opened with something else than this. Its lines are not in what is known.
    pub(super) fn differs_from(&self, order: &OrderCreated) -> bool {
        self.opened.as_ref().is_some_and(|opened| {
            *opened.customer_id != *order.customer_id.0
                || opened.total_cents != order.total_cents
                || *opened.currency != *order.currency
        })
    }
}

/// The view, and who waits for a change of what it knows.
#[derive(Debug, Default)]
pub(super) struct View {
    orders: DashMap<OrderId, Known>,
    waiting: DashMap<OrderId, Arc<Notify>>,
}

impl View {
    pub(super) fn get(&self, order_id: OrderId) -> Option<Known> {
        self.orders.get(&order_id).map(|known| known.clone())
    }

    /// Takes up a record of the stream.
    pub(super) fn take(&self, record: Projected<'_, OrderEvent>) {
        let place = (record.partition, record.offset);
        let Ok(order_id) = record.key.parse::<OrderId>() else {
            // An id of an order is a uuid, so no client will ask for this one.
            tracing::error!(
                "orders.outcome[{}]@{}: its key `{}` is no order id: {:?}",
                place.0,
                place.1,
                record.key.escape_debug(),
                record.told
            );
            return;
        };
        let mut known = self.orders.entry(order_id).or_default();
        match record.told {
            Told::Event(OrderEvent::OrderOpened(opened)) => {
                known.opened = Some(Opened {
                    at: record.at,
                    customer_id: opened.customer_id.0.into(),
                    total_cents: opened.total_cents,
                    currency: opened.currency.into(),
                    answer_by: opened.answer_by.map(|at| Timestamp::from_millis(at.0)),
                });
            }
            Told::Event(OrderEvent::OrderConfirmed(_)) => {
                known.outcome = Some(Outcome::Confirmed { at: record.at });
            }
            Told::Event(OrderEvent::OrderCancelled(cancelled)) => {
                known.outcome = Some(Outcome::Cancelled {
                    at: record.at,
                    reason: cancelled.reason.into(),
                });
            }
            Told::Parked(parked) => {
                if !known.parked.contains(&parked.id) {
                    known.parked.push(parked.id);
                }
            }
            Told::Unparked(unparked) => known.parked.retain(|id| *id != unparked.id),
            Told::Unreadable(problem) => {
                tracing::error!(
                    "orders.outcome[{}]@{}: the view lacks a record of the order {order_id}: {problem}",
                    place.0,
                    place.1
                );
                known.is_unreadable = true;
            }
        }
        // Before who waits is woken, and looks.
        drop(known);
        if let Some(waiting) = self.waiting.get(&order_id) {
            waiting.notify_waiters();
        }
    }

    /// Somebody who waits for a change of an order.
    pub(super) fn watch(&self, order_id: OrderId) -> Watch<'_> {
        let changed = Arc::clone(&self.waiting.entry(order_id).or_default());
        Watch {
            view: self,
            order_id,
            changed,
        }
    }
}

/// Wakes when something is known that was not before.
pub(super) struct Watch<'a> {
    view: &'a View,
    order_id: OrderId,
    pub(super) changed: Arc<Notify>,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        // This one's, and the map's: nobody else waits, and under the map's lock nobody begins to.
        let is_last = |_: &OrderId, changed: &Arc<Notify>| Arc::strong_count(changed) <= 2;
        self.view.waiting.remove_if(&self.order_id, is_last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_schemas::order::{CustomerId, OrderCancelled, OrderConfirmed, OrderOpened};
    use uuid::Uuid;

    const ORDER: OrderId = OrderId(Uuid::from_u128(7));

    fn take(view: &View, told: Told<OrderEvent>) {
        view.take(Projected {
            key: &ORDER.to_string(),
            id: None,
            causation: None,
            correlation: None,
            at: Timestamp::from_millis(5),
            partition: 0,
            offset: 0,
            told,
        });
    }

    fn opened() -> Told<OrderEvent> {
        Told::Event(
            OrderOpened {
                order_id: ORDER,
                customer_id: CustomerId("c".into()),
                total_cents: 900,
                currency: "EUR".into(),
                answer_by: None,
            }
            .into(),
        )
    }

    #[test]
    fn an_order_is_what_its_events_make_of_it() {
        let view = View::default();
        assert_eq!(view.get(ORDER), None);
        take(&view, opened());
        assert_eq!(view.get(ORDER).unwrap().outcome, None);
        take(
            &view,
            Told::Event(OrderConfirmed { order_id: ORDER }.into()),
        );
        let at = Timestamp::from_millis(5);
        assert_eq!(
            view.get(ORDER).unwrap().outcome,
            Some(Outcome::Confirmed { at })
        );
    }

    #[test]
    fn one_that_was_never_opened_can_be_cancelled() {
        let view = View::default();
        let reason = "cancelled by the customer".to_owned();
        take(
            &view,
            Told::Event(
                OrderCancelled {
                    order_id: ORDER,
                    reason,
                }
                .into(),
            ),
        );
        let known = view.get(ORDER).unwrap();
        assert!(known.opened.is_none() && known.outcome.is_some());
    }

    #[test]
    fn what_cannot_be_read_is_kept_in_mind() {
        let view = View::default();
        take(&view, opened());
        take(&view, Told::Unreadable("written by a newer build".into()));
        assert!(view.get(ORDER).unwrap().is_unreadable);
    }

    #[tokio::test]
    async fn who_waits_is_woken_and_leaves_nothing_behind() {
        let view = View::default();
        let (one, other) = (view.watch(ORDER), view.watch(ORDER));
        {
            let changed = one.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            take(&view, opened());
            changed.await;
        }
        drop(one);
        assert_eq!(view.waiting.len(), 1);
        drop(other);
        assert!(view.waiting.is_empty());
    }
}
