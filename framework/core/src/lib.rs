//! core
mod aggregate;
mod barrier;
mod declaration;
mod description;
mod effect;
mod emits;
mod event;
mod id;
mod key;
mod partition;
mod position;
pub mod processor;
mod service;
mod state;
pub mod stream;
mod time;
pub mod wire;

pub use aggregate::{Aggregate, InputProblem, KeyOfAggregate};
pub use description::{
    CompensationDescription, Description, EffectDescription, Function, Kind, ReactionDescription,
};
pub use effect::{Answers, EffectCall, Port, Reply};
pub use emits::{Compensates, Emits, Outgoing};
pub use event::{DecodeError, Event, EventType, OwnEvents, Owns};
pub use id::{CorrelationId, EventId, ReactionId, TopicId};
pub use key::Key;
pub use partition::partition_of;
pub use position::{Origin, OriginNumber, Path, Position};
pub use service::{Participant, Service};
pub use state::{KeyOf, Received, State};
pub use time::Timestamp;
