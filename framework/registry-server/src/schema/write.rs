//! A schema as text, in three ways: as Java writes it, which makes two spellings of one schema the same text; the same with
//! everything that it refers to; and reduced to what decides the bytes, for whoever has to understand it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::tree::{Field, Named, Properties, Shape, Space, Type, namespace, qualify, short};

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As Java writes it; types of other schemas stay names.
    Java,
    /// As Java writes it; types of other schemas are written out where they come first.
    Resolved,
    /// Resolved, full names throughout, without docs, logical types and properties.
    Reduced,
}

pub(super) struct Writer<'a> {
    style: Style,
    /// The named types that a name may mean: those of this schema, and those of the schemas that it refers to.
    own: BTreeMap<&'a str, &'a Named>,
    others: BTreeMap<&'a str, &'a Named>,
    written: BTreeSet<&'a str>,
    /// A type of no namespace was named within one, where readers other than Java's would not find it.
    lost: bool,
    /// So all types of no namespace are put into one.
    found: bool,
    out: String,
}

/// Where [`Style::Reduced`] puts what has no namespace, if it has to.
const NOWHERE: &str = "_";

impl<'a> Writer<'a> {
    /// # Errors
    /// A type that is defined twice.
    pub(super) fn new(style: Style, schema: &'a Type, others: &'a [Type]) -> Result<Self, String> {
        let mut twice = None;
        let mut own = BTreeMap::new();
        schema.definitions(&mut |named| {
            if own.insert(named.name.as_str(), named).is_some() {
                twice = Some(named.name.clone());
            }
        });
        if let Some(name) = twice {
            return Err(format!(
                "{name} is defined twice; refer to the first definition by its name"
            ));
        }
        let mut known = BTreeMap::new();
        for other in others {
            other.definitions(&mut |named| {
                known.insert(named.name.as_str(), named);
            });
        }
        Ok(Writer {
            style,
            own,
            others: known,
            written: BTreeSet::new(),
            lost: false,
            found: false,
            out: String::new(),
        })
    }

    /// # Errors
    /// A name that no type has.
    pub(super) fn write(mut self, schema: &'a Type) -> Result<String, String> {
        self.of_type(schema, "")?;
        if self.lost {
            self.found = true;
            self.written.clear();
            self.out.clear();
            self.of_type(schema, "")?;
        }
        Ok(self.out)
    }

    fn of_type(&mut self, of: &'a Type, space: Space<'_>) -> Result<(), String> {
        match of {
            Type::Primitive(name, properties) => {
                if self.style == Style::Reduced || properties.is_empty() {
                    self.text(name);
                } else {
                    self.open("type", name);
                    self.properties(properties);
                    self.out.push('}');
                }
            }
            Type::Array(inner, properties) => {
                self.inner("array", "items", inner, properties, space)?;
            }
            Type::Map(inner, properties) => {
                self.inner("map", "values", inner, properties, space)?;
            }
            Type::Union(branches) => {
                self.out.push('[');
                for (index, branch) in branches.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.of_type(branch, space)?;
                }
                self.out.push(']');
            }
            Type::Reference(name) => self.reference(name, space)?,
            Type::Named(named) => self.definition(named, space)?,
        }
        Ok(())
    }

    fn inner(
        &mut self,
        kind: &str,
        attribute: &str,
        of: &'a Type,
        properties: &Properties,
        space: Space<'_>,
    ) -> Result<(), String> {
        self.open("type", kind);
        self.key(attribute);
        self.of_type(of, space)?;
        self.properties(properties);
        self.out.push('}');
        Ok(())
    }

    fn reference(&mut self, name: &str, space: Space<'_>) -> Result<(), String> {
        let full = qualify(name, space);
        let known = |full: &str| {
            let own = self.own.get(full).map(|named| (*named, true));
            own.or_else(|| self.others.get(full).map(|named| (*named, false)))
        };
        // As Java has it: what is not in this namespace may be in none.
        let Some((named, is_own)) = known(&full).or_else(|| known(name)) else {
            return Err(format!(
                "there is no type {full}: define it, or name the subject and version that do in \"references\""
            ));
        };
        let outline = !is_own && self.style != Style::Java;
        if outline && !self.written.contains(named.name.as_str()) {
            return self.definition(named, space);
        }
        self.name_in(&named.name, space);
        Ok(())
    }

    /// A name as short as it can be where it stands.
    fn name_in(&mut self, full: &str, space: Space<'_>) {
        if self.style == Style::Reduced {
            self.lost |= namespace(full) != space && namespace(full).is_empty();
            self.text(&self.full(full));
        } else if namespace(full) == space {
            self.text(short(full));
        } else {
            self.text(full);
        }
    }

    fn full(&self, name: &str) -> String {
        qualify(name, if self.found { NOWHERE } else { "" })
    }

    fn definition(&mut self, named: &'a Named, space: Space<'_>) -> Result<(), String> {
        self.written.insert(&named.name);
        let own = namespace(&named.name);
        let kind = match &named.shape {
            Shape::Record { error: true, .. } if self.style != Style::Reduced => "error",
            Shape::Record { .. } => "record",
            Shape::Enum { .. } => "enum",
            Shape::Fixed { .. } => "fixed",
        };
        self.open("type", kind);
        if self.style == Style::Reduced {
            self.attribute("name", &self.full(&named.name));
            // Without it, a type of no namespace would be taken for one of the namespace around it.
            self.attribute("namespace", own);
        } else {
            self.attribute("name", short(&named.name));
            if own != space {
                self.attribute("namespace", own);
            }
        }
        self.doc(named.doc.as_deref());
        match &named.shape {
            Shape::Record { fields, .. } => {
                self.key("fields");
                self.out.push('[');
                for (index, field) in fields.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.field(field, own)?;
                }
                self.out.push(']');
            }
            Shape::Enum { symbols, default } => {
                self.key("symbols");
                self.value(&Value::from(symbols.clone()));
                if let Some(default) = default {
                    self.key("default");
                    self.value(default);
                }
            }
            Shape::Fixed { size } => {
                self.key("size");
                self.value(&Value::from(*size));
            }
        }
        self.properties(&named.properties);
        if !named.aliases.is_empty() {
            self.key("aliases");
            self.out.push('[');
            for (index, alias) in named.aliases.iter().enumerate() {
                if index > 0 {
                    self.out.push(',');
                }
                self.name_in(alias, own);
            }
            self.out.push(']');
        }
        self.out.push('}');
        Ok(())
    }

    fn field(&mut self, field: &'a Field, space: Space<'_>) -> Result<(), String> {
        self.open("name", &field.name);
        self.key("type");
        self.of_type(&field.of, space)?;
        self.doc(field.doc.as_deref());
        if let Some(default) = &field.default {
            self.key("default");
            self.value(default);
        }
        if let Some(order) = field.order.as_deref().filter(|order| *order != "ascending")
            && self.style != Style::Reduced
        {
            self.attribute("order", order);
        }
        if !field.aliases.is_empty() {
            self.key("aliases");
            self.value(&Value::from(field.aliases.clone()));
        }
        self.properties(&field.properties);
        self.out.push('}');
        Ok(())
    }

    fn doc(&mut self, doc: Option<&str>) {
        if let Some(doc) = doc
            && self.style != Style::Reduced
        {
            self.attribute("doc", doc);
        }
    }

    fn properties(&mut self, properties: &Properties) {
        if self.style != Style::Reduced {
            for (name, value) in properties {
                self.key(name);
                self.value(value);
            }
        }
    }

    fn open(&mut self, key: &str, text: &str) {
        self.out.push('{');
        self.text(key);
        self.out.push(':');
        self.text(text);
    }

    fn key(&mut self, key: &str) {
        self.out.push(',');
        self.text(key);
        self.out.push(':');
    }

    fn attribute(&mut self, key: &str, text: &str) {
        self.key(key);
        self.text(text);
    }

    fn text(&mut self, text: &str) {
        self.value(&Value::from(text));
    }

    fn value(&mut self, value: &Value) {
        self.out.push_str(&value.to_string());
    }
}
