//! Publishes the schemas of `avro/` that are new or have changed: a version each, with its golden sample, in `published/`.
//!
//! `cargo run -p schemas --example publish`

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    match kolo_avro::publish::publish(&package.join("avro"), &package.join("published")) {
        Ok(new) => {
            for version in &new {
                println!("{} version {}", version.event, version.number);
            }
            println!("{} new; all else is published as it stands", new.len());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::FAILURE
        }
    }
}
