//! Whether a field's default is a value of its type, in the JSON that Avro prescribes for defaults.

use serde_json::Value;

use super::types::{Kind, Logical, Named, Schema, Types};
use crate::codec::decimal_from_be;

/// Checks `default` against `schema`.
pub(crate) fn check(default: &Value, schema: &Schema, types: &Types) -> Result<(), String> {
    let fits = match (&schema.kind, default) {
        (Kind::String, Value::String(text)) if schema.logical == Logical::Uuid => {
            text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
        }
        (Kind::Bytes | Kind::Named(_), Value::String(text)) if is_decimal(schema) => {
            let bytes: Option<Vec<u8>> = text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).ok())
                .collect();
            let Logical::Decimal { precision, .. } = schema.logical else {
                return Ok(());
            };
            bytes.is_some_and(|bytes| {
                decimal_from_be(&bytes, precision).is_some() && size_fits(schema, &bytes, types)
            })
        }
        (Kind::Null, Value::Null)
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Float | Kind::Double, Value::Number(_))
        | (Kind::String, Value::String(_)) => true,
        (Kind::Int, Value::Number(number)) => {
            number.as_i64().is_some_and(|n| i32::try_from(n).is_ok())
        }
        (Kind::Long, Value::Number(number)) => number.as_i64().is_some(),
        // Bytes are written as a text whose characters are the bytes.
        (Kind::Bytes, Value::String(text)) => text.chars().all(|c| u32::from(c) < 256),
        (Kind::Array(items), Value::Array(values)) => {
            return values
                .iter()
                .try_for_each(|value| check(value, items, types));
        }
        (Kind::Map(of), Value::Object(entries)) => {
            return entries
                .values()
                .try_for_each(|value| check(value, of, types));
        }
        (Kind::Union(branches), _) => {
            return match branches.first() {
                Some(first) if check(default, first, types).is_ok() => Ok(()),
                Some(first) => Err(format!(
                    "the default {default} is not a value of the union's first type, {}; put the default's type first",
                    first.describe()
                )),
                None => Err("an empty union has no values, so no default".to_owned()),
            };
        }
        (Kind::Named(name), _) => match (types.get(name), default) {
            (Some(Named::Enum(of)), Value::String(symbol)) => of.symbols.contains(symbol),
            (Some(Named::Fixed(fixed)), Value::String(text)) => {
                text.chars().count() == fixed.size && text.chars().all(|c| u32::from(c) < 256)
            }
            (Some(Named::Record(record)), Value::Object(object)) => {
                return record.fields.iter().try_for_each(|field| {
                    match object.get(&field.name) {
                        Some(value) => check(value, &field.schema, types),
                        // It is checked where it stands; from here it may lead back to here, without an end.
                        None if field.default.is_some() => Ok(()),
                        None => Err(format!(
                            "the default has no value for the field `{}`",
                            field.name
                        )),
                    }
                });
            }
            _ => false,
        },
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "the default {default} is not a value of type {}",
            schema.describe()
        ))
    }
}

fn is_decimal(schema: &Schema) -> bool {
    matches!(schema.logical, Logical::Decimal { .. })
}

fn size_fits(schema: &Schema, bytes: &[u8], types: &Types) -> bool {
    match &schema.kind {
        Kind::Named(name) => {
            matches!(types.get(name), Some(Named::Fixed(fixed)) if fixed.size == bytes.len())
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::Document;

    #[test]
    fn a_default_may_leave_out_what_has_a_default_and_nothing_else() {
        let parse = |inner: &str| {
            Document::parse(&format!(
                r#"{{"type":"record","name":"R","fields":[{{"name":"s","default":{{}},
                "type":{{"type":"record","name":"S","fields":[{inner}]}}}}]}}"#
            ))
            .map(|_| ())
            .map_err(|errors| errors.to_string())
        };
        assert_eq!(parse(r#"{"name":"a","type":"int","default":1}"#), Ok(()));
        let missing = parse(r#"{"name":"a","type":"int"}"#).unwrap_err();
        assert!(
            missing.contains("R.s") && missing.contains("`a`"),
            "{missing}"
        );
        let wrong = parse(r#"{"name":"a","type":"int","default":"x"}"#).unwrap_err();
        assert!(wrong.contains("S.a"), "{wrong}");
    }

    /// It would be looked for without an end.
    #[test]
    fn a_default_may_lead_back_to_itself() {
        let record =
            r#"{"type":"record","name":"R","fields":[{"name":"f","type":"R","default":{}}]}"#;
        assert!(Document::parse(record).is_ok());
    }
}
