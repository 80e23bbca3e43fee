//! The custom properties that make a record an event.

use serde_json::{Map, Value};

use super::types::{Kind, Logical, Record, Schema};

/// What the wire needs to know of an event, from the properties `topic`, `key`, `saga` and `public` of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventProperties {
    /// The topic that its events are written to.
    pub topic: String,
    /// The field that holds the key.
    pub key: String,
    /// The field that identifies the saga.
    pub saga: Option<String>,
    /// Whether other services may rely on it; true where the schema says nothing.
    pub public: bool,
}

impl EventProperties {
    /// The properties of a record's object; `None` if it names no topic and so is no event.
    pub(super) fn parse(object: &Map<String, Value>) -> Result<Option<Self>, String> {
        let text = |name: &str| match object.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(other) => Err(format!("the property \"{name}\" is a text, not {other}")),
        };
        let (topic, key, saga) = (text("topic")?, text("key")?, text("saga")?);
        let public = match object.get("public") {
            None => None,
            Some(Value::Bool(public)) => Some(*public),
            Some(other) => {
                return Err(format!(
                    "the property \"public\" is true or false, not {other}"
                ));
            }
        };
        match (topic, key) {
            (Some(topic), Some(key)) => Ok(Some(Self { topic, key, saga, public: public.unwrap_or(true) })),
            (Some(topic), None) => Err(format!(
                "an event of topic `{topic}` needs the property \"key\": the name of the field that holds its key"
            )),
            (None, None) if saga.is_none() && public.is_none() => Ok(None),
            (None, _) => Err(
                "\"key\", \"saga\" and \"public\" are properties of events, and this record has no \"topic\": add it, or take them away"
                    .to_owned(),
            ),
        }
    }

    /// Problems of the properties with regard to the record's fields.
    pub(super) fn check(&self, record: &Record) -> Vec<String> {
        let mut problems = Vec::new();
        let mut look = |property: &str, name: &str| {
            match record.fields.iter().find(|field| field.name == name) {
            None => {
                let fields: Vec<&str> = record.fields.iter().map(|field| field.name.as_str()).collect();
                problems.push(format!(
                    "\"{property}\" names the field `{name}`, but the fields are: {}",
                    fields.join(", ")
                ));
            }
            Some(field) if !is_text(&field.schema) => problems.push(format!(
                "\"{property}\" names the field `{name}` of type {}; keys and sagas are a string or a uuid, since they are text on the wire",
                field.schema.describe()
            )),
            Some(_) => {}
        }
        };
        look("key", &self.key);
        if let Some(saga) = &self.saga {
            look("saga", saga);
        }
        problems
    }
}

fn is_text(schema: &Schema) -> bool {
    schema.kind == Kind::String && matches!(schema.logical, Logical::None | Logical::Uuid)
}
