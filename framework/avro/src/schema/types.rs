//! The parsed form of a schema.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::{EventProperties, Mark};

/// A type, as a field or an item has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// What it is on the wire.
    pub kind: Kind,
    /// What it means.
    pub logical: Logical,
    /// The Rust type to wrap it in, from the property `newtype`.
    pub newtype: Option<String>,
}

/// The shapes that Avro knows. Named types are referred to by full name.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each is the type of that name in Avro's specification"
)]
pub enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Box<Schema>),
    Map(Box<Schema>),
    Union(Vec<Schema>),
    /// A record, enum or fixed; see [`Types`].
    Named(String),
}

/// Logical types that have a Rust type of their own. Others are read as what they are on the wire, as Avro demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the logical type of that name in Avro's specification"
)]
pub enum Logical {
    None,
    Uuid,
    Date,
    TimestampMillis,
    TimestampMicros,
    Decimal { precision: u32, scale: u32 },
}

/// A named type.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each is the type of that name in Avro's specification"
)]
pub enum Named {
    Record(Record),
    Enum(EnumType),
    Fixed(FixedType),
}

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Full name.
    pub name: String,
    /// Full names that it also answers to.
    pub aliases: Vec<String>,
    /// Its documentation.
    pub doc: Option<String>,
    /// Fields, in the order of the wire.
    pub fields: Vec<Field>,
    /// Present if the record is an event.
    pub event: Option<EventProperties>,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// As on the wire.
    pub name: String,
    /// Names that it also answers to.
    pub aliases: Vec<String>,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its type.
    pub schema: Schema,
    /// What a reader takes where the writer had no such field.
    pub default: Option<Value>,
    /// Whether it is nobody's to see who looks at events: tools, logs and `Debug` hide what it holds.
    pub sensitive: bool,
}

/// An enum.
#[derive(Debug, Clone, PartialEq)]
pub struct EnumType {
    /// Full name.
    pub name: String,
    /// Full names that it also answers to.
    pub aliases: Vec<String>,
    /// Its documentation.
    pub doc: Option<String>,
    /// In the order of the wire.
    pub symbols: Vec<String>,
    /// What a reader takes for a symbol that it does not know.
    pub default: Option<String>,
}

/// A fixed number of bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedType {
    /// Full name.
    pub name: String,
    /// Full names that it also answers to.
    pub aliases: Vec<String>,
    /// Its documentation.
    pub doc: Option<String>,
    /// Bytes.
    pub size: usize,
    /// A decimal, or nothing.
    pub logical: Logical,
}

/// Named types by full name.
pub type Types = BTreeMap<String, Named>;

/// A schema with all types that it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The type itself.
    pub root: Schema,
    /// The named types within.
    pub types: Types,
}

impl Document {
    /// The upcasts that the schema of an event names; none where it is no event's.
    pub(crate) fn upcasts(&self) -> &[u32] {
        let Kind::Named(name) = &self.root.kind else {
            return &[];
        };
        match self.types.get(name) {
            Some(Named::Record(record)) => {
                let event = record.event.as_ref();
                event.map_or(&[], |properties| &properties.upcasts)
            }
            _ => &[],
        }
    }

    /// The same without documentation, marks, upcasts and what is sensitive: what a version on the wire is about.
    #[must_use]
    pub fn without_docs(&self) -> Self {
        let mut same = self.clone();
        for named in same.types.values_mut() {
            match named {
                Named::Record(record) => {
                    record.doc = None;
                    if let Some(event) = &mut record.event {
                        event.mark = Mark::Step;
                        event.upcasts.clear();
                    }
                    for field in &mut record.fields {
                        field.doc = None;
                        field.sensitive = false;
                    }
                }
                Named::Enum(of) => of.doc = None,
                Named::Fixed(fixed) => fixed.doc = None,
            }
        }
        same
    }
}

impl Schema {
    /// A type without logical type or newtype.
    #[must_use]
    pub fn plain(kind: Kind) -> Self {
        Self {
            kind,
            logical: Logical::None,
            newtype: None,
        }
    }

    /// For a union of `null` and one other type: where `null` stands, and the other type.
    #[must_use]
    pub fn nullable(&self) -> Option<(usize, &Self)> {
        match &self.kind {
            Kind::Union(branches) => match branches.as_slice() {
                [null, other] if null.kind == Kind::Null && other.kind != Kind::Null => {
                    Some((0, other))
                }
                [other, null] if null.kind == Kind::Null && other.kind != Kind::Null => {
                    Some((1, other))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The full names of the named types that it is made of, in their order; what those are made of is not followed.
    #[must_use]
    pub fn named(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Named(name) => vec![name],
            Kind::Array(inner) | Kind::Map(inner) => inner.named(),
            Kind::Union(branches) => branches.iter().flat_map(Self::named).collect(),
            _ => Vec::new(),
        }
    }

    /// How messages call the type.
    #[must_use]
    pub fn describe(&self) -> String {
        let logical = match self.logical {
            Logical::None => return self.kind.describe(),
            Logical::Uuid => "uuid".to_owned(),
            Logical::Date => "date".to_owned(),
            Logical::TimestampMillis => "timestamp-millis".to_owned(),
            Logical::TimestampMicros => "timestamp-micros".to_owned(),
            Logical::Decimal { precision, scale } => format!("decimal({precision}, {scale})"),
        };
        format!("{} ({logical})", self.kind.describe())
    }
}

impl Kind {
    /// How messages call the type.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Array(items) => format!("array of {}", items.describe()),
            Self::Map(values) => format!("map of {}", values.describe()),
            Self::Union(branches) => {
                let branches: Vec<String> = branches.iter().map(Schema::describe).collect();
                format!("union of {}", branches.join(", "))
            }
            Self::Named(name) => name.clone(),
            _ => self.primitive().unwrap_or_default().to_owned(),
        }
    }

    /// The name of a primitive type.
    #[must_use]
    pub fn primitive(&self) -> Option<&'static str> {
        Some(match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Array(_) | Self::Map(_) | Self::Union(_) | Self::Named(_) => return None,
        })
    }

    pub(crate) fn of_primitive(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }
}

impl Named {
    /// Full name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Record(record) => &record.name,
            Self::Enum(symbols) => &symbols.name,
            Self::Fixed(fixed) => &fixed.name,
        }
    }

    /// Full names that it also answers to.
    #[must_use]
    pub fn aliases(&self) -> &[String] {
        match self {
            Self::Record(record) => &record.aliases,
            Self::Enum(symbols) => &symbols.aliases,
            Self::Fixed(fixed) => &fixed.aliases,
        }
    }
}

/// A full name without its namespace.
pub(crate) fn short_name(full: &str) -> &str {
    full.rsplit_once('.').map_or(full, |(_, short)| short)
}

/// A full name's namespace.
pub(crate) fn namespace(full: &str) -> &str {
    full.rsplit_once('.').map_or("", |(namespace, _)| namespace)
}

/// The least number of bytes that a value takes on the wire.
pub(crate) fn min_bytes(schema: &Schema, types: &Types) -> usize {
    least(schema, types, &mut BTreeMap::new())
}

/// Each record is summed up once, however often it is named; one that contains itself adds nothing to itself.
fn least<'t>(schema: &Schema, types: &'t Types, known: &mut BTreeMap<&'t str, usize>) -> usize {
    match &schema.kind {
        Kind::Null => 0,
        Kind::Float => 4,
        Kind::Double => 8,
        Kind::String if schema.logical == Logical::Uuid => 37,
        Kind::Named(name) => match types.get(name) {
            Some(Named::Record(record)) => {
                if let Some(bytes) = known.get(record.name.as_str()) {
                    return *bytes;
                }
                known.insert(&record.name, 0);
                let fields = record.fields.iter();
                let bytes = fields.fold(0usize, |sum, field| {
                    sum.saturating_add(least(&field.schema, types, known))
                });
                known.insert(&record.name, bytes);
                bytes
            }
            Some(Named::Fixed(fixed)) => fixed.size,
            _ => 1,
        },
        _ => 1,
    }
}
