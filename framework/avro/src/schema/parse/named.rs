//! Records, enums and fixed.

use serde_json::{Map, Value};

use super::{Parser, join, qualify};
use crate::schema::event::EventProperties;
use crate::schema::types::{
    EnumType, Field, FixedType, Kind, Logical, Named, Record, Schema, namespace, short_name,
};

impl Parser {
    /// The full name, the namespace for what is within, and the full names of the aliases.
    fn naming(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        place: &str,
    ) -> Option<(String, Vec<String>)> {
        let Some(name) = object.get("name").and_then(Value::as_str) else {
            self.wrong(place, "a record, enum or fixed needs a \"name\"");
            return None;
        };
        let space = object
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or(space);
        let full = qualify(name, space);
        if !full.split('.').all(is_name) {
            self.wrong(
                place,
                format!("`{full}` is not a name: letters, digits and _, not starting with a digit"),
            );
            return None;
        }
        let aliases = match self.texts(object, "aliases", place) {
            Some(aliases) => aliases
                .iter()
                .map(|alias| qualify(alias, namespace(&full)))
                .collect(),
            None => Vec::new(),
        };
        Some((full, aliases))
    }

    fn texts(
        &mut self,
        object: &Map<String, Value>,
        property: &str,
        place: &str,
    ) -> Option<Vec<String>> {
        let texts = match object.get(property)? {
            Value::Array(texts) => texts
                .iter()
                .map(|text| text.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        if texts.is_none() {
            self.wrong(place, format!("\"{property}\" is a list of names"));
        }
        texts
    }

    fn define(&mut self, named: Named, place: &str) -> Schema {
        let name = named.name().to_owned();
        let logical = match &named {
            Named::Fixed(fixed) => fixed.logical,
            _ => Logical::None,
        };
        if Kind::of_primitive(&name).is_some() {
            return self.wrong(
                place,
                format!("`{name}` is the name of a type of Avro's own"),
            );
        }
        if self.types.insert(name.clone(), named).is_some() {
            return self.wrong(
                place,
                format!("`{name}` is defined twice; refer to the first definition by its name"),
            );
        }
        Schema {
            kind: Kind::Named(name),
            logical,
            newtype: None,
        }
    }

    pub(super) fn record(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        place: &str,
    ) -> Schema {
        let Some((name, aliases)) = self.naming(object, space, place) else {
            return Schema::plain(Kind::Null);
        };
        let place = &*if place.is_empty() {
            short_name(&name).to_owned()
        } else {
            place.to_owned()
        };
        let Some(Value::Array(list)) = object.get("fields") else {
            return self.wrong(place, "a record needs \"fields\", a list");
        };
        let mut fields: Vec<Field> = Vec::new();
        for (index, field) in list.iter().enumerate() {
            let Some((field_name, field)) = field
                .as_object()
                .and_then(|object| Some((object.get("name")?.as_str()?, object)))
            else {
                self.wrong(
                    &join(place, &format!("fields[{index}]")),
                    "a field needs a \"name\"",
                );
                continue;
            };
            let field_place = join(place, field_name);
            if !is_name(field_name) {
                self.wrong(
                    &field_place,
                    "not a name: letters, digits and _, not starting with a digit",
                );
            }
            if fields.iter().any(|other| other.name == field_name) {
                self.wrong(&field_place, "the record has two fields of this name");
            }
            fields.push(self.field(field, field_name, namespace(&name), &field_place));
        }
        let event = EventProperties::parse(object).unwrap_or_else(|problem| {
            self.wrong(place, problem);
            None
        });
        let record = Record {
            name,
            aliases,
            doc: text(object, "doc"),
            fields,
            event,
        };
        if let Some(event) = &record.event {
            for problem in event.check(&record) {
                self.wrong(place, problem);
            }
        }
        self.define(Named::Record(record), place)
    }

    fn field(&mut self, field: &Map<String, Value>, name: &str, space: &str, place: &str) -> Field {
        let mut schema = match field.get("type") {
            // Shorthand that is often seen: the logical type beside the type's name, in the field itself.
            Some(Value::String(_)) if field.contains_key("logicalType") => self.wrong(
                place,
                "\"logicalType\" stands in the field; it belongs into the type: \"type\": {\"type\": …, \"logicalType\": …}",
            ),
            Some(of) => self.schema(of, space, place),
            None => self.wrong(place, "a field needs a \"type\""),
        };
        match field.get("newtype") {
            None => {}
            Some(Value::String(newtype)) => put_newtype(&mut schema, newtype),
            Some(other) => {
                self.wrong(
                    place,
                    format!("\"newtype\" is the name of a Rust type, not {other}"),
                );
            }
        }
        let sensitive = match field.get("sensitive") {
            None => false,
            Some(Value::Bool(sensitive)) => *sensitive,
            Some(other) => {
                self.wrong(
                    place,
                    format!("\"sensitive\" is true or false, not {other}"),
                );
                true
            }
        };
        Field {
            name: name.to_owned(),
            aliases: self.texts(field, "aliases", place).unwrap_or_default(),
            doc: text(field, "doc"),
            schema,
            default: field.get("default").cloned(),
            sensitive,
        }
    }

    pub(super) fn enum_type(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        place: &str,
    ) -> Schema {
        let Some((name, aliases)) = self.naming(object, space, place) else {
            return Schema::plain(Kind::Null);
        };
        let Some(symbols) = self.texts(object, "symbols", place) else {
            return self.wrong(place, "an enum needs \"symbols\", a list of names");
        };
        for (index, symbol) in symbols.iter().enumerate() {
            if !is_name(symbol) {
                self.wrong(place, format!("the symbol `{symbol}` is not a name"));
            }
            if symbols[..index].contains(symbol) {
                self.wrong(place, format!("the symbol `{symbol}` stands there twice"));
            }
        }
        let default = text(object, "default");
        if let Some(symbol) = default.as_ref().filter(|symbol| !symbols.contains(symbol)) {
            self.wrong(
                place,
                format!("the default `{symbol}` is not one of the symbols"),
            );
        }
        self.define(
            Named::Enum(EnumType {
                name,
                aliases,
                doc: text(object, "doc"),
                symbols,
                default,
            }),
            place,
        )
    }

    pub(super) fn fixed(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        place: &str,
    ) -> Schema {
        let Some((name, aliases)) = self.naming(object, space, place) else {
            return Schema::plain(Kind::Null);
        };
        let Some(size) = object
            .get("size")
            .and_then(Value::as_u64)
            .and_then(|size| usize::try_from(size).ok())
        else {
            return self.wrong(place, "a fixed needs a \"size\" in bytes");
        };
        let logical = match object.get("logicalType").and_then(Value::as_str) {
            Some("decimal") => self.decimal(object, place),
            _ => Logical::None,
        };
        if let Logical::Decimal { precision, .. } = logical
            && !fixed_holds(size, precision)
        {
            return self.wrong(
                place,
                format!("a fixed of {size} byte(s) does not hold {precision} digits"),
            );
        }
        self.define(
            Named::Fixed(FixedType {
                name,
                aliases,
                doc: text(object, "doc"),
                size,
                logical,
            }),
            place,
        )
    }
}

/// Whether two's complement of `size` bytes holds every number of `precision` digits.
fn fixed_holds(size: usize, precision: u32) -> bool {
    size >= 16
        || 10u128
            .checked_pow(precision)
            .is_some_and(|limit| size > 0 && limit - 1 < 1u128 << (8 * size - 1))
}

/// A newtype on a field means what the field holds: the value in a nullable union, not the union.
fn put_newtype(schema: &mut Schema, newtype: &str) {
    match &mut schema.kind {
        Kind::Union(branches) => branches
            .iter_mut()
            .filter(|branch| branch.kind != Kind::Null)
            .for_each(|branch| put_newtype(branch, newtype)),
        _ => schema.newtype = Some(newtype.to_owned()),
    }
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn is_name(name: &str) -> bool {
    name.chars()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
