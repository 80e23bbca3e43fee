//! Logical types: pairs that Java calls compatible, since their bytes can be read, although they mean something else or
//! may not be a value of the reader's type at all.

use std::collections::HashSet;

use crate::schema::{Document, Kind, Logical, Named, Schema, Types};

/// What reading `writer` as `reader` would do to the meaning, with the place; empty if nothing.
///
/// Expects a pair that [`check`](super::check) found compatible.
#[must_use]
pub fn check(reader: &Document, writer: &Document) -> Vec<(String, String)> {
    let mut checker = Checker {
        types: (&reader.types, &writer.types),
        sound: HashSet::new(),
        open: Vec::new(),
        found: Vec::new(),
    };
    checker.pair(&reader.root, &writer.root, "");
    checker.found
}

/// So many are told; a type that is named in many places has the same to tell in each.
const TOLD: usize = 1000;

struct Checker<'a> {
    types: (&'a Types, &'a Types),
    /// Pairs of records in which nothing was found: they need not be looked at again.
    sound: HashSet<(&'a str, &'a str)>,
    /// Those that are being looked at.
    open: Vec<(&'a str, &'a str)>,
    found: Vec<(String, String)>,
}

impl<'a> Checker<'a> {
    fn pair(&mut self, reader: &'a Schema, writer: &'a Schema, place: &str) {
        if self.found.len() >= TOLD {
            return;
        }
        if let Some(problem) = problem(reader, writer) {
            self.found.push((place.to_owned(), problem));
        }
        match (&reader.kind, &writer.kind) {
            (Kind::Union(_), _) | (_, Kind::Union(_)) => {
                let inner = |schema| Schema::nullable(schema).map_or(schema, |(_, inner)| inner);
                let (reader, writer) = (inner(reader), inner(writer));
                if !matches!(
                    (&reader.kind, &writer.kind),
                    (Kind::Union(_), _) | (_, Kind::Union(_))
                ) {
                    self.pair(reader, writer, place);
                }
            }
            (Kind::Array(reader), Kind::Array(writer)) | (Kind::Map(reader), Kind::Map(writer)) => {
                self.pair(reader, writer, place);
            }
            (Kind::Named(r), Kind::Named(w)) => {
                let (Some(Named::Record(r)), Some(Named::Record(w))) =
                    (self.types.0.get(r), self.types.1.get(w))
                else {
                    return;
                };
                let names = (r.name.as_str(), w.name.as_str());
                if self.sound.contains(&names) || self.open.contains(&names) {
                    return;
                }
                self.open.push(names);
                let before = self.found.len();
                let place = if place.is_empty() {
                    r.name.rsplit('.').next().unwrap_or_default()
                } else {
                    place
                };
                for field in &r.fields {
                    if let Some(written) =
                        w.fields.iter().find(|written| written.name == field.name)
                    {
                        let place = format!("{place}.{}", field.name);
                        self.pair(&field.schema, &written.schema, &place);
                    }
                }
                self.open.pop();
                if self.found.len() == before {
                    self.sound.insert(names);
                }
            }
            _ => {}
        }
    }
}

fn problem(reader: &Schema, writer: &Schema) -> Option<String> {
    use Logical::{Date, Decimal, None as Plain, TimestampMicros, TimestampMillis, Uuid};
    let (r, w) = (reader.describe(), writer.describe());
    let why = match (reader.logical, writer.logical) {
        (TimestampMillis, TimestampMicros) | (TimestampMicros, TimestampMillis) => {
            "the same number would be another time"
        }
        (TimestampMillis | TimestampMicros, Date) => "days would be taken for a part of a second",
        (Decimal { scale, .. }, Decimal { scale: other, .. }) if scale != other => {
            "the same number would have its point elsewhere"
        }
        (
            Decimal { precision, .. },
            Decimal {
                precision: other, ..
            },
        ) if precision < other => "old numbers may have more digits",
        (Decimal { .. }, Plain) => "old bytes may be no such number",
        (Uuid, Plain) => "old texts may be no uuid",
        (_, Decimal { .. }) if reader.kind == Kind::String => "the bytes of a number are no text",
        _ => return None,
    };
    Some(format!(
        "the writer's {w} cannot be read as {r}: {why}; add a field with a default instead"
    ))
}
