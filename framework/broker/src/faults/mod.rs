//! Faults on request: which requests meet what misfortune, written down as a [`Plan`] before or while a test runs.
//!
//! A rule names requests (by API, topic, partition, client id), picks some of them by counting, and says what happens to
//! those. Counting looks at matching requests alone, and neither at a clock nor at chance: the same requests meet the
//! same faults in every run.
//!
//! ```
//! use std::time::Duration;
//! use kolo_broker::faults::{Action, Api, Plan, ResponseError};
//!
//! let plan = Plan::new()
//!     .on(Api::Produce).topic("orders").nth(3).then(Action::DropAfter)
//!     .on(Api::Produce).client("zombie").then(Action::Hold("late write".into()))
//!     .on(Api::Fetch).topic("orders").partition(0).times(2).then(Action::Fail(ResponseError::NotLeaderOrFollower))
//!     .on(Api::OffsetCommit).every(10).then(Action::Delay(Duration::from_millis(50)));
//! assert_eq!(plan.len(), 4);
//! ```

mod absent;
mod plan;
mod table;

pub use kafka_protocol::ResponseError;
pub use kafka_protocol::messages::ApiKey as Api;
pub use plan::{Action, Plan, When};
pub use table::{Faults, Fired, RuleId};
pub(crate) use table::{Touched, Verdict};
