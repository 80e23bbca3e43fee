//! Schemas as a registry sees them: texts that have to be legal, and that are one schema in whatever way they are spelt.

mod tree;
mod write;

use kolo_avro::schema::Document;

use self::tree::Type;
use self::write::{Style, Writer};

/// A text that is Avro.
#[derive(Debug)]
pub(crate) struct Legal {
    /// As Java writes it: what is stored, given out and compared.
    pub(crate) text: String,
    /// What `kolo_avro` makes of it, or why it can make nothing of it although it is legal.
    pub(crate) document: Result<Document, String>,
}

/// Reads a schema; `others` are the texts of those that it refers to.
///
/// # Errors
/// Why it is no legal Avro.
pub(crate) fn read(text: &str, others: &[String]) -> Result<Legal, String> {
    let (schema, others) = parse(text, others)?;
    let written = |style| Writer::new(style, &schema, &others)?.write(&schema);
    let reduced = written(Style::Reduced)?;
    let document = Document::parse(&reduced).map_err(|errors| errors.to_string());
    if let Err(problem) = &document {
        // Java takes a few things that kolo does not; a registry takes what any Avro takes.
        apache_avro::Schema::parse_str(&reduced).map_err(|_| problem.clone())?;
    }
    Ok(Legal {
        text: written(Style::Java)?,
        document,
    })
}

/// A schema in one text, with everything that it refers to.
///
/// # Errors
/// Why it is no Avro.
pub(crate) fn resolved(text: &str, others: &[String]) -> Result<String, String> {
    let (schema, others) = parse(text, others)?;
    Writer::new(Style::Resolved, &schema, &others)?.write(&schema)
}

fn parse(text: &str, others: &[String]) -> Result<(Type, Vec<Type>), String> {
    let schema = Type::parse(text)?;
    let others = others
        .iter()
        .map(|other| {
            Type::parse(other).map_err(|problem| format!("a referenced schema: {problem}"))
        })
        .collect::<Result<_, _>>()?;
    Ok((schema, others))
}

#[cfg(test)]
mod tests;
