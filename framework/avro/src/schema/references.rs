//! What can be told only when all types are known: references, and the defaults that depend on them.

use std::collections::BTreeMap;

use super::SchemaError;
use super::defaults;
use super::parse::join;
use super::types::{Kind, Logical, Named, Schema, Types, short_name};

/// Copies the logical type of a `fixed`, which stands in its definition, to all that refer to it.
pub(super) fn settle_fixed(types: &mut Types, root: Option<&mut Schema>) {
    fn walk(schema: &mut Schema, fixed: &BTreeMap<String, Logical>) {
        match &mut schema.kind {
            Kind::Array(inner) | Kind::Map(inner) => walk(inner, fixed),
            Kind::Union(branches) => branches.iter_mut().for_each(|branch| walk(branch, fixed)),
            Kind::Named(name) => {
                if let Some(logical) = fixed.get(name) {
                    schema.logical = *logical;
                }
            }
            _ => {}
        }
    }
    let fixed: BTreeMap<String, Logical> = types
        .values()
        .filter_map(|named| match named {
            Named::Fixed(fixed) => Some((fixed.name.clone(), fixed.logical)),
            _ => None,
        })
        .collect();
    if let Some(root) = root {
        walk(root, &fixed);
    }
    for named in types.values_mut() {
        if let Named::Record(record) = named {
            record
                .fields
                .iter_mut()
                .for_each(|field| walk(&mut field.schema, &fixed));
        }
    }
}

/// References of `types` (and `root`) that lead nowhere.
pub(super) fn check_references(
    types: &Types,
    root: Option<&Schema>,
    all: &Types,
) -> Vec<SchemaError> {
    fn walk(schema: &Schema, place: &str, all: &Types, errors: &mut Vec<SchemaError>) {
        match &schema.kind {
            Kind::Array(items) => walk(items, &join(place, "items"), all, errors),
            Kind::Map(values) => walk(values, &join(place, "values"), all, errors),
            Kind::Union(branches) => branches
                .iter()
                .for_each(|branch| walk(branch, place, all, errors)),
            Kind::Named(name) if !all.contains_key(name) => {
                let short = short_name(name);
                let alike: Vec<&str> = all
                    .keys()
                    .map(String::as_str)
                    .filter(|known| short_name(known) == short)
                    .collect();
                let hint = if alike.is_empty() {
                    "define it, or correct the name".to_owned()
                } else {
                    format!("did you mean {}?", alike.join(" or "))
                };
                errors.push(SchemaError::new(
                    place,
                    format!("there is no type `{name}`; {hint}"),
                ));
            }
            _ => {}
        }
    }
    let mut errors = Vec::new();
    if let Some(root) = root {
        walk(root, "", all, &mut errors);
    }
    for named in types.values() {
        if let Named::Record(record) = named {
            for field in &record.fields {
                let place = join(short_name(&record.name), &field.name);
                walk(&field.schema, &place, all, &mut errors);
            }
        }
    }
    errors
}

/// Defaults that are not a value of their field's type.
pub(super) fn check_defaults(types: &Types, all: &Types) -> Vec<SchemaError> {
    let mut errors = Vec::new();
    for named in types.values() {
        let Named::Record(record) = named else {
            continue;
        };
        for field in &record.fields {
            let Some(default) = &field.default else {
                continue;
            };
            if let Err(problem) = defaults::check(default, &field.schema, all) {
                let place = join(short_name(&record.name), &field.name);
                errors.push(SchemaError::new(place, problem));
            }
        }
    }
    errors
}
