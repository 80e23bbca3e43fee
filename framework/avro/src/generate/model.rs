//! What the parts of the generator ask about the schemas: modules, paths, Rust types, sizes.

use std::collections::{BTreeMap, BTreeSet};

use super::upcasts::Olds;
use crate::schema::published::{Published, Version};
use crate::schema::{
    Kind, Logical, Named, Record, Schema, SchemaErrors, Tree, TreeEvent, Types, canonical,
};

/// A stream that gets an enum.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) topic: String,
    pub(super) name: String,
}

/// A newtype, by what is under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Under {
    String,
    Uuid,
    Int,
    Long,
}

pub(super) struct Model<'a> {
    pub(super) tree: &'a Tree,
    published: &'a Published,
    olds: &'a Olds,
    pub(super) streams: &'a [Stream],
    /// Newtypes, and the modules that use them.
    pub(super) ids: BTreeMap<String, (Under, BTreeSet<String>)>,
}

impl<'a> Model<'a> {
    /// Checks that everything gets a Rust name of its own.
    pub(super) fn new(
        tree: &'a Tree,
        published: &'a Published,
        olds: &'a Olds,
        streams: &'a [Stream],
    ) -> Result<Self, SchemaErrors> {
        let mut model = Self {
            tree,
            published,
            olds,
            streams,
            ids: BTreeMap::new(),
        };
        let mut errors = model.collect_ids();
        errors.extend(model.names());
        errors.extend(model.stream_errors());
        if errors.is_empty() {
            Ok(model)
        } else {
            Err(SchemaErrors(errors))
        }
    }

    /// All types: the working ones, and those of old versions that upcasts take.
    pub(super) fn types(&self) -> &'a Types {
        &self.olds.types
    }

    // Modules and what is in them.

    pub(super) fn modules(&self) -> BTreeSet<&'a str> {
        self.types()
            .keys()
            .map(|name| owner(name))
            .collect::<BTreeSet<_>>()
    }

    pub(super) fn types_of(&self, of: &str) -> impl Iterator<Item = &'a Named> {
        self.types()
            .values()
            .filter(move |named| owner(named.name()) == of)
    }

    pub(super) fn events(&self) -> impl Iterator<Item = TreeEvent<'a>> {
        self.tree.events()
    }

    pub(super) fn events_of(&self, of: &str) -> impl Iterator<Item = TreeEvent<'a>> {
        self.tree
            .events()
            .filter(move |event| owner(&event.record.name) == of)
    }

    pub(super) fn streams_of(&self, of: &str) -> impl Iterator<Item = &'a Stream> {
        self.streams.iter().filter(move |stream| {
            self.stream_events(stream)
                .next()
                .is_some_and(|event| owner(&event.record.name) == of)
        })
    }

    pub(super) fn stream_events(&self, stream: &Stream) -> impl Iterator<Item = TreeEvent<'a>> {
        self.tree
            .events()
            .filter(move |event| event.properties.topic == stream.topic)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (&str, Under)> {
        self.ids
            .iter()
            .map(|(name, (under, _))| (name.as_str(), *under))
    }

    pub(super) fn ids_of(&self, of: &str) -> Vec<&str> {
        self.ids
            .iter()
            .filter(|(_, (_, modules))| modules.contains(of))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    pub(super) fn published(&self, event: &str) -> &'a [Version] {
        self.published.of(event)
    }

    /// The record of a version that an upcast takes.
    pub(super) fn old(&self, event: &TreeEvent<'a>, version: &Version) -> Option<&'a Record> {
        self.olds.record(event, version)
    }

    // Types.

    /// The field of a record; events were checked to have the fields that they name.
    pub(super) fn field_schema(record: &'a Record, name: &str) -> Option<&'a Schema> {
        record
            .fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| &field.schema)
    }

    pub(super) fn key_type(&self, event: &TreeEvent<'a>) -> String {
        Self::field_schema(event.record, &event.properties.key).map_or_else(String::new, |schema| {
            self.rust(schema, owner(&event.record.name))
        })
    }

    /// The path of a named type, seen from a module.
    pub(super) fn path(name: &str, from: &str) -> String {
        if owner(name) == from {
            short(name).to_owned()
        } else {
            format!("super::{}::{}", owner(name), short(name))
        }
    }

    /// The Rust type of `schema`, seen from a module.
    pub(super) fn rust(&self, schema: &Schema, from: &str) -> String {
        if let Some(newtype) = &schema.newtype {
            return format!("super::{newtype}");
        }
        if let Some((_, inner)) = schema.nullable() {
            return format!("Option<{}>", self.rust(inner, from));
        }
        match (schema.logical, &schema.kind) {
            (Logical::Uuid, _) => "::kolo_avro::uuid::Uuid".to_owned(),
            (Logical::Date, _) => "avro::Date".to_owned(),
            (Logical::TimestampMillis, _) => "avro::TimestampMillis".to_owned(),
            (Logical::TimestampMicros, _) => "avro::TimestampMicros".to_owned(),
            (Logical::Decimal { precision, scale }, _) => {
                format!("avro::Decimal<{precision}, {scale}>")
            }
            // Other unions are refused when the schemas are loaded.
            (_, Kind::Null | Kind::Union(_)) => "()".to_owned(),
            (_, Kind::Boolean) => "bool".to_owned(),
            (_, Kind::Int) => "i32".to_owned(),
            (_, Kind::Long) => "i64".to_owned(),
            (_, Kind::Float) => "f32".to_owned(),
            (_, Kind::Double) => "f64".to_owned(),
            (_, Kind::Bytes) => "Vec<u8>".to_owned(),
            (_, Kind::String) => "String".to_owned(),
            (_, Kind::Array(items)) => format!("Vec<{}>", self.rust(items, from)),
            (_, Kind::Map(values)) => format!(
                "::std::collections::BTreeMap<String, {}>",
                self.rust(values, from)
            ),
            (_, Kind::Named(name)) => match self.types().get(name) {
                Some(Named::Fixed(fixed)) => format!("[u8; {}]", fixed.size),
                _ => Self::path(name, from),
            },
        }
    }

    /// Whether equality is total, which it is not for floating point numbers.
    pub(super) fn is_eq(&self, schema: &Schema) -> bool {
        match &schema.kind {
            Kind::Float | Kind::Double => false,
            Kind::Array(inner) | Kind::Map(inner) => self.is_eq(inner),
            Kind::Union(branches) => branches.iter().all(|branch| self.is_eq(branch)),
            Kind::Named(name) => match self.types().get(name) {
                Some(Named::Record(record)) => {
                    record.fields.iter().all(|field| self.is_eq(&field.schema))
                }
                _ => true,
            },
            _ => true,
        }
    }
}

/// Whether both schemas have the same bytes for the same value.
pub(super) fn same_wire(one: &Schema, types: &Types, other: &Schema, other_types: &Types) -> bool {
    canonical::form(one, types) == canonical::form(other, other_types)
}

/// The last part of a full name.
pub(super) fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The module of a type: the last part of its namespace.
pub(super) fn owner(name: &str) -> &str {
    name.rsplit('.').nth(1).unwrap_or_default()
}
