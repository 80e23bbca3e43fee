//! A small domain: holds on money per order, with an effect that asks a bank, and shelves per sku that are told by route.

#![allow(dead_code, reason = "each test uses a part of it")]

use kolo_core::{Aggregate, Key, KeyOf, Port, Received, Service, State, Timestamp};

/// The key of shelves: another type than that of orders.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sku(pub(crate) String);

impl Key for Sku {
    const NAME: &'static str = "Sku";

    fn write(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

impl std::fmt::Display for Sku {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Sku {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Sku(text.to_owned()))
    }
}

// Facts from outside.
event! { OrderPlaced in "orders", order: String { order: String, amount: i64, parts: u32 } }
event! { OrderDropped in "orders", order: String { order: String } }
event! { OrderClosed in "orders", order: String { order: String } }
event! { MoneyWanted in "orders", order: String { order: String, cents: i64 } }
event! { Probed in "probes", order: String { order: String } }
event! { Mentioned in "probes", order: String, without saga { order: String } }

// The stream of holds.
event! { Held in "holds", order: String { order: String, amount: i64, part: u32 } }
event! { Refused in "holds", order: String { order: String, amount: i64 } }
event! { Freed in "holds", order: String { order: String, amount: i64, part: u32 } }
event! { Asked in "holds", order: String { order: String, cents: i64 } }
event! { Granted in "holds", order: String { order: String, cents: i64 } }
event! { Denied in "holds", order: String { order: String } }
event! { GaveBack in "holds", order: String { order: String, cents: i64 } }
event! { Closed in "holds", order: String { order: String } }
event! { Seen in "holds", order: String { order: String, state: String } }
stream! { HoldEvent in "holds", String { Held, Refused, Freed, Asked, Granted, Denied, GaveBack, Closed, Seen } }

// The stream of shelves.
event! { Taken in "shelves", sku: Sku { sku: Sku, order: String } }
stream! { ShelfEvent in "shelves", Sku { Taken } }

/// Remembers every event with its time, so that any difference in what was folded shows.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Hold {
    pub(crate) seen: Vec<String>,
    pub(crate) granted_cents: i64,
}

impl State for Hold {
    type Event = HoldEvent;

    fn evolve(&mut self, event: &HoldEvent, at: Timestamp) {
        match event {
            HoldEvent::Granted(granted) => self.granted_cents += granted.cents,
            HoldEvent::GaveBack(back) => self.granted_cents -= back.cents,
            _ => {}
        }
        let name = kolo_core::OwnEvents::event_type(event).short_name();
        self.seen.push(format!("{name}@{}", at.as_millis()));
    }
}

/// The bank that is asked.
pub(crate) struct Bank;

/// What it says.
#[derive(Clone, Copy)]
pub(crate) struct Verdict(pub(crate) bool);

impl Port for Bank {
    type Request = Asked;
    type Reply = Verdict;
}

/// Nothing for an amount of 0, a refusal for one below, and else as many holds as there are parts.
pub(crate) fn hold(_: &Hold, placed: &Received<OrderPlaced>) -> Result<Vec<Held>, Refused> {
    let OrderPlaced {
        order,
        amount,
        parts,
    } = &**placed;
    match amount {
        ..0 => Err(Refused {
            order: order.clone(),
            amount: *amount,
        }),
        0 => Ok(Vec::new()),
        1.. => Ok((0..*parts)
            .map(|part| Held {
                order: order.clone(),
                amount: *amount,
                part,
            })
            .collect()),
    }
}

pub(crate) fn free(_: &Hold, _: &Received<OrderDropped>, held: &Held) -> Freed {
    Freed {
        order: held.order.clone(),
        amount: held.amount,
        part: held.part,
    }
}

pub(crate) fn ask(_: &Hold, wanted: &Received<MoneyWanted>) -> Asked {
    Asked {
        order: wanted.order.clone(),
        cents: wanted.cents,
    }
}

pub(crate) fn told(_: &Hold, asked: &Asked, verdict: Verdict) -> Result<Granted, Denied> {
    match verdict {
        Verdict(true) => Ok(Granted {
            order: asked.order.clone(),
            cents: asked.cents,
        }),
        Verdict(false) => Err(Denied {
            order: asked.order.clone(),
        }),
    }
}

pub(crate) fn give_back(
    hold: &Hold,
    _: &Received<OrderDropped>,
    asked: &Asked,
) -> Option<GaveBack> {
    (hold.granted_cents > 0).then(|| GaveBack {
        order: asked.order.clone(),
        cents: asked.cents,
    })
}

pub(crate) fn close(_: &Hold, closed: &Received<OrderClosed>) -> Closed {
    Closed {
        order: closed.order.clone(),
    }
}

/// Shows the state, so that a test can look at it through the processor.
pub(crate) fn see(hold: &Hold, probed: &Received<Probed>) -> Seen {
    Seen {
        order: probed.order.clone(),
        state: hold.seen.join(","),
    }
}

/// Reacts with nothing, ever.
pub(crate) fn nod(_: &Hold, _: &Received<Mentioned>) {}

pub(crate) fn holds() -> Aggregate<Hold> {
    Aggregate::new("hold")
        .on(hold)
        .undo(free)
        .on(ask)
        .effect::<Bank, _>(told)
        .undo(give_back)
        .on(close)
        .pivot()
        .on(see)
        .on(nod)
}

#[derive(Debug, Default)]
pub(crate) struct Shelf;

impl State for Shelf {
    type Event = ShelfEvent;

    fn evolve(&mut self, _: &ShelfEvent, _: Timestamp) {}
}

/// A hold concerns the shelves `a` and `b`, and `a` once more where its amount is above 100.
pub(crate) fn shelves_of(held: &Held) -> Vec<KeyOf<Shelf>> {
    let names: &[&str] = if held.amount > 100 {
        &["a", "b", "a"]
    } else {
        &["a", "b"]
    };
    names.iter().map(|&name| Sku(name.to_owned())).collect()
}

/// Takes what is held, but for the amount of 13: that is nobody's business.
pub(crate) fn take(_: &Shelf, held: &Received<Held>) -> Option<Taken> {
    let sku = Sku(held.key().to_owned());
    (held.amount != 13).then(|| Taken {
        sku,
        order: held.order.clone(),
    })
}

pub(crate) fn shelves() -> Aggregate<Shelf> {
    Aggregate::new("shelf").routed(shelves_of, take)
}

pub(crate) fn service() -> Service {
    Service::new("test").aggregate(holds()).aggregate(shelves())
}
