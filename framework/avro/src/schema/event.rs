//! The custom properties that make a record an event.

use serde_json::{Map, Value};

use super::types::{Kind, Logical, Record, Schema};

/// What the wire and the graph need to know of an event, from the properties of its record.
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
    /// What it is in the course of a saga, which the checks of a choreography go by.
    pub mark: Mark,
    /// Published versions that Avro's rules do not lead away from: a record that was written with one of them, or with an
    /// older one, is read as that version and turned by a declared function. In ascending order.
    pub upcasts: Vec<u32>,
}

/// What an event is in the course of a saga: the properties `intake`, `outcome` and `terminal`, of which it has one at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mark {
    /// A step on the way, which somebody answers.
    #[default]
    Step,
    /// `"intake": true`: it comes from outside.
    Intake,
    /// `"outcome": "success"`: the saga has ended well.
    Success,
    /// `"outcome": "failure"`: the saga has ended, and what was done is undone.
    Failure,
    /// `"terminal": true`: a fact for people and reports.
    Terminal,
}

impl Mark {
    /// Its property and value in the schema, as JSON; a step has none.
    pub(super) fn property(self) -> Option<(&'static str, Value)> {
        match self {
            Self::Step => None,
            Self::Intake => Some(("intake", Value::Bool(true))),
            Self::Success => Some(("outcome", Value::from("success"))),
            Self::Failure => Some(("outcome", Value::from("failure"))),
            Self::Terminal => Some(("terminal", Value::Bool(true))),
        }
    }

    fn parse(object: &Map<String, Value>) -> Result<Self, String> {
        let flag = |name: &str, mark| match object.get(name) {
            None | Some(Value::Bool(false)) => Ok(None),
            Some(Value::Bool(true)) => Ok(Some((name.to_owned(), mark))),
            Some(other) => Err(format!(
                "the property \"{name}\" is true or false, not {other}"
            )),
        };
        let outcome = match object.get("outcome") {
            None => None,
            Some(Value::String(end)) if end == "success" => {
                Some(("outcome".to_owned(), Self::Success))
            }
            Some(Value::String(end)) if end == "failure" => {
                Some(("outcome".to_owned(), Self::Failure))
            }
            Some(other) => {
                return Err(format!(
                    "the property \"outcome\" is \"success\" or \"failure\", not {other}"
                ));
            }
        };
        let marks = [
            flag("intake", Self::Intake)?,
            outcome,
            flag("terminal", Self::Terminal)?,
        ];
        let mut marks = marks.into_iter().flatten();
        match (marks.next(), marks.next()) {
            (Some((first, _)), Some((second, _))) => Err(format!(
                "an event is marked as one thing, and this one says \"{first}\" and \"{second}\": keep the one that is meant"
            )),
            (mark, _) => Ok(mark.map_or(Self::Step, |(_, mark)| mark)),
        }
    }
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
        let mark = Mark::parse(object)?;
        let upcasts = upcasts(object)?;
        match (topic, key) {
            (Some(topic), Some(key)) => Ok(Some(Self { topic, key, saga, public: public.unwrap_or(true), mark, upcasts })),
            (Some(topic), None) => Err(format!(
                "an event of topic `{topic}` needs the property \"key\": the name of the field that holds its key"
            )),
            (None, None)
                if saga.is_none() && public.is_none() && mark == Mark::Step && upcasts.is_empty() =>
            {
                Ok(None)
            }
            (None, _) => Err(
                "\"key\", \"saga\", \"public\", \"intake\", \"outcome\", \"terminal\" and \"upcasts\" are properties of events, and this record has no \"topic\": add it, or take them away"
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
            Some(field) if field.sensitive => problems.push(format!(
                "\"{property}\" names the field `{name}`, which is \"sensitive\": keys and sagas stand open beside every record and in every tool; take another field, such as an id that says nothing"
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

fn upcasts(object: &Map<String, Value>) -> Result<Vec<u32>, String> {
    let Some(value) = object.get("upcasts") else {
        return Ok(Vec::new());
    };
    let wrong = || {
        format!(
            "the property \"upcasts\" is a list of published versions in ascending order, as in [2], not {value}"
        )
    };
    let number = |item: &Value| item.as_u64().and_then(|number| u32::try_from(number).ok());
    let numbers: Option<Vec<u32>> = value
        .as_array()
        .and_then(|list| list.iter().map(number).collect());
    let numbers = numbers.ok_or_else(wrong)?;
    if numbers.first() == Some(&0) || !numbers.is_sorted_by(|one, next| one < next) {
        return Err(wrong());
    }
    Ok(numbers)
}

fn is_text(schema: &Schema) -> bool {
    schema.kind == Kind::String && matches!(schema.logical, Logical::None | Logical::Uuid)
}
