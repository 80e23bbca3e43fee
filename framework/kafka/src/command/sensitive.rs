//! What the schemas of a service mark as sensitive, which its commands hide from whoever only looks.

use std::collections::{BTreeMap, BTreeSet};

use kolo_core::Service;
use kolo_core::choreography::{EventManifest, Manifest};
use kolo_core::processor::Inspected;
use kolo_core::wire::KOLO_REST;
use serde_json::Value;

/// What stands where something is hidden.
pub(super) const HIDDEN: &str = "(hidden)";

/// What is to be hidden: nothing where no schema marks a field, or where it is revealed.
#[derive(Default)]
pub(super) struct Sensitive {
    /// The names of the fields that are marked.
    fields: BTreeSet<String>,
    /// The events that have such a field, and those that have none.
    events: BTreeMap<String, bool>,
}

impl Sensitive {
    /// As the schemas of the events say that the service emits or answers.
    pub(super) fn of(service: &Service, is_revealed: bool) -> Self {
        if is_revealed {
            return Self::default();
        }
        Self::marked(&Manifest::from(service).events)
    }

    fn marked(events: &[EventManifest]) -> Self {
        let mut all = Self::default();
        for event in events {
            let mut fields = BTreeSet::new();
            // Events that are written by hand have no schema.
            if let Ok(schema) = serde_json::from_str(&event.schema) {
                marked(&schema, &mut fields);
            }
            all.events.insert(event.name.clone(), !fields.is_empty());
            all.fields.extend(fields);
        }
        all
    }

    /// Whether the bytes of a value are hidden. Who does not know what they are hides them too: a value that could not be read
    /// is another event than its header says, or none.
    pub(super) fn hides_value(&self, event_type: Option<&str>) -> bool {
        let known = event_type.and_then(|name| self.events.get(name));
        !self.fields.is_empty() && known != Some(&false)
    }

    /// Whether a header is hidden: the one that has other events in it.
    pub(super) fn hides_header(&self, name: &str) -> bool {
        !self.fields.is_empty() && name == KOLO_REST
    }

    /// What is known of a key, without what its state has in fields of these names. A state's type is the service's own, and no
    /// schema says what is in it; a name that it shares with a marked field says enough.
    pub(super) fn without(&self, mut known: Inspected) -> Inspected {
        if let Some(Ok(json)) = known.state.as_mut().map(|state| &mut state.json) {
            *json = self.hide(json);
        }
        known
    }

    /// JSON in lines, as it was but for what is hidden: its fields keep their order.
    fn hide(&self, json: &str) -> String {
        let (mut text, mut lines) = (String::with_capacity(json.len()), json.lines());
        while let Some(line) = lines.next() {
            let indent = line.len() - line.trim_start().len();
            let field = line[indent..]
                .strip_prefix('"')
                .and_then(|rest| rest.split_once("\": "));
            let Some((name, value)) = field.filter(|(name, _)| self.fields.contains(*name)) else {
                text.extend([line, "\n"]);
                continue;
            };
            // What is in brackets ends at the next line that stands as far left.
            let inside = |line: &&str| line[indent..].starts_with(' ');
            let last = if value.ends_with(['{', '[']) {
                lines.find(|line| !inside(line)).unwrap_or_default()
            } else {
                value
            };
            let comma = if last.ends_with(',') { "," } else { "" };
            text.extend([
                &line[..indent],
                "\"",
                name,
                "\": \"",
                HIDDEN,
                "\"",
                comma,
                "\n",
            ]);
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// The names of the fields that a schema marks, in all records that it is made of.
fn marked(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| marked(item, found)),
        Value::Object(object) => {
            if let (Some(Value::Bool(true)), Some(Value::String(name))) =
                (object.get("sensitive"), object.get("name"))
            {
                found.insert(name.clone());
            }
            let inside = object.iter().filter(|(name, _)| *name != "default");
            inside.for_each(|(_, value)| marked(value, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use kolo_core::{EventType, Mark};
    use serde_json::json;

    use super::*;

    fn event(name: &'static str, schema: &'static str) -> EventManifest {
        EventManifest::from(&EventType {
            name,
            topic: "t",
            key_field: "id",
            saga_field: None,
            public: true,
            mark: Mark::Step,
            key_type: "String",
            schema,
        })
    }

    const GUEST: &str = r#"{"type": "record", "name": "a.Booked", "fields": [
        {"name": "id", "type": "string", "default": {"sensitive": true, "name": "id"}},
        {"name": "guests", "type": {"type": "array", "items": {"type": "record", "name": "a.Guest", "fields": [
            {"name": "email", "type": ["null", "string"], "sensitive": true}, {"name": "age", "type": "int", "sensitive": false}]}}}]}"#;
    const ROOM: &str =
        r#"{"type": "record", "name": "a.Room", "fields": [{"name": "id", "type": "string"}]}"#;

    #[test]
    fn only_a_value_that_is_known_to_have_nothing_sensitive_is_shown() {
        let marked = Sensitive::marked(&[event("a.Booked", GUEST), event("a.Room", ROOM)]);
        let hides = |name| marked.hides_value(name);
        assert!(hides(Some("a.Booked")) && hides(Some("other")) && hides(None));
        assert!(!hides(Some("a.Room")));
        assert!(marked.hides_header(KOLO_REST) && !marked.hides_header("ce_id"));
        let unmarked = Sensitive::marked(&[event("a.Room", ROOM), event("by.Hand", "")]);
        assert!(!unmarked.hides_value(None) && !unmarked.hides_header(KOLO_REST));
    }

    #[test]
    fn fields_of_a_state_are_hidden_by_the_names_of_marked_ones() {
        let marked = Sensitive::marked(&[event("a.Booked", GUEST)]);
        let hidden = |state: Value| {
            let lines = serde_json::to_string_pretty(&state).unwrap();
            serde_json::from_str::<Value>(&marked.hide(&lines)).unwrap()
        };
        let state = json!({"email": null, "rooms": [{"email": {"of": ["ada", {}]}, "id": "r"}, {"email": [1]}], "z": "email"});
        assert_eq!(
            hidden(state),
            json!({"email": HIDDEN, "rooms": [{"email": HIDDEN, "id": "r"}, {"email": HIDDEN}], "z": "email"})
        );
        let sound = json!({"guests": ["email", "\"email\": 1", {"e": []}], "mail": {}});
        assert_eq!(hidden(sound.clone()), sound);
        let ordered = "{\n  \"z\": 1,\n  \"email\": \"ada\",\n  \"a\": 2\n}";
        assert_eq!(marked.hide(ordered), ordered.replace("ada", HIDDEN));
    }
}
