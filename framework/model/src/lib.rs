//! An explicit-state model of the fenced log: once in effect without transactions, searched for counterexamples.
//!
//! `docs/protocol.md` states the rules and argues for them; this crate tries to break them. Two small systems are
//! explored completely, every interleaving of their actors within stated bounds: one partition of a stream with its
//! successive owners (zombies, late appends, lost acknowledgements, torn answers, a producer that drops and repeats),
//! and an inbox with its routers. The rules as stated must hold; each rule left out must give a counterexample, or it
//! would not earn its place.
//!
//! # Layout
//! - [`variants`]: the table of what is searched and what must be found
//! - [`explore`]: the complete search and the random walks
//! - `stream`, `inbox`: the two models; `rules` in each names the switches
//! - [`Violation`]: the properties

pub mod explore;
mod inbox;
mod stream;
pub mod variants;
mod violation;

pub use violation::Violation;
