//! Upcasts: a type for the last version of each older era, and the way from there to the type in use.
//!
//! The types of version 2 of `shop.order.OrderCreated` stand in the module `order_created_v2`, as if they were of a namespace
//! `shop.order_created_v2`: so that everything else here makes them as it makes any other type. A type that is still the
//! working one, up to documentation, is that one.

use std::collections::BTreeMap;

use super::code::Code;
use super::model::{Model, owner, short};
use super::names;
use crate::schema::published::{Published, Version};
use crate::schema::{
    Document, Field, Kind, Named, Record, Schema, SchemaError, SchemaErrors, Tree, TreeEvent,
    Types, write,
};
use crate::versions::eras::{Era, eras, problems};

/// The types of old versions that upcasts take, beside the working ones.
pub(super) struct Olds {
    /// All types: the working ones, and those of old versions under their new names.
    pub(super) types: Types,
    /// The new name of an old version's record, by event and version.
    records: BTreeMap<(String, u32), String>,
}

impl Olds {
    pub(super) fn new(tree: &Tree, published: &Published) -> Result<Self, SchemaErrors> {
        let mut olds = Self {
            types: tree.types().clone(),
            records: BTreeMap::new(),
        };
        let mut errors = Vec::new();
        let newtypes = newtypes_of(tree.types());
        for event in tree.events() {
            let versions = published.of(&event.record.name);
            let wrong = problems(&event, versions);
            if !wrong.is_empty() {
                let place = short(&event.record.name);
                let wrong = wrong.into_iter();
                errors.extend(
                    wrong.map(|(_, problem)| SchemaError::in_file(event.file, place, problem)),
                );
                continue;
            }
            for last in eras(&event, versions).iter().filter_map(|era| era.last) {
                if let Err(error) = olds.add(tree, &event, last, &newtypes) {
                    errors.push(error);
                }
            }
        }
        if errors.is_empty() {
            Ok(olds)
        } else {
            Err(SchemaErrors(errors))
        }
    }

    fn add(
        &mut self,
        tree: &Tree,
        event: &TreeEvent<'_>,
        version: &Version,
        newtypes: &BTreeMap<String, Schema>,
    ) -> Result<(), SchemaError> {
        let module = module(event, version);
        let name_of = |name: &str| {
            let space = event.record.name.split('.').rev().skip(2);
            let mut parts: Vec<&str> = space.collect();
            parts.reverse();
            parts.extend([module.as_str(), short(name)]);
            parts.join(".")
        };
        let mut names = BTreeMap::new();
        for name in version.document.types.keys() {
            if *name == event.record.name || !is_still(tree, &version.document, name) {
                names.insert(name.clone(), name_of(name));
            }
        }
        for (name, new) in &names {
            if let Some(named) = version.document.types.get(name) {
                let mut named = renamed(named, new, &names, newtypes);
                hide(&mut named, tree.types().get(name));
                if self.types.insert(new.clone(), named).is_some() {
                    let problem = format!(
                        "two types of the published version {} would be called `{new}`",
                        version.number
                    );
                    return Err(SchemaError::in_file(&version.file, short(name), problem));
                }
            }
        }
        let key = (event.record.name.clone(), version.number);
        self.records.insert(key, name_of(&event.record.name));
        Ok(())
    }

    /// The record of a version that an upcast takes.
    pub(super) fn record(&self, event: &TreeEvent<'_>, version: &Version) -> Option<&Record> {
        let key = (event.record.name.clone(), version.number);
        match self.types.get(self.records.get(&key)?)? {
            Named::Record(record) => Some(record),
            Named::Enum(_) | Named::Fixed(_) => None,
        }
    }
}

/// Whether a type of a version is the working type of that name, with all that it is made of.
fn is_still(tree: &Tree, version: &Document, name: &str) -> bool {
    if !tree.types().contains_key(name) {
        return false;
    }
    let text = |types: &Types| {
        let root = Schema::plain(Kind::Named(name.to_owned()));
        let document = Document {
            root,
            types: types.clone(),
        };
        let document = document.without_docs();
        write::text(&document.root, &document.types)
    };
    text(tree.types()) == text(&version.types)
}

/// The type under its new name. What it is made of is called by its new name too; a newtype that means something else today is
/// left away.
fn renamed(
    named: &Named,
    new: &str,
    names: &BTreeMap<String, String>,
    newtypes: &BTreeMap<String, Schema>,
) -> Named {
    let mut named = named.clone();
    match &mut named {
        Named::Record(record) => {
            new.clone_into(&mut record.name);
            record.event = None;
            for field in &mut record.fields {
                rename(&mut field.schema, names, newtypes);
            }
        }
        Named::Enum(of) => new.clone_into(&mut of.name),
        Named::Fixed(fixed) => new.clone_into(&mut fixed.name),
    }
    named
}

/// What is sensitive in the type in use was so before anybody said it.
fn hide(old: &mut Named, working: Option<&Named>) {
    let (Named::Record(old), Some(Named::Record(working))) = (old, working) else {
        return;
    };
    for field in &mut old.fields {
        let same = |now: &&Field| now.name == field.name;
        field.sensitive |= working
            .fields
            .iter()
            .find(same)
            .is_some_and(|now| now.sensitive);
    }
}

fn rename(
    schema: &mut Schema,
    names: &BTreeMap<String, String>,
    newtypes: &BTreeMap<String, Schema>,
) {
    if let Some(newtype) = &schema.newtype {
        let under = newtypes.get(newtype);
        if under.is_some_and(|known| known.kind != schema.kind || known.logical != schema.logical) {
            schema.newtype = None;
        }
    }
    match &mut schema.kind {
        Kind::Array(inner) | Kind::Map(inner) => rename(inner, names, newtypes),
        Kind::Union(branches) => {
            for branch in branches {
                rename(branch, names, newtypes);
            }
        }
        Kind::Named(name) => {
            if let Some(new) = names.get(name) {
                new.clone_into(name);
            }
        }
        _ => {}
    }
}

/// The newtypes of the working schemas, each with the type that it wraps.
fn newtypes_of(types: &Types) -> BTreeMap<String, Schema> {
    fn collect(schema: &Schema, found: &mut BTreeMap<String, Schema>) {
        if let Some(newtype) = &schema.newtype {
            found.insert(newtype.clone(), schema.clone());
        }
        match &schema.kind {
            Kind::Array(inner) | Kind::Map(inner) => collect(inner, found),
            Kind::Union(branches) => branches.iter().for_each(|branch| collect(branch, found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    for named in types.values() {
        if let Named::Record(record) = named {
            for field in &record.fields {
                collect(&field.schema, &mut found);
            }
        }
    }
    found
}

/// The module of an old version's types.
fn module(event: &TreeEvent<'_>, version: &Version) -> String {
    format!(
        "{}_v{}",
        names::snake(short(&event.record.name)),
        version.number
    )
}

/// The function that leads from an era's last version to the type in use.
pub(super) fn function(event: &TreeEvent<'_>, last: &Version) -> String {
    format!("{}_upcast", module(event, last))
}

/// Puts the functions that lead from each older era to the type in use.
pub(super) fn put(code: &mut Code, model: &Model<'_>, event: &TreeEvent<'_>) {
    let eras = eras(event, model.published(&event.record.name));
    for pair in eras.windows(2) {
        let [
            Era {
                last: Some(from), ..
            },
            next,
        ] = pair
        else {
            continue;
        };
        let Some(old) = model.old(event, from) else {
            continue;
        };
        let new = next.last.and_then(|last| model.old(event, last));
        let of = owner(&event.record.name);
        let (old, target) = (
            Model::path(&old.name, of),
            Model::path(new.map_or(&event.record.name, |new| &new.name), of),
        );
        code.open(&format!(
            "fn {}(old: {old}) -> Result<{}, ::kolo_core::DecodeError> {{",
            function(event, from),
            short(&event.record.name)
        ));
        let places = places(event);
        code.line(&format!(
            "let next = ::kolo_core::upcast::<{old}, {target}, _>(\"{}\", {}, old, |old: &{old}| [{}], |new: &{target}| [{}])?;",
            event.record.name,
            from.number,
            places("old"),
            places("new"),
        ));
        match next.last {
            Some(last) => code.line(&format!("{}(next)", function(event, last))),
            None => code.line("Ok(next)"),
        }
        code.close("}");
    }
}

/// What an upcast leaves as it is: the fields are the same in all versions, which is checked where schemas are.
fn places<'a>(event: &'a TreeEvent<'a>) -> impl Fn(&str) -> String + 'a {
    let saga = event.properties.saga.iter().map(|field| ("saga", field));
    let fields: Vec<_> = [("key", &event.properties.key)]
        .into_iter()
        .chain(saga)
        .collect();
    move |of| {
        let texts = fields.iter().map(|(what, field)| {
            let field = names::field(field);
            format!("(\"{what}\", ::kolo_core::Key::text(&{of}.{field}))")
        });
        texts.collect::<Vec<_>>().join(", ")
    }
}
