//! A sample value of a schema: always the same, with something in every field.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::codec::decimal_to_text;
use crate::schema::{Document, Kind, Logical, Named, Schema, Types};

/// The sample as JSON.
pub(super) fn of(document: &Document) -> Value {
    Sampler {
        types: &document.types,
        made: 0,
    }
    .value(&document.root, "value")
}

struct Sampler<'a> {
    types: &'a Types,
    /// Numbers the values, so that two fields that change places do not look the same.
    made: u32,
}

impl Sampler<'_> {
    fn value(&mut self, schema: &Schema, field: &str) -> Value {
        if let Some((_, inner)) = schema.nullable() {
            return self.value(inner, field);
        }
        self.made += 1;
        let n = i64::from(self.made);
        match (&schema.kind, schema.logical) {
            (_, Logical::Uuid) => {
                json!(
                    uuid::Uuid::new_v5(
                        &uuid::Uuid::NAMESPACE_OID,
                        format!("{field} {n}").as_bytes()
                    )
                    .to_string()
                )
            }
            (_, Logical::Date) => json!(19_000 + n),
            (_, Logical::TimestampMillis) => json!(1_700_000_000_000 + n),
            (_, Logical::TimestampMicros) => json!(1_700_000_000_000_000 + n),
            (_, Logical::Decimal { precision, scale }) => {
                // Every digit is used, and the sign.
                json!(decimal_to_text(-(10i128.pow(precision.min(37)) - 1), scale))
            }
            (Kind::Null | Kind::Union(_), _) => Value::Null,
            (Kind::Boolean, _) => json!(true),
            (Kind::Int, _) => json!(100 * n + 7),
            (Kind::Long, _) => json!(10_000_000_000 * n + 7),
            (Kind::Float | Kind::Double, _) => json!(-0.5 - f64::from(self.made)),
            (Kind::Bytes, _) => json!(STANDARD.encode(format!("\0{field} №{n}"))),
            (Kind::String, _) => json!(format!("{field} №{n}")),
            (Kind::Array(items), _) => json!([self.value(items, field), self.value(items, field)]),
            (Kind::Map(values), _) => json!({ (field): self.value(values, field) }),
            (Kind::Named(name), _) => self.named(name),
        }
    }

    fn named(&mut self, name: &str) -> Value {
        match self.types.get(name) {
            Some(Named::Record(record)) => {
                let fields: Map<String, Value> = record
                    .fields
                    .iter()
                    .map(|field| (field.name.clone(), self.value(&field.schema, &field.name)))
                    .collect();
                Value::Object(fields)
            }
            Some(Named::Enum(of)) => json!(of.symbols.last()),
            Some(Named::Fixed(fixed)) => json!(STANDARD.encode(vec![0xA5; fixed.size])),
            None => Value::Null,
        }
    }
}
