//! Enums.

use super::code::Code;
use super::model::short;
use super::names;
use crate::schema::EnumType;

pub(super) fn put(code: &mut Code, of: &EnumType) {
    let name = short(&of.name);
    code.doc(of.doc.as_deref(), &format!("The enum `{}`.", of.name));
    code.line("#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]");
    code.open(&format!("pub enum {name} {{"));
    for symbol in &of.symbols {
        code.line(&format!("/// `{symbol}`.\n{},", names::variant(symbol)));
    }
    code.close("}");
    code.open(&format!("impl {name} {{"));
    code.line("/// The symbol, as the schema has it.");
    code.line("#[must_use]");
    code.open("pub fn symbol(self) -> &'static str {");
    code.open("match self {");
    for symbol in &of.symbols {
        code.line(&format!(
            "Self::{} => \"{symbol}\",",
            names::variant(symbol)
        ));
    }
    code.close("}");
    code.close("}");
    code.open("pub(crate) fn avro_read(r: &mut avro::Reader<'_>) -> Result<Self, avro::Fault> {");
    code.open(&format!("Ok(match r.index({})? {{", of.symbols.len()));
    put_indexes(
        code,
        &of.symbols
            .iter()
            .map(|symbol| format!("Self::{}", names::variant(symbol)))
            .collect::<Vec<_>>(),
    );
    code.close("})");
    code.close("}");
    code.open("pub(crate) fn avro_write(self, out: &mut Vec<u8>) {");
    code.line("avro::write::long(out, self as i64);");
    code.close("}");
    code.close("}");
    code.line(&format!(
        "impl ::std::fmt::Display for {name} {{ fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {{ f.write_str(self.symbol()) }} }}"
    ));
}

/// The arms of a match over an index that was checked to be below their number.
pub(super) fn put_indexes(code: &mut Code, arms: &[String]) {
    for (index, arm) in arms.iter().enumerate() {
        if index + 1 == arms.len() {
            code.line(&format!("_ => {arm},"));
        } else {
            code.line(&format!("{index} => {arm},"));
        }
    }
}
