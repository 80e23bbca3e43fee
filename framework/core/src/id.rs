//! Ids: of events and sagas. All derived, none drawn: a repeat computes the same id and is recognised anywhere.

use std::fmt;
use std::str::FromStr;

use sha1::{Digest, Sha1};
use uuid::Uuid;

use crate::time::Timestamp;

/// The namespace of all ids that kolo derives.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b6f_6c6f_0000_5000_8000_7361_6761_7321);

/// A uuid v5 of a name in parts. `Uuid::new_v5` gives the same; it hashes without the processor's own instructions, and an
/// id is derived for every event.
fn uuid_v5(namespace: &Uuid, name: &[&[u8]]) -> Uuid {
    let mut hash = Sha1::new_with_prefix(namespace.as_bytes());
    for part in name {
        hash.update(part);
    }
    let digest: [u8; 20] = hash.finalize().into();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    uuid::Builder::from_sha1_bytes(first).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id! {
    /// The id of one event; `ce_id` on the wire. The idempotency key of an effect is its request's event id.
    EventId
}
id! {
    /// The id of a saga: the same for all that one trigger started.
    CorrelationId
}
id! {
    /// Kafka's id of a topic. A topic that is deleted and created again has another one.
    TopicId
}

impl EventId {
    /// The id of the `index`-th event with which the reaction of this name answers `cause`.
    ///
    /// `key` tells apart the answers that several aggregates give to routed copies of one event; it is `None` for an
    /// input that is keyed by the aggregate's own key, since that reaches one aggregate only.
    #[must_use]
    pub fn derive(cause: EventId, reaction: &ReactionId, index: u32, key: Option<&str>) -> EventId {
        let mut name = [0u8; 20];
        name[..16].copy_from_slice(reaction.0.as_bytes());
        name[16..].copy_from_slice(&index.to_be_bytes());
        match key {
            None => EventId(uuid_v5(&cause.0, &[&name])),
            Some(key) => EventId(uuid_v5(&cause.0, &[&name, key.as_bytes()])),
        }
    }

    /// The id of a deadline as an input: that of a key's reaction to this due time, so that it is answered once.
    #[must_use]
    pub fn of_deadline(reaction: &ReactionId, key: &str, due: Timestamp) -> EventId {
        let due = due.as_millis().to_be_bytes();
        EventId(uuid_v5(&reaction.0, &[&due, key.as_bytes()]))
    }

    /// The id of an event from outside whose publisher gave it none, or one that is not a uuid.
    #[must_use]
    pub fn foreign(text: &str) -> EventId {
        EventId(uuid_v5(&NAMESPACE, &[text.as_bytes()]))
    }

    /// The id of a foreign record without any: its place in Kafka.
    #[must_use]
    pub fn of_place(topic: TopicId, partition: i32, offset: i64) -> EventId {
        EventId::foreign(&format!("{topic}:{partition}:{offset}"))
    }
}

impl CorrelationId {
    /// The saga that a schema's saga field identifies by this value. Whoever derives it, in whichever service, gets
    /// the same: OrderCreated, its repeat under another id and CancelRequested of one order meet.
    #[must_use]
    pub fn of_saga(value: &str) -> CorrelationId {
        CorrelationId(uuid_v5(&NAMESPACE, &[value.as_bytes()]))
    }

    /// The saga of an event whose schema names no saga field: the event stands alone.
    #[must_use]
    pub fn of_event(id: EventId) -> CorrelationId {
        CorrelationId(id.0)
    }
}

/// The durable identity of a declared reaction, from its name on the wire: the aggregate and the events it joins.
/// Never the position in a list, never the Rust path: both change in a refactoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReactionId(Uuid);

impl ReactionId {
    /// The id of the reaction with this full name, such as `inventory.stock on shop.inventory.ReservationOpened`.
    #[must_use]
    pub fn of_name(name: &str) -> ReactionId {
        ReactionId(uuid_v5(&NAMESPACE, &[name.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_are_uuids_of_version_5() {
        for name in ["", "order-4711", &"long".repeat(40)] {
            let whole = Uuid::new_v5(&NAMESPACE, name.as_bytes());
            assert_eq!(uuid_v5(&NAMESPACE, &[name.as_bytes()]), whole);
            let (start, end) = name.as_bytes().split_at(name.len() / 3);
            assert_eq!(uuid_v5(&NAMESPACE, &[start, end]), whole);
        }
    }

    #[test]
    fn the_same_cause_reaction_and_index_give_the_same_id_and_any_other_another() {
        let cause = EventId::foreign("cause");
        let on = ReactionId::of_name("shop.stock on Taken");
        let id = EventId::derive(cause, &on, 0, None);
        assert_eq!(id, EventId::derive(cause, &on, 0, None));
        assert_eq!(id.0.get_version_num(), 5);
        let others = [
            EventId::derive(EventId::foreign("another"), &on, 0, None),
            EventId::derive(cause, &ReactionId::of_name("shop.stock on Short"), 0, None),
            EventId::derive(cause, &on, 1, None),
            EventId::derive(cause, &on, 0, Some("sku-1")),
            EventId::derive(cause, &on, 0, Some("sku-2")),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(id, *other);
            assert!(!others[..at].contains(other));
        }
    }
}
