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
    let hides = record.fields.iter().any(|field| field.sensitive);
    let debug = if hides { "" } else { "Debug, " };
    code.line(&format!("#[derive({debug}Clone, PartialEq{eq})]"));
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
    if hides {
        put_debug(code, record);
    }

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

/// `Debug` as it would be derived, without what is sensitive: logs, panics and tools print events by it.
fn put_debug(code: &mut Code, record: &Record) {
    let name = short(&record.name);
    code.open(&format!("impl ::std::fmt::Debug for {name} {{"));
    code.open("fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {");
    code.line(&format!("f.debug_struct(\"{name}\")"));
    for field in &record.fields {
        let place = format!("&self.{}", names::field(&field.name));
        let shown = if field.sensitive {
            format!("&::kolo_core::Hidden({place})")
        } else {
            place
        };
        code.line(&format!(
            "    .field({}, {shown})",
            names::literal(&field.name)
        ));
    }
    code.line("    .finish()");
    code.close("}");
    code.close("}");
}
