//! Structs of records, events or not.

use super::code::Code;
use super::model::{Model, owner, short};
use super::{names, read, write};
use crate::schema::Record;

pub(super) fn put(code: &mut Code, model: &Model<'_>, record: &Record) {
    let (name, module) = (short(&record.name), owner(&record.name));
    code.doc(
        record.doc.as_deref(),
        &format!("The record `{}`.", record.name),
    );
    let eq = if record.fields.iter().all(|field| model.is_eq(&field.schema)) {
        ", Eq"
    } else {
        ""
    };
    code.line(&format!("#[derive(Debug, Clone, PartialEq{eq})]"));
    code.open(&format!("pub struct {name} {{"));
    for field in &record.fields {
        code.doc(
            field.doc.as_deref(),
            &format!("`{}`, {}.", field.name, field.schema.describe()),
        );
        code.line(&format!(
            "pub {}: {},",
            names::field(&field.name),
            model.rust(&field.schema, module)
        ));
    }
    code.close("}");

    code.open(&format!("impl {name} {{"));
    let fields = !record.fields.is_empty();
    let r = if fields { "r" } else { "_" };
    code.open(&format!(
        "pub(crate) fn avro_read({r}: &mut avro::Reader<'_>) -> Result<Self, avro::Fault> {{"
    ));
    code.open("Ok(Self {");
    for field in &record.fields {
        code.line(&format!(
            "{}: avro::in_field({}, \"{}\")?,",
            names::field(&field.name),
            read::expression(model, &field.schema, module),
            field.name
        ));
    }
    code.close("})");
    code.close("}");
    let out = if fields { "out" } else { "_" };
    code.open(&format!(
        "pub(crate) fn avro_write(&self, {out}: &mut Vec<u8>) {{"
    ));
    for field in &record.fields {
        write::put(
            code,
            model,
            &field.schema,
            &write::Value::place(format!("self.{}", names::field(&field.name))),
        );
    }
    code.close("}");
    code.close("}");
}
