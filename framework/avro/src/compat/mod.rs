//! Whether a reader's schema can read what a writer's schema wrote.
//!
//! [`check`] gives the verdicts of Java's `SchemaCompatibility`, the reference among Avro's implementations, in its
//! terms. [`meaning`] adds what Java lets pass although it changes what the bytes mean or may fail on old records.

mod check;
pub mod meaning;
mod verdicts;

pub(crate) use check::promotes;
pub use check::{Incompatibility, Rule, check};

use crate::schema::Document;

/// Whether a reader's schema reads what a writer's schema wrote, both as JSON texts.
///
/// # Errors
/// All reasons why not, in words: what is incompatible, or the text that is no schema.
pub fn reads(reader: &str, writer: &str) -> Result<(), String> {
    let parse = |whose: &str, text: &str| {
        Document::parse(text)
            .map_err(|errors| format!("the {whose}'s schema is not valid: {errors}"))
    };
    let (reader, writer) = (parse("reader", reader)?, parse("writer", writer)?);
    trouble(&reader, &writer).map_or(Ok(()), Err)
}

/// All reasons why `reader` does not read what `writer` wrote, or would take it for something else; none if it reads it.
/// Two schemas of an event with different upcasts do not read each other.
#[must_use]
pub fn trouble(reader: &Document, writer: &Document) -> Option<String> {
    // What stands before an upcast is turned by a function that the schemas alone do not have, and what comes after one means
    // something else.
    if reader.upcasts() != writer.upcasts() {
        return Some("an upcast stands between the two".to_owned());
    }
    let broken = check(reader, writer);
    let mut problems: Vec<String> = broken.iter().map(ToString::to_string).collect();
    if problems.is_empty() {
        let changed = meaning::check(reader, writer);
        problems.extend(
            changed
                .into_iter()
                .map(|(place, problem)| format!("{place}: {problem}")),
        );
    }
    (!problems.is_empty()).then(|| problems.join("; "))
}
