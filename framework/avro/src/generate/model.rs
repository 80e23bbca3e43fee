//! What the parts of the generator ask about the schemas: modules, paths, Rust types, sizes.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use crate::schema::published::{Published, Version};
use crate::schema::{
    Kind, Logical, Named, Record, Schema, SchemaError, SchemaErrors, Tree, TreeEvent, Types,
    canonical,
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
    tree: &'a Tree,
    published: &'a Published,
    streams: &'a [Stream],
    /// Newtypes, and the modules that use them.
    ids: BTreeMap<String, (Under, BTreeSet<String>)>,
}

impl<'a> Model<'a> {
    /// Checks that everything gets a Rust name of its own.
    pub(super) fn new(
        tree: &'a Tree,
        published: &'a Published,
        streams: &'a [Stream],
    ) -> Result<Self, SchemaErrors> {
        let mut model = Self {
            tree,
            published,
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

    pub(super) fn types(&self) -> &'a Types {
        self.tree.types()
    }

    fn error(&self, named: &Named, place: &str, problem: String) -> SchemaError {
        let error = SchemaError::new(place, problem);
        match self.tree.file(named.name()) {
            Some(file) => error.with_file(file),
            None => error,
        }
    }

    fn collect_ids(&mut self) -> Vec<SchemaError> {
        let mut errors = Vec::new();
        for named in self.types().values() {
            let Named::Record(record) = named else {
                continue;
            };
            for field in &record.fields {
                let place = format!("{}.{}", short(&record.name), field.name);
                let mut found = Vec::new();
                newtypes(&field.schema, &mut found);
                for (name, schema) in found {
                    match self.add_id(name, schema, &module(&record.name)) {
                        Ok(()) => {}
                        Err(problem) => errors.push(self.error(named, &place, problem)),
                    }
                }
            }
        }
        errors
    }

    fn add_id(&mut self, name: &str, schema: &Schema, module: &str) -> Result<(), String> {
        let under = match (&schema.kind, schema.logical) {
            (Kind::String, Logical::None) => Under::String,
            (Kind::String, Logical::Uuid) => Under::Uuid,
            (Kind::Int, Logical::None) => Under::Int,
            (Kind::Long, Logical::None) => Under::Long,
            _ => {
                return Err(format!(
                    "the newtype `{name}` is over {}; newtypes are over string, uuid, int or long",
                    schema.describe()
                ));
            }
        };
        if !names::is_type_name(name) {
            return Err(format!(
                "the newtype `{name}` is not the name of a Rust type, as in `OrderId`"
            ));
        }
        let (known, modules) = self
            .ids
            .entry(name.to_owned())
            .or_insert_with(|| (under, BTreeSet::new()));
        if *known != under {
            return Err(format!(
                "the newtype `{name}` is over {} here and over another type elsewhere; give one of them another name",
                schema.describe()
            ));
        }
        modules.insert(module.to_owned());
        Ok(())
    }

    fn names(&self) -> Vec<SchemaError> {
        let mut errors = Vec::new();
        let mut spaces: BTreeMap<String, &str> = BTreeMap::new();
        for named in self.types().values() {
            let (space, name) = named.name().rsplit_once('.').unwrap_or(("", named.name()));
            if space.is_empty() {
                errors.push(self.error(
                    named,
                    name,
                    "give it a namespace; its last part is the owner's module".to_owned(),
                ));
            }
            let first = *spaces.entry(module(named.name())).or_insert(space);
            if first != space {
                let problem = format!(
                    "the namespaces `{first}` and `{space}` would share the module `{}`",
                    module(named.name())
                );
                errors.push(self.error(named, name, problem));
            }
            if !names::is_type_name(name) {
                errors.push(self.error(
                    named,
                    name,
                    format!("`{name}` is not the name of a Rust type, as in `OrderCreated`"),
                ));
            }
            if self.ids.contains_key(name) {
                errors.push(self.error(named, name, format!("a newtype is called `{name}` too")));
            }
            let (what, rust): (_, Vec<String>) = match named {
                Named::Record(record) => (
                    "fields",
                    record
                        .fields
                        .iter()
                        .map(|field| names::field(&field.name))
                        .collect(),
                ),
                Named::Enum(of) => (
                    "symbols",
                    of.symbols
                        .iter()
                        .map(|symbol| names::variant(symbol))
                        .collect(),
                ),
                Named::Fixed(_) => ("", Vec::new()),
            };
            for (index, one) in rust.iter().enumerate() {
                if rust[..index].contains(one) {
                    errors.push(self.error(
                        named,
                        name,
                        format!("two {what} would be called `{one}` in Rust"),
                    ));
                }
            }
            if rust.is_empty() && what == "symbols" {
                errors.push(self.error(
                    named,
                    name,
                    "an enum without symbols has no values".to_owned(),
                ));
            }
        }
        errors
    }

    fn stream_errors(&self) -> Vec<SchemaError> {
        let mut errors = Vec::new();
        for stream in self.streams {
            let events: Vec<TreeEvent<'_>> = self.stream_events(stream).collect();
            let Some(first) = events.first() else {
                let topics: BTreeSet<&str> = self
                    .tree
                    .events()
                    .map(|event| event.properties.topic.as_str())
                    .collect();
                let topics: Vec<&str> = topics.into_iter().collect();
                let problem = format!(
                    "no event has the topic `{}`; topics are: {}",
                    stream.topic,
                    topics.join(", ")
                );
                errors.push(SchemaError::new(format!("stream {}", stream.name), problem));
                continue;
            };
            if !names::is_type_name(&stream.name) {
                errors.push(SchemaError::new(
                    format!("stream {}", stream.name),
                    "not the name of a Rust type",
                ));
            }
            for event in &events[1..] {
                let (one, other) = (&first.record.name, &event.record.name);
                if module(one) != module(other) {
                    let problem = format!(
                        "`{one}` and `{other}` share the topic `{}`, but a stream has one owner",
                        stream.topic
                    );
                    errors.push(SchemaError::in_file(event.file, short(other), problem));
                }
                if self.key_type(first) != self.key_type(event) {
                    let problem = format!(
                        "its key is {}, that of `{one}` is {}; all events of a stream have the same key type",
                        self.key_type(event),
                        self.key_type(first)
                    );
                    errors.push(SchemaError::in_file(event.file, short(other), problem));
                }
            }
            let name = format!(
                "{}.{}",
                first
                    .record
                    .name
                    .rsplit_once('.')
                    .map_or("", |(space, _)| space),
                stream.name
            );
            if self.types().contains_key(&name) || self.ids.contains_key(&stream.name) {
                errors.push(SchemaError::new(
                    format!("stream {}", stream.name),
                    "a type of this name exists; choose another",
                ));
            }
        }
        errors
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

fn newtypes<'s>(schema: &'s Schema, found: &mut Vec<(&'s str, &'s Schema)>) {
    if let Some(name) = &schema.newtype {
        found.push((name, schema));
    }
    match &schema.kind {
        Kind::Array(inner) | Kind::Map(inner) => newtypes(inner, found),
        Kind::Union(branches) => branches.iter().for_each(|branch| newtypes(branch, found)),
        _ => {}
    }
}

/// The last part of a full name.
pub(super) fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The module of a type: the last part of its namespace.
pub(super) fn owner(name: &str) -> &str {
    name.rsplit('.').nth(1).unwrap_or_default()
}

fn module(name: &str) -> String {
    owner(name).to_owned()
}
