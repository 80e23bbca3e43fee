//! From JSON to bytes, with everything that is wrong on the way.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::codec::{decimal_from_be, decimal_from_text, put_fixed, shortest, write};
use crate::schema::{Kind, Logical, Named, Record, Schema, Types};

/// One thing that is wrong with a JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputProblem {
    /// The place, such as `OrderCreated.lines[0].quantity`.
    pub path: String,
    /// What is wrong there, and what was expected.
    pub problem: String,
}

impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// Appends `json` as a value of `schema`.
///
/// # Errors
/// All that is wrong; `out` is then of no use.
pub(crate) fn encode(
    json: &Value,
    schema: &Schema,
    types: &Types,
    path: &str,
    out: &mut Vec<u8>,
) -> Result<(), Vec<InputProblem>> {
    let mut encoder = Encoder {
        types,
        problems: Vec::new(),
        out,
    };
    encoder.value(json, schema, path, Form::Human);
    if encoder.problems.is_empty() {
        Ok(())
    } else {
        Err(encoder.problems)
    }
}

/// The bytes of a default, as schemas write it.
///
/// # Errors
/// What is wrong with it. Defaults are checked when schemas are loaded.
pub(crate) fn encode_default(
    json: &Value,
    schema: &Schema,
    types: &Types,
) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut encoder = Encoder {
        types,
        problems: Vec::new(),
        out: &mut out,
    };
    encoder.value(json, schema, "default", Form::Default);
    match encoder.problems.first() {
        None => Ok(out),
        Some(problem) => Err(problem.to_string()),
    }
}

/// How a value is written in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As people write it.
    Human,
    /// As schemas write defaults: bytes as characters, a union's value of its first branch.
    Default,
}

struct Encoder<'a> {
    types: &'a Types,
    problems: Vec<InputProblem>,
    out: &'a mut Vec<u8>,
}

impl Encoder<'_> {
    fn wrong(&mut self, path: &str, problem: impl Into<String>) {
        self.problems.push(InputProblem {
            path: path.to_owned(),
            problem: problem.into(),
        });
    }

    fn expected(&mut self, path: &str, what: &str, json: &Value) {
        self.wrong(path, format!("expected {what}, found {}", shown(json)));
    }

    fn value(&mut self, json: &Value, schema: &Schema, path: &str, form: Form) {
        if let Some((null, inner)) = schema.nullable() {
            let is_null = if form == Form::Default {
                null == 0
            } else {
                json.is_null()
            };
            write::count(self.out, if is_null { null } else { 1 - null });
            if !is_null {
                self.value(json, inner, path, form);
            }
            return;
        }
        match (&schema.kind, json) {
            (Kind::Array(items), Value::Array(values)) => {
                if !values.is_empty() {
                    write::count(self.out, values.len());
                }
                for (index, value) in values.iter().enumerate() {
                    self.value(value, items, &format!("{path}[{index}]"), form);
                }
                self.out.push(0);
            }
            (Kind::Map(of), Value::Object(entries)) => {
                if !entries.is_empty() {
                    write::count(self.out, entries.len());
                }
                for (key, value) in entries {
                    write::string(self.out, key);
                    self.value(value, of, &format!("{path}[{key:?}]"), form);
                }
                self.out.push(0);
            }
            (Kind::Named(name), _) => match self.types.get(name) {
                Some(Named::Record(record)) => self.record(json, record, path, form),
                Some(Named::Enum(of)) => {
                    let index = json
                        .as_str()
                        .and_then(|text| of.symbols.iter().position(|symbol| symbol == text));
                    match index {
                        Some(index) => write::count(self.out, index),
                        None => {
                            self.expected(path, &format!("one of {}", of.symbols.join(", ")), json);
                        }
                    }
                }
                Some(Named::Fixed(fixed)) => self.fixed(json, schema, fixed.size, path, form),
                None => self.wrong(
                    path,
                    format!("its type `{name}` is missing from the schemas"),
                ),
            },
            (Kind::Bytes, _) => self.bytes(json, schema, path, form),
            _ => self.scalar(json, schema, path),
        }
    }

    fn record(&mut self, json: &Value, record: &Record, path: &str, form: Form) {
        let Value::Object(object) = json else {
            return self.expected(path, &format!("an object ({})", record.name), json);
        };
        let names = || {
            record
                .fields
                .iter()
                .map(|field| field.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        for unknown in object
            .keys()
            .filter(|key| record.fields.iter().all(|field| field.name != **key))
        {
            let problem = format!(
                "there is no such field; the fields of {} are: {}",
                record.name,
                names()
            );
            self.wrong(&format!("{path}.{unknown}"), problem);
        }
        for field in &record.fields {
            let path = format!("{path}.{}", field.name);
            match (object.get(&field.name), &field.default) {
                (Some(value), _) => self.value(value, &field.schema, &path, form),
                (None, Some(default)) => self.value(default, &field.schema, &path, Form::Default),
                (None, None) => self.wrong(
                    &path,
                    format!("this field is missing; expected {}", what(&field.schema)),
                ),
            }
        }
    }

    fn scalar(&mut self, json: &Value, schema: &Schema, path: &str) {
        match (&schema.kind, schema.logical, json) {
            (Kind::Null, _, Value::Null) => {}
            (Kind::Boolean, _, Value::Bool(value)) => write::boolean(self.out, *value),
            (Kind::String, Logical::Uuid, Value::String(text)) => match uuid::Uuid::try_parse(text)
            {
                Ok(uuid) if text.len() == 36 => write::uuid(self.out, uuid),
                _ => self.expected(path, &what(schema), json),
            },
            (Kind::String, _, Value::String(text)) => write::string(self.out, text),
            (Kind::Float, _, _) => match number(json) {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a float holds the nearest value"
                )]
                Some(value) => write::float(self.out, value as f32),
                None => self.expected(path, &what(schema), json),
            },
            (Kind::Double, _, _) => match number(json) {
                Some(value) => write::double(self.out, value),
                None => self.expected(path, &what(schema), json),
            },
            (Kind::Int, _, _) => {
                match integer(json, schema.logical).and_then(|n| i32::try_from(n).ok()) {
                    Some(value) => write::int(self.out, value),
                    None => self.expected(path, &what(schema), json),
                }
            }
            (Kind::Long, _, _) => match integer(json, schema.logical) {
                Some(value) => write::long(self.out, value),
                None => self.expected(path, &what(schema), json),
            },
            _ => self.expected(path, &what(schema), json),
        }
    }

    fn bytes(&mut self, json: &Value, schema: &Schema, path: &str, form: Form) {
        if let Logical::Decimal { precision, scale } = schema.logical {
            return match decimal(json, precision, scale, form) {
                Some(unscaled) => {
                    let (all, start) = shortest(unscaled);
                    write::bytes(self.out, &all[start..]);
                }
                None => self.expected(path, &what(schema), json),
            };
        }
        match binary(json, form) {
            Some(bytes) => write::bytes(self.out, &bytes),
            None => self.expected(path, &what(schema), json),
        }
    }

    fn fixed(&mut self, json: &Value, schema: &Schema, size: usize, path: &str, form: Form) {
        if let Logical::Decimal { precision, scale } = schema.logical {
            return match decimal(json, precision, scale, form) {
                Some(unscaled) => put_fixed(self.out, unscaled, size),
                None => self.expected(path, &what(schema), json),
            };
        }
        match binary(json, form) {
            Some(bytes) if bytes.len() == size => self.out.extend_from_slice(&bytes),
            _ => self.expected(path, &format!("{size} byte(s) in base64"), json),
        }
    }
}

/// JSON has no numbers for these, so they are texts.
fn number(json: &Value) -> Option<f64> {
    match json {
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => json.as_f64(),
    }
}

fn integer(json: &Value, logical: Logical) -> Option<i64> {
    let Value::String(text) = json else {
        return json.as_i64();
    };
    let nanos_per_unit = match logical {
        Logical::TimestampMillis => 1_000_000,
        Logical::TimestampMicros => 1_000,
        Logical::Date => {
            let date: jiff::civil::Date = text.parse().ok()?;
            let start = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
            return Some(start.as_second().div_euclid(86_400));
        }
        _ => return None,
    };
    let nanos = text.parse::<jiff::Timestamp>().ok()?.as_nanosecond();
    // What the unit cannot hold would be lost without a word.
    if nanos % nanos_per_unit == 0 {
        i64::try_from(nanos / nanos_per_unit).ok()
    } else {
        None
    }
}

fn decimal(json: &Value, precision: u32, scale: u32, form: Form) -> Option<i128> {
    match form {
        Form::Human => decimal_from_text(json.as_str()?, precision, scale),
        Form::Default => decimal_from_be(&binary(json, form)?, precision),
    }
}

fn binary(json: &Value, form: Form) -> Option<Vec<u8>> {
    let text = json.as_str()?;
    match form {
        Form::Human => STANDARD.decode(text).ok(),
        Form::Default => text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).ok())
            .collect(),
    }
}

/// What is expected, in words.
fn what(schema: &Schema) -> String {
    if let Some((_, inner)) = schema.nullable() {
        return format!("null or {}", what(inner));
    }
    match (&schema.kind, schema.logical) {
        (_, Logical::Uuid) => "a uuid as text (36 characters with hyphens)".to_owned(),
        (_, Logical::Date) => "a date as \"2026-01-31\" or in days since 1970-01-01".to_owned(),
        (_, Logical::TimestampMillis) => {
            "a time as \"2026-01-31T12:00:00.000Z\" (no finer) or in milliseconds since 1970"
                .to_owned()
        }
        (_, Logical::TimestampMicros) => {
            "a time as \"2026-01-31T12:00:00.000000Z\" (no finer) or in microseconds since 1970"
                .to_owned()
        }
        (_, Logical::Decimal { precision, scale }) => {
            format!(
                "a decimal as text, of at most {precision} digits, {scale} of them behind the point"
            )
        }
        (Kind::Null, _) => "null".to_owned(),
        (Kind::Boolean, _) => "true or false".to_owned(),
        (Kind::Int, _) => "an int (a whole number of 32 bits)".to_owned(),
        (Kind::Long, _) => "a long (a whole number of 64 bits)".to_owned(),
        (Kind::Float | Kind::Double, _) => format!("a {} (a number)", schema.describe()),
        (Kind::Bytes, _) => "bytes in base64".to_owned(),
        (Kind::String, _) => "a string".to_owned(),
        (Kind::Array(items), _) => format!("an array of {}", items.describe()),
        (Kind::Map(values), _) => format!("an object, its values {}", values.describe()),
        (Kind::Named(name), _) => format!("a value of {name}"),
        (Kind::Union(_), _) => schema.describe(),
    }
}

/// What stands there instead, shortened.
fn shown(json: &Value) -> String {
    let text = json.to_string();
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
