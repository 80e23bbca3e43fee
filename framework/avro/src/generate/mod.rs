//! Typed events from schemas, for `build.rs`.

mod check;
mod code;
mod enums;
mod events;
mod golden;
mod ids;
mod literal;
mod model;
mod names;
mod read;
mod records;
mod resolve;
mod streams;
mod upcasts;
mod write;

use std::path::{Path, PathBuf};

use crate::schema::published::Published;
use crate::schema::{Named, SchemaErrors, Tree};
use crate::versions::{self, Mode, State};
use code::Code;
use model::{Model, Stream};
use upcasts::Olds;

/// The file that [`Generator::generate`] writes into `OUT_DIR`.
const FILE: &str = "events.rs";

/// Generates the events of a folder of schemas.
///
/// ```no_run
/// // build.rs
/// kolo_avro::Generator::new("avro")
///     .published("published")
///     .stream("inventory.stock", "StockEvent")
///     .generate();
/// ```
///
/// and in `lib.rs`, where the modules of the owners are wanted:
///
/// ```text
/// kolo_avro::include_events!();
/// ```
///
/// There is a module for each owner (the last part of a schema's namespace) with its events, records and enums, and a
/// newtype for each `"newtype"` that a field names, at the top and in the modules that use it. `EVENTS` lists the types of all
/// events. The crate depends on
/// `kolo-core` and `kolo-avro`.
///
/// Each event reads what was written with any of its published versions, older or newer than the schema in the
/// folder, and the crate's own tests get a test for each golden sample. What Avro's rules cannot say about an old version
/// is said by a function, a `kolo_core::Upcast`: the schema names the versions that have one in `"upcasts"`. A schema that could not read one of them (Avro's
/// `BACKWARD_TRANSITIVE`) fails the build, since streams keep their records for ever. With
/// [`full_compatibility`](Self::full_compatibility) so does one whose records an older schema could not read.
#[derive(Debug, Clone)]
pub struct Generator {
    schemas: PathBuf,
    published: Option<PathBuf>,
    streams: Vec<Stream>,
    full: bool,
}

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The Rust code.
    pub code: String,
    /// Events whose working schema has no published version: their records cannot be read after the next change.
    pub unpublished: Vec<String>,
}

impl Generator {
    /// The events of the `.avsc` files below `schemas`, a path relative to the package.
    #[must_use]
    pub fn new(schemas: impl Into<PathBuf>) -> Self {
        Self {
            schemas: schemas.into(),
            published: None,
            streams: Vec::new(),
            full: false,
        }
    }

    /// Where the published versions are.
    #[must_use]
    pub fn published(mut self, folder: impl Into<PathBuf>) -> Self {
        self.published = Some(folder.into());
        self
    }

    /// Makes an enum `name` of the events of `topic`, for the aggregate whose stream it is.
    #[must_use]
    pub fn stream(mut self, topic: impl Into<String>, name: impl Into<String>) -> Self {
        self.streams.push(Stream {
            topic: topic.into(),
            name: name.into(),
        });
        self
    }

    /// Refuses also what programs with an older schema could not read (Avro's `FULL_TRANSITIVE`): a type that is promoted,
    /// a field that is removed without having had a default.
    ///
    /// For services that are deployed, or rolled back, each at its own time: those that keep their schema read the
    /// new records as soon as the new version is published to them.
    #[must_use]
    pub fn full_compatibility(mut self) -> Self {
        self.full = true;
        self
    }

    /// Generates into `OUT_DIR`. What is wrong with the schemas is told to cargo, which shows it and fails the build.
    #[expect(
        clippy::print_stdout,
        reason = "this is how a build script talks to cargo"
    )]
    pub fn generate(&self) {
        println!("cargo::rerun-if-changed={}", self.schemas.display());
        if let Some(folder) = &self.published {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
        let generated = match self.judged() {
            Ok(generated) => generated,
            Err(refusal) => {
                let is_broken = matches!(refusal, Refusal::Broken(_));
                for error in refusal.errors().0 {
                    println!("cargo::error={}", error.to_string().replace('\n', " "));
                }
                if is_broken {
                    println!(
                        "cargo::error=who reads it, and what to do: `kolo schema check` with the manifests of the services that run"
                    );
                }
                return;
            }
        };
        for event in &generated.unpublished {
            println!(
                "cargo::warning=the schema of {event} is not published as it stands: publish it before records are written with it, or no later version can read them"
            );
        }
        let Some(folder) = std::env::var_os("OUT_DIR") else {
            println!("cargo::error=OUT_DIR is not set: call `generate` from a build script");
            return;
        };
        let file = Path::new(&folder).join(FILE);
        if let Err(error) = std::fs::write(&file, generated.code) {
            println!("cargo::error=cannot write {}: {error}", file.display());
        }
    }

    /// The code, without writing it anywhere.
    ///
    /// # Errors
    /// All that is wrong with the schemas, with file, field and rule.
    pub fn code(&self) -> Result<Generated, SchemaErrors> {
        self.judged().map_err(Refusal::errors)
    }

    fn judged(&self) -> Result<Generated, Refusal> {
        let tree = Tree::load(&self.schemas)?;
        let published = match &self.published {
            Some(folder) => Published::load(folder)?,
            None => Published::default(),
        };
        let olds = Olds::new(&tree, &published)?;
        let model = Model::new(&tree, &published, &olds, &self.streams)?;
        let mode = if self.full {
            Mode::Full
        } else {
            Mode::Backward
        };
        let broken = versions::check(&tree, &published, mode, true);
        if !broken.is_empty() {
            let errors = broken.into_iter().map(|broken| broken.error);
            return Err(Refusal::Broken(SchemaErrors(errors.collect())));
        }
        let unpublished = tree
            .events()
            .map(|event| event.record.name.clone())
            .filter(|event| {
                !matches!(
                    versions::state(&tree, &published, event),
                    State::Published { .. }
                )
            })
            .collect();
        Ok(Generated {
            code: whole(&model),
            unpublished,
        })
    }
}

/// Why there is no code.
enum Refusal {
    /// The schemas are none, or none that can be generated.
    Invalid(SchemaErrors),
    /// They break what was published.
    Broken(SchemaErrors),
}

impl Refusal {
    fn errors(self) -> SchemaErrors {
        match self {
            Refusal::Invalid(errors) | Refusal::Broken(errors) => errors,
        }
    }
}

impl From<SchemaErrors> for Refusal {
    fn from(errors: SchemaErrors) -> Self {
        Refusal::Invalid(errors)
    }
}

fn whole(model: &Model<'_>) -> String {
    let mut code = Code::default();
    ids::put(&mut code, model);
    events::put_wire(&mut code);
    for module in model.modules() {
        code.open(&format!(
            "{}\npub mod {module} {{",
            ALLOW.replace("{what}", &format!("/// The events of `{module}`."))
        ));
        let ids = model.ids_of(module);
        if !ids.is_empty() {
            code.line(&format!("pub use super::{{{}}};", ids.join(", ")));
        }
        code.line("use ::kolo_avro::codec as avro;");
        for named in model.types_of(module) {
            match named {
                Named::Record(record) => records::put(&mut code, model, record),
                Named::Enum(of) => enums::put(&mut code, of),
                Named::Fixed(_) => {}
            }
        }
        for event in model.events_of(module) {
            events::put(&mut code, model, &event);
            resolve::put(&mut code, model, &event);
            upcasts::put(&mut code, model, &event);
        }
        for stream in model.streams_of(module) {
            streams::put(&mut code, model, stream);
        }
        code.close("}");
    }
    events::put_list(&mut code, model);
    golden::put(&mut code, model);
    code.finish()
}

/// Lints that make sense for code that people write.
const ALLOW: &str = "{what}\n#[allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction, unused_imports, unused_variables, unused_qualifications, unreachable_pub, dead_code)]\n#[rustfmt::skip]";
