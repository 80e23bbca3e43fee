//! From JSON to types.

mod named;

use serde_json::{Map, Value};

use super::references::{check_defaults, check_references, settle_fixed};
use super::types::{Document, Kind, Logical, Schema, Types};
use super::{SchemaError, SchemaErrors, write};
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

    /// Parses a schema that names types of other texts, as versions of a registry do that refer to other subjects; each of
    /// the others may name types of others too. Of them all only what the schema is made of is kept.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and when two texts define a type of one name and not alike.
    pub fn parse_with<'t>(
        json: &'t str,
        others: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, SchemaErrors> {
        let mut parser = Parser::default();
        let mut root = None;
        for text in std::iter::once(json).chain(others) {
            let value: Value = serde_json::from_str(text)
                .map_err(|error| SchemaError::new("", format!("this is not JSON: {error}")))?;
            let mut one = Parser::default();
            let schema = one.schema(&value, "", "");
            root.get_or_insert(schema);
            parser.errors.append(&mut one.errors);
            for (name, named) in one.types {
                match parser.types.get(&name) {
                    Some(known) if *known != named => {
                        let problem = format!("two texts define `{name}`, and not alike");
                        parser.errors.push(SchemaError::new("", problem));
                    }
                    _ => drop(parser.types.insert(name, named)),
                }
            }
        }
        let root = root.unwrap_or(Schema::plain(Kind::Null));
        let whole = parser.finish(root)?;
        // Written and read again, it has no type that it does not name.
        Self::parse(&write::text(&whole.root, &whole.types))
    }

    /// [`parse`](Self::parse), of JSON that has been read already.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_json(value: &Value) -> Result<Self, SchemaErrors> {
        let mut parser = Parser::default();
        let root = parser.schema(value, "", "");
        parser.finish(root)
    }
}

/// Collects the named types of one text, and what is wrong with it.
#[derive(Default)]
pub(in crate::schema) struct Parser {
    pub(in crate::schema) types: Types,
    pub(in crate::schema) errors: Vec<SchemaError>,
}

impl Parser {
    /// The schema `root` with all types that were read, if nothing is wrong with them.
    fn finish(mut self, mut root: Schema) -> Result<Document, SchemaErrors> {
        settle_fixed(&mut self.types, Some(&mut root));
        self.errors
            .extend(check_references(&self.types, Some(&root), &self.types));
        if self.errors.is_empty() {
            self.errors.extend(check_defaults(&self.types, &self.types));
        }
        if self.errors.is_empty() {
            Ok(Document {
                root,
                types: self.types,
            })
        } else {
            Err(SchemaErrors(self.errors))
        }
    }

    pub(super) fn wrong(&mut self, place: &str, problem: impl Into<String>) -> Schema {
        self.errors.push(SchemaError::new(place, problem));
        Schema::plain(Kind::Null)
    }

    pub(in crate::schema) fn schema(&mut self, value: &Value, space: &str, place: &str) -> Schema {
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

    pub(super) fn decimal(&mut self, object: &Map<String, Value>, place: &str) -> Logical {
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
}

fn reference(name: &str, space: &str) -> Kind {
    Kind::of_primitive(name).unwrap_or_else(|| Kind::Named(qualify(name, space)))
}

pub(super) fn qualify(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() {
        name.to_owned()
    } else {
        format!("{space}.{name}")
    }
}

pub(in crate::schema) fn join(place: &str, part: &str) -> String {
    if place.is_empty() {
        part.to_owned()
    } else {
        format!("{place}.{part}")
    }
}
