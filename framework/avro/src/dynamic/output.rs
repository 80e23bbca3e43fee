//! From bytes to JSON; what is sensitive is hidden unless it is asked for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::sensitive::{HIDDEN, Shown};
use crate::codec::{Fault, Reader, decimal_to_text};
use crate::schema::{Kind, Logical, Named, Schema, Types, min_bytes};

/// Reads a value that was written with `schema`.
///
/// # Errors
/// When the bytes are not what the schema says.
pub(crate) fn decode(
    r: &mut Reader<'_>,
    schema: &Schema,
    types: &Types,
    shown: Shown<'_>,
) -> Result<Value, Fault> {
    if let Some((null, inner)) = schema.nullable() {
        return Ok(r
            .nullable(null, |r| decode(r, inner, types, shown))?
            .unwrap_or(Value::Null));
    }
    Ok(match (&schema.kind, schema.logical) {
        (_, Logical::Decimal { precision, scale }) => {
            let bytes = match &schema.kind {
                Kind::Named(name) => match types.get(name) {
                    Some(Named::Fixed(fixed)) => r.take(fixed.size)?,
                    _ => &[],
                },
                _ => r.slice()?,
            };
            decimal_to_text(r.decimal_of(bytes, precision)?, scale).into()
        }
        (_, Logical::Uuid) => r.uuid()?.to_string().into(),
        // Unions other than nullable ones are refused when the schemas are loaded.
        (Kind::Null | Kind::Union(_), _) => Value::Null,
        (Kind::Boolean, _) => r.boolean()?.into(),
        (Kind::Int, _) => r.int()?.into(),
        (Kind::Long, _) => r.long()?.into(),
        (Kind::Float, _) => number(f64::from(r.float()?)),
        (Kind::Double, _) => number(r.double()?),
        (Kind::Bytes, _) => STANDARD.encode(r.slice()?).into(),
        (Kind::String, _) => r.str()?.into(),
        (Kind::Array(items), _) => {
            Value::Array(r.array(min_bytes(items, types), |r| decode(r, items, types, shown))?)
        }
        (Kind::Map(values), _) => {
            let entries = r.map(|r| decode(r, values, types, shown))?;
            Value::Object(entries.into_iter().collect())
        }
        (Kind::Named(name), _) => match types.get(name) {
            Some(Named::Record(record)) => {
                let mut object = Map::new();
                for field in &record.fields {
                    let value = decode(r, &field.schema, types, shown)
                        .map_err(|fault| fault.within(field.name.clone()))?;
                    let value = if shown.hides(&record.name, field) {
                        HIDDEN.into()
                    } else {
                        value
                    };
                    object.insert(field.name.clone(), value);
                }
                Value::Object(object)
            }
            Some(Named::Enum(of)) => of.symbols[r.index(of.symbols.len())?].clone().into(),
            Some(Named::Fixed(fixed)) => STANDARD.encode(r.take(fixed.size)?).into(),
            // References were checked when the schemas were loaded.
            None => Value::Null,
        },
    })
}

/// JSON has no numbers for what is not finite.
fn number(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}
