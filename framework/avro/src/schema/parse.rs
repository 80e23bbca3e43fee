//! From JSON to types.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::event::EventProperties;
use super::types::{
    Document, EnumType, Field, FixedType, Kind, Logical, Named, Record, Schema, Types, namespace,
};
use super::{SchemaError, SchemaErrors, check_default};
use crate::codec::MAX_PRECISION;

impl Document {
    /// Parses a self-contained schema: every type that it names is defined in it.
    ///
    /// # Errors
    /// Everything in it that is not Avro, with its place.
    pub fn parse(json: &str) -> Result<Self, SchemaErrors> {
        let value: Value = serde_json::from_str(json)
            .map_err(|error| SchemaError::new("", format!("this is not JSON: {error}")))?;
        Self::from_json(&value)
    }

    /// [`parse`](Self::parse), of JSON that has been read already.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_json(value: &Value) -> Result<Self, SchemaErrors> {
        let mut parser = Parser::default();
        let mut root = parser.schema(value, "", "");
        settle_fixed(&mut parser.types, Some(&mut root));
        parser
            .errors
            .extend(check_references(&parser.types, Some(&root), &parser.types));
        if parser.errors.is_empty() {
            parser
                .errors
                .extend(check_defaults(&parser.types, &parser.types));
        }
        if parser.errors.is_empty() {
            Ok(Self {
                root,
                types: parser.types,
            })
        } else {
            Err(SchemaErrors(parser.errors))
        }
    }
}

/// Collects the named types of one text, and what is wrong with it.
#[derive(Default)]
pub(super) struct Parser {
    pub(super) types: Types,
    pub(super) errors: Vec<SchemaError>,
}

impl Parser {
    fn wrong(&mut self, place: &str, problem: impl Into<String>) -> Schema {
        self.errors.push(SchemaError::new(place, problem));
        Schema::plain(Kind::Null)
    }

    pub(super) fn schema(&mut self, value: &Value, space: &str, place: &str) -> Schema {
        match value {
            Value::String(name) => Schema::plain(reference(name, space)),
            Value::Array(branches) => self.union(branches, space, place),
            Value::Object(object) => self.object(object, space, place),
            other => self.wrong(
                place,
                format!("a type is a name, an object or a list of types, not {other}"),
            ),
        }
    }

    fn union(&mut self, branches: &[Value], space: &str, place: &str) -> Schema {
        let branches: Vec<Schema> = branches
            .iter()
            .enumerate()
            .map(|(index, branch)| self.schema(branch, space, &join(place, &index.to_string())))
            .collect();
        let mut seen = Vec::new();
        for branch in &branches {
            let name = match &branch.kind {
                Kind::Union(_) => {
                    return self.wrong(
                        place,
                        "a union directly within a union; list all types in one",
                    );
                }
                Kind::Array(_) => "array".to_owned(),
                Kind::Map(_) => "map".to_owned(),
                kind => kind.describe(),
            };
            if seen.contains(&name) {
                return self.wrong(place, format!("the union names {name} twice"));
            }
            seen.push(name);
        }
        Schema::plain(Kind::Union(branches))
    }

    fn object(&mut self, object: &Map<String, Value>, space: &str, place: &str) -> Schema {
        let newtype = match object.get("newtype") {
            None => None,
            Some(Value::String(name)) => Some(name.clone()),
            Some(other) => {
                return self.wrong(
                    place,
                    format!("\"newtype\" is the name of a Rust type, not {other}"),
                );
            }
        };
        let mut schema = match object.get("type") {
            Some(Value::String(name)) => match name.as_str() {
                "record" | "error" => self.record(object, space, place),
                "enum" => self.enum_type(object, space, place),
                "fixed" => self.fixed(object, space, place),
                "array" => match object.get("items") {
                    Some(items) => {
                        let items = self.schema(items, space, &join(place, "items"));
                        Schema::plain(Kind::Array(Box::new(items)))
                    }
                    None => self.wrong(place, "an array needs \"items\""),
                },
                "map" => match object.get("values") {
                    Some(values) => {
                        let values = self.schema(values, space, &join(place, "values"));
                        Schema::plain(Kind::Map(Box::new(values)))
                    }
                    None => self.wrong(place, "a map needs \"values\""),
                },
                name => {
                    let kind = reference(name, space);
                    let logical = self.logical(object, &kind, place);
                    Schema {
                        kind,
                        logical,
                        newtype: None,
                    }
                }
            },
            Some(nested) => self.schema(nested, space, place),
            None => self.wrong(place, "a type needs \"type\""),
        };
        if newtype.is_some() {
            schema.newtype = newtype;
        }
        schema
    }

    fn logical(&mut self, object: &Map<String, Value>, kind: &Kind, place: &str) -> Logical {
        let Some(name) = object.get("logicalType").and_then(Value::as_str) else {
            return Logical::None;
        };
        match (name, kind) {
            ("uuid", Kind::String) => Logical::Uuid,
            ("date", Kind::Int) => Logical::Date,
            ("timestamp-millis", Kind::Long) => Logical::TimestampMillis,
            ("timestamp-micros", Kind::Long) => Logical::TimestampMicros,
            ("decimal", Kind::Bytes) => self.decimal(object, place),
            ("uuid" | "date" | "timestamp-millis" | "timestamp-micros" | "decimal", _) => {
                self.wrong(
                    place,
                    format!(
                        "the logical type {name} does not go with {}",
                        kind.describe()
                    ),
                );
                Logical::None
            }
            // Avro: a logical type that a reader does not know is read as the type under it.
            _ => Logical::None,
        }
    }

    fn decimal(&mut self, object: &Map<String, Value>, place: &str) -> Logical {
        let number = |name: &str| {
            object
                .get(name)
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok())
        };
        let scale = if object.contains_key("scale") {
            number("scale")
        } else {
            Some(0)
        };
        match (number("precision"), scale) {
            (Some(precision), Some(scale))
                if (1..=MAX_PRECISION).contains(&precision) && scale <= precision =>
            {
                Logical::Decimal { precision, scale }
            }
            _ => {
                self.wrong(
                    place,
                    format!("a decimal needs a \"precision\" from 1 to {MAX_PRECISION} and a \"scale\" not above it"),
                );
                Logical::None
            }
        }
    }

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

    fn record(&mut self, object: &Map<String, Value>, space: &str, place: &str) -> Schema {
        let Some((name, aliases)) = self.naming(object, space, place) else {
            return Schema::plain(Kind::Null);
        };
        let place = &*if place.is_empty() {
            super::types::short_name(&name).to_owned()
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
        Field {
            name: name.to_owned(),
            aliases: self.texts(field, "aliases", place).unwrap_or_default(),
            doc: text(field, "doc"),
            schema,
            default: field.get("default").cloned(),
        }
    }

    fn enum_type(&mut self, object: &Map<String, Value>, space: &str, place: &str) -> Schema {
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

    fn fixed(&mut self, object: &Map<String, Value>, space: &str, place: &str) -> Schema {
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

fn reference(name: &str, space: &str) -> Kind {
    Kind::of_primitive(name).unwrap_or_else(|| Kind::Named(qualify(name, space)))
}

fn qualify(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() {
        name.to_owned()
    } else {
        format!("{space}.{name}")
    }
}

fn is_name(name: &str) -> bool {
    name.chars()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn join(place: &str, part: &str) -> String {
    if place.is_empty() {
        part.to_owned()
    } else {
        format!("{place}.{part}")
    }
}

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
                let short = super::types::short_name(name);
                let alike: Vec<&str> = all
                    .keys()
                    .map(String::as_str)
                    .filter(|known| super::types::short_name(known) == short)
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
                let place = join(super::types::short_name(&record.name), &field.name);
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
            if let Err(problem) = check_default(default, &field.schema, all) {
                let place = join(super::types::short_name(&record.name), &field.name);
                errors.push(SchemaError::new(place, problem));
            }
        }
    }
    errors
}
