//! Publishes the schemas of `avro/` that have changed: a new version each, with its golden sample, in `published/`.
//!
//! `cargo run -p shop-schemas --example publish`

use std::path::Path;
use std::process::ExitCode;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people"
)]
fn main() -> ExitCode {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    match kolo_avro::publish::publish(&package.join("avro"), &package.join("published")) {
        Ok(new) if new.is_empty() => println!("every schema is published as it stands"),
        Ok(new) => new.iter().for_each(|version| {
            println!(
                "{} version {}: {}",
                version.event,
                version.number,
                version.file.display()
            );
        }),
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
