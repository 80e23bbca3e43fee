//! The own-event enum of a stream.

use super::code::Code;
use super::model::{Model, Stream, short};
use super::names;

pub(super) fn put(code: &mut Code, model: &Model<'_>, stream: &Stream) {
    let name = &stream.name;
    let events: Vec<_> = model.stream_events(stream).collect();
    let Some(first) = events.first() else { return };
    let each = |line: &dyn Fn(&str, &str) -> String| -> Vec<String> {
        events
            .iter()
            .map(|event| line(short(&event.record.name), &event.record.name))
            .collect()
    };
    code.line(&format!("/// The events of the stream `{}`.", stream.topic));
    code.line(&format!(
        "#[derive(Debug, Clone, PartialEq{})]",
        if events.iter().all(|event| event
            .record
            .fields
            .iter()
            .all(|field| model.is_eq(&field.schema)))
        {
            ", Eq"
        } else {
            ""
        }
    ));
    code.open(&format!("pub enum {name} {{"));
    for line in each(&|event, full| format!("/// `{full}`.\n{event}({event}),")) {
        code.line(&line);
    }
    code.close("}");
    code.open(&format!("impl ::kolo_core::OwnEvents for {name} {{"));
    code.line(&format!("type Key = {};", model.key_type(first)));
    code.line(&format!(
        "const STREAM: &'static str = {};",
        names::literal(&stream.topic)
    ));
    let types = each(&|event, _| format!("<{event} as ::kolo_core::Event>::TYPE"));
    code.line(&format!(
        "const TYPES: &'static [&'static ::kolo_core::EventType] = &[{}];",
        types.join(", ")
    ));
    let versions = each(&|event, _| format!("<{event} as ::kolo_core::Event>::VERSIONS"));
    code.line(&format!(
        "const VERSIONS: &'static [&'static [u64]] = &[{}];",
        versions.join(", ")
    ));
    put_match(
        code,
        "fn event_type(&self) -> &'static ::kolo_core::EventType {",
        "match self {",
        each(&|event, _| format!("Self::{event}(_) => <{event} as ::kolo_core::Event>::TYPE,")),
    );
    put_match(
        code,
        "fn key(&self) -> &Self::Key {",
        "match self {",
        each(&|event, _| format!("Self::{event}(event) => ::kolo_core::Event::key(event),")),
    );
    put_match(
        code,
        "fn encode(&self, out: &mut Vec<u8>) {",
        "match self {",
        each(&|event, _| {
            format!("Self::{event}(event) => ::kolo_core::Event::encode(event, out),")
        }),
    );
    let mut arms = each(&|event, full| {
        format!(
            "\"{full}\" => Some(<{event} as ::kolo_core::Event>::decode(value).map(Self::{event})),"
        )
    });
    arms.push("_ => None,".to_owned());
    put_match(
        code,
        "fn decode(name: &str, value: &[u8]) -> Option<Result<Self, ::kolo_core::DecodeError>> {",
        "match name {",
        arms,
    );
    code.close("}");
    for line in each(&|event, _| {
        format!(
            "impl From<{event}> for {name} {{ fn from(event: {event}) -> Self {{ Self::{event}(event) }} }}"
        )
    }) {
        code.line(&line);
    }
    // Over one variant, the second arm cannot be reached.
    let other = if events.len() > 1 { " _ => None," } else { "" };
    for line in each(&|event, _| {
        format!(
            "impl ::kolo_core::Owns<{event}> for {name} {{ fn get(&self) -> Option<&{event}> {{ match self {{ Self::{event}(event) => Some(event),{other} }} }} }}"
        )
    }) {
        code.line(&line);
    }
}

fn put_match(code: &mut Code, function: &str, head: &str, arms: Vec<String>) {
    code.open(function);
    code.open(head);
    for arm in arms {
        code.line(&arm);
    }
    code.close("}");
    code.close("}");
}
