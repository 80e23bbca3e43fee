//! Logical types: pairs that Java calls compatible, since their bytes can be read, although they mean something else or
//! may not be a value of the reader's type at all.

use crate::schema::{Document, Kind, Logical, Named, Schema, Types};

/// What reading `writer` as `reader` would do to the meaning, with the place; empty if nothing.
///
/// Expects a pair that [`check`](super::check) found compatible.
#[must_use]
pub fn check(reader: &Document, writer: &Document) -> Vec<(String, String)> {
    let mut found = Vec::new();
    pair(
        &reader.root,
        &writer.root,
        (&reader.types, &writer.types),
        "",
        &mut found,
    );
    found
}

fn pair(
    reader: &Schema,
    writer: &Schema,
    types: (&Types, &Types),
    place: &str,
    found: &mut Vec<(String, String)>,
) {
    if let Some(problem) = problem(reader, writer) {
        found.push((place.to_owned(), problem));
    }
    match (&reader.kind, &writer.kind) {
        (Kind::Union(_), _) | (_, Kind::Union(_)) => {
            let inner = |schema| Schema::nullable(schema).map_or(schema, |(_, inner)| inner);
            let (reader, writer) = (inner(reader), inner(writer));
            if !matches!(
                (&reader.kind, &writer.kind),
                (Kind::Union(_), _) | (_, Kind::Union(_))
            ) {
                pair(reader, writer, types, place, found);
            }
        }
        (Kind::Array(reader), Kind::Array(writer)) | (Kind::Map(reader), Kind::Map(writer)) => {
            pair(reader, writer, types, place, found);
        }
        (Kind::Named(r), Kind::Named(w)) => {
            let (Some(Named::Record(r)), Some(Named::Record(w))) = (types.0.get(r), types.1.get(w))
            else {
                return;
            };
            let place = if place.is_empty() {
                r.name.rsplit('.').next().unwrap_or_default()
            } else {
                place
            };
            for field in &r.fields {
                if let Some(written) = w.fields.iter().find(|written| written.name == field.name) {
                    pair(
                        &field.schema,
                        &written.schema,
                        types,
                        &format!("{place}.{}", field.name),
                        found,
                    );
                }
            }
        }
        _ => {}
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
