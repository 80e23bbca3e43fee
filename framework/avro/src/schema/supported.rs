//! What Avro allows and events do not, each with its reason.

use super::SchemaError;
use super::parse::join;
use super::types::{Kind, Named, Schema, Types, short_name};

/// Refuses what cannot be generated: aliases, recursion, unions other than nullable ones.
pub(super) fn check(types: &Types) -> Vec<SchemaError> {
    let mut errors = Vec::new();
    for named in types.values() {
        let name = short_name(named.name());
        if !named.aliases().is_empty() {
            errors.push(aliases(name.to_owned()));
        }
        let Named::Record(record) = named else {
            continue;
        };
        for field in &record.fields {
            let place = join(name, &field.name);
            if !field.aliases.is_empty() {
                errors.push(aliases(place.clone()));
            }
            unions(&field.schema, &place, &mut errors);
            if reaches(&field.schema, &record.name, types, &mut Vec::new()) {
                errors.push(SchemaError::new(
                    place,
                    format!("`{}` contains itself; an event is a flat fact, and bytes that nest without end are an attack: put the parts into an array", record.name),
                ));
            }
        }
    }
    errors
}

fn aliases(place: String) -> SchemaError {
    SchemaError::new(
        place,
        "aliases are read differently by Java, Python and Rust, so they are refused: keep the old name, or add a field with a default",
    )
}

fn unions(schema: &Schema, place: &str, errors: &mut Vec<SchemaError>) {
    match &schema.kind {
        Kind::Array(items) => unions(items, place, errors),
        Kind::Map(values) => unions(values, place, errors),
        Kind::Union(_) => match schema.nullable() {
            Some((_, other)) => unions(other, place, errors),
            None => errors.push(SchemaError::new(
                place,
                format!(
                    "{} is not a union of null and one other type; write an event for each case, or a record with nullable fields",
                    schema.describe()
                ),
            )),
        },
        _ => {}
    }
}

/// Whether `schema` leads to the record `target`.
fn reaches(schema: &Schema, target: &str, types: &Types, seen: &mut Vec<String>) -> bool {
    match &schema.kind {
        Kind::Array(inner) | Kind::Map(inner) => reaches(inner, target, types, seen),
        Kind::Union(branches) => branches
            .iter()
            .any(|branch| reaches(branch, target, types, seen)),
        Kind::Named(name) => {
            if name == target {
                return true;
            }
            if seen.contains(name) {
                return false;
            }
            seen.push(name.clone());
            match types.get(name) {
                Some(Named::Record(record)) => record
                    .fields
                    .iter()
                    .any(|field| reaches(&field.schema, target, types, seen)),
                _ => false,
            }
        }
        _ => false,
    }
}
