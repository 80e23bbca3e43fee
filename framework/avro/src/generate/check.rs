//! Whether everything gets a Rust name of its own, and every stream makes an enum.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Model, Under, owner, short};
use super::names;
use crate::schema::{Kind, Logical, Named, Schema, SchemaError, TreeEvent};

impl Model<'_> {
    fn error(&self, named: &Named, place: &str, problem: String) -> SchemaError {
        let error = SchemaError::new(place, problem);
        match self.tree.file(named.name()) {
            Some(file) => error.with_file(file),
            None => error,
        }
    }

    pub(super) fn collect_ids(&mut self) -> Vec<SchemaError> {
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

    pub(super) fn names(&self) -> Vec<SchemaError> {
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
            let part = owner(named.name());
            if names::field(part) != part || matches!(part, "ids" | "wire" | "golden_samples") {
                errors.push(self.error(
                    named,
                    name,
                    format!("the namespace's last part, `{part}`, cannot be the name of a module: write another, in lower case"),
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

    pub(super) fn stream_errors(&self) -> Vec<SchemaError> {
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

fn module(name: &str) -> String {
    owner(name).to_owned()
}
