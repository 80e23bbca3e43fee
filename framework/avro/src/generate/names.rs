//! Rust names for Avro names.

/// Words that cannot name a field; `self` and its like cannot even as raw identifiers.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// `orderId` and `order_id` are both the field `order_id`.
pub(super) fn field(name: &str) -> String {
    let snake = snake(name);
    if KEYWORDS.contains(&snake.as_str()) {
        format!("r#{snake}")
    } else if matches!(snake.as_str(), "self" | "super" | "crate" | "_") {
        format!("{snake}_")
    } else {
        snake
    }
}

pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
        before = c;
    }
    snake
}

/// `OUT_OF_STOCK`, `out_of_stock` and `OutOfStock` are all `OutOfStock`.
pub(super) fn variant(symbol: &str) -> String {
    let camel: String = symbol
        .split('_')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let shouted = word.chars().all(|c| !c.is_ascii_lowercase());
            let rest = if shouted {
                word[1..].to_ascii_lowercase()
            } else {
                word[1..].to_owned()
            };
            format!("{}{rest}", word[..1].to_ascii_uppercase())
        })
        .collect();
    match camel.as_str() {
        "" => "Underscore".to_owned(),
        // Not even a raw identifier may be called so.
        "Self" => "Self_".to_owned(),
        _ if camel.starts_with(|c: char| c.is_ascii_digit()) => format!("_{camel}"),
        _ => camel,
    }
}

/// Whether `name` can name a Rust type as it stands.
pub(super) fn is_type_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
        && !matches!(
            name,
            "Self"
                | "From"
                | "Vec"
                | "String"
                | "Option"
                | "Result"
                | "Some"
                | "None"
                | "Ok"
                | "Err"
        )
}

/// A Rust string literal.
pub(super) fn literal(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_rust() {
        assert_eq!(field("orderId"), "order_id");
        assert_eq!(field("type"), "r#type");
        assert_eq!(field("self"), "self_");
        assert_eq!(snake("OrderCreated"), "order_created");
        assert_eq!(variant("OUT_OF_STOCK"), "OutOfStock");
        assert_eq!(variant("card"), "Card");
        assert_eq!(variant("OutOfStock"), "OutOfStock");
        assert_eq!(variant("V2"), "V2");
    }
}
