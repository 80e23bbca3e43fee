//! What changed between two versions of a schema, in words, record by record.
//!
//! A renamed field is one that was removed and one that was added: that is what it is on the wire, and to every reader.

mod words;

use serde_json::Value;

use crate::compat::promotes;
use crate::schema::{
    Document, EnumType, EventProperties, Field, Kind, Named, Record, Schema, Types,
};

/// One change, and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The names of the records and fields on the way, such as `OrderCreated.lines.sku`.
    pub place: String,
    /// What changed there. It displays as words.
    pub what: What,
}

/// The kinds of changes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// A field that was not there.
    FieldAdded {
        /// Its type, in words.
        of: String,
        /// What a reader takes where the writer had no such field.
        default: Option<Value>,
    },
    /// A field that is there no more.
    FieldRemoved {
        /// Its type, in words.
        of: String,
        /// What a reader took where the writer had no such field.
        default: Option<Value>,
    },
    /// The fields stand in another order on the wire.
    FieldsMoved,
    /// The type of a field, of its items or of its values.
    Type {
        /// In words.
        from: String,
        /// In words.
        to: String,
        /// Whether every old value is a value of the new type.
        widened: bool,
    },
    /// A branch that the union had not; of a type that was no union, too.
    BranchAdded(String),
    /// A branch that the union has no more.
    BranchRemoved(String),
    /// The branches stand in another order on the wire.
    BranchesMoved,
    /// A symbol that the enum had not.
    SymbolAdded(String),
    /// A symbol that the enum has no more.
    SymbolRemoved(String),
    /// The symbols stand in another order on the wire.
    SymbolsMoved,
    /// The default of a field or an enum.
    Default {
        /// `None` where there was none.
        from: Option<Value>,
        /// `None` where there is none.
        to: Option<Value>,
    },
    /// The number of bytes of a fixed.
    Size {
        /// Bytes.
        from: usize,
        /// Bytes.
        to: usize,
    },
    /// A property of the event, or the Rust type that a field is wrapped in.
    Property {
        /// As in the schema.
        name: &'static str,
        /// `None` where there was none.
        from: Option<String>,
        /// `None` where there is none.
        to: Option<String>,
    },
    /// The documentation.
    Doc {
        /// `None` where there was none.
        from: Option<String>,
        /// `None` where there is none.
        to: Option<String>,
    },
}

/// All that changed from `old` to `new`, in the order of the fields.
///
/// ```
/// use kolo_avro::diff::changes;
/// use kolo_avro::schema::Document;
///
/// let of = |fields: &str| {
///     Document::parse(&format!(r#"{{"type": "record", "name": "shop.Paid", "fields": [{fields}]}}"#))
/// };
/// let old = of(r#"{"name": "cents", "type": "int"}"#)?;
/// let new = of(r#"{"name": "cents", "type": "long"}, {"name": "tip", "type": "long", "default": 0}"#)?;
/// let words: Vec<String> = changes(&old, &new).iter().map(ToString::to_string).collect();
/// assert_eq!(words, [
///     "Paid.cents: type widened from int to long",
///     "Paid.tip: field added, a long with the default 0",
/// ]);
/// # Ok::<(), kolo_avro::schema::SchemaErrors>(())
/// ```
#[must_use]
pub fn changes(old: &Document, new: &Document) -> Vec<Change> {
    let mut walk = Walk {
        old: &old.types,
        new: &new.types,
        open: Vec::new(),
        found: Vec::new(),
    };
    let place = match &new.root.kind {
        Kind::Named(name) => short(name).to_owned(),
        other => other.describe(),
    };
    walk.schema(&old.root, &new.root, &place);
    walk.found
}

struct Walk<'a> {
    old: &'a Types,
    new: &'a Types,
    /// The records that are being compared further out.
    open: Vec<&'a str>,
    found: Vec<Change>,
}

impl<'a> Walk<'a> {
    fn say(&mut self, place: &str, what: What) {
        self.found.push(Change {
            place: place.to_owned(),
            what,
        });
    }

    fn schema(&mut self, old: &'a Schema, new: &'a Schema, place: &str) {
        match (&old.kind, &new.kind) {
            (Kind::Union(_), _) | (_, Kind::Union(_)) => self.union(old, new, place),
            (Kind::Array(old), Kind::Array(new)) | (Kind::Map(old), Kind::Map(new)) => {
                self.schema(old, new, place);
            }
            (Kind::Named(before), Kind::Named(now)) => {
                match (self.old.get(before), self.new.get(now)) {
                    (Some(Named::Record(before)), Some(Named::Record(now)))
                        if before.name == now.name =>
                    {
                        self.record(before, now, place);
                    }
                    (Some(Named::Enum(before)), Some(Named::Enum(now)))
                        if before.name == now.name =>
                    {
                        self.enumeration(before, now, place);
                    }
                    (Some(Named::Fixed(before)), Some(Named::Fixed(now)))
                        if before.name == now.name =>
                    {
                        if before.size != now.size {
                            let (from, to) = (before.size, now.size);
                            self.say(place, What::Size { from, to });
                        }
                        self.kind(old, new, place);
                    }
                    _ => self.kind(old, new, place),
                }
            }
            _ => self.kind(old, new, place),
        }
    }

    fn kind(&mut self, old: &Schema, new: &Schema, place: &str) {
        if old.kind != new.kind || old.logical != new.logical {
            let widened = old.logical == new.logical && promotes(&new.kind, &old.kind);
            let (from, to) = (old.describe(), new.describe());
            self.say(place, What::Type { from, to, widened });
        }
        self.property(place, "newtype", old.newtype.as_ref(), new.newtype.as_ref());
    }

    /// What is no union counts as one of a single branch.
    fn union(&mut self, old: &'a Schema, new: &'a Schema, place: &str) {
        let (before, now) = (branches(old), branches(new));
        let kept = |branch: &&'a Schema, of: &[&'a Schema]| {
            of.iter()
                .copied()
                .find(|other| other.describe() == branch.describe())
        };
        let mut removed: Vec<&'a Schema> = Vec::new();
        for branch in &before {
            match kept(branch, &now) {
                Some(same) => self.schema(branch, same, place),
                None => removed.push(branch),
            }
        }
        let mut added: Vec<&'a Schema> = now
            .iter()
            .copied()
            .filter(|branch| kept(branch, &before).is_none())
            .collect();
        let all_kept = removed.is_empty() && added.is_empty();
        // A single type in the place of another one is that type, changed, whether or not null came or went with it.
        let typed = |all: &[&'a Schema]| -> Vec<&'a Schema> {
            let typed = all.iter().filter(|branch| branch.kind != Kind::Null);
            typed.copied().collect()
        };
        if let ([one], [other]) = (typed(&removed).as_slice(), typed(&added).as_slice()) {
            self.schema(one, other, place);
            removed.retain(|branch| branch.kind == Kind::Null);
            added.retain(|branch| branch.kind == Kind::Null);
        }
        for branch in &removed {
            self.say(place, What::BranchRemoved(branch.describe()));
        }
        for branch in &added {
            self.say(place, What::BranchAdded(branch.describe()));
        }
        if all_kept {
            let order = |all: &[&Schema]| all.iter().map(|one| one.describe()).collect::<Vec<_>>();
            if order(&before) != order(&now) {
                self.say(place, What::BranchesMoved);
            }
        }
    }

    fn record(&mut self, old: &'a Record, new: &'a Record, place: &str) {
        if self.open.contains(&new.name.as_str()) {
            return;
        }
        self.open.push(&new.name);
        self.doc(place, old.doc.as_ref(), new.doc.as_ref());
        if let (Some(old), Some(new)) = (&old.event, &new.event) {
            self.properties(old, new, place);
        }
        for field in &old.fields {
            if named(&new.fields, &field.name).is_none() {
                let what = What::FieldRemoved {
                    of: field.schema.describe(),
                    default: field.default.clone(),
                };
                self.say(&format!("{place}.{}", field.name), what);
            }
        }
        for field in &new.fields {
            let place = format!("{place}.{}", field.name);
            match named(&old.fields, &field.name) {
                Some(before) => self.field(before, field, &place),
                None => {
                    let what = What::FieldAdded {
                        of: field.schema.describe(),
                        default: field.default.clone(),
                    };
                    self.say(&place, what);
                }
            }
        }
        let (before, now) = (&old.fields, &new.fields);
        if moved(before, now, |field| &field.name) {
            self.say(place, What::FieldsMoved);
        }
        self.open.pop();
    }

    fn field(&mut self, old: &'a Field, new: &'a Field, place: &str) {
        self.schema(&old.schema, &new.schema, place);
        if old.default != new.default {
            let (from, to) = (old.default.clone(), new.default.clone());
            self.say(place, What::Default { from, to });
        }
        self.doc(place, old.doc.as_ref(), new.doc.as_ref());
    }

    fn enumeration(&mut self, old: &'a EnumType, new: &'a EnumType, place: &str) {
        for symbol in old.symbols.iter().filter(|one| !new.symbols.contains(one)) {
            self.say(place, What::SymbolRemoved(symbol.clone()));
        }
        for symbol in new.symbols.iter().filter(|one| !old.symbols.contains(one)) {
            self.say(place, What::SymbolAdded(symbol.clone()));
        }
        if moved(&old.symbols, &new.symbols, |symbol| symbol) {
            self.say(place, What::SymbolsMoved);
        }
        if old.default != new.default {
            let text = |symbol: &Option<String>| symbol.clone().map(Value::String);
            let (from, to) = (text(&old.default), text(&new.default));
            self.say(place, What::Default { from, to });
        }
        self.doc(place, old.doc.as_ref(), new.doc.as_ref());
    }

    fn properties(&mut self, old: &EventProperties, new: &EventProperties, place: &str) {
        self.property(place, "topic", Some(&old.topic), Some(&new.topic));
        self.property(place, "key", Some(&old.key), Some(&new.key));
        self.property(place, "saga", old.saga.as_ref(), new.saga.as_ref());
        let public = |of: &EventProperties| of.public.to_string();
        self.property(place, "public", Some(&public(old)), Some(&public(new)));
        let mark = |of: &EventProperties| format!("{:?}", of.mark).to_lowercase();
        self.property(place, "mark", Some(&mark(old)), Some(&mark(new)));
    }

    fn property(
        &mut self,
        place: &str,
        name: &'static str,
        from: Option<&String>,
        to: Option<&String>,
    ) {
        if from != to {
            let (from, to) = (from.cloned(), to.cloned());
            self.say(place, What::Property { name, from, to });
        }
    }

    fn doc(&mut self, place: &str, from: Option<&String>, to: Option<&String>) {
        if from != to {
            let (from, to) = (from.cloned(), to.cloned());
            self.say(place, What::Doc { from, to });
        }
    }
}

fn branches(schema: &Schema) -> Vec<&Schema> {
    match &schema.kind {
        Kind::Union(branches) => branches.iter().collect(),
        _ => vec![schema],
    }
}

fn named<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field.name == name)
}

/// Whether what both have stands in another order.
fn moved<T>(old: &[T], new: &[T], name: impl Fn(&T) -> &String) -> bool {
    let common = |these: &[T], those: &[T]| -> Vec<String> {
        let known = |one: &String| those.iter().any(|other| name(other) == one);
        these
            .iter()
            .map(&name)
            .filter(|one| known(one))
            .cloned()
            .collect()
    };
    common(old, new) != common(new, old)
}

fn short(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}
