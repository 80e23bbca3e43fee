//! Publishes the schemas of a folder that have changed since they were last published.
//!
//! `cargo run -p kolo-avro --example publish_schemas -- <schemas> <published>`

use std::path::Path;
use std::process::ExitCode;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people"
)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [schemas, published] = arguments.as_slice() else {
        eprintln!("usage: publish <folder of schemas> <folder of published versions>");
        return ExitCode::FAILURE;
    };
    match kolo_avro::publish::publish(Path::new(schemas), Path::new(published)) {
        Ok(new) => {
            for version in &new {
                println!(
                    "{} version {}: {}",
                    version.event,
                    version.number,
                    version.file.display()
                );
            }
            println!("{} new version(s)", new.len());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::FAILURE
        }
    }
}
