//! Random histories of one aggregate with all that an aggregate can have: effects, undos, a deadline, routed copies, and
//! decisions that fail.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod kept;
mod random;

pub(crate) use random::Random;

use kolo_core::processor::Outcome;
use kolo_core::wire::{self, DROP, REDRIVE, Source, Stamp};
use kolo_core::{
    Aggregate, Deadline, EventId, Path, Position, Received, Service, Timestamp, TopicId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::common::bench::{Bench, Stored, fact, topic_id};
use crate::common::domain::*;

impl Serialize for Hold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.seen, self.granted_cents).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (seen, granted_cents) = Deserialize::deserialize(deserializer)?;
        Ok(Hold {
            seen,
            granted_cents,
        })
    }
}

/// A decision with a bug: it cannot bear the amount 6.
fn hold_or_panic(state: &Hold, placed: &Received<OrderPlaced>) -> Result<Vec<Held>, Refused> {
    assert!(placed.amount != 6, "no amount {} for me", placed.amount);
    hold(state, placed)
}

/// An effect's answer with a bug: it cannot bear 6 cents.
fn told_or_panic(state: &Hold, asked: &Asked, verdict: Verdict) -> Result<Granted, Denied> {
    assert!(asked.cents != 6, "no {} cents for me", asked.cents);
    told(state, asked, verdict)
}

/// Ten milliseconds after it was last held, unless something else happened since.
fn due(state: &Hold) -> Option<Timestamp> {
    let at = state.seen.last()?.strip_prefix("Held@")?;
    at.parse()
        .ok()
        .map(|at: i64| Timestamp::from_millis(at + 10))
}

/// Fails for the key `r`.
fn expire(_: &Hold, passed: &Received<Deadline<String>>) -> Closed {
    assert!(passed.key != "r", "no deadline for r");
    Closed {
        order: passed.key.clone(),
    }
}

/// Decides on what the undo before it has emitted.
fn give_back_behind(hold: &Hold, _: &Received<OrderDropped>, asked: &Asked) -> Vec<GaveBack> {
    let freed = hold.seen.iter().filter(|seen| seen.starts_with("Freed"));
    let cents = asked.cents;
    let order = asked.order.clone();
    freed
        .map(|_| GaveBack {
            order: order.clone(),
            cents,
        })
        .take(2)
        .collect()
}

fn order_of(taken: &Taken) -> Vec<String> {
    vec![taken.order.clone()]
}

/// Some copies are told, and some are nobody's business.
fn tally(state: &Hold, taken: &Received<Taken>) -> Option<Seen> {
    (taken.sku.0 != "quiet").then(|| Seen {
        order: taken.key().to_owned(),
        state: state.seen.len().to_string(),
    })
}

pub(crate) fn holds() -> Aggregate<Hold> {
    holds_by(hold_or_panic)
}

/// The same with another first reaction.
pub(crate) fn holds_by<F>(hold: F) -> Aggregate<Hold>
where
    F: Fn(&Hold, &Received<OrderPlaced>) -> Result<Vec<Held>, Refused>
        + Copy
        + Send
        + Sync
        + 'static,
{
    Aggregate::new("hold")
        .on(hold)
        .undo(free)
        .on(ask)
        .effect::<Bank, _>(told_or_panic)
        .undo(give_back_behind)
        .on(close)
        .pivot()
        .on(see)
        .on(nod)
        .routed(order_of, tally)
        .deadline(due, expire)
        .remembers(4)
        .snapshots(1)
}

pub(crate) fn service() -> Service {
    Service::new("test").aggregate(holds())
}

/// What happens to one aggregate. The inputs go on where the log of another owner ended.
pub(crate) struct History {
    random: Random,
    /// The next offset of each input, and of the routed topic.
    next: [i64; 4],
    /// How many ids are used. Few make many repeats.
    pub(crate) ids: usize,
    /// What was published: to which input, and what became of it.
    pub(crate) published: Vec<(usize, Stored, Outcome)>,
}

const ORDERS: usize = 0;
const PROBES: usize = 1;
const INBOX: usize = 2;
const ROUTED: usize = 3;

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        History {
            random: Random::new(seed),
            next: [0; 4],
            ids: 15,
            published: Vec::new(),
        }
    }

    /// Other steps than those of the first `steps`, and behind them.
    pub(crate) fn continue_behind(&mut self, seed: u64, steps: usize) {
        self.random = Random::new(seed + 1_000);
        self.next = [i64::try_from(steps).expect("a few"); 4];
    }

    fn offset(&mut self, of: usize) -> i64 {
        let offset = self.next[of];
        self.next[of] += 1;
        offset
    }

    pub(crate) fn step(&mut self, bench: &mut Bench) {
        let order = ["o", "p", "q", "r"][self.random.below(4)].to_owned();
        let number = i64::try_from(self.random.below(9)).expect("a digit") - 1;
        // An id is that of one event, which has one key.
        let id = format!("id {order} {}", self.random.below(self.ids));
        match self.random.below(16) {
            0..=3 => {
                let parts = u32::try_from(self.random.below(4)).expect("a few");
                let placed = OrderPlaced {
                    order,
                    amount: number,
                    parts,
                };
                self.publish(bench, ORDERS, |offset| fact(offset, &id, &placed));
            }
            4..=5 => {
                let wanted = MoneyWanted {
                    order,
                    cents: number,
                };
                self.publish(bench, ORDERS, |offset| fact(offset, &id, &wanted));
            }
            6 => self.publish(bench, ORDERS, |offset| {
                fact(offset, &id, &OrderDropped { order })
            }),
            7 if number > 5 => {
                self.publish(bench, ORDERS, |offset| {
                    fact(offset, &id, &OrderClosed { order })
                });
            }
            7 => self.publish(bench, PROBES, |offset| fact(offset, &id, &Probed { order })),
            8 => self.publish(bench, PROBES, |offset| {
                fact(offset, &id, &Mentioned { order })
            }),
            9 => {
                let garbage = Some(b"garbage".to_vec());
                let probed = Probed { order };
                self.publish(bench, PROBES, |offset| Stored {
                    value: garbage,
                    ..fact(offset, &id, &probed)
                });
            }
            10..=11 => self.copy(bench, &order, number),
            12 => {
                let pending = bench.processor.pending();
                if let Some(call) = pending.get(self.random.below(pending.len())) {
                    let verdict = Verdict(number % 2 == 0);
                    bench.now += 1;
                    let now = Timestamp::from_millis(bench.now);
                    bench
                        .processor
                        .answer(call.request, Box::new(verdict), now, &mut bench.out)
                        .expect("an answer");
                    bench.flush();
                }
            }
            13 => {
                bench.now += 10 * number.max(0);
                let now = Timestamp::from_millis(bench.now);
                bench
                    .processor
                    .pass_deadlines(now, 2, now, &mut bench.out)
                    .expect("deadlines pass");
                bench.flush();
            }
            14 => drop(bench.mark()),
            _ => self.control(bench, &order, number),
        }
    }

    fn publish(&mut self, bench: &mut Bench, input: usize, stored: impl FnOnce(i64) -> Stored) {
        let mut stored = stored(self.offset(input));
        let traced = || format!("00-{:032x}-{:016x}-01", stored.offset + 1, 7);
        stored.traceparent = (stored.offset % 3 == 0).then(traced);
        let outcome = bench.decide(input, &stored).expect("it can be decided");
        bench.flush();
        self.published.push((input, stored, outcome));
    }

    /// A copy in the inbox; of a topic that was created again, for some.
    fn copy(&mut self, bench: &mut Bench, order: &str, number: i64) {
        let sku = Sku(if number < 2 {
            "quiet".into()
        } else {
            "loud".into()
        });
        let topic = if number == 5 {
            topic_id("shelves of old")
        } else {
            topic_id("shelves")
        };
        let late = i64::from(number == 7);
        let offset = (self.offset(ROUTED) - 2 * late).max(0);
        self.publish(bench, INBOX, |at| {
            copy_of(
                topic,
                offset,
                at,
                order,
                &Taken {
                    sku,
                    order: order.to_owned(),
                },
            )
        });
    }

    /// Redrives a key, or drops what it has parked first.
    fn control(&mut self, bench: &mut Bench, order: &str, number: i64) {
        let mut first: Option<EventId> = None;
        bench.processor.parked(&mut |key, parked| {
            if key == order {
                first.get_or_insert(parked.id);
            }
        });
        let (event_type, value) = match first {
            Some(id) if number < 3 => {
                let drop = wire::Drop {
                    id,
                    reason: "a test".into(),
                };
                (DROP, serde_json::to_vec(&drop).expect("JSON"))
            }
            _ => (REDRIVE, b"{}".to_vec()),
        };
        self.publish(bench, INBOX, |offset| Stored {
            key: Some(order.as_bytes().to_vec()),
            value: Some(value),
            event_type: Some(event_type.to_owned()),
            ..fact(
                offset,
                &format!("control {offset}"),
                &Probed {
                    order: order.to_owned(),
                },
            )
        });
    }
}

fn copy_of(topic: TopicId, origin: i64, offset: i64, order: &str, taken: &Taken) -> Stored {
    let stamp = Stamp {
        correlation: Some(crate::common::bench::saga(order)),
        causation: Some(EventId::foreign("cause")),
        writer: None,
        source: Source::Copy {
            path: Path::Route(1),
            topic,
            partition: 0,
            position: Position {
                offset: origin,
                copy: 0,
            },
            after: None,
        },
        index: 1,
        count: 1,
    };
    Stored {
        stamp: Some(stamp.to_string()),
        key: Some(order.as_bytes().to_vec()),
        ..fact(offset, &format!("taken {topic} {origin}"), taken)
    }
}
