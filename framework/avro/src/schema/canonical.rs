//! The parsing canonical form of Avro's specification, and its CRC-64-AVRO fingerprint.
//!
//! The form keeps what decides the layout of the bytes and drops the rest: docs, defaults, logical types, properties.
//! So the fingerprint names a layout. It is used to find the schema text that *we* published under it, nothing more:
//! other implementations differ where logical types are involved.

use std::fmt::Write;

use super::types::{Kind, Named, Schema, Types};

/// The parsing canonical form.
#[must_use]
pub fn form(schema: &Schema, types: &Types) -> String {
    let mut text = String::new();
    put(&mut text, schema, types, &mut Vec::new());
    text
}

/// CRC-64-AVRO (Rabin) of the parsing canonical form.
#[must_use]
pub fn fingerprint(schema: &Schema, types: &Types) -> u64 {
    rabin(form(schema, types).as_bytes())
}

const EMPTY: u64 = 0xC15D_213A_A4D7_A795;

/// CRC-64-AVRO, as the specification gives it.
#[must_use]
pub fn rabin(bytes: &[u8]) -> u64 {
    bytes.iter().fold(EMPTY, |print, &byte| {
        print >> 8 ^ TABLE[usize::from(byte ^ print.to_le_bytes()[0])]
    })
}

const TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut print = index as u64;
        let mut bit = 0;
        while bit < 8 {
            print = (print >> 1) ^ (EMPTY & (print & 1).wrapping_neg());
            bit += 1;
        }
        table[index] = print;
        index += 1;
    }
    table
};

/// Writing to a `String` cannot fail, so the results of `write!` are dropped here.
fn put(out: &mut String, schema: &Schema, types: &Types, defined: &mut Vec<String>) {
    match &schema.kind {
        Kind::Array(items) => {
            out.push_str(r#"{"type":"array","items":"#);
            put(out, items, types, defined);
            out.push('}');
        }
        Kind::Map(values) => {
            out.push_str(r#"{"type":"map","values":"#);
            put(out, values, types, defined);
            out.push('}');
        }
        Kind::Union(branches) => {
            out.push('[');
            for (index, branch) in branches.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put(out, branch, types, defined);
            }
            out.push(']');
        }
        Kind::Named(name) => match types.get(name) {
            Some(named) if !defined.contains(name) => {
                defined.push(name.clone());
                define(out, named, types, defined);
            }
            _ => {
                let _ = write!(out, "\"{name}\"");
            }
        },
        primitive => {
            let _ = write!(out, "\"{}\"", primitive.primitive().unwrap_or_default());
        }
    }
}

fn define(out: &mut String, named: &Named, types: &Types, defined: &mut Vec<String>) {
    match named {
        Named::Record(record) => {
            let _ = write!(
                out,
                r#"{{"name":"{}","type":"record","fields":["#,
                record.name
            );
            for (index, field) in record.fields.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                let _ = write!(out, r#"{comma}{{"name":"{}","type":"#, field.name);
                put(out, &field.schema, types, defined);
                out.push('}');
            }
            out.push_str("]}");
        }
        Named::Enum(of) => {
            let symbols: Vec<String> = of
                .symbols
                .iter()
                .map(|symbol| format!("\"{symbol}\""))
                .collect();
            let _ = write!(
                out,
                r#"{{"name":"{}","type":"enum","symbols":[{}]}}"#,
                of.name,
                symbols.join(",")
            );
        }
        Named::Fixed(fixed) => {
            let _ = write!(
                out,
                r#"{{"name":"{}","type":"fixed","size":{}}}"#,
                fixed.name, fixed.size
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    fn print_of(json: &str) -> u64 {
        let document = Document::parse(json).unwrap();
        fingerprint(&document.root, &document.types)
    }

    /// From share/test/data/schema-tests.txt of Apache Avro.
    #[test]
    fn fingerprints_of_the_specification() {
        assert_eq!(
            print_of("\"null\"").cast_signed(),
            7_195_948_357_588_979_594
        );
        assert_eq!(print_of("\"int\"").cast_signed(), 8_247_732_601_305_521_295);
        assert_eq!(
            print_of("\"long\"").cast_signed(),
            -3_434_872_931_120_570_953
        );
        assert_eq!(
            print_of("\"string\"").cast_signed(),
            -8_142_146_995_180_207_161
        );
    }

    #[test]
    fn what_does_not_move_bytes_does_not_move_the_fingerprint() {
        let plain = r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":"string"}]}"#;
        let rich = r#"{"type":"record","namespace":"n","name":"R","doc":"d","topic":"t","key":"a",
            "fields":[{"name":"a","doc":"x","default":"00000000-0000-0000-0000-000000000000","newtype":"A","type":{"type":"string","logicalType":"uuid"}}]}"#;
        assert_eq!(print_of(plain), print_of(rich));
        assert_ne!(print_of(plain), print_of(&plain.replace("\"a\"", "\"b\"")));
    }

    #[test]
    fn a_type_is_written_out_once() {
        let document = Document::parse(
            r#"{"type":"record","name":"n.R","fields":[
                {"name":"x","type":{"type":"enum","name":"E","symbols":["A","B"]}},
                {"name":"y","type":["null","E"]}]}"#,
        )
        .unwrap();
        assert_eq!(
            form(&document.root, &document.types),
            r#"{"name":"n.R","type":"record","fields":[{"name":"x","type":{"name":"n.E","type":"enum","symbols":["A","B"]}},{"name":"y","type":["null","n.E"]}]}"#
        );
    }
}
