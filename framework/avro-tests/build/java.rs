//! Each pair of schemas of `avro-decode.jsonl` becomes an event `kolo.case.Case` with one field of the reader's type,
//! and a published version of it with the writer's: so that what Java decoded is decoded by generated code, or the
//! generator says why not. Each that is generated is generated once more by a build to which the version was not published.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use kolo_avro::Generator;
use kolo_avro::schema::published::Published;
use serde_json::{Value, json};

const DATA: &str = "../avro/tests/data";

/// Writes `java.rs` into `OUT_DIR`: the modules, and a table of cases.
#[expect(
    clippy::expect_used,
    reason = "a build script of tests: what fails here is seen by whoever runs them"
)]
pub(crate) fn generate() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let root = out.join("java");
    let _ = std::fs::remove_dir_all(&root);
    let mut modules = String::new();
    let mut table = String::from("const CASES: &[Case] = &[\n");
    for (index, (name, pair)) in pairs().iter().enumerate() {
        let folder = root.join(format!("c{index}"));
        put(&folder.join("avro/case/Case.avsc"), &event(&pair["reader"]));
        put(
            &folder.join("published/case/Case/1.avsc"),
            &event(&pair["writer"]),
        );
        for sample in ["1.bin", "1.json"] {
            put(&folder.join("published/case/Case").join(sample), "");
        }
        let generated = Generator::new(folder.join("avro"))
            .published(folder.join("published"))
            .code();
        let outcome = match generated {
            Ok(generated) => {
                // The golden samples are empty here; the bytes to decode are Java's.
                let code = generated.code.replace("#[cfg(test)]", "#[cfg(any())]");
                put(&folder.join("case.rs"), &code);
                let path = folder.join("case.rs");
                writeln!(modules, "mod c{index} {{ include!({path:?}); }}")
                    .expect("strings can be written to");
                let alone = Generator::new(folder.join("avro"))
                    .code()
                    .expect("it was generated before");
                let path = folder.join("alone.rs");
                put(&path, &alone.code);
                writeln!(modules, "mod a{index} {{ include!({path:?}); }}")
                    .expect("strings can be written to");
                let published =
                    Published::load(&folder.join("published")).expect("it was loaded before");
                let fingerprint = published.of("kolo.case.Case")[0].fingerprint;
                format!(
                    "Outcome::Generated {{ decode: reencoded::<c{index}::case::Case>, alone: reencoded::<a{index}::case::Case>, fingerprint: {fingerprint}, folder: {folder:?} }}"
                )
            }
            Err(errors) => format!(
                "Outcome::Refused {{ reason: {:?}, folder: {folder:?} }}",
                errors.to_string()
            ),
        };
        writeln!(table, "    Case {{ name: {name:?}, outcome: {outcome} }},")
            .expect("strings can be written to");
    }
    table.push_str("];\n");
    put(&out.join("java.rs"), &format!("{modules}{table}"));
    println!("cargo::rerun-if-changed={DATA}");
}

/// The pairs of schemas that were decoded with, by name.
#[expect(clippy::expect_used, reason = "as above")]
fn pairs() -> BTreeMap<String, Value> {
    let lines = |file: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(Path::new(DATA).join(file))
            .expect("the recorded data is there");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect()
    };
    let compat = lines("avro-compat.jsonl");
    lines("avro-decode.jsonl")
        .iter()
        .map(|case| {
            let pair = compat
                .iter()
                .find(|pair| pair["name"] == case["name"])
                .expect("every case names a pair");
            (
                case["name"].as_str().unwrap_or_default().to_owned(),
                pair.clone(),
            )
        })
        .collect()
}

fn event(schema: &Value) -> String {
    json!({
        "type": "record", "name": "kolo.case.Case", "topic": "cases", "key": "k",
        "fields": [{"name": "k", "type": "string"}, {"name": "x", "type": schema}],
    })
    .to_string()
}

#[expect(clippy::expect_used, reason = "as above")]
fn put(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().expect("files are in folders"))
        .expect("OUT_DIR can be written to");
    std::fs::write(file, text).expect("OUT_DIR can be written to");
}
