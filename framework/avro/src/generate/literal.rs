//! Rust expressions of defaults, which were checked against their types when the schemas were loaded.

use serde_json::Value;

use super::model::Model;
use super::names;
use crate::codec::decimal_from_be;
use crate::schema::{Kind, Logical, Named, Schema};

pub(super) fn expression(
    model: &Model<'_>,
    default: &Value,
    schema: &Schema,
    from: &str,
) -> String {
    if let Some((null, inner)) = schema.nullable() {
        // A default is of the union's first branch.
        return if null == 0 {
            "None".to_owned()
        } else {
            format!("Some({})", expression(model, default, inner, from))
        };
    }
    let raw = match (&schema.kind, default) {
        (Kind::Boolean, Value::Bool(value)) => value.to_string(),
        (Kind::Int, Value::Number(number)) => format!("{number}_i32"),
        (Kind::Long, Value::Number(number)) => format!("{number}_i64"),
        (Kind::Float, Value::Number(number)) => {
            format!("{:?}_f64 as f32", number.as_f64().unwrap_or_default())
        }
        (Kind::Double, Value::Number(number)) => {
            format!("{:?}_f64", number.as_f64().unwrap_or_default())
        }
        (Kind::String, Value::String(text)) => match schema.logical {
            Logical::Uuid => uuid(text),
            _ => format!("{}.to_owned()", names::literal(text)),
        },
        (Kind::Bytes, Value::String(text)) => bytes(text, schema.logical, "Vec::from"),
        (Kind::Array(items), Value::Array(values)) => {
            let values: Vec<String> = values
                .iter()
                .map(|value| expression(model, value, items, from))
                .collect();
            format!("vec![{}]", values.join(", "))
        }
        (Kind::Map(of), Value::Object(entries)) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| {
                    format!(
                        "({}.to_owned(), {})",
                        names::literal(key),
                        expression(model, value, of, from)
                    )
                })
                .collect();
            format!(
                "::std::collections::BTreeMap::from([{}])",
                entries.join(", ")
            )
        }
        (Kind::Named(name), value) => named(model, name, value, schema, from),
        _ => "()".to_owned(),
    };
    let raw = match schema.logical {
        Logical::Date => format!("avro::Date({raw})"),
        Logical::TimestampMillis => format!("avro::TimestampMillis({raw})"),
        Logical::TimestampMicros => format!("avro::TimestampMicros({raw})"),
        _ => raw,
    };
    match &schema.newtype {
        Some(newtype) => format!("super::{newtype}({raw})"),
        None => raw,
    }
}

fn named(model: &Model<'_>, name: &str, default: &Value, schema: &Schema, from: &str) -> String {
    let path = Model::path(name, from);
    match (model.types().get(name), default) {
        (Some(Named::Enum(_)), Value::String(symbol)) => {
            format!("{path}::{}", names::variant(symbol))
        }
        (Some(Named::Fixed(_)), Value::String(text)) => bytes(text, schema.logical, ""),
        (Some(Named::Record(record)), Value::Object(object)) => {
            let fields: Vec<String> = record
                .fields
                .iter()
                .map(|field| {
                    let value = object
                        .get(&field.name)
                        .or(field.default.as_ref())
                        .unwrap_or(&Value::Null);
                    format!(
                        "{}: {}",
                        names::field(&field.name),
                        expression(model, value, &field.schema, from)
                    )
                })
                .collect();
            format!("{path} {{ {} }}", fields.join(", "))
        }
        _ => "()".to_owned(),
    }
}

/// The default of a uuid: a text that was checked to be one.
fn uuid(text: &str) -> String {
    let value = uuid::Uuid::try_parse(text).unwrap_or_default();
    format!(
        "::kolo_avro::uuid::Uuid::from_u128(0x{:032x})",
        value.as_u128()
    )
}

/// Bytes stand in a default as a text of characters below 256.
fn bytes(text: &str, logical: Logical, make: &str) -> String {
    let bytes: Vec<u8> = text
        .chars()
        .filter_map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    match logical {
        Logical::Decimal { precision, scale } => {
            let unscaled = decimal_from_be(&bytes, precision).unwrap_or_default();
            format!("const {{ avro::Decimal::<{precision}, {scale}>::literal({unscaled}) }}")
        }
        _ if make.is_empty() => format!("{bytes:?}"),
        _ => format!("{make}({bytes:?} as [u8; {}])", bytes.len()),
    }
}
