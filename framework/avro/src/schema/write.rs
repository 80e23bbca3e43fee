//! One self-contained text of a schema, with everything that it refers to.

use serde_json::Value;

use super::types::{Field, Kind, Logical, Named, Schema, Types};

/// Lines longer than this are broken.
const LINE_WIDTH: usize = 120;

/// The schema as JSON, each named type written out where it comes first. Equal texts mean equal schemas.
#[must_use]
pub fn text(schema: &Schema, types: &Types) -> String {
    let mut out = String::new();
    node(schema, types, &mut Vec::new()).print(&mut out, 0);
    out.push('\n');
    out
}

/// JSON with its keys in the order in which people write them.
enum Node {
    Leaf(Value),
    List(Vec<Node>),
    Object(Vec<(&'static str, Node)>),
}

impl Node {
    fn text(text: &str) -> Self {
        Self::Leaf(Value::from(text))
    }

    fn on_one_line(&self) -> String {
        match self {
            Self::Leaf(value) => value.to_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::on_one_line).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Object(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("\"{key}\": {}", value.on_one_line()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    fn print(&self, out: &mut String, indent: usize) {
        let line = self.on_one_line();
        let has_fields = matches!(self, Self::Object(entries) if entries.iter().any(|(key, _)| *key == "fields"));
        if matches!(self, Self::Leaf(_)) || (!has_fields && line.len() + indent <= LINE_WIDTH) {
            out.push_str(&line);
            return;
        }
        let inner = indent + 2;
        let (open, close) = if matches!(self, Self::List(_)) {
            ('[', ']')
        } else {
            ('{', '}')
        };
        out.push(open);
        let mut first = true;
        let mut next = |out: &mut String| {
            out.push_str(if std::mem::take(&mut first) {
                "\n"
            } else {
                ",\n"
            });
            out.push_str(&" ".repeat(inner));
        };
        match self {
            Self::Leaf(_) => {}
            Self::List(items) => {
                for item in items {
                    next(out);
                    item.print(out, inner);
                }
            }
            Self::Object(entries) => {
                for (key, value) in entries {
                    next(out);
                    out.push_str(&format!("\"{key}\": "));
                    value.print(out, inner);
                }
            }
        }
        out.push('\n');
        out.push_str(&" ".repeat(indent));
        out.push(close);
    }
}

fn node(schema: &Schema, types: &Types, defined: &mut Vec<String>) -> Node {
    let mut entries = match &schema.kind {
        Kind::Array(items) => vec![
            ("type", Node::text("array")),
            ("items", node(items, types, defined)),
        ],
        Kind::Map(values) => vec![
            ("type", Node::text("map")),
            ("values", node(values, types, defined)),
        ],
        Kind::Union(branches) => {
            return Node::List(
                branches
                    .iter()
                    .map(|branch| node(branch, types, defined))
                    .collect(),
            );
        }
        Kind::Named(name) => match types.get(name) {
            Some(named) if !defined.contains(name) => {
                defined.push(name.clone());
                definition(named, types, defined)
            }
            _ => vec![("type", Node::text(name))],
        },
        primitive => {
            let mut entries = vec![(
                "type",
                Node::text(primitive.primitive().unwrap_or_default()),
            )];
            push_logical(&mut entries, schema.logical);
            entries
        }
    };
    if let Some(newtype) = &schema.newtype {
        entries.push(("newtype", Node::text(newtype)));
    }
    match entries.pop() {
        Some(("type", name)) if entries.is_empty() => name,
        last => {
            entries.extend(last);
            Node::Object(entries)
        }
    }
}

fn push_logical(entries: &mut Vec<(&'static str, Node)>, logical: Logical) {
    let name = match logical {
        Logical::None => return,
        Logical::Uuid => "uuid",
        Logical::Date => "date",
        Logical::TimestampMillis => "timestamp-millis",
        Logical::TimestampMicros => "timestamp-micros",
        Logical::Decimal { precision, scale } => {
            entries.push(("logicalType", Node::text("decimal")));
            entries.push(("precision", Node::Leaf(precision.into())));
            entries.push(("scale", Node::Leaf(scale.into())));
            return;
        }
    };
    entries.push(("logicalType", Node::text(name)));
}

fn definition(
    named: &Named,
    types: &Types,
    defined: &mut Vec<String>,
) -> Vec<(&'static str, Node)> {
    let kind = match named {
        Named::Record(_) => "record",
        Named::Enum(_) => "enum",
        Named::Fixed(_) => "fixed",
    };
    // Full names throughout, so that no namespace has to be inherited.
    let mut entries = vec![
        ("type", Node::text(kind)),
        ("name", Node::text(named.name())),
    ];
    if !named.aliases().is_empty() {
        let aliases = named
            .aliases()
            .iter()
            .map(|alias| Node::text(alias))
            .collect();
        entries.push(("aliases", Node::List(aliases)));
    }
    let doc = match named {
        Named::Record(record) => &record.doc,
        Named::Enum(of) => &of.doc,
        Named::Fixed(fixed) => &fixed.doc,
    };
    if let Some(doc) = doc {
        entries.push(("doc", Node::text(doc)));
    }
    match named {
        Named::Record(record) => {
            if let Some(event) = &record.event {
                entries.push(("topic", Node::text(&event.topic)));
                entries.push(("key", Node::text(&event.key)));
                if let Some(saga) = &event.saga {
                    entries.push(("saga", Node::text(saga)));
                }
                entries.push(("public", Node::Leaf(event.public.into())));
                if let Some((name, value)) = event.mark.property() {
                    entries.push((name, Node::Leaf(value)));
                }
                if !event.upcasts.is_empty() {
                    let versions = event.upcasts.iter();
                    let versions = versions.map(|version| Node::Leaf((*version).into()));
                    entries.push(("upcasts", Node::List(versions.collect())));
                }
            }
            let fields = record
                .fields
                .iter()
                .map(|of| field(of, types, defined))
                .collect();
            entries.push(("fields", Node::List(fields)));
        }
        Named::Enum(of) => {
            let symbols = of.symbols.iter().map(|symbol| Node::text(symbol)).collect();
            entries.push(("symbols", Node::List(symbols)));
            if let Some(default) = &of.default {
                entries.push(("default", Node::text(default)));
            }
        }
        Named::Fixed(fixed) => {
            entries.push(("size", Node::Leaf(fixed.size.into())));
            push_logical(&mut entries, fixed.logical);
        }
    }
    entries
}

fn field(field: &Field, types: &Types, defined: &mut Vec<String>) -> Node {
    let mut entries = vec![
        ("name", Node::text(&field.name)),
        ("type", node(&field.schema, types, defined)),
    ];
    if !field.aliases.is_empty() {
        entries.push((
            "aliases",
            Node::List(
                field
                    .aliases
                    .iter()
                    .map(|alias| Node::text(alias))
                    .collect(),
            ),
        ));
    }
    if let Some(default) = &field.default {
        entries.push(("default", Node::Leaf(default.clone())));
    }
    if field.sensitive {
        entries.push(("sensitive", Node::Leaf(true.into())));
    }
    if let Some(doc) = &field.doc {
        entries.push(("doc", Node::text(doc)));
    }
    Node::Object(entries)
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    #[test]
    fn a_written_schema_reads_as_the_same_schema() {
        let document = Document::parse(
            r#"{"type":"record","namespace":"shop.order","name":"Placed","doc":"d","topic":"orders","key":"id","saga":"id","public":false,"outcome":"failure",
            "fields":[
                {"name":"id","type":{"type":"string","logicalType":"uuid"},"newtype":"OrderId","doc":"x"},
                {"name":"price","type":{"type":"fixed","name":"Money","size":8,"logicalType":"decimal","precision":9,"scale":2}},
                {"name":"other","type":["null","Money"],"default":null,"sensitive":true},
                {"name":"kinds","type":{"type":"array","items":{"type":"enum","name":"Kind","symbols":["A"],"default":"A"}}},
                {"name":"skus","type":{"type":"map","values":{"type":"string","newtype":"Sku"}},"default":{}}]}"#,
        )
        .unwrap();
        let written = text(&document.root, &document.types);
        let again = Document::parse(&written).unwrap();
        assert_eq!(again, document);
        assert_eq!(text(&again.root, &again.types), written);
    }
}
