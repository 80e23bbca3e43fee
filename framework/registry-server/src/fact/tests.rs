use super::*;

fn content(schema: &str) -> Content {
    Content {
        schema_type: None,
        references: Vec::new(),
        metadata: None,
        rule_set: None,
        schema: schema.to_owned(),
    }
}

/// Beside each fact what Confluent's registry writes for it.
#[test]
fn records_are_those_of_confluents_registry() {
    let subject = "s".to_owned();
    let stored = StoredVersion {
        subject: subject.clone(),
        version: 2,
        id: 7,
        content: content("\"int\""),
        deleted: false,
    };
    let with_reference = StoredVersion {
        content: Content {
            references: vec![Reference {
                name: "n.A".to_owned(),
                subject: "a".to_owned(),
                version: 1,
            }],
            ..content("\"n.A\"")
        },
        deleted: true,
        ..stored.clone()
    };
    let of_s = Some(subject.clone());
    for (fact, key, value) in [
        (
            Fact::Version(stored),
            r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#,
            Some(r#"{"subject":"s","version":2,"id":7,"schema":"\"int\"","deleted":false}"#),
        ),
        (
            Fact::Version(with_reference),
            r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#,
            Some(
                r#"{"subject":"s","version":2,"id":7,"references":[{"name":"n.A","subject":"a","version":1}],"schema":"\"n.A\"","deleted":true}"#,
            ),
        ),
        (
            Fact::NoVersion {
                subject: subject.clone(),
                version: 2,
            },
            r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#,
            None,
        ),
        (
            Fact::Level {
                subject: None,
                level: Some(Level::FullTransitive),
            },
            r#"{"keytype":"CONFIG","subject":null,"magic":0}"#,
            Some(r#"{"compatibilityLevel":"FULL_TRANSITIVE"}"#),
        ),
        (
            Fact::Level {
                subject: of_s.clone(),
                level: None,
            },
            r#"{"keytype":"CONFIG","subject":"s","magic":0}"#,
            None,
        ),
        (
            Fact::Mode {
                subject: of_s,
                mode: Some(Mode::ReadOnly),
            },
            r#"{"keytype":"MODE","subject":"s","magic":0}"#,
            Some(r#"{"mode":"READONLY"}"#),
        ),
        (
            Fact::SubjectDeleted {
                subject,
                version: 3,
            },
            r#"{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}"#,
            Some(r#"{"subject":"s","version":3}"#),
        ),
        (
            Fact::HighestId(9),
            r#"{"keytype":"NOOP","magic":0}"#,
            Some(r#"{"highestId":9}"#),
        ),
    ] {
        let record = fact.encode();
        let written = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(written(&record.key), key);
        assert_eq!(record.value.as_deref().map(written).as_deref(), value);
        assert_eq!(Fact::decode(&record).unwrap(), Some(fact));
    }
}

#[test]
fn what_confluents_registry_adds_or_leaves_out_is_read() {
    let record = |key: &str, value: Option<&str>| Record {
        key: key.into(),
        value: value.map(Into::into),
    };
    let of_old = record(
        r#"{"magic":0,"keytype":"SCHEMA","version":1,"subject":"s"}"#,
        Some(r#"{"subject":"s","version":1,"id":1,"md5":"x","schemaType":"JSON","schema":"{}"}"#),
    );
    let Some(Fact::Version(stored)) = Fact::decode(&of_old).unwrap() else {
        panic!("a version");
    };
    assert_eq!(stored.content.schema_type.as_deref(), Some("JSON"));
    assert!(!stored.deleted);
    let global = record(
        r#"{"keytype":"CONFIG","magic":0}"#,
        Some(r#"{"compatibilityLevel":"NONE","subject":"x"}"#),
    );
    let level = Some(Level::None);
    assert_eq!(
        Fact::decode(&global).unwrap(),
        Some(Fact::Level {
            subject: None,
            level
        })
    );
    assert_eq!(
        Fact::decode(&record(r#"{"keytype":"NOOP","magic":0}"#, None)).unwrap(),
        None
    );
    assert!(Fact::decode(&record(r#"{"keytype":"CONTEXT","magic":0}"#, None)).is_err());
    assert!(Fact::decode(&record("no json", None)).is_err());
}
