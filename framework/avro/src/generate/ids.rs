//! Newtypes of keys and other ids.

use super::ALLOW;
use super::code::Code;
use super::model::{Model, Under};

pub(super) fn put(code: &mut Code, model: &Model<'_>) {
    if model.ids().next().is_none() {
        return;
    }
    code.open(&format!("{}\nmod ids {{", ALLOW.replace("{what}\n", "")));
    for (name, under) in model.ids() {
        put_one(code, name, under);
    }
    code.close("}");
    code.line("pub use ids::*;");
}

fn put_one(code: &mut Code, name: &str, under: Under) {
    let (rust, copy, words) = match under {
        Under::String => ("String", "", "a text"),
        Under::Uuid => ("::kolo_avro::uuid::Uuid", "Copy, ", "a uuid"),
        Under::Int => ("i32", "Copy, ", "a whole number"),
        Under::Long => ("i64", "Copy, ", "a whole number"),
    };
    code.line(&format!("/// `{name}`, {words}."));
    code.line(&format!(
        "#[derive(Debug, Clone, {copy}PartialEq, Eq, PartialOrd, Ord, Hash, ::kolo_avro::serde::Serialize, ::kolo_avro::serde::Deserialize)]"
    ));
    // A state that keeps an id can be kept in snapshots.
    code.line("#[serde(crate = \"::kolo_avro::serde\", transparent)]");
    code.line(&format!("pub struct {name}(pub {rust});"));
    code.line(&format!(
        "impl From<{rust}> for {name} {{ fn from(value: {rust}) -> Self {{ Self(value) }} }}"
    ));
    if under == Under::String {
        code.line(&format!("impl From<&str> for {name} {{ fn from(value: &str) -> Self {{ Self(value.to_owned()) }} }}"));
    }
    code.line(&format!(
        "impl ::std::fmt::Display for {name} {{ fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {{ ::std::fmt::Display::fmt(&self.0, f) }} }}"
    ));
    code.line(&format!(
        "impl ::std::str::FromStr for {name} {{ type Err = <{rust} as ::std::str::FromStr>::Err; fn from_str(text: &str) -> Result<Self, Self::Err> {{ text.parse().map(Self) }} }}"
    ));
    if matches!(under, Under::String | Under::Uuid) {
        code.open(&format!("impl ::kolo_core::Key for {name} {{"));
        code.line(&format!("const NAME: &'static str = \"{name}\";"));
        code.line("fn write(&self, out: &mut String) { ::kolo_core::Key::write(&self.0, out) }");
        code.line("fn is(&self, text: &str) -> bool { ::kolo_core::Key::is(&self.0, text) }");
        code.close("}");
    }
}
