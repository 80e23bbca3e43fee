//! Tests of services without Kafka: specifications of one aggregate, services together, and a simulation of all that can
//! fail.
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
//! [`simulation`] puts services through everything that can fail: the real processor in a world of owners that are replaced
//! in mid-flight, late appends, lost acknowledgements, torn answers, routers that repeat themselves, ports whose replies are
//! lost. What a run does is drawn from a seed, and a run that fails is shrunk to a few steps and told as a story. Without
//! faults, the same services can be led through a test step by step.
//!
//! [`protocol`] is such a simulation of two aggregates whose decisions depend on all that their state ever was.
//!
//! ```
//! kolo_testing::protocol::simulation().explore(0..20).expect("the protocol holds, whatever happens");
//! ```
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `choreography.rs` | [`check`]: all services together, as one graph without a finding |
//! | `schemas.rs` | [`check_schemas`]: schemas against what was published, with all who read them |
//! | `spec/` | given, when, then: one aggregate, specified; its files stand in [`spec`] |
//! | `simulation/` | the simulator; its files stand in [`simulation`] |
//! | `protocol/` | the fenced log, put to the test; its files stand in [`protocol`] |
//! | `record.rs` | a record as a topic keeps it |

mod choreography;
pub mod protocol;
mod record;
mod schemas;
pub mod simulation;
pub mod spec;

pub use choreography::{check, check_language};
pub use kolo_core::wire::FailureClass;
pub use schemas::check_schemas;
pub use spec::{due, event, given, given_up, reply, routed};
