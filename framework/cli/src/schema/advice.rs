//! What to do about what a schema breaks.

use kolo_avro::compat::Rule;
use kolo_avro::versions::{Breaks, Broken};

/// The kind of a finding, as people and programs know it.
pub(super) fn code(breaks: Breaks) -> &'static str {
    match breaks {
        Breaks::Backward => "unreadable-log",
        Breaks::Forward => "unreadable-by-older",
        Breaks::Meaning => "another-meaning",
        Breaks::Place => "another-place",
        Breaks::Upcasts => "upcast-impossible",
        Breaks::Gone => "event-gone",
        Breaks::Sample => "sample-missing",
        _ => "incompatible",
    }
}

/// The next step, in words.
pub(super) fn next(broken: &Broken) -> &'static str {
    match (broken.breaks, broken.rule) {
        (Breaks::Backward, Some(Rule::ReaderFieldMissingDefaultValue)) => {
            "give the new field a \"default\": it is what a reader takes where the writer had no such field; what is computed from other fields takes an upcast (docs/schemas.md)"
        }
        (Breaks::Backward, Some(Rule::MissingEnumSymbols)) => {
            "keep the symbol: a symbol that is renamed is one removed and one added"
        }
        (Breaks::Backward, Some(Rule::MissingUnionBranch | Rule::TypeMismatch)) => {
            "keep the type, or make it wider; what means something else is a field of another name, with a default, or takes an upcast (docs/schemas.md)"
        }
        (Breaks::Backward, _) => {
            "restore it; what means something else is an event of another name"
        }
        (Breaks::Forward, Some(Rule::ReaderFieldMissingDefaultValue)) => {
            "keep the field, which programs with the older schema need; it can go in two steps (docs/schemas.md), checked with --mode backward"
        }
        (Breaks::Forward, Some(Rule::MissingEnumSymbols)) => {
            "an enum that had a \"default\" from its first version on can grow; for this one, add a field with a default"
        }
        (Breaks::Forward, _) => {
            "keep the type, and add a field with a default beside it; or, checked with --mode backward, deploy all readers first"
        }
        (Breaks::Meaning, _) => "keep the type, and add a field with a default beside it",
        (Breaks::Place, _) => "restore it; what belongs elsewhere is an event of another name",
        (Breaks::Upcasts, _) => {
            "an upcast takes what was published before it, and is told from what comes after it by the schema's fingerprint (docs/schemas.md)"
        }
        (Breaks::Gone, _) => {
            "restore the file; an event is retired when nobody emits or answers it and no log holds its records"
        }
        (Breaks::Sample, _) => "restore the file from version control",
        _ => "restore what was published",
    }
}
