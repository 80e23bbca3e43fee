//! Tests of services without Kafka: specifications of one aggregate, and the protocol under a deterministic simulation.
//!
//! [`given`] begins a specification, for the author of a service: given these own events, when this arrives, then
//! exactly these own events follow. The real processor decides ([`spec`]).
//!
//! ```
//! # use kolo_core::{Aggregate, Received, Service, State, Timestamp};
//! # use shop_schemas::inventory::{StockAdded, StockEvent, StockReceived};
//! # #[derive(Default)]
//! # struct Stock;
//! # impl State for Stock {
//! #     type Event = StockEvent;
//! #     fn evolve(&mut self, _: &StockEvent, _: Timestamp) {}
//! # }
//! # fn receive(_: &Stock, goods: &Received<StockReceived>) -> StockAdded {
//! #     StockAdded { sku: goods.sku.clone(), quantity: goods.quantity }
//! # }
//! # fn service() -> Service { Service::new("inventory").aggregate(Aggregate::<Stock>::new("stock").on(receive)) }
//! use kolo_testing::given;
//!
//! given::<StockEvent>(&service())
//!     .events([StockAdded { sku: "cup".into(), quantity: 1 }])
//!     .when(StockReceived { sku: "cup".into(), quantity: 5 })
//!     .then([StockAdded { sku: "cup".into(), quantity: 5 }]);
//! ```
//!
//! [`protocol`] puts [`kolo_core::processor::Processor`] and [`kolo_core::stream::StreamReader`] through the faults that
//! `docs/protocol.md` is about: owners that are replaced in mid-flight, late appends, lost acknowledgements, torn answers,
//! routers that repeat themselves, topics that are created anew. What a run does is drawn from a seed, so a failure is
//! seen again by its number.
//!
//! ```
//! use kolo_testing::protocol::{Scenario, walk};
//!
//! let scenario = Scenario::default();
//! walk(&scenario, 7).expect("the protocol holds whatever happens in run 7");
//! ```
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `choreography.rs` | [`check`]: all services together, as one graph without a finding |
//! | `spec/` | given, when, then: one aggregate, specified; its files stand in [`spec`] |
//! | `protocol/domain.rs` `events.rs` | two aggregates whose decisions depend on all that their state ever was |
//! | `protocol/fold.rs` | what is said to an input on a state: a plain fold that knows no processor |
//! | `protocol/log.rs` | topics: records at offsets, appended in the order in which they arrive |
//! | `protocol/producer.rs` | records in flight: they arrive in order, late, twice or never |
//! | `protocol/owner.rs` | one owner of a stream: take-over, work, end |
//! | `protocol/router.rs` | the router that copies events of the first stream into the second one's inbox |
//! | `protocol/port.rs` | the outside world, with a ledger by idempotency key |
//! | `protocol/scenario.rs` | what may happen in a run, and which rules are left out |
//! | `protocol/action.rs` | what can happen next |
//! | `protocol/world.rs` | all of them together, and what an action does to them |
//! | `protocol/settle.rs` | what happens when faults cease: everything comes to rest |
//! | `protocol/history.rs` | the valid part of a stream: whole answers, each id once, each decided on the state before it |
//! | `protocol/invariants.rs` | what may never be seen once everything is at rest |
//! | `protocol/explore.rs` | random walks by seed, and the runs of a script |

mod choreography;
pub mod protocol;
mod record;
pub mod simulation;
pub mod spec;

pub use choreography::{check, check_language};
pub use kolo_core::wire::FailureClass;
pub use spec::{due, event, given, given_up, reply, routed};
