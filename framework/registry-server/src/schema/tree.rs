//! A schema as its text has it, with all properties. `kolo_avro` keeps what events need; a registry has to give back
//! whatever it was given.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What a type has beside Avro's own attributes, sorted by name.
pub(super) type Properties = BTreeMap<String, Value>;

/// The namespace that an unqualified name is in; empty for none.
pub(super) type Space<'a> = &'a str;

#[derive(Debug, Clone)]
pub(super) enum Type {
    Primitive(&'static str, Properties),
    Array(Box<Type>, Properties),
    Map(Box<Type>, Properties),
    Union(Vec<Type>),
    Named(Box<Named>),
    /// A name as it is written; what it means depends on where it stands.
    Reference(String),
}

#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Full name.
    pub(super) name: String,
    pub(super) doc: Option<String>,
    /// Full names.
    pub(super) aliases: Vec<String>,
    pub(super) shape: Shape,
    pub(super) properties: Properties,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Record {
        error: bool,
        fields: Vec<Field>,
    },
    Enum {
        symbols: Vec<String>,
        default: Option<Value>,
    },
    Fixed {
        size: u64,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) of: Type,
    pub(super) doc: Option<String>,
    pub(super) default: Option<Value>,
    pub(super) order: Option<String>,
    pub(super) aliases: Vec<String>,
    pub(super) properties: Properties,
}

const PRIMITIVES: [&str; 8] = [
    "null", "boolean", "int", "long", "float", "double", "bytes", "string",
];
/// What Avro itself gives a meaning in a type, and in a field. Whatever else stands there is a property.
const OF_TYPES: [&str; 10] = [
    "aliases",
    "doc",
    "fields",
    "items",
    "name",
    "namespace",
    "size",
    "symbols",
    "type",
    "values",
];
const OF_FIELDS: [&str; 6] = ["aliases", "default", "doc", "name", "order", "type"];

pub(super) fn namespace(full: &str) -> Space<'_> {
    full.rsplit_once('.').map_or("", |(space, _)| space)
}

pub(super) fn short(full: &str) -> &str {
    full.rsplit_once('.').map_or(full, |(_, short)| short)
}

pub(super) fn qualify(name: &str, space: Space<'_>) -> String {
    if space.is_empty() || name.contains('.') {
        name.to_owned()
    } else {
        format!("{space}.{name}")
    }
}

impl Type {
    /// # Errors
    /// What keeps the text from being a schema, with its place.
    pub(super) fn parse(text: &str) -> Result<Type, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        type_of(&value, "", "the schema")
    }

    /// Calls back with every named type that is defined within.
    pub(super) fn definitions<'a>(&'a self, found: &mut impl FnMut(&'a Named)) {
        match self {
            Type::Array(inner, _) | Type::Map(inner, _) => inner.definitions(found),
            Type::Union(branches) => branches.iter().for_each(|branch| branch.definitions(found)),
            Type::Named(named) => {
                found(named);
                if let Shape::Record { fields, .. } = &named.shape {
                    fields.iter().for_each(|field| field.of.definitions(found));
                }
            }
            Type::Primitive(..) | Type::Reference(_) => {}
        }
    }
}

fn type_of(value: &Value, space: Space<'_>, place: &str) -> Result<Type, String> {
    match value {
        Value::String(name) => Ok(match primitive(name) {
            Some(primitive) => Type::Primitive(primitive, Properties::new()),
            None => Type::Reference(name.clone()),
        }),
        Value::Array(branches) => branches
            .iter()
            .map(|branch| type_of(branch, space, place))
            .collect::<Result<_, _>>()
            .map(Type::Union),
        Value::Object(object) => object_type(object, space, place),
        other => Err(format!(
            "{place}: a type is a name, an object or a list of types, not {other}"
        )),
    }
}

fn object_type(object: &Map<String, Value>, space: Space<'_>, place: &str) -> Result<Type, String> {
    let inner = |attribute: &str| {
        let of = object
            .get(attribute)
            .ok_or_else(|| format!("{place}: \"{attribute}\" is missing"))?;
        type_of(of, space, &format!("{place}.{attribute}")).map(Box::new)
    };
    let name = object
        .get("type")
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{place}: a type needs \"type\", the name of a type"))?;
    Ok(match name {
        "record" | "error" | "enum" | "fixed" => {
            Type::Named(Box::new(named(name, object, space, place)?))
        }
        "array" => Type::Array(inner("items")?, properties(object, &OF_TYPES)),
        "map" => Type::Map(inner("values")?, properties(object, &OF_TYPES)),
        other => match primitive(other) {
            Some(primitive) => Type::Primitive(primitive, properties(object, &OF_TYPES)),
            // As Java has it: a named type has the properties of its definition, wherever it is used.
            None => Type::Reference(other.to_owned()),
        },
    })
}

fn named(
    kind: &str,
    object: &Map<String, Value>,
    space: Space<'_>,
    place: &str,
) -> Result<Named, String> {
    let name = object
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{place}: a type of this kind needs a \"name\""))?;
    let space = match object.get("namespace").and_then(Value::as_str) {
        Some(own) => own,
        None => space,
    };
    let name = qualify(name, space);
    let mut properties = properties(object, &OF_TYPES);
    let shape = match kind {
        "enum" => Shape::Enum {
            symbols: texts(object, "symbols", &name)?
                .ok_or_else(|| format!("{name}: an enum needs \"symbols\""))?,
            default: properties.remove("default"),
        },
        "fixed" => Shape::Fixed {
            size: object
                .get("size")
                .and_then(Value::as_u64)
                .ok_or_else(|| format!("{name}: a fixed needs a \"size\" in bytes"))?,
        },
        _ => Shape::Record {
            error: kind == "error",
            fields: fields(object, &name)?,
        },
    };
    let aliases = texts(object, "aliases", &name)?.unwrap_or_default();
    Ok(Named {
        doc: text(object, "doc"),
        aliases: aliases
            .iter()
            .map(|alias| qualify(alias, namespace(&name)))
            .collect(),
        shape,
        properties,
        name,
    })
}

fn fields(object: &Map<String, Value>, record: &str) -> Result<Vec<Field>, String> {
    let Some(Value::Array(list)) = object.get("fields") else {
        return Err(format!("{record}: a record needs \"fields\", a list"));
    };
    let mut fields = Vec::with_capacity(list.len());
    for value in list {
        let named = value
            .as_object()
            .and_then(|object| Some((object, object.get("name")?.as_str()?)));
        let Some((field, name)) = named else {
            return Err(format!("{record}: a field needs a \"name\""));
        };
        let place = format!("{}.{name}", short(record));
        let of = field
            .get("type")
            .ok_or_else(|| format!("{place}: a field needs a \"type\""))?;
        fields.push(Field {
            name: name.to_owned(),
            of: type_of(of, namespace(record), &place)?,
            doc: text(field, "doc"),
            default: field.get("default").cloned(),
            order: text(field, "order"),
            aliases: texts(field, "aliases", &place)?.unwrap_or_default(),
            properties: properties(field, &OF_FIELDS),
        });
    }
    Ok(fields)
}

fn primitive(name: &str) -> Option<&'static str> {
    PRIMITIVES.into_iter().find(|primitive| *primitive == name)
}

fn properties(object: &Map<String, Value>, reserved: &[&str]) -> Properties {
    object
        .iter()
        .filter(|(name, _)| !reserved.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn text(object: &Map<String, Value>, attribute: &str) -> Option<String> {
    object.get(attribute)?.as_str().map(str::to_owned)
}

fn texts(
    object: &Map<String, Value>,
    attribute: &str,
    place: &str,
) -> Result<Option<Vec<String>>, String> {
    let Some(value) = object.get(attribute) else {
        return Ok(None);
    };
    value
        .as_array()
        .and_then(|list| {
            let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>()
        })
        .map(Some)
        .ok_or_else(|| format!("{place}: \"{attribute}\" is a list of names"))
}
