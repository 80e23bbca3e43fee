//! Generated code and apache-avro write the same bytes, and read each other's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "support/apache.rs"]
mod apache;
mod support;

use std::sync::LazyLock;

use apache::{EVERYTHING, SCHEMA, value_of};
use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use kolo_avro::codec::frame::{FRAME_BYTES, fingerprint, frame};
use kolo_avro::schema::{Document, canonical};
use kolo_avro_tests::kinds::Everything;
use kolo_core::Event;
use proptest::prelude::*;
use support::everything;

fn encoded(event: &Everything) -> Vec<u8> {
    let mut out = Vec::new();
    event.encode(&mut out);
    out
}

static FINGERPRINT: LazyLock<u64> = LazyLock::new(|| {
    let document = Document::parse(EVERYTHING).unwrap();
    canonical::fingerprint(&document.root, &document.types)
});

/// The body as another writer wrote it, framed.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut value = frame(*FINGERPRINT).to_vec();
    value.extend_from_slice(body);
    value
}

proptest! {
    /// With one entry a map: apache-avro writes the entries of a map in any order.
    #[test]
    fn the_same_bytes_as_apache_avro(event in everything(1)) {
        let theirs = GenericDatumWriter::builder(&SCHEMA).build().unwrap().write_value_to_vec(value_of(&event)).unwrap();
        let ours = encoded(&event);
        prop_assert_eq!(&ours[FRAME_BYTES..], theirs);
    }

    #[test]
    fn apache_avro_reads_what_generated_code_writes(event in everything(4)) {
        let reader = GenericDatumReader::builder(&SCHEMA).build().unwrap();
        let ours = encoded(&event);
        let read = reader.read_value(&mut &ours[FRAME_BYTES..]).unwrap();
        prop_assert_eq!(read, value_of(&event));
    }

    #[test]
    fn generated_code_reads_what_apache_avro_writes(event in everything(4)) {
        let writer = GenericDatumWriter::builder(&SCHEMA).build().unwrap();
        let theirs = framed(&writer.write_value_to_vec(value_of(&event)).unwrap());
        prop_assert_eq!(Everything::decode(&theirs), Ok(event));
    }

    #[test]
    fn it_reads_its_own(event in everything(4)) {
        prop_assert_eq!(Everything::decode(&encoded(&event)), Ok(event));
    }
}

#[test]
fn the_frame_names_the_published_schema() {
    let sample = include_bytes!("../published/kinds/Everything/1.bin");
    assert_eq!(fingerprint(sample), fingerprint(&framed(&[])));
}

/// Without logical types all implementations agree on the fingerprint.
#[test]
fn the_fingerprint_is_apache_avros() {
    let texts = [
        r#""string""#,
        r#"["null", {"type": "map", "values": "bytes"}]"#,
        r#"{"type": "record", "name": "n.R", "doc": "d", "fields": [
            {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}, "default": "A"},
            {"name": "f", "type": {"type": "fixed", "name": "o.F", "size": 4}},
            {"name": "again", "type": {"type": "array", "items": "E"}}]}"#,
    ];
    for text in texts {
        let theirs = Schema::parse_str(text).unwrap();
        let ours = Document::parse(text).unwrap();
        assert_eq!(
            canonical::form(&ours.root, &ours.types),
            theirs.canonical_form()
        );
        let print = canonical::fingerprint(&ours.root, &ours.types);
        assert_eq!(
            print.to_le_bytes().to_vec(),
            theirs.fingerprint::<Rabin>().bytes
        );
    }
}
