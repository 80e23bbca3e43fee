//! What generated code calls: Avro's binary encoding, without a value tree in between.
//!
//! - [`mod@write`]: appends values to a buffer; cannot fail
//! - [`Reader`]: reads them back, trusting no length; a [`Fault`] says what is wrong, where, and in which field
//! - [`foreign`]: values of versions that were not published to this build
//! - [`frame`]: the bytes before the body that name the writer's schema; [`ids`]: what they mean in a registry's framing
//! - [`Decimal`], [`TimestampMillis`], [`TimestampMicros`], [`Date`]: logical types

mod blocks;
mod decimal;
mod fault;
pub mod foreign;
pub mod frame;
pub mod ids;
mod reader;
mod skip;
mod time;
pub mod write;

pub use blocks::ZERO_WIDTH_ITEMS;
pub use decimal::{Decimal, DecimalError, MAX_PRECISION, write_decimal, write_decimal_fixed};
pub(crate) use decimal::{
    from_be as decimal_from_be, from_text as decimal_from_text, put_fixed, shortest,
    to_text as decimal_to_text,
};
pub use fault::{Fault, Problem, in_field};
pub use ids::Meaning;
pub use reader::Reader;
pub use time::{Date, TimestampMicros, TimestampMillis};
