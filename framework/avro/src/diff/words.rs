//! A change in words.

use std::fmt;

use serde_json::Value;

use super::{Change, What};

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl What {
    /// Whether only people see it: nothing of it is on the wire, and no reader has to know.
    #[must_use]
    pub fn is_off_the_wire(&self) -> bool {
        match self {
            What::Doc { .. } => true,
            What::Property { name, .. } => matches!(*name, "newtype" | "public" | "mark"),
            _ => false,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::FieldAdded { of, default } => {
                write!(f, "field added, {} {}", article(of), with(default.as_ref()))
            }
            What::FieldRemoved { of, default } => {
                let default = with(default.as_ref());
                write!(f, "field removed, {} {default}", article(of))
            }
            What::FieldsMoved => f.write_str("fields in another order"),
            What::Type { from, to, widened } => {
                let how = if *widened { "widened" } else { "changed" };
                write!(f, "type {how} from {from} to {to}")
            }
            What::BranchAdded(branch) => write!(f, "{branch} added to the union"),
            What::BranchRemoved(branch) => write!(f, "{branch} removed from the union"),
            What::BranchesMoved => f.write_str("branches of the union in another order"),
            What::SymbolAdded(symbol) => write!(f, "symbol {symbol} added"),
            What::SymbolRemoved(symbol) => write!(f, "symbol {symbol} removed"),
            What::SymbolsMoved => f.write_str("symbols in another order"),
            What::Default { from, to } => match (from, to) {
                (None, Some(to)) => write!(f, "default {to} added"),
                (Some(from), None) => write!(f, "default {from} removed"),
                _ => write!(f, "default changed from {} to {}", value(from), value(to)),
            },
            What::Size { from, to } => write!(f, "size changed from {from} to {to} bytes"),
            What::Property { name, from, to } => match (from, to) {
                (None, Some(to)) => write!(f, "{name} `{to}` added"),
                (Some(from), None) => write!(f, "{name} `{from}` removed"),
                _ => write!(f, "{name} changed from `{}` to `{}`", text(from), text(to)),
            },
            What::Doc { from, to } => match (from, to) {
                (_, None) => f.write_str("doc removed"),
                (None, Some(to)) => write!(f, "doc added: {to}"),
                (Some(_), Some(to)) => write!(f, "doc changed to: {to}"),
            },
        }
    }
}

fn article(of: &str) -> String {
    let vowel = of.starts_with(['a', 'e', 'i', 'o']);
    // A named type is called by its full name, and a namespace takes no article; nor do bytes.
    let first = of.split(' ').next().unwrap_or_default();
    if first == "bytes" || first.contains('.') {
        return of.to_owned();
    }
    format!("{} {of}", if vowel { "an" } else { "a" })
}

fn with(default: Option<&Value>) -> String {
    match default {
        Some(default) => format!("with the default {default}"),
        None => "without a default".to_owned(),
    }
}

fn value(default: &Option<Value>) -> String {
    default.as_ref().map_or_else(String::new, Value::to_string)
}

fn text(property: &Option<String>) -> &str {
    property.as_deref().unwrap_or_default()
}
