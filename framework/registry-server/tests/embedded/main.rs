//! What the embedded registry does beyond what every registry does: its log, its limits, and what goes wrong on request.

mod client;
mod guard;
mod kafka;
mod kept;
mod limits;
