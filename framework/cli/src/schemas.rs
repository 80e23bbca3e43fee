//! The folder of schemas: events by name, values as JSON.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use kolo_avro::dynamic::{DynamicError, EventSchema, InputProblem, SchemaSet};
use kolo_avro::schema::{Kind, Logical, Named, Schema, Tree, Types};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::near::{near, suggestion};

pub(crate) const DEFAULT_FOLDER: &str = "schemas/avro";

/// All schemas of a folder.
pub(crate) struct Schemas {
    folder: PathBuf,
    set: SchemaSet,
    /// By full name of the event.
    saga_fields: HashMap<String, String>,
}

impl Schemas {
    /// Reads the folder that was asked for, or else the default one.
    pub(crate) fn load(asked: Option<&Path>) -> Result<Self, Failure> {
        let folder = asked.unwrap_or(Path::new(DEFAULT_FOLDER));
        if !folder.is_dir() {
            return Err(Failure::input(format!(
                "{} is no folder, so there are no schemas. Name the folder that holds <owner>/<Event>.avsc with --schemas DIR or KOLO_SCHEMAS.",
                folder.display()
            )));
        }
        let set = SchemaSet::load(folder).map_err(|errors| {
            Failure::input(format!(
                "the schemas in {} cannot be used:\n{}",
                folder.display(),
                indented(&errors.to_string())
            ))
        })?;
        let saga_fields = set
            .events()
            .filter_map(|event| Some((event.name().to_owned(), event.saga_field()?.to_owned())))
            .collect();
        Ok(Schemas {
            folder: folder.to_owned(),
            set,
            saga_fields,
        })
    }

    /// The schemas, or none if no folder was asked for and the default one does not exist.
    pub(crate) fn load_if_there(asked: Option<&Path>) -> Result<Option<Self>, Failure> {
        if asked.is_none() && !Path::new(DEFAULT_FOLDER).is_dir() {
            return Ok(None);
        }
        Self::load(asked).map(Some)
    }

    /// The same, which shows what is sensitive.
    pub(crate) fn revealed(mut self) -> Self {
        self.set = self.set.revealed();
        self
    }

    /// Whether a value that could not be read may be shown as bytes: nothing sensitive can be in it.
    pub(crate) fn may_show_bytes(&self, event_type: Option<&str>) -> bool {
        self.set.may_show_bytes(event_type)
    }

    /// All events, by full name.
    pub(crate) fn events(&self) -> impl Iterator<Item = EventSchema<'_>> {
        self.set.events()
    }

    /// The fingerprints of all versions of an event.
    pub(crate) fn versions(&self, event: &str) -> impl Iterator<Item = u64> {
        self.set.fingerprints(event)
    }

    /// The event of this full or short name.
    pub(crate) fn event(&self, name: &str) -> Result<EventSchema<'_>, Failure> {
        let events: Vec<EventSchema<'_>> = self.set.events().collect();
        let names: Vec<&str> = events.iter().map(EventSchema::name).collect();
        Ok(events[place_of(name, &names, &self.folder)?])
    }

    /// The whole text of an event's schema, as it is registered.
    pub(crate) fn text(&self, event: &EventSchema<'_>) -> String {
        self.set.text(event)
    }

    /// The saga of an event's JSON, as its schema identifies it.
    pub(crate) fn saga<'j>(&self, event: &str, json: &'j Value) -> Option<&'j str> {
        json.get(self.saga_fields.get(event)?)?.as_str()
    }

    /// A record's value as JSON, with the full name of its event.
    pub(crate) fn decode(
        &self,
        event_type: Option<&str>,
        value: &[u8],
    ) -> Result<(String, Value), DynamicError> {
        let decoded = match event_type {
            Some(name) => self.set.decode_named(name, value)?,
            None => self.set.decode(value)?,
        };
        Ok((decoded.event, decoded.json))
    }

    /// An event's JSON with a value of the right type in each field, for people to start from.
    pub(crate) fn example(&self, event: &EventSchema<'_>) -> Result<String, Failure> {
        let inside = self.folder.join("avro");
        let folder = if inside.is_dir() {
            inside
        } else {
            self.folder.clone()
        };
        let tree = Tree::load(&folder).map_err(|errors| Failure::input(errors.to_string()))?;
        Ok(example(
            &Schema::plain(Kind::Named(event.name().to_owned())),
            tree.types(),
            "",
        ))
    }
}

/// The place of the event of this full or short name among all names of a folder.
pub(crate) fn place_of(name: &str, all: &[&str], folder: &Path) -> Result<usize, Failure> {
    let is_called = |full: &str| full == name || full.rsplit('.').next() == Some(name);
    let found: Vec<usize> = (0..all.len()).filter(|&at| is_called(all[at])).collect();
    match found.as_slice() {
        [at] => Ok(*at),
        [] => Err(Failure::input(format!(
            "there is no event `{name}` among the schemas in {}.{}",
            folder.display(),
            suggestion(name, "events", all)
        ))),
        several => {
            let names: Vec<&str> = several.iter().map(|&at| all[at]).collect();
            Err(Failure::input(format!(
                "`{name}` is the short name of several events; say which one: {}.",
                names.join(", ")
            )))
        }
    }
}

/// What is wrong with an event's JSON, one problem a line.
pub(crate) fn problems(error: &DynamicError) -> Vec<String> {
    match error {
        DynamicError::Input(problems) => problems.iter().map(problem).collect(),
        other => vec![other.to_string()],
    }
}

fn problem(problem: &InputProblem) -> String {
    let guess = match problem
        .problem
        .strip_prefix("there is no such field")
        .and_then(|text| text.rsplit_once(": "))
    {
        Some((_, fields)) => {
            let wanted = problem.path.rsplit('.').next().unwrap_or_default();
            near(wanted, fields.split(", "))
                .first()
                .map(|field| format!("; did you mean `{field}`?"))
                .unwrap_or_default()
        }
        None => String::new(),
    };
    format!("{problem}{guess}")
}

pub(crate) fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// As text, since the fields stand in the order of the schema.
fn example(schema: &Schema, types: &Types, field: &str) -> String {
    if let Some((_, inner)) = schema.nullable() {
        return example(inner, types, field);
    }
    let text = |text: &str| json!(text).to_string();
    match (&schema.kind, schema.logical) {
        (_, Logical::Uuid) => text("018f3c5e-7b1a-7000-8000-000000000001"),
        (_, Logical::Date) => text("2026-01-31"),
        (_, Logical::TimestampMillis | Logical::TimestampMicros) => text("2026-01-31T12:00:00Z"),
        (_, Logical::Decimal { scale: 0, .. }) => text("1"),
        (_, Logical::Decimal { scale, .. }) => {
            text(&format!("0.{:0>width$}", 1, width = scale as usize))
        }
        (Kind::Null | Kind::Union(_), _) => "null".to_owned(),
        (Kind::Boolean, _) => "true".to_owned(),
        (Kind::Int | Kind::Long, _) => "1".to_owned(),
        (Kind::Float | Kind::Double, _) => "0.5".to_owned(),
        (Kind::Bytes, _) => text("AA=="),
        (Kind::String, _) => text(field),
        (Kind::Array(items), _) => format!("[{}]", example(items, types, field)),
        (Kind::Map(values), _) => format!("{{\"key\": {}}}", example(values, types, field)),
        (Kind::Named(name), _) => match types.get(name) {
            Some(Named::Record(record)) => {
                let fields = record.fields.iter();
                let fields = fields.map(|field| {
                    format!(
                        "\"{}\": {}",
                        field.name,
                        example(&field.schema, types, &field.name)
                    )
                });
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Some(Named::Enum(of)) => text(of.symbols.first().map_or("", String::as_str)),
            Some(Named::Fixed(fixed)) => text(&zeros_in_base64(fixed.size)),
            None => "null".to_owned(),
        },
    }
}

fn zeros_in_base64(bytes: usize) -> String {
    let padding = (3 - bytes % 3) % 3;
    format!(
        "{}{}",
        "A".repeat(bytes.div_ceil(3) * 4 - padding),
        "=".repeat(padding)
    )
}
