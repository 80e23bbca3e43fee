use super::*;

#[track_caller]
fn text(schema: &str) -> String {
    read(schema, &[]).unwrap().text
}

#[test]
fn spellings_of_one_schema_are_one_text() {
    let expected = r#"{"type":"record","name":"N","namespace":"d.n","doc":"d","fields":[{"name":"a","type":"string"},{"name":"b","type":"int","doc":"x","default":1,"order":"ignore","aliases":["c"],"p":{"q":1}}],"aliases":["M","x.M"]}"#;
    for spelling in [
        r#"{"type":"record","name":"N","namespace":"d.n","doc":"d","aliases":["M","x.M"],"fields":[
            {"name":"a","type":{"type":"string"},"order":"ascending"},
            {"name":"b","type":"int","p":{"q":1},"doc":"x","default":1,"aliases":["c"],"order":"ignore"}]}"#,
        r#"{"fields":[{"type":"string","name":"a"},
            {"default":1,"doc":"x","order":"ignore","name":"b","type":"int","aliases":["c"],"p":{"q":1}}],
            "doc":"d","name":"d.n.N","namespace":"ignored","type":"record","aliases":["d.n.M","x.M"]}"#,
        expected,
    ] {
        assert_eq!(text(spelling), expected);
    }
}

#[test]
fn what_has_a_meaning_stays() {
    for schema in [
        r#""string""#,
        r#"{"type":"string","logicalType":"uuid"}"#,
        r#"{"type":"bytes","logicalType":"decimal","precision":60,"scale":2}"#,
        r#"["null",{"type":"array","items":"long","avro.java.string":"String"},{"type":"map","values":"int"}]"#,
        r#"{"type":"enum","name":"E","doc":"d","symbols":["A","B"],"default":"A","x":1}"#,
        r#"{"type":"fixed","name":"F","namespace":"n","size":4,"logicalType":"decimal","precision":4}"#,
        r#"{"type":"error","name":"Oops","namespace":"n","fields":[]}"#,
        r#"{"type":"record","name":"List","fields":[{"name":"next","type":["null","List"],"default":null}]}"#,
    ] {
        assert_eq!(text(schema), schema);
    }
}

#[test]
fn names_are_as_short_as_they_can_be() {
    assert_eq!(
        text(
            r#"{"type":"record","name":"a.R","fields":[
            {"name":"x","type":{"type":"fixed","name":"b.F","size":1}},
            {"name":"y","type":{"type":"enum","name":"E","namespace":"","symbols":["S"]}},
            {"name":"again","type":["b.F","E","a.R"]}]}"#
        ),
        r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"x","type":{"type":"fixed","name":"F","namespace":"b","size":1}},{"name":"y","type":{"type":"enum","name":"E","namespace":"","symbols":["S"]}},{"name":"again","type":["b.F","E","R"]}]}"#
    );
}

#[test]
fn a_schema_that_kolo_does_not_understand_is_legal_all_the_same() {
    // A default of another branch than the first: allowed since Avro 1.12, and no kolo schema has one.
    let foreign = r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","long"],"default":1}]}"#;
    let legal = read(foreign, &[]).unwrap();
    assert_eq!(legal.text, foreign);
    let problem = legal.document.unwrap_err();
    assert!(
        problem.contains("R.a") && problem.contains("first type"),
        "{problem}"
    );
    // Aliases, logical types that do not fit and properties of other tools are no obstacle at all.
    for schema in [
        r#"{"type":"record","name":"R","aliases":["Q"],"topic":7,"fields":[{"name":"a","type":"int","logicalType":"date"}]}"#,
        r#"{"type":"int","logicalType":"uuid","newtype":[]}"#,
    ] {
        assert!(read(schema, &[]).unwrap().document.is_ok(), "{schema}");
    }
}

#[test]
fn what_is_no_avro_is_refused_with_its_place() {
    for (schema, words) in [
        ("not json", "not JSON"),
        ("", "not JSON"),
        ("7", "not 7"),
        (r#"{"type":"nosuch"}"#, "no type nosuch"),
        (
            r#"{"type":"record","name":"X"}"#,
            "X: a record needs \"fields\"",
        ),
        (r#"{"type":"record","fields":[]}"#, "needs a \"name\""),
        (r#"{"type":{"type":"int"}}"#, "needs \"type\""),
        (r#"{"type":"array"}"#, "\"items\" is missing"),
        (r#"{"type":"enum","name":"E"}"#, "\"symbols\""),
        (
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#,
            "not one of the symbols",
        ),
        (r#"{"type":"fixed","name":"F","size":-1}"#, "\"size\""),
        (r#"["int","int"]"#, "twice"),
        (
            r#"{"type":"record","name":"1st","fields":[]}"#,
            "not a name",
        ),
        (
            r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":"m.S"}]}"#,
            "no type m.S",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}"#,
            "R.a",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"R","size":1}}]}"#,
            "R is defined twice",
        ),
    ] {
        let problem = read(schema, &[]).unwrap_err();
        assert!(problem.contains(words), "{schema}: {problem}");
    }
    let deep = format!("{}\"int\"{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(read(&deep, &[]).unwrap_err().contains("not JSON"));
}

#[test]
fn other_schemas_stay_names_until_they_are_asked_for() {
    let address = r#"{"type":"record","name":"Address","namespace":"d","fields":[{"name":"zip","type":"Zip"}]}"#;
    let zip = r#"{"type":"fixed","name":"d.Zip","size":5}"#;
    let others = [address.to_owned(), zip.to_owned()];
    let customer = r#"{"type":"record","name":"d.Customer","fields":[{"name":"home","type":"d.Address"},{"name":"work","type":["null","Address"]}]}"#;
    let legal = read(customer, &others).unwrap();
    assert_eq!(
        legal.text,
        r#"{"type":"record","name":"Customer","namespace":"d","fields":[{"name":"home","type":"Address"},{"name":"work","type":["null","Address"]}]}"#
    );
    let inline = r#"{"type":"record","name":"Customer","namespace":"d","fields":[{"name":"home","type":{"type":"record","name":"Address","fields":[{"name":"zip","type":{"type":"fixed","name":"Zip","size":5}}]}},{"name":"work","type":["null","Address"]}]}"#;
    assert_eq!(resolved(customer, &others).unwrap(), inline);
    let both = (
        legal.document.unwrap(),
        read(inline, &[]).unwrap().document.unwrap(),
    );
    assert_eq!(both.0, both.1);
}

/// Such a default has itself within; whoever looks for its end must not run out of stack.
#[test]
fn a_default_that_leads_back_to_itself_is_no_danger() {
    let endless = r#"{"name":"f","type":"R","default":{}}"#;
    let foreign = r#"{"name":"a","type":["null","long"],"default":1}"#;
    let schema = |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
    let legal = read(&schema(endless), &[]).unwrap();
    assert_eq!(legal.text, schema(endless));
    // Here the other parser has its say as well.
    assert!(read(&schema(&format!("{endless},{foreign}")), &[]).is_err());
}
