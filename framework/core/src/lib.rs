//! The model of kolo, without IO: events, aggregates, the barrier, the fenced log, and the processor that turns
//! records in into records out. No Kafka, no Avro, no clock and no randomness in here: the same records give the same
//! answers, in a test, in a simulation and in production.
//!
//! A service is a declaration made of plain functions. This one holds stock for orders, and gives it back when an order
//! is cancelled, whichever of the two it hears of first:
//!
//! ```
//! # use std::borrow::Cow;
//! # use kolo_core::{DecodeError, Event, EventType, OwnEvents, Owns, Timestamp};
//! # macro_rules! events { ($($name:ident in $topic:literal),*) => { $(
//! #     #[derive(Debug, Clone, PartialEq)]
//! #     pub struct $name { pub order_id: String, pub quantity: u32 }
//! #     impl Event for $name {
//! #         type Key = String;
//! #         const TYPE: &'static EventType = &EventType { name: concat!("shop.", stringify!($name)),
//! #             topic: $topic, key_field: "order_id", saga_field: Some("order_id"), public: true,
//! #             mark: kolo_core::Mark::Step, key_type: "String", schema: "" };
//! #         fn key(&self) -> &String { &self.order_id }
//! #         fn saga(&self) -> Option<Cow<'_, str>> { Some(Cow::Borrowed(&self.order_id)) }
//! #         fn encode(&self, out: &mut Vec<u8>) { out.extend(format!("{} {}", self.quantity, self.order_id).bytes()) }
//! #         fn decode(value: &[u8]) -> Result<Self, DecodeError> {
//! #             let parts = std::str::from_utf8(value).ok().and_then(|text| text.split_once(' '));
//! #             let parts = parts.and_then(|(quantity, order_id)| Some((quantity.parse().ok()?, order_id)));
//! #             let malformed = || DecodeError::Malformed { event: Self::TYPE.name, at: 0, problem: "no quantity".into() };
//! #             let (quantity, order_id) = parts.ok_or_else(malformed)?;
//! #             Ok($name { order_id: order_id.into(), quantity })
//! #         }
//! #     }
//! #     kolo_core::emits!($name);
//! # )* } }
//! # macro_rules! stream { ($stream:ident in $topic:literal: $($name:ident),*) => {
//! #     #[derive(Debug, Clone, PartialEq)]
//! #     pub enum $stream { $($name($name)),* }
//! #     impl OwnEvents for $stream {
//! #         type Key = String;
//! #         const STREAM: &'static str = $topic;
//! #         const TYPES: &'static [&'static EventType] = &[$($name::TYPE),*];
//! #         fn event_type(&self) -> &'static EventType { match self { $($stream::$name(_) => $name::TYPE),* } }
//! #         fn key(&self) -> &String { match self { $($stream::$name(event) => &event.order_id),* } }
//! #         fn encode(&self, out: &mut Vec<u8>) { match self { $($stream::$name(event) => event.encode(out)),* } }
//! #         fn decode(name: &str, value: &[u8]) -> Option<Result<Self, DecodeError>> {
//! #             $(if name == $name::TYPE.name { return Some($name::decode(value).map($stream::$name)); })*
//! #             None
//! #         }
//! #     }
//! #     $(impl From<$name> for $stream { fn from(event: $name) -> Self { $stream::$name(event) } }
//! #     impl Owns<$name> for $stream {
//! #         fn get(&self) -> Option<&$name> { match self { $stream::$name(event) => Some(event), _ => None } }
//! #     })*
//! # } }
//! # // What the generator writes from schemas: a struct for each event, and an enum of each stream's own events.
//! # events! { OrderCreated in "orders", OrderCancelled in "orders", StockHeld in "stock", StockShort in "stock",
//! #     StockReleased in "stock" }
//! # stream! { StockEvent in "stock": StockHeld, StockShort, StockReleased }
//! use kolo_core::{Aggregate, Received, Service, State};
//!
//! /// What one order holds: a fold of the aggregate's own events, and nothing else.
//! #[derive(Default)]
//! struct Hold {
//!     quantity: u32,
//! }
//!
//! impl State for Hold {
//!     type Event = StockEvent;
//!
//!     fn evolve(&mut self, event: &StockEvent, _: Timestamp) {
//!         match event {
//!             StockEvent::StockHeld(held) => self.quantity += held.quantity,
//!             StockEvent::StockReleased(released) => self.quantity -= released.quantity,
//!             StockEvent::StockShort(_) => {}
//!         }
//!     }
//! }
//!
//! /// What this returns is what the service says: the return type is an edge of the graph.
//! fn hold(_: &Hold, order: &Received<OrderCreated>) -> Result<StockHeld, StockShort> {
//!     let (order_id, quantity) = (order.order_id.clone(), order.quantity);
//!     if quantity <= 100 { Ok(StockHeld { order_id, quantity }) } else { Err(StockShort { order_id, quantity }) }
//! }
//!
//! /// A compensation gets the event that it undoes, and has no way to refuse.
//! fn release(_: &Hold, _: &Received<OrderCancelled>, undone: &StockHeld) -> StockReleased {
//!     StockReleased { order_id: undone.order_id.clone(), quantity: undone.quantity }
//! }
//!
//! fn service() -> Service {
//!     Service::new("stock").aggregate(Aggregate::<Hold>::new("hold").on(hold).undo(release))
//! }
//!
//! // Records in, records out: a shell appends the outbox and reads the inputs.
//! use kolo_core::processor::{Outbox, Rules, Setup, InputTopic};
//! use kolo_core::wire::{Headers, Record};
//! use kolo_core::{EventId, TopicId};
//!
//! let orders = InputTopic { name: "orders".into(), id: TopicId(EventId::foreign("orders").0) };
//! let mut processor = service().aggregates()[0].processor(Setup {
//!     service: "stock".into(),
//!     partition: 0,
//!     partitions: 1,
//!     nonce: 7,
//!     inputs: vec![orders],
//!     routed: vec![],
//!     max_record_bytes: 1_000_000,
//!     allow_downgrade: false,
//!     broken: Default::default(),
//!     rules: Rules::ALL,
//! });
//! let (now, mut out) = (Timestamp::from_millis(1_700_000_000_000), Outbox::default());
//! processor.fence(now, &mut out); // appended at offset 0, and acknowledged:
//! processor.fenced(0);
//! out.clear();
//! processor.start(now, &mut out)?;
//!
//! let headers = Headers { event_type: Some("shop.OrderCreated"), id: Some("order 1"), ..Headers::default() };
//! let created = Record { offset: 0, key: Some(b"o-1"), value: Some(b"3 o-1"), headers, ..Record::default() };
//! processor.handle(0, &created, now, &mut out)?;
//! assert_eq!(out.get(0).map(|append| append.event_type), Some("shop.StockHeld"));
//!
//! out.clear();
//! let headers = Headers { event_type: Some("shop.OrderCancelled"), id: Some("cancel 1"), ..Headers::default() };
//! let cancelled = Record { offset: 1, key: Some(b"o-1"), value: Some(b"0 o-1"), headers, ..Record::default() };
//! processor.handle(0, &cancelled, now, &mut out)?;
//! let types: Vec<_> = out.iter().map(|append| append.event_type).collect();
//! assert_eq!(types, ["shop.StockReleased", "kolo.barred"]); // undone, and a late step would be refused
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `event.rs` | what a schema says about an event, and what generated code implements |
//! | `upcast.rs` | an old version of an event turned by a function, where Avro's rules end |
//! | `key.rs` `partition.rs` | what names an aggregate, and on which partition that puts it |
//! | `id.rs` | ids of events and sagas: all derived, none drawn |
//! | `time.rs` | time as it stands in the log |
//! | `state.rs` | the fold of own events, and the input that a decision reads |
//! | `emits.rs` | what a reaction may return: its type is the outgoing edge |
//! | `effect.rs` | calls to the outside world: ports, requests, answers |
//! | `effect_note.rs` | what is known of calls that fail, told beside the log |
//! | `policy.rs` | how a port is called: time limits, retries, how many at once |
//! | `aggregate.rs` `service.rs` | the declaration, as a user writes it |
//! | `declaration.rs` | the same with the user's types erased: what the processor runs |
//! | `description.rs` | the same as data: what a person or a graph reads |
//! | `choreography/` | the declarations of all services as one graph: manifests, findings, drawing |
//! | `saga/` | one saga, put together from its records: the tree, the end, and who has not answered |
//! | `problem.rs` `panic.rs` | why an input cannot be decided, or a stream not be restored |
//! | `barrier.rs` | what makes a compensation safe in every order of arrival |
//! | `position.rs` | how far each origin was decided |
//! | `stream.rs` | which records of a fenced stream are valid |
//! | `wire/` | headers, the packed `kolo` header, and kolo's own records |
//! | `processor/` | one aggregate on one partition: arrive, decide, undo, answer, park, redrive, deadlines, restore, complete, sound appends, snapshots, inspect; and what was decided, decided again (`replay/`) |
//!
//! What may be relied upon, and why it holds, stands in `docs/protocol.md`.

mod aggregate;
mod barrier;
pub mod choreography;
mod declaration;
mod description;
mod effect;
pub mod effect_note;
mod emits;
mod event;
mod hidden;
mod id;
mod key;
mod panic;
mod partition;
mod policy;
mod position;
mod problem;
pub mod processor;
pub mod saga;
mod service;
mod state;
pub mod stream;
mod time;
mod upcast;
pub mod wire;

pub use aggregate::{Aggregate, KeyOfAggregate};
pub use description::{
    AcceptedFinding, CompensationDescription, DeadlineDescription, Description, EffectDescription,
    Function, Kind, ReactionDescription,
};
pub use effect::{Answers, CallFailure, EffectCall, Port, Reply};
pub use emits::{Compensates, Emits, Outgoing};
pub use event::{DecodeError, Event, EventType, Mark, OwnEvents, Owns};
pub use hidden::{Hidden, revealed};
pub use id::{CorrelationId, EventId, ReactionId, TopicId};
pub use key::Key;
#[doc(hidden)]
pub use panic::message_of;
pub use partition::partition_of;
pub use policy::{Breaker, CallPolicy, Pauses, Rate, Retries};
pub use position::{Origin, OriginNumber, Path, Position};
pub use problem::InputProblem;
pub use service::{Participant, Service};
pub use state::{Deadline, KeyOf, Received, State};
pub use time::Timestamp;
pub use upcast::Upcast;
#[doc(hidden)]
pub use upcast::upcast;
