//! One module a fault. See `scripts/faults`.

mod broker;
mod control;
mod duplicates;
mod everything;
mod gateway;
mod instances;
mod kill;
mod lost_topic;
mod recreated;
mod registry;
mod terminate;
mod undecodable;
mod waiting;
mod zombie;
