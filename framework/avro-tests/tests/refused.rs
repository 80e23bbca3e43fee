//! What the generator refuses, and how it says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use kolo_avro::Generator;
use kolo_avro::publish::publish;

const ORDER: &str = r#"{"type": "record", "name": "shop.order.Placed", "topic": "orders", "key": "id", "fields": [
    {"name": "id", "type": "string"},
    {"name": "count", "type": "int"},
    {"name": "note", "type": "string", "default": ""}]}"#;

/// A folder of schemas, `owner/Name` and text each.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        put(folder.path(), name, text);
    }
    folder
}

fn put(folder: &Path, name: &str, text: &str) {
    let file = folder.join("avro").join(format!("{name}.avsc"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn generator(folder: &Path) -> Generator {
    Generator::new(folder.join("avro")).published(folder.join("published"))
}

/// What is wrong with the files, without the folder they are in.
fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let errors = generator(folder.path()).code().unwrap_err().to_string();
    errors.replace(&format!("{}/", folder.path().display()), "")
}

/// Publishes [`ORDER`], then changes it.
fn changed(full: bool, change: impl FnOnce(String) -> String) -> Result<Vec<String>, String> {
    let folder = folder(&[("order/Placed", ORDER)]);
    publish(
        &folder.path().join("avro"),
        &folder.path().join("published"),
    )
    .unwrap();
    put(folder.path(), "order/Placed", &change(ORDER.to_owned()));
    let generator = generator(folder.path());
    let generator = if full {
        generator.full_compatibility()
    } else {
        generator
    };
    match generator.code() {
        Ok(generated) => Ok(generated.unpublished),
        Err(errors) => Err(errors
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")),
    }
}

fn field(text: &str) -> String {
    ORDER.replace(r#"{"name": "count", "type": "int"}"#, text)
}

#[test]
fn an_event_needs_its_properties() {
    let no_key = ORDER.replace(r#""key": "id", "#, "");
    assert_eq!(
        refused(&[("order/Placed", &no_key)]),
        "avro/order/Placed.avsc: Placed: an event of topic `orders` needs the property \"key\": the name of the field that holds its key"
    );
    let other_key = ORDER.replace(r#""key": "id""#, r#""key": "di""#);
    assert_eq!(
        refused(&[("order/Placed", &other_key)]),
        "avro/order/Placed.avsc: Placed: \"key\" names the field `di`, but the fields are: id, count, note"
    );
    let number = ORDER.replace(r#""key": "id""#, r#""key": "count""#);
    assert!(
        refused(&[("order/Placed", &number)])
            .contains("\"key\" names the field `count` of type int")
    );
    let no_topic = ORDER.replace(r#""topic": "orders", "#, "");
    assert!(refused(&[("order/Placed", &no_topic)]).contains("this record has no \"topic\""));
}

#[test]
fn what_is_sensitive_is_said_by_true_or_false_and_is_no_key() {
    let id = r#"{"name": "id", "type": "string""#;
    assert!(ORDER.contains(id), "{ORDER}");
    let key = ORDER.replace(id, &format!(r#"{id}, "sensitive": true"#));
    let found = refused(&[("order/Placed", &key)]);
    assert!(
        found.contains("\"key\" names the field `id`, which is \"sensitive\""),
        "{found}"
    );
    let yes = field(r#"{"name": "count", "type": "int", "sensitive": "yes"}"#);
    let found = refused(&[("order/Placed", &yes)]);
    assert!(
        found.contains("Placed.count: \"sensitive\" is true or false, not \"yes\""),
        "{found}"
    );
}

#[test]
fn marks_have_known_values_and_exclude_each_other() {
    let marked = |marks: &str| ORDER.replace(r#""key": "id""#, &format!(r#""key": "id", {marks}"#));
    let cases = [
        (
            r#""intake": "yes""#,
            "the property \"intake\" is true or false, not \"yes\"",
        ),
        (
            r#""outcome": "sucess""#,
            "the property \"outcome\" is \"success\" or \"failure\", not \"sucess\"",
        ),
        (
            r#""terminal": 1"#,
            "the property \"terminal\" is true or false, not 1",
        ),
        (
            r#""intake": true, "terminal": true"#,
            "this one says \"intake\" and \"terminal\"",
        ),
    ];
    for (marks, problem) in cases {
        let found = refused(&[("order/Placed", &marked(marks))]);
        assert!(
            found.starts_with("avro/order/Placed.avsc: Placed") && found.contains(problem),
            "{found}"
        );
    }
    let no_event = ORDER.replace(r#""topic": "orders", "key": "id""#, r#""terminal": true"#);
    assert!(refused(&[("order/Placed", &no_event)]).contains("this record has no \"topic\""));
}

#[test]
fn a_mark_needs_no_new_version() {
    for mark in [
        r#""intake": true"#,
        r#""outcome": "failure""#,
        r#""terminal": true"#,
    ] {
        let marked =
            |order: String| order.replace(r#""key": "id""#, &format!(r#""key": "id", {mark}"#));
        assert_eq!(changed(true, marked), Ok(vec![]));
    }
}

/// An upcast takes what Avro's rules cannot say, and only that.
#[test]
fn an_upcast_takes_the_version_that_it_names_and_the_older_ones() {
    let upcast = |versions: &str, order: String| {
        let properties = format!(r#""key": "id", "upcasts": {versions}"#);
        order.replace(r#""key": "id""#, &properties)
    };
    let cents = || field(r#"{"name": "cents", "type": "long"}"#);
    assert!(changed(true, |_| cents()).is_err());
    let unpublished = Ok(vec!["shop.order.Placed".to_owned()]);
    assert_eq!(changed(true, |_| upcast("[1]", cents())), unpublished);
    let cases = [
        (
            upcast("1", cents()),
            "is a list of published versions in ascending order, as in [2], not 1",
        ),
        (
            upcast("[1, 1]", cents()),
            "in ascending order, as in [2], not [1,1]",
        ),
        (
            upcast("[0]", cents()),
            "in ascending order, as in [2], not [0]",
        ),
        (
            upcast("[2]", cents()),
            "names the version 2, and 1 is the newest that is published",
        ),
        (
            upcast("[1]", ORDER.to_owned()),
            "parts the version 1 from the working schema, and the records of both look alike",
        ),
        // A version cannot move what is found by its place.
        (
            upcast("[1]", cents()).replace(r#""topic": "orders""#, r#""topic": "baskets""#),
            "the topic of the published version 1",
        ),
    ];
    for (schema, problem) in cases {
        let found = changed(true, |_| schema).unwrap_err();
        assert!(
            found.starts_with("avro/order/Placed.avsc: Placed") && found.contains(problem),
            "{found}"
        );
    }
    let nobody = upcast("[1]", ORDER.to_owned());
    assert!(
        refused(&[("order/Placed", &nobody)])
            .contains("names the version 1, and none is published")
    );
}

/// Version 1 cannot be read as version 2, so the upcast of version 2 alone cannot take it.
#[test]
fn what_is_read_as_an_upcasts_version_must_be_readable_as_that() {
    let folder = folder(&[("order/Placed", ORDER)]);
    let publish = || {
        publish(
            &folder.path().join("avro"),
            &folder.path().join("published"),
        )
    };
    let of = |upcasts: &str, name: &str| {
        field(&format!(r#"{{"name": "{name}", "type": "long"}}"#)).replace(
            r#""key": "id""#,
            &format!(r#""key": "id", "upcasts": {upcasts}"#),
        )
    };
    publish().unwrap();
    put(folder.path(), "order/Placed", &of("[1]", "cents"));
    publish().unwrap();
    put(folder.path(), "order/Placed", &of("[2]", "millicents"));
    let error = generator(folder.path()).code().unwrap_err().to_string();
    assert!(
        error.contains("Placed.cents")
            && error.contains(
                "so the upcast of version 2 cannot take records of the published version 1"
            ),
        "{error}"
    );
    put(folder.path(), "order/Placed", &of("[1, 2]", "millicents"));
    let code = generator(folder.path()).code().unwrap().code;
    assert!(code.contains("pub mod placed_v1") && code.contains("pub mod placed_v2"));
    // What was written by both looks alike, and would be turned by one of them only.
    put(folder.path(), "order/Placed", &of("[1, 2]", "cents"));
    let error = generator(folder.path()).code().unwrap_err().to_string();
    assert!(
        error.contains("parts the version 2 from the working schema"),
        "{error}"
    );
}

#[test]
fn places_are_named() {
    let cases = [
        (
            r#"{"name": "count", "type": "itn"}"#,
            "Placed.count: there is no type `shop.order.itn`; define it, or correct the name",
        ),
        (
            r#"{"name": "count"}"#,
            "Placed.count: a field needs a \"type\"",
        ),
        (
            r#"{"name": "count", "type": "int", "default": "x"}"#,
            "Placed.count: the default \"x\" is not a value of type int",
        ),
        (
            r#"{"name": "count", "type": ["int", "null"], "default": null}"#,
            "put the default's type first",
        ),
        (
            r#"{"name": "count", "type": ["int", "string"]}"#,
            "union of int, string is not a union of null and one other type",
        ),
        (
            r#"{"name": "count", "type": "int", "aliases": ["n"]}"#,
            "Placed.count: aliases are read differently",
        ),
        (
            r#"{"name": "count", "type": "long", "logicalType": "date"}"#,
            "it belongs into the type",
        ),
        (
            r#"{"name": "count", "type": {"type": "long", "logicalType": "date"}}"#,
            "the logical type date does not go with long",
        ),
        (
            r#"{"name": "count", "type": {"type": "bytes", "logicalType": "decimal", "precision": 39}}"#,
            "a decimal needs a \"precision\" from 1 to 38",
        ),
        (
            r#"{"name": "count", "type": {"type": "fixed", "name": "F", "size": 2, "logicalType": "decimal", "precision": 5}}"#,
            "a fixed of 2 byte(s) does not hold 5 digits",
        ),
        (
            r#"{"name": "count", "type": "double", "newtype": "Ratio"}"#,
            "newtypes are over string, uuid, int or long",
        ),
        (
            r#"{"name": "count", "type": "int", "newtype": "counter"}"#,
            "is not the name of a Rust type",
        ),
        (
            r#"{"name": "count", "type": ["null", "Placed"], "default": null}"#,
            "`shop.order.Placed` contains itself",
        ),
        (
            r#"{"name": "iD", "type": "int"}, {"name": "i_d", "type": "int"}"#,
            "two fields would be called `i_d` in Rust",
        ),
        (
            r#"{"name": "count", "type": {"type": "enum", "name": "E", "symbols": ["a", "A"]}}"#,
            "two symbols would be called `A` in Rust",
        ),
        (
            r#"{"name": "id", "type": "int"}"#,
            "Placed.id: the record has two fields of this name",
        ),
    ];
    for (text, expected) in cases {
        let found = refused(&[("order/Placed", &field(text))]);
        assert!(found.contains(expected), "{text}\n{found}");
        assert!(found.starts_with("avro/order/Placed.avsc: "), "{found}");
    }
}

#[test]
fn files_and_names_belong_together() {
    assert!(
        refused(&[("order/Other", ORDER)])
            .contains("`shop.order.Placed` belongs into a file order/Placed.avsc")
    );
    assert!(
        refused(&[("order/Placed", "{")]).starts_with("avro/order/Placed.avsc: this is not JSON")
    );
    let keyword = ORDER.replace("shop.order", "shop.type");
    assert!(
        refused(&[("type/Placed", &keyword)]).contains("`type`, cannot be the name of a module")
    );
    let typo = field(r#"{"name": "count", "type": "shop.stock.Line"}"#);
    let line = r#"{"type": "record", "name": "shop.order.Line", "fields": []}"#;
    let found = refused(&[("order/Placed", &typo), ("order/Line", line)]);
    assert!(
        found.contains("there is no type `shop.stock.Line`; did you mean shop.order.Line?"),
        "{found}"
    );
    let twice =
        field(r#"{"name": "count", "type": {"type": "record", "name": "Line", "fields": []}}"#);
    let found = refused(&[("order/Placed", &twice), ("order/Line", line)]);
    assert!(
        found.contains("`shop.order.Line` is defined in avro/order/Line.avsc as well"),
        "{found}"
    );
}

#[test]
fn streams_are_checked() {
    let folder = folder(&[
        ("order/Placed", ORDER),
        (
            "order/Gone",
            &ORDER
                .replace("Placed", "Gone")
                .replace(r#""key": "id""#, r#""key": "note""#)
                .replace(
                    r#""name": "note", "type": "string""#,
                    r#""name": "note", "type": "string", "newtype": "Note""#,
                ),
        ),
    ]);
    let error = |topic: &str| {
        generator(folder.path())
            .stream(topic, "OrderEvent")
            .code()
            .unwrap_err()
            .to_string()
    };
    assert!(
        error("order")
            .contains("stream OrderEvent: no event has the topic `order`; topics are: orders")
    );
    assert!(error("orders").contains("all events of a stream have the same key type"));
}

#[test]
fn a_version_that_could_not_be_read_any_more_fails_the_build() {
    let removed = changed(false, |_| field(r#"{"name": "amount", "type": "int"}"#)).unwrap_err();
    assert_eq!(
        removed,
        "avro/order/Placed.avsc: Placed.amount: the writer has no such field, and it has no \"default\" \
         (READER_FIELD_MISSING_DEFAULT_VALUE); records written with the published version 1 (published/order/Placed/1.avsc) could not be read any more"
    );
    let retyped = changed(false, |_| field(r#"{"name": "count", "type": "string"}"#)).unwrap_err();
    assert!(
        retyped.contains("Placed.count: the writer's int cannot be read as string (TYPE_MISMATCH)"),
        "{retyped}"
    );
    let moved = changed(false, |order| {
        order.replace(r#""topic": "orders""#, r#""topic": "order""#)
    })
    .unwrap_err();
    assert!(
        moved.contains("the topic of the published version 1"),
        "{moved}"
    );
    let rekeyed = changed(false, |order| {
        order.replace(r#""key": "id""#, r#""key": "note""#)
    })
    .unwrap_err();
    assert!(
        rekeyed.contains("the key of the published version 1"),
        "{rekeyed}"
    );
}

#[test]
fn full_compatibility_looks_forward_too() {
    let promoted = || changed(false, |_| field(r#"{"name": "count", "type": "long"}"#));
    assert_eq!(
        promoted(),
        Ok(vec!["shop.order.Placed".to_owned()]),
        "it reads the old; publish it next"
    );
    let full = changed(true, |_| field(r#"{"name": "count", "type": "long"}"#)).unwrap_err();
    assert!(full.contains("Placed.count: the writer's long cannot be read as int (TYPE_MISMATCH); programs that were built with the published version 1"), "{full}");
    let removed = changed(true, |_| {
        ORDER.replace(r#"{"name": "count", "type": "int"},"#, "")
    })
    .unwrap_err();
    assert!(
        removed.contains("READER_FIELD_MISSING_DEFAULT_VALUE"),
        "{removed}"
    );
    assert!(
        changed(true, |_| ORDER
            .replace(r#", "default": """#, r#", "default": "none""#))
        .is_ok()
    );
}

#[test]
fn documentation_is_no_new_version() {
    assert_eq!(
        changed(true, |order| order.replace(
            r#""name": "count","#,
            r#""name": "count", "doc": "Pieces.","#
        )),
        Ok(vec![])
    );
}

#[test]
fn what_was_published_stays() {
    let folder = folder(&[("order/Placed", ORDER)]);
    let publish = || {
        publish(
            &folder.path().join("avro"),
            &folder.path().join("published"),
        )
        .unwrap()
    };
    assert_eq!(publish().len(), 1);
    assert_eq!(publish(), [], "nothing has changed");
    let first = folder.path().join("published/order/Placed/1.avsc");
    let before = std::fs::read_to_string(&first).unwrap();
    put(
        folder.path(),
        "order/Placed",
        &field(
            r#"{"name": "count", "type": "int"}, {"name": "more", "type": "int", "default": 1}"#,
        ),
    );
    let second = publish();
    assert_eq!((second.len(), second[0].number), (1, 2));
    assert_eq!(std::fs::read_to_string(&first).unwrap(), before);

    std::fs::remove_file(first.with_extension("bin")).unwrap();
    let missing = generator(folder.path()).code().unwrap_err().to_string();
    assert!(
        missing.contains("1.bin: the golden sample of a published version is missing"),
        "{missing}"
    );
    std::fs::remove_file(folder.path().join("avro/order/Placed.avsc")).unwrap();
    put(
        folder.path(),
        "order/Other",
        &ORDER.replace("Placed", "Other"),
    );
    let gone = generator(folder.path()).code().unwrap_err().to_string();
    assert!(
        gone.contains("`shop.order.Placed` was published, but no schema"),
        "{gone}"
    );
}
