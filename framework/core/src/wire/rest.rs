//! The `kolo_rest` header: the events that follow in an answer of several, carried by its first record, so that an
//! owner who finds the answer torn can append what is missing, whatever became of the code and the input since.
//!
//! Per event: `u16` length of the type's name, the name, 16 bytes of event id, `u32` length of the value, the value;
//! integers big-endian.

use uuid::Uuid;

use crate::id::EventId;

/// One event in a `kolo_rest` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestEvent<'a> {
    /// Full name of its type.
    pub event_type: &'a str,
    /// Its id.
    pub id: EventId,
    /// Its framed value.
    pub value: &'a [u8],
}

/// Appends one event.
pub fn write_rest(out: &mut Vec<u8>, event: RestEvent<'_>) {
    let name = u16::try_from(event.event_type.len()).unwrap_or(u16::MAX);
    let value = u32::try_from(event.value.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&name.to_be_bytes());
    out.extend_from_slice(&event.event_type.as_bytes()[..usize::from(name)]);
    out.extend_from_slice(event.id.0.as_bytes());
    out.extend_from_slice(&value.to_be_bytes());
    out.extend_from_slice(event.value);
}

/// The events of a `kolo_rest` header; `None` if the bytes are not one.
#[must_use]
pub fn read_rest(mut bytes: &[u8]) -> Option<Vec<RestEvent<'_>>> {
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let name = u16::from_be_bytes(*bytes.split_off(..2)?.first_chunk()?);
        let event_type = std::str::from_utf8(bytes.split_off(..usize::from(name))?).ok()?;
        let id = EventId(Uuid::from_bytes(*bytes.split_off(..16)?.first_chunk()?));
        let value = u32::from_be_bytes(*bytes.split_off(..4)?.first_chunk()?);
        let value = bytes.split_off(..usize::try_from(value).ok()?)?;
        events.push(RestEvent {
            event_type,
            id,
            value,
        });
    }
    Some(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_and_a_header_cut_off_anywhere_is_refused() {
        let events = [
            RestEvent {
                event_type: "shop.A",
                id: EventId::foreign("a"),
                value: b"",
            },
            RestEvent {
                event_type: "shop.B",
                id: EventId::foreign("b"),
                value: &[0xC3, 1, 2],
            },
        ];
        let mut bytes = Vec::new();
        write_rest(&mut bytes, events[0]);
        let first = bytes.len();
        write_rest(&mut bytes, events[1]);
        assert_eq!(read_rest(&bytes).as_deref(), Some(&events[..]));
        for cut in (1..bytes.len()).filter(|&cut| cut != first) {
            assert_eq!(read_rest(&bytes[..cut]), None, "cut at {cut}");
        }
    }
}
