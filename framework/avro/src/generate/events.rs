//! `kolo_core::Event` of an event, and the frame that all events share.

use super::code::Code;
use super::model::{Model, owner, short};
use super::{ALLOW, names, resolve, upcasts};
use crate::schema::{Logical, TreeEvent, write};

pub(super) fn put(code: &mut Code, model: &Model<'_>, event: &TreeEvent<'_>) {
    let record = event.record;
    let name = short(&record.name);
    let properties = event.properties;
    let saga_field = match &properties.saga {
        Some(field) => format!("Some(\"{field}\")"),
        None => "None".to_owned(),
    };
    code.open(&format!("impl ::kolo_core::Event for {name} {{"));
    code.line(&format!("type Key = {};", model.key_type(event)));
    code.open("const TYPE: &'static ::kolo_core::EventType = &::kolo_core::EventType {");
    code.line(&format!("name: \"{}\",", record.name));
    code.line(&format!("topic: {},", names::literal(&properties.topic)));
    code.line(&format!("key_field: \"{}\",", properties.key));
    code.line(&format!("saga_field: {saga_field},"));
    code.line(&format!("public: {},", properties.public));
    code.line(&format!("mark: ::kolo_core::Mark::{:?},", properties.mark));
    code.line(&format!(
        "key_type: <{} as ::kolo_core::Key>::NAME,",
        model.key_type(event)
    ));
    let document = model.tree.document(&record.name);
    let text = write::text(&document.root, &document.types);
    code.line(&format!("schema: {},", names::literal(&text)));
    code.close("};");
    code.line(&format!(
        "const VERSIONS: &'static [u64] = &[{}];",
        readable(model, event).join(", ")
    ));
    code.line(&format!(
        "fn key(&self) -> &Self::Key {{ &self.{} }}",
        names::field(&properties.key)
    ));
    code.line(&format!(
        "fn saga(&self) -> Option<::std::borrow::Cow<'_, str>> {{ {} }}",
        saga(event)
    ));
    code.open("fn encode(&self, out: &mut Vec<u8>) {");
    code.line(&format!(
        "const FRAME: [u8; avro::frame::FRAME_BYTES] = avro::frame::frame(0x{:016x});",
        event.fingerprint
    ));
    code.line("out.extend_from_slice(&FRAME);");
    code.line("self.avro_write(out);");
    code.close("}");
    code.open("fn decode(value: &[u8]) -> Result<Self, ::kolo_core::DecodeError> {");
    code.line(&format!(
        "let (version, mut reader) = super::wire::open(\"{}\", value)?;",
        record.name
    ));
    code.line("let r = &mut reader;");
    code.open("let read = match version {");
    code.line(&format!(
        "0x{:016x} => Self::avro_read(r),",
        event.fingerprint
    ));
    for read in resolve::versions(model, event) {
        let body = resolve::expression(model, event, &read);
        let fingerprint = read.version.fingerprint;
        code.line(&match read.last {
            None => format!("0x{fingerprint:016x} => {body},"),
            Some(last) => format!(
                "0x{fingerprint:016x} => return super::wire::close(\"{}\", {body}, &reader).and_then({}),",
                event.record.name,
                upcasts::function(event, last)
            ),
        });
    }
    code.line(
        "_ => return super::wire::foreign(<Self as ::kolo_core::Event>::TYPE, value, version, Self::avro_read),",
    );
    code.close("};");
    code.line(&format!(
        "super::wire::close(\"{}\", read, &reader)",
        record.name
    ));
    code.close("}");
    code.close("}");
    code.line(&format!("::kolo_core::emits!({name});"));
}

/// The fingerprints that `decode` knows, that of the working schema first.
fn readable(model: &Model<'_>, event: &TreeEvent<'_>) -> Vec<String> {
    let published = resolve::versions(model, event).into_iter();
    let all =
        std::iter::once(event.fingerprint).chain(published.map(|read| read.version.fingerprint));
    all.map(|fingerprint| format!("0x{fingerprint:016x}"))
        .collect()
}

fn saga(event: &TreeEvent<'_>) -> String {
    let Some(name) = &event.properties.saga else {
        return "None".to_owned();
    };
    let Some(schema) = Model::field_schema(event.record, name) else {
        return "None".to_owned();
    };
    let inside = if schema.newtype.is_some() { ".0" } else { "" };
    let place = format!("self.{}{inside}", names::field(name));
    if schema.logical == Logical::Uuid {
        format!("Some(::std::borrow::Cow::Owned(::kolo_core::Key::text(&{place})))")
    } else {
        format!("Some(::std::borrow::Cow::Borrowed({place}.as_str()))")
    }
}

/// What every event's `decode` calls: opening the frame, and telling what is wrong in core's terms.
pub(super) fn put_wire(code: &mut Code) {
    code.line(&ALLOW.replace("{what}\n", ""));
    code.line(WIRE);
}

const WIRE: &str = r#"mod wire {
    use ::kolo_avro::codec::foreign::{self, Foreign};
    use ::kolo_avro::codec::frame::{self, Closed};
    use ::kolo_avro::codec::{Fault, Reader};
    use ::kolo_core::{DecodeError, EventType};

    #[inline]
    pub(super) fn open<'a>(event: &'static str, value: &'a [u8]) -> Result<(u64, Reader<'a>), DecodeError> {
        match frame::open(value) {
            Ok(opened) => Ok((opened.fingerprint, Reader::new(value, opened.body))),
            Err(closed) => Err(unopened(event, value, closed)),
        }
    }

    #[cold]
    fn unopened(event: &'static str, value: &[u8], closed: Closed) -> DecodeError {
        match closed {
            Closed::Unframed => DecodeError::Framing { event, start: frame::start_in_hex(value) },
            Closed::NotLearnt(id) => DecodeError::NoRegistry { event, id },
            Closed::NoSchema(id, problem) => DecodeError::NoSchema { event, id, problem },
        }
    }

    #[inline]
    pub(super) fn close<T>(event: &'static str, read: Result<T, Fault>, reader: &Reader<'_>) -> Result<T, DecodeError> {
        match read.and_then(|value| reader.finish().map(|()| value)) {
            Ok(value) => Ok(value),
            Err(fault) => Err(malformed(event, &fault)),
        }
    }

    #[cold]
    fn malformed(event: &'static str, fault: &Fault) -> DecodeError {
        DecodeError::Malformed { event, at: fault.at(), problem: fault.to_string() }
    }

    #[cold]
    pub(super) fn foreign<T>(event: &'static EventType, value: &[u8], fingerprint: u64, read: impl FnOnce(&mut Reader<'_>) -> Result<T, Fault>) -> Result<T, DecodeError> {
        let name = event.name;
        match foreign::resolve(name, event.schema, value) {
            Foreign::Resolved(body) => {
                let mut reader = Reader::new(&body, 0);
                let read = read(&mut reader).and_then(|value| reader.finish().map(|()| value));
                read.map_err(|fault| DecodeError::Malformed { event: name, at: fault.at(), problem: format!("{fault} (counted in the value as this build's schema has it, to which it was resolved)") })
            }
            Foreign::Unknown => Err(DecodeError::UnknownVersion { event: name, fingerprint }),
            Foreign::OtherEvent { id, actual } => Err(DecodeError::OtherType { event: name, id, actual }),
            Foreign::Unreadable { problem } => Err(DecodeError::Unresolvable { event: name, fingerprint, problem }),
            Foreign::Malformed(fault) => Err(malformed(name, &fault)),
        }
    }
}"#;

/// The list of all events: the language, whole.
pub(super) fn put_list(code: &mut Code, model: &Model<'_>) {
    code.line(&ALLOW.replace("{what}", "/// The types of all events, by full name."));
    code.open("pub const EVENTS: &[&::kolo_core::EventType] = &[");
    for event in model.events() {
        let name = &event.record.name;
        code.line(&format!(
            "<{}::{} as ::kolo_core::Event>::TYPE,",
            owner(name),
            short(name)
        ));
    }
    code.close("];");
}
