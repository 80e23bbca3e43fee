//! Keys: what names an aggregate, as UTF-8 text on the wire.

use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

/// The type of an aggregate's key. Generated newtypes (`OrderId`, `Sku`) implement it; so do `String` and [`uuid::Uuid`].
///
/// The text is the record key on Kafka: it decides the partition (murmur2), so it must be the same in every language
/// and never change. A uuid is written in its hyphenated lower-case form. [`FromStr`] reads what [`Key::write`] writes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of an aggregate",
    note = "keys are generated newtypes, `String` or `Uuid`"
)]
pub trait Key: Clone + Eq + Hash + FromStr + fmt::Debug + Send + Sync + 'static {
    /// The type's name, as messages show it.
    const NAME: &'static str;

    /// Appends the key's text to `out`.
    fn write(&self, out: &mut String);

    /// Whether `text` is exactly this key's text. Overridden where it can be told without building the text.
    fn is(&self, text: &str) -> bool {
        let mut own = String::with_capacity(text.len());
        self.write(&mut own);
        own == text
    }

    /// The key as text.
    fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }
}

impl Key for String {
    const NAME: &'static str = "String";

    fn write(&self, out: &mut String) {
        out.push_str(self);
    }

    fn is(&self, text: &str) -> bool {
        self == text
    }
}

impl Key for uuid::Uuid {
    const NAME: &'static str = "Uuid";

    fn write(&self, out: &mut String) {
        let mut buffer = uuid::Uuid::encode_buffer();
        out.push_str(self.hyphenated().encode_lower(&mut buffer));
    }

    fn is(&self, text: &str) -> bool {
        let mut buffer = uuid::Uuid::encode_buffer();
        *self.hyphenated().encode_lower(&mut buffer) == *text
    }
}
