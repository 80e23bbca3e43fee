//! Tests of the generated crate: the golden sample of every published version still decodes.

use super::code::Code;
use super::model::{Model, owner, short};
use super::names;

pub(super) fn put(code: &mut Code, model: &Model<'_>) {
    let samples: Vec<_> = model
        .events()
        .flat_map(|event| {
            model
                .published(&event.record.name)
                .iter()
                .map(move |version| (event, version))
        })
        .collect();
    if samples.is_empty() {
        return;
    }
    code.line("#[cfg(test)]");
    code.open("mod golden_samples {");
    for (event, version) in samples {
        let (module, name) = (owner(&event.record.name), short(&event.record.name));
        // The build script runs in the package's folder; the code is compiled from another one.
        let file = version.file.with_extension("bin");
        let file = std::path::absolute(&file).unwrap_or(file);
        code.line("#[test]");
        code.open(&format!(
            "fn {module}_{}_v{}() {{",
            names::snake(name),
            version.number
        ));
        code.line(&format!(
            "let sample = include_bytes!({});",
            names::literal(&file.to_string_lossy())
        ));
        code.line(&format!(
            "let decode = <super::{module}::{name} as ::kolo_core::Event>::decode;"
        ));
        code.line("let event = decode(sample).expect(\"a golden sample decodes\");");
        code.line("let mut again = Vec::new();");
        code.line("::kolo_core::Event::encode(&event, &mut again);");
        if version.fingerprint == event.fingerprint {
            code.line("assert_eq!(again, sample, \"the same version writes the same bytes\");");
        } else {
            code.line("assert_eq!(decode(&again), Ok(event), \"nothing is lost when it is written anew\");");
        }
        code.close("}");
    }
    code.close("}");
}
