//! What a project may be called: its name is that of a crate.

use std::fmt;

use crate::failure::Failure;

use super::template::CRATES;

/// As crates.io.
const BYTES_AT_MOST: usize = 64;

/// Cargo refuses them as crates.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "Self", "static", "struct", "super", "trait", "true", "try", "type",
    "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// What `use` finds without any dependency.
const WITH_RUST: &[&str] = &["alloc", "core", "proc_macro", "std", "test"];

/// Where Cargo puts what it builds, beside the binary of this name.
const IN_TARGET: &[&str] = &["build", "deps", "examples", "incremental"];

/// A name that Cargo takes for the crate of a project made from the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        match problem(text) {
            None => Ok(Name(text.to_owned())),
            Some(problem) => Err(Failure::input(format!(
                "`{}` cannot be the name of a project: {problem}. Choose another, such as my-shop",
                text.escape_debug()
            ))),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn problem(text: &str) -> Option<String> {
    let name = text.replace('-', "_");
    let is = |known: &&str| *known == name;
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Some("it must begin with a letter from a to z".into());
    }
    let odd = text
        .chars()
        .find(|char| !char.is_ascii_alphanumeric() && !matches!(char, '-' | '_'));
    if let Some(odd) = odd {
        return Some(format!(
            "it has {odd:?}, and only letters from a to z, digits, `-` and `_` are allowed"
        ));
    }
    if text.len() > BYTES_AT_MOST {
        return Some(format!(
            "it has {} characters, and {BYTES_AT_MOST} are allowed",
            text.len()
        ));
    }
    if KEYWORDS.iter().any(is) {
        return Some("it is a keyword of Rust".into());
    }
    if WITH_RUST.iter().any(is) {
        return Some("a crate of this name comes with Rust".into());
    }
    if IN_TARGET.iter().any(is) {
        return Some("Cargo has a folder of this name for what it builds".into());
    }
    let taken = CRATES.iter().find(|known| known.replace('-', "_") == name);
    taken.map(|taken| format!("the project has another crate of this name, `{taken}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_takes_is_taken() {
        for good in ["my-shop", "shop", "a", "Shop_2", &"x".repeat(64)] {
            assert_eq!(problem(good), None, "{good}");
        }
    }

    #[test]
    fn what_cargo_would_refuse_is_refused_with_the_reason() {
        for (bad, reason) in [
            ("", "begin with a letter"),
            ("1shop", "begin with a letter"),
            ("-shop", "begin with a letter"),
            ("_", "begin with a letter"),
            ("čaj", "begin with a letter"),
            ("../shop", "begin with a letter"),
            ("my shop", "it has ' '"),
            ("shop/new", "it has '/'"),
            ("shop\n", "it has '\\n'"),
            (&"x".repeat(65), "65 characters"),
            ("match", "keyword"),
            ("Self", "keyword"),
            ("core", "comes with Rust"),
            ("proc-macro", "comes with Rust"),
            ("test", "comes with Rust"),
            ("deps", "what it builds"),
            ("flight", "another crate of this name, `flight`"),
            ("kolo-core", "another crate of this name, `kolo-core`"),
            ("kolo_core", "another crate of this name, `kolo-core`"),
        ] {
            let problem = problem(bad).unwrap_or_default();
            assert!(problem.contains(reason), "{bad}: {problem}");
        }
    }
}
