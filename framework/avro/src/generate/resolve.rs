//! Readers of published versions: functions that turn a writer's layout into the struct in use, by Avro's rules of
//! schema resolution. Only pairs that were found compatible get here.

use std::collections::BTreeMap;

use super::code::Code;
use super::enums::put_indexes;
use super::model::{Model, owner, same_wire, short};
use super::read::{skip, wrap};
use super::{literal, names, read};
use crate::schema::published::Version;
use crate::schema::{EnumType, Kind, Named, Record, Schema, TreeEvent, Types, min_bytes};
use crate::versions::eras::{Era, eras};

/// A version that has an arm of its own in `decode`, and what it is read as.
pub(super) struct Read<'a> {
    pub(super) version: &'a Version,
    /// The last version of its era, which an upcast turns; `None`: it is read as the type in use.
    pub(super) last: Option<&'a Version>,
}

/// The versions whose bytes differ from the working schema's, each once.
pub(super) fn versions<'a>(model: &Model<'a>, event: &TreeEvent<'a>) -> Vec<Read<'a>> {
    let mut reads: Vec<Read<'a>> = Vec::new();
    for Era { versions, last } in eras(event, model.published(&event.record.name)) {
        for version in versions {
            let known = version.fingerprint == event.fingerprint
                || reads
                    .iter()
                    .any(|other| other.version.fingerprint == version.fingerprint);
            if !known {
                reads.push(Read { version, last });
            }
        }
    }
    reads
}

/// An expression that reads a version.
pub(super) fn expression(model: &Model<'_>, event: &TreeEvent<'_>, read: &Read<'_>) -> String {
    match read.last.and_then(|last| model.old(event, last)) {
        Some(old) if read.is_last() => {
            format!(
                "{}::avro_read(r)",
                Model::path(&old.name, owner(&event.record.name))
            )
        }
        _ => format!("{}(r)", function(event, read.version)),
    }
}

impl Read<'_> {
    /// Whether its bytes are those of the version that it is read as.
    fn is_last(&self) -> bool {
        self.last
            .is_some_and(|last| last.fingerprint == self.version.fingerprint)
    }
}

/// The function that reads a version of an event.
fn function(event: &TreeEvent<'_>, version: &Version) -> String {
    format!(
        "{}_v{}",
        names::snake(short(&event.record.name)),
        version.number
    )
}

/// Puts a reader for each published version of an event.
pub(super) fn put<'a>(code: &mut Code, model: &Model<'a>, event: &TreeEvent<'a>) {
    for read in versions(model, event) {
        let version = read.version;
        let Some(Named::Record(writer)) = version.document.types.get(&event.record.name) else {
            continue;
        };
        if read.is_last() {
            continue;
        }
        let old = read.last.and_then(|last| model.old(event, last));
        let mut resolver = Resolver {
            model,
            types: &version.document.types,
            module: owner(&event.record.name),
            prefix: function(event, version),
            functions: BTreeMap::new(),
            bodies: Vec::new(),
        };
        let name = function(event, version);
        let body = resolver.record(&name, writer, old.unwrap_or(event.record));
        body.put(code);
        for body in resolver.bodies {
            body.put(code);
        }
    }
}

struct Resolver<'m, 'a> {
    model: &'m Model<'a>,
    /// The writer's.
    types: &'m Types,
    module: &'m str,
    prefix: String,
    /// Functions by what they do: reading a writer's type as a reader's, or stepping over it.
    functions: BTreeMap<(String, Option<String>), String>,
    bodies: Vec<Function>,
}

/// A function of the generated code.
struct Function {
    head: String,
    lines: Vec<String>,
}

impl Function {
    fn put(self, code: &mut Code) {
        code.open(&self.head);
        for line in self.lines {
            if line.starts_with('}') {
                code.close(&line);
            } else if line.ends_with('{') {
                code.open(&line);
            } else {
                code.line(&line);
            }
        }
        code.close("}");
    }
}

impl Resolver<'_, '_> {
    /// The name of the function for a pair, which `make` writes unless it exists.
    fn call(
        &mut self,
        writer: &str,
        reader: Option<&str>,
        make: impl FnOnce(&mut Self, &str) -> Option<Function>,
    ) -> String {
        let key = (writer.to_owned(), reader.map(str::to_owned));
        if let Some(name) = self.functions.get(&key) {
            return format!("{name}(r)");
        }
        let verb = if reader.is_some() { "" } else { "skip_" };
        let mut name = format!("{}_{verb}{}", self.prefix, names::snake(short(writer)));
        while self.functions.values().any(|taken| *taken == name) {
            name.push('_');
        }
        self.functions.insert(key, name.clone());
        let function = make(self, &name);
        self.bodies.extend(function);
        format!("{name}(r)")
    }

    /// Reads the writer's fields in their order, steps over those that are gone, and takes defaults for those that are new.
    fn record(&mut self, name: &str, writer: &Record, reader: &Record) -> Function {
        let mut lines = Vec::new();
        for written in &writer.fields {
            let line = match reader
                .fields
                .iter()
                .find(|field| field.name == written.name)
            {
                Some(field) => {
                    let read = self.value(&written.schema, &field.schema);
                    format!(
                        "let {} = avro::in_field({read}, \"{}\")?;",
                        local(&field.name),
                        written.name
                    )
                }
                None => format!(
                    "avro::in_field({}, \"{}\")?;",
                    self.skipped(&written.schema),
                    written.name
                ),
            };
            lines.push(line);
        }
        let path = Model::path(&reader.name, self.module);
        lines.push(format!("Ok({path} {{"));
        for field in &reader.fields {
            let value = if writer
                .fields
                .iter()
                .any(|written| written.name == field.name)
            {
                local(&field.name)
            } else {
                let default = field.default.clone().unwrap_or_default();
                literal::expression(self.model, &default, &field.schema, self.module)
            };
            lines.push(format!("{}: {value},", names::field(&field.name)));
        }
        lines.push("})".to_owned());
        Function {
            head: head(name, &path),
            lines,
        }
    }

    fn enumeration(&self, name: &str, writer: &EnumType, reader: &EnumType) -> Function {
        let path = Model::path(&reader.name, self.module);
        let arms: Vec<String> = writer
            .symbols
            .iter()
            .map(|symbol| {
                let known = reader.symbols.contains(symbol).then_some(symbol);
                let taken = known.or(reader.default.as_ref()).unwrap_or(symbol);
                format!("{path}::{}", names::variant(taken))
            })
            .collect();
        let mut code = Code::default();
        put_indexes(&mut code, &arms);
        let mut lines = vec![format!("Ok(match r.index({})? {{", arms.len())];
        lines.extend(code.finish().lines().map(str::to_owned));
        lines.push("})".to_owned());
        Function {
            head: head(name, &path),
            lines,
        }
    }

    /// An expression that reads the writer's type as the reader's.
    fn value(&mut self, writer: &Schema, reader: &Schema) -> String {
        if same_wire(writer, self.types, reader, self.model.types()) {
            return read::expression(self.model, reader, self.module);
        }
        match (writer.nullable(), reader.nullable()) {
            (Some((null, written)), Some((_, read))) => {
                return format!("r.nullable({null}, |r| {})", self.value(written, read));
            }
            (None, Some(_)) if writer.kind == Kind::Null => return "Ok(None)".to_owned(),
            (None, Some((_, read))) => return format!("{}.map(Some)", self.value(writer, read)),
            _ => {}
        }
        let raw = match (&writer.kind, &reader.kind) {
            (Kind::Array(written), Kind::Array(read)) => {
                return format!(
                    "r.array({}, |r| {})",
                    min_bytes(written, self.types),
                    self.value(written, read)
                );
            }
            (Kind::Map(written), Kind::Map(read)) => {
                return format!("r.map(|r| {})", self.value(written, read));
            }
            (Kind::Named(written), Kind::Named(read)) => return self.named(written, read, reader),
            (Kind::Int, Kind::Long) => "r.int().map(i64::from)",
            (Kind::Int, Kind::Double) => "r.int().map(f64::from)",
            (Kind::Int, Kind::Float) => "r.int().map(|value| value as f32)",
            (Kind::Long, Kind::Float) => "r.long().map(|value| value as f32)",
            (Kind::Long, Kind::Double) => "r.long().map(|value| value as f64)",
            (Kind::Float, Kind::Double) => "r.float().map(f64::from)",
            // Strings and bytes have the same layout, so the reader's own expression reads them.
            _ => return read::expression(self.model, reader, self.module),
        };
        wrap(reader, raw)
    }

    fn named(&mut self, written: &str, read: &str, reader: &Schema) -> String {
        match (self.types.get(written), self.model.types().get(read)) {
            (Some(Named::Record(writer)), Some(Named::Record(record))) => {
                self.call(written, Some(read), |this, name| {
                    Some(this.record(name, writer, record))
                })
            }
            (Some(Named::Enum(writer)), Some(Named::Enum(of))) => {
                self.call(written, Some(read), |this, name| {
                    Some(this.enumeration(name, writer, of))
                })
            }
            _ => read::expression(self.model, reader, self.module),
        }
    }

    fn skipped(&mut self, schema: &Schema) -> String {
        let types = self.types;
        skip(schema, types, &mut |name| {
            self.call(name, None, |this, function| {
                let Some(Named::Record(record)) = types.get(name) else {
                    return None;
                };
                let mut lines: Vec<String> = record
                    .fields
                    .iter()
                    .map(|field| format!("{}?;", this.skipped(&field.schema)))
                    .collect();
                lines.push("Ok(())".to_owned());
                Some(Function {
                    head: head(function, "()"),
                    lines,
                })
            })
        })
    }
}

fn head(name: &str, result: &str) -> String {
    format!("fn {name}(r: &mut avro::Reader<'_>) -> Result<{result}, avro::Fault> {{")
}

/// A variable for a field, which cannot be mistaken for the reader.
fn local(field: &str) -> String {
    format!("of_{}", names::snake(field))
}
