//! Sagas over Kafka without a controller: the one crate that a service depends on.
//!
//! A service declares **aggregates**: the unit of state and of order. Each reacts to events with plain functions, and
//! what a function returns is what is emitted. The state is a fold of the aggregate's own events. There is no
//! coordinator and no store beside Kafka.
//!
//! ```
//! use kolo::{Aggregate, Received, Service, State, Timestamp};
//! use shop_schemas::inventory::{ReservationOpened, StockEvent, StockShort, StockTaken};
//! use shop_schemas::order::Sku;
//!
//! /// How many pieces of one article are there.
//! #[derive(Default)]
//! struct Stock {
//!     pieces: i64,
//! }
//!
//! impl State for Stock {
//!     type Event = StockEvent; // generated from the schemas of its stream
//!
//!     fn evolve(&mut self, event: &StockEvent, _: Timestamp) {
//!         match event {
//!             StockEvent::StockAdded(added) => self.pieces += i64::from(added.quantity),
//!             StockEvent::StockTaken(taken) => self.pieces -= i64::from(taken.quantity),
//!             StockEvent::StockReturned(back) => self.pieces += i64::from(back.quantity),
//!             StockEvent::StockShort(_) => {}
//!         }
//!     }
//! }
//!
//! /// An order is keyed by its id, stock by article: says which articles a reservation concerns.
//! fn articles(order: &ReservationOpened) -> Vec<Sku> {
//!     order.lines.iter().map(|line| line.sku.clone()).collect()
//! }
//!
//! /// A business failure is an event too. Infrastructure cannot fail in here.
//! fn take(stock: &Stock, order: &Received<ReservationOpened>) -> Result<StockTaken, StockShort> {
//!     let sku = Sku::from(order.key());
//!     let lines = order.lines.iter().filter(|line| line.sku == sku);
//!     let quantity = lines.map(|line| line.quantity).sum();
//!     if i64::from(quantity) <= stock.pieces {
//!         Ok(StockTaken { order_id: order.order_id, sku, quantity })
//!     } else {
//!         let available = i32::try_from(stock.pieces).unwrap_or(0);
//!         Err(StockShort { order_id: order.order_id, sku, quantity, available })
//!     }
//! }
//!
//! fn service() -> Service {
//!     Service::new("inventory").aggregate(Aggregate::<Stock>::new("stock").routed(articles, take))
//! }
//! # assert_eq!(service().aggregates().len(), 1);
//! ```
//!
//! ```no_run
//! # fn service() -> kolo::Service { kolo::Service::new("inventory") }
//! fn main() -> std::process::ExitCode {
//!     kolo::App::new(service()).main()
//! }
//! ```
//!
//! # Effects
//!
//! A call to the outside world is requested by an own event and answered by one. The port is declared by its type, with how
//! it is called; where the service is started, an adapter is bound to it.
//!
//! ```
//! use std::time::Duration;
//!
//! use kolo::{Adapter, AdapterError, Aggregate, Breaker, Call, CallPolicy, Port, Received, Retries, State, Timestamp};
//! use shop_schemas::inventory::InventoryReserved;
//! use shop_schemas::payment::{AuthorizationId, PaymentAuthorized, PaymentEvent, PaymentFailed, PaymentRequested};
//!
//! struct Charge;
//!
//! impl Port for Charge {
//!     type Request = PaymentRequested;
//!     type Reply = Result<AuthorizationId, String>; // "declined" is a reply
//! }
//!
//! const PATIENT: CallPolicy = CallPolicy::new()
//!     .timeout(Duration::from_secs(5))
//!     .retries(Retries::for_at_most(Duration::from_secs(900)))
//!     .breaker(Breaker::after(50).pause(Duration::from_secs(2)));
//! # #[derive(Default)]
//! # struct Payment;
//! # impl State for Payment {
//! #     type Event = PaymentEvent;
//! #     fn evolve(&mut self, _: &PaymentEvent, _: Timestamp) {}
//! # }
//! # fn request(_: &Payment, order: &Received<InventoryReserved>) -> PaymentRequested {
//! #     let (customer_id, currency) = (order.customer_id.clone(), order.currency.clone());
//! #     PaymentRequested { order_id: order.order_id, customer_id, amount_cents: order.total_cents, currency }
//! # }
//!
//! fn charged(
//!     _: &Payment,
//!     asked: &PaymentRequested,
//!     reply: Result<AuthorizationId, String>,
//! ) -> Result<PaymentAuthorized, PaymentFailed> {
//!     let (order_id, amount_cents, currency) = (asked.order_id, asked.amount_cents, asked.currency.clone());
//!     match reply {
//!         Ok(authorization_id) => Ok(PaymentAuthorized { order_id, amount_cents, currency, authorization_id }),
//!         Err(reason) => Err(PaymentFailed { order_id, reason }),
//!     }
//! }
//!
//! struct Gateway;
//!
//! impl Adapter<Charge> for Gateway {
//!     async fn call(&self, call: Call<'_, PaymentRequested>) -> Result<Result<AuthorizationId, String>, AdapterError> {
//!         match self.post(call.idempotency_key, call.request).await {
//!             (200, body) => Ok(Ok(AuthorizationId(body))),
//!             (402, body) => Ok(Err(body)),
//!             (400 | 422, body) => Err(AdapterError::terminal(body)), // it will not help to ask again
//!             (_, body) => Err(AdapterError::new(body)),              // who knows whether the money moved
//!         }
//!     }
//! }
//! # impl Gateway {
//! #     async fn post(&self, _: kolo::EventId, _: &PaymentRequested) -> (u16, String) { (200, "a-1".into()) }
//! # }
//!
//! let payment = Aggregate::<Payment>::new("payment").on(request).effect::<Charge, _>(charged).policy(PATIENT);
//! let app = kolo::App::new(kolo::Service::new("payment").aggregate(payment)).bind::<Charge>(Gateway);
//! # let _ = app;
//! ```
//!
//! # Where to go
//!
//! | to | see |
//! |---|---|
//! | declare what an aggregate reacts to, routes, undoes and calls | [`Aggregate`] |
//! | say what it may return | [`Emits`], [`Compensates`], [`Answers`] |
//! | reach the outside world, and say how often to try | [`Port`], [`Adapter`], [`CallPolicy`] |
//! | run a service | [`App`], [`Config`] |
//! | give it an edge, such as an HTTP API | [`App::beside`], [`Publisher`], [`Projection`], `docs/edge.md` |
//! | specify a service in tests, without Kafka | `docs/testing.md`, the crate `kolo-testing` |
//! | name schemas by the ids of a registry | [`registry`], [`Config::registry`], `docs/registry.md` |
//! | read old versions that Avro's rules do not lead away from | [`Upcast`], `docs/schemas.md` |
//! | check and draw all services together | [`choreography`], `docs/choreography-checks.md` |
//! | drive a processor without Kafka | [`processor`] |
//! | read a stream with other tools | [`stream`], [`wire`] |

pub use kolo_core::{
    Aggregate, Answers, Breaker, CallFailure, CallPolicy, Compensates, CompensationDescription,
    CorrelationId, Deadline, DeadlineDescription, DecodeError, Description, EffectCall,
    EffectDescription, Emits, Event, EventId, EventType, Function, Hidden, InputProblem, Key,
    KeyOf, KeyOfAggregate, Kind, Mark, Origin, Outgoing, OwnEvents, Owns, Participant, Path,
    Pauses, Port, Position, Rate, ReactionDescription, Received, Reply, Retries, Service, State,
    Timestamp, TopicId, Upcast, choreography, partition_of, processor, revealed, stream, wire,
};
pub use kolo_kafka::{
    Adapter, AdapterError, App, Behind, Beside, BreakerState, Call, Config, ConfigError,
    Connectable, Connected, NotAToken, PendingEffect, Progress, Projected, Projection,
    ProjectionError, PublishError, Published, Publisher, PublisherBuilder, RunError, Running,
    StartError, Token, TokenProvider, Told, Unready, intake, refuse, registry_for_tools, schema_of,
    topics,
};
pub use kolo_registry as registry;
