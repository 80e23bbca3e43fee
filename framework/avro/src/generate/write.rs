//! Statements that append a value to `out`.

use super::code::Code;
use super::model::Model;
use crate::schema::{Kind, Logical, Named, Schema};

/// Where the value is: a place such as `self.sku`, or a variable that holds a reference.
#[derive(Clone)]
pub(super) struct Value {
    text: String,
    is_reference: bool,
}

impl Value {
    pub(super) fn place(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_reference: false,
        }
    }

    fn reference(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_reference: true,
        }
    }

    fn copied(&self) -> String {
        if self.is_reference {
            format!("*{}", self.text)
        } else {
            self.text.clone()
        }
    }

    fn borrowed(&self) -> String {
        if self.is_reference {
            self.text.clone()
        } else {
            format!("&{}", self.text)
        }
    }

    /// The value inside of a tuple struct.
    fn inside(&self) -> Self {
        Self::place(format!("{}.0", self.text))
    }
}

pub(super) fn put(code: &mut Code, model: &Model<'_>, schema: &Schema, value: &Value) {
    if let Some((null, inner)) = schema.nullable() {
        let (none, some) = (null * 2, 2 - null * 2);
        code.open(&format!("match {} {{", value.borrowed()));
        code.line(&format!("None => out.push({none}),"));
        code.open("Some(value) => {");
        code.line(&format!("out.push({some});"));
        put(code, model, inner, &Value::reference("value"));
        code.close("}");
        code.close("}");
        return;
    }
    let value = if schema.newtype.is_some() {
        value.inside()
    } else {
        value.clone()
    };
    match (&schema.kind, schema.logical) {
        (Kind::Array(items), _) => {
            put_count(code, &value);
            code.open(&format!("for item in {} {{", value.borrowed()));
            put(code, model, items, &Value::reference("item"));
            code.close("}");
            code.line("out.push(0);");
        }
        (Kind::Map(values), _) => {
            put_count(code, &value);
            code.open(&format!("for (key, item) in {} {{", value.borrowed()));
            code.line("avro::write::string(out, key);");
            put(code, model, values, &Value::reference("item"));
            code.close("}");
            code.line("out.push(0);");
        }
        (Kind::Named(name), Logical::Decimal { .. }) => {
            let size = match model.types().get(name) {
                Some(Named::Fixed(fixed)) => fixed.size,
                _ => 0,
            };
            code.line(&format!(
                "avro::write_decimal_fixed(out, {}, {size});",
                value.copied()
            ));
        }
        (Kind::Named(name), _) => match model.types().get(name) {
            Some(Named::Fixed(_)) => {
                code.line(&format!("avro::write::fixed(out, {});", value.borrowed()));
            }
            _ => code.line(&format!("{}.avro_write(out);", value.text)),
        },
        (_, Logical::Decimal { .. }) => {
            code.line(&format!("avro::write_decimal(out, {});", value.copied()));
        }
        (_, Logical::Uuid) => code.line(&format!("avro::write::uuid(out, {});", value.copied())),
        (_, Logical::Date) => code.line(&format!(
            "avro::write::int(out, {});",
            value.inside().copied()
        )),
        (_, Logical::TimestampMillis | Logical::TimestampMicros) => {
            code.line(&format!(
                "avro::write::long(out, {});",
                value.inside().copied()
            ));
        }
        (Kind::Null | Kind::Union(_), _) => {}
        (Kind::Bytes, _) => code.line(&format!("avro::write::bytes(out, {});", value.borrowed())),
        (Kind::String, _) => code.line(&format!("avro::write::string(out, {});", value.borrowed())),
        (kind, _) => code.line(&format!(
            "avro::write::{}(out, {});",
            kind.primitive().unwrap_or_default(),
            value.copied()
        )),
    }
}

/// One block holds all items; no items, no block.
fn put_count(code: &mut Code, value: &Value) {
    code.line(&format!(
        "if !{0}.is_empty() {{ avro::write::count(out, {0}.len()); }}",
        value.text
    ));
}
