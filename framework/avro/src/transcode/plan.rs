//! What is to be done with the bytes of each type, in the order in which they come.

use std::collections::BTreeMap;

use crate::dynamic::encode_default;
use crate::schema::{Document, EnumType, Field, Kind, Named, Record, Schema, Types, min_bytes};

/// The most steps that one value may take outside of arrays and maps, whose items are bounded by the value's bytes. Types
/// that name one another twice, and take no bytes, could ask for any number of them.
const STEPS: usize = 1 << 20;

/// The steps for a value.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) root: Step,
    /// Each pair of records once, however often it is named.
    pub(super) records: Vec<Fields>,
}

/// What becomes of one value of the writer's.
#[derive(Debug)]
pub(super) enum Step {
    Null,
    Boolean,
    Int,
    Long,
    /// A float or a double, of so many bytes.
    Float(usize),
    /// Bytes or a string.
    Slice,
    Fixed(usize),
    IntAsFloat,
    IntAsDouble,
    LongAsFloat,
    LongAsDouble,
    FloatAsDouble,
    /// By the writer's index, the reader's.
    Enum(Vec<usize>),
    Array {
        min_bytes: usize,
        items: Box<Step>,
    },
    Map(Box<Step>),
    /// Where `null` stands in the writer's union, and in the reader's.
    Nullable {
        null: usize,
        as_null: usize,
        inner: Box<Step>,
    },
    /// What was not nullable is the reader's branch `branch` now.
    Branch {
        branch: usize,
        inner: Box<Step>,
    },
    Record(usize),
}

/// The fields of a record.
#[derive(Debug)]
pub(super) struct Fields {
    /// In the writer's order.
    pub(super) written: Vec<Written>,
    /// In the reader's.
    pub(super) parts: Vec<Part>,
}

/// A field that the writer has.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) step: Step,
    /// Whether the reader has it too.
    pub(super) kept: bool,
}

/// A field that the reader has.
#[derive(Debug)]
pub(super) enum Part {
    /// The one of this number among those that are kept.
    Kept(usize),
    /// The bytes of its default.
    Default(Vec<u8>),
}

impl Plan {
    pub(super) fn new(reader: &Document, writer: &Document) -> Result<Self, String> {
        let mut planner = Planner {
            reader: &reader.types,
            writer: &writer.types,
            numbers: BTreeMap::new(),
            records: Vec::new(),
            steps: Vec::new(),
        };
        let (root, steps) = planner.step(&writer.root, Some(&reader.root))?;
        if steps > STEPS {
            return Err(format!(
                "one value of it would take more than {STEPS} steps"
            ));
        }
        Ok(Plan {
            root,
            records: planner.records,
        })
    }
}

struct Planner<'a> {
    reader: &'a Types,
    writer: &'a Types,
    /// Records by the writer's name and the reader's, which is none where the value is stepped over.
    numbers: BTreeMap<(String, Option<String>), usize>,
    records: Vec<Fields>,
    /// How many steps each of them takes.
    steps: Vec<usize>,
}

impl<'a> Planner<'a> {
    /// The step for a type, and how many steps it comes to. Without a reader the value is only stepped over.
    fn step(&mut self, written: &Schema, read: Option<&Schema>) -> Result<(Step, usize), String> {
        let reader = read.unwrap_or(written);
        if let Some((null, inner)) = written.nullable() {
            let Some((as_null, read_inner)) = reader.nullable() else {
                return Err(differ(written, reader));
            };
            let (inner, steps) = self.step(inner, read.map(|_| read_inner))?;
            let inner = Box::new(inner);
            let step = Step::Nullable {
                null,
                as_null,
                inner,
            };
            return Ok((step, steps.saturating_add(1)));
        }
        if let Some((null, inner)) = reader.nullable() {
            let (branch, inner, steps) = if written.kind == Kind::Null {
                (null, Step::Null, 1)
            } else {
                let (inner, steps) = self.step(written, Some(inner))?;
                (1 - null, inner, steps)
            };
            let inner = Box::new(inner);
            return Ok((Step::Branch { branch, inner }, steps.saturating_add(1)));
        }
        let step = match (&written.kind, &reader.kind) {
            // Generated code looks no closer at what it steps over.
            (Kind::Boolean, _) if read.is_none() => Step::Fixed(1),
            (Kind::Int, _) if read.is_none() => Step::Long,
            (Kind::Null, Kind::Null) => Step::Null,
            (Kind::Boolean, Kind::Boolean) => Step::Boolean,
            (Kind::Int, Kind::Int) => Step::Int,
            // The layouts are the same; but an int that does not fit into 32 bits is none.
            (Kind::Int, Kind::Long) => Step::Int,
            (Kind::Int, Kind::Float) => Step::IntAsFloat,
            (Kind::Int, Kind::Double) => Step::IntAsDouble,
            (Kind::Long, Kind::Long) => Step::Long,
            (Kind::Long, Kind::Float) => Step::LongAsFloat,
            (Kind::Long, Kind::Double) => Step::LongAsDouble,
            (Kind::Float, Kind::Float) => Step::Float(4),
            (Kind::Float, Kind::Double) => Step::FloatAsDouble,
            (Kind::Double, Kind::Double) => Step::Float(8),
            (Kind::Bytes | Kind::String, Kind::Bytes | Kind::String) => Step::Slice,
            // How many items there are is bounded by the bytes of the value, and each is bounded in steps.
            (Kind::Array(items), Kind::Array(read_items)) => {
                let min_bytes = min_bytes(items, self.writer);
                let (items, steps) = self.step(items, read.map(|_| &**read_items))?;
                let items = Box::new(items);
                return Ok((Step::Array { min_bytes, items }, steps.saturating_add(1)));
            }
            (Kind::Map(values), Kind::Map(read_values)) => {
                let (values, steps) = self.step(values, read.map(|_| &**read_values))?;
                return Ok((Step::Map(Box::new(values)), steps.saturating_add(1)));
            }
            (Kind::Named(w), Kind::Named(r)) => return self.named(w, read.map(|_| r.as_str())),
            _ => return Err(differ(written, reader)),
        };
        Ok((step, 1))
    }

    fn named(&mut self, written: &str, read: Option<&str>) -> Result<(Step, usize), String> {
        let (writer, reader) = (self.writer, self.reader);
        let w = writer.get(written);
        let r = match read {
            Some(read) => reader.get(read),
            None => w,
        };
        match (w, r) {
            (Some(Named::Record(w)), Some(Named::Record(r))) => {
                self.record(w, read.is_some().then_some(r))
            }
            (Some(Named::Enum(w)), Some(Named::Enum(r))) => Ok((Step::Enum(indexes(w, r)?), 1)),
            (Some(Named::Fixed(w)), Some(Named::Fixed(_))) => Ok((Step::Fixed(w.size), 1)),
            _ => Err(format!("`{written}` is of another kind for the reader")),
        }
    }

    fn record(&mut self, w: &Record, r: Option<&Record>) -> Result<(Step, usize), String> {
        let key = (w.name.clone(), r.map(|r| r.name.clone()));
        if let Some(&number) = self.numbers.get(&key) {
            return Ok((Step::Record(number), self.steps[number]));
        }
        let read = |field: &Field| {
            let same = |other: &&Field| other.name == field.name;
            r.map(|r| r.fields.iter().find(same))
        };
        let mut steps = 1usize;
        let mut written = Vec::new();
        for field in &w.fields {
            let kept = read(field).flatten();
            let (step, more) = self.step(&field.schema, kept.map(|kept| &kept.schema))?;
            steps = steps.saturating_add(more);
            written.push(Written {
                name: field.name.clone(),
                step,
                kept: kept.is_some(),
            });
        }
        let mut parts = Vec::new();
        for field in r.iter().flat_map(|r| &r.fields) {
            let mut kept = written.iter().filter(|written| written.kept);
            let part = match (
                kept.position(|known| known.name == field.name),
                &field.default,
            ) {
                (Some(number), _) => Part::Kept(number),
                (None, Some(default)) => {
                    Part::Default(encode_default(default, &field.schema, self.reader)?)
                }
                (None, None) => return Err(format!("`{}` has no default", field.name)),
            };
            parts.push(part);
        }
        // No record contains itself, so none of this number was needed on the way.
        let number = self.records.len();
        self.records.push(Fields { written, parts });
        self.steps.push(steps);
        self.numbers.insert(key, number);
        Ok((Step::Record(number), steps))
    }
}

fn indexes(w: &EnumType, r: &EnumType) -> Result<Vec<usize>, String> {
    let place = |symbol: &String| r.symbols.iter().position(|known| known == symbol);
    let of = |symbol: &String| place(symbol).or_else(|| place(r.default.as_ref()?));
    let all: Option<Vec<usize>> = w.symbols.iter().map(of).collect();
    all.ok_or_else(|| format!("a symbol of `{}` is unknown, and it has no default", w.name))
}

/// Pairs were found compatible before, so this is not seen.
fn differ(written: &Schema, read: &Schema) -> String {
    format!(
        "the writer's {} cannot be read as {}",
        written.describe(),
        read.describe()
    )
}
