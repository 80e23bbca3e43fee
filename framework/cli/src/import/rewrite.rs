//! A record of a backed up stream under another owner: what of it names its owner's fence, and what that becomes.
//!
//! Of the `kolo` header the third field is the owner's, and the number that begins the source of an input. The rest is
//! carried over as text: a source of a form that is not known here, or a field that a later version adds, stays as it is.

use kolo_core::wire::{Fence, KOLO, MARKER, Stamp, Writer};
use kolo_core::{Origin, OriginNumber};
use serde_json::{Value, json};

use crate::backup::Record;
use crate::failure::Failure;

/// The origins of all fences of a partition, each once, in the order in which they appeared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Union(Vec<Origin>);

impl Union {
    /// The number of an origin here. A path and a topic's id make an origin; the name is for people.
    fn number(&mut self, origin: &Origin) -> OriginNumber {
        let same = |known: &Origin| known.path == origin.path && known.id == origin.id;
        let at = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push(origin.clone());
            self.0.len() - 1
        });
        OriginNumber::try_from(at).unwrap_or(OriginNumber::MAX)
    }

    /// Takes up what a fence lists; the numbers here of its numbers.
    pub(super) fn take(&mut self, fence: &Fence) -> Numbers {
        let origins = fence.origins.iter();
        Numbers(origins.map(|origin| self.number(origin)).collect())
    }

    pub(super) fn origins(&self) -> &[Origin] {
        &self.0
    }
}

/// What the origin numbers of one fence are in the union.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Numbers(Vec<OriginNumber>);

impl Numbers {
    /// A number that the fence does not list names no origin, and must not come to name one.
    fn of(&self, number: OriginNumber) -> OriginNumber {
        let known = self.0.get(usize::from(number));
        known.copied().unwrap_or(OriginNumber::MAX)
    }
}

/// The record with the union's numbers, in its header and in the value of a marker; still under its old owner.
pub(super) fn renumber(mut record: Record, numbers: &Numbers) -> Result<Record, Failure> {
    if record.kolo_headers().event_type == Some(MARKER) {
        let value = record.value.as_deref().unwrap_or_default();
        record.value = Some(renumber_marker(value, numbers).map_err(|problem| {
            Failure::run(format!(
                "the marker at offset {} of partition {} cannot be read: {problem}. Its owner could not restore from it either.",
                record.offset, record.partition
            ))
        })?);
    }
    rewrite_stamp(record, |fields| {
        // An input's source begins with its origin's number; all other forms with something that is no digit.
        let Some((origin, place)) = fields[4].split_once(':') else {
            return;
        };
        if let Ok(origin) = origin.parse() {
            fields[4] = format!("{}:{place}", numbers.of(origin));
        }
    })
}

/// As data and not as the struct, so that fields of a later version stay.
fn renumber_marker(value: &[u8], numbers: &Numbers) -> Result<Vec<u8>, serde_json::Error> {
    let mut marker: Value = serde_json::from_slice(value)?;
    if let Some(decided) = marker.get_mut("decided") {
        let positions: Vec<(OriginNumber, Value, Value)> = serde_json::from_value(decided.take())?;
        let positions = positions.into_iter();
        let renumbered =
            positions.map(|(number, partition, at)| (numbers.of(number), partition, at));
        // What names no origin says nothing.
        let known = renumbered.filter(|(number, ..)| *number != OriginNumber::MAX);
        *decided = json!(known.collect::<Vec<_>>());
    }
    serde_json::to_vec(&marker)
}

/// The record under this owner.
pub(super) fn under(record: Record, writer: Writer) -> Result<Record, Failure> {
    let stamp = Stamp::own(writer).to_string();
    rewrite_stamp(record, |fields| {
        if let Some(own) = stamp.split(' ').nth(3) {
            own.clone_into(&mut fields[3]);
        }
    })
}

/// Changes the fields of the `kolo` header; there are six at least, or it could not be read.
fn rewrite_stamp(
    mut record: Record,
    change: impl FnOnce(&mut Vec<String>),
) -> Result<Record, Failure> {
    // The last of several counts.
    let header = record
        .headers
        .iter_mut()
        .rfind(|header| header.name == KOLO);
    let value = header.and_then(|header| header.value.as_mut());
    let fields = value.as_deref().and_then(|value| {
        let text = std::str::from_utf8(value).ok()?;
        let fields: Vec<String> = text.split(' ').map(str::to_owned).collect();
        (fields.len() >= 6).then_some(fields)
    });
    let (Some(value), Some(mut fields)) = (value, fields) else {
        return Err(Failure::run(format!(
            "the record at offset {} of partition {} has no `kolo` header that can be read",
            record.offset, record.partition
        )));
    };
    change(&mut fields);
    *value = fields.join(" ").into_bytes();
    Ok(record)
}

#[cfg(test)]
mod tests {
    use kolo_core::wire::Source;
    use kolo_core::{Path, Position, TopicId};

    use super::*;
    use crate::backup::{Header, TimestampType};

    fn origin(id: u128) -> Origin {
        Origin {
            path: Path::Direct,
            id: TopicId(uuid::Uuid::from_u128(id)),
            topic: format!("topic-{id}"),
        }
    }

    fn fence(origins: &[u128]) -> Fence {
        Fence {
            service: "cafe".into(),
            aggregate: "counter".into(),
            partitions: 1,
            version: 1,
            origins: origins.iter().map(|&id| origin(id)).collect(),
        }
    }

    fn record(event_type: &str, stamp: &str, value: &str) -> Record {
        let header = |name: &str, value: &str| Header {
            name: name.to_owned(),
            value: Some(value.as_bytes().to_vec()),
        };
        Record {
            partition: 0,
            offset: 7,
            timestamp: Some(1),
            timestamp_type: TimestampType::CreateTime,
            key: None,
            value: Some(value.as_bytes().to_vec()),
            headers: vec![header("ce_type", event_type), header("kolo", stamp)],
        }
    }

    fn stamp(record: &Record) -> String {
        record.kolo_headers().stamp.unwrap().to_owned()
    }

    /// The second fence lists 3 and 1, which are the numbers 2 and 0 of the union.
    fn numbers() -> (Union, Numbers) {
        let mut union = Union::default();
        union.take(&fence(&[1, 2]));
        let numbers = union.take(&fence(&[3, 1]));
        assert_eq!(union.origins(), [origin(1), origin(2), origin(3)]);
        (union, numbers)
    }

    #[test]
    fn the_source_names_the_same_origin_under_the_union_s_number() {
        let (_, numbers) = numbers();
        let text = "1 - - 4.AAAAAAAAAAF.6 0:5:17.2 1/1";
        let renumbered = renumber(record("shop.E", text, "x"), &numbers).unwrap();
        let read = Stamp::read(&stamp(&renumbered)).unwrap();
        let position = Position {
            offset: 17,
            copy: 2,
        };
        assert_eq!(
            read.source,
            Source::Input {
                origin: 2,
                partition: 5,
                position
            }
        );
    }

    #[test]
    fn a_number_that_the_fence_does_not_list_names_no_origin_still() {
        let (_, numbers) = numbers();
        let renumbered = renumber(
            record("E", "1 - - 4.AAAAAAAAAAF.6 9:5:17 1/1", ""),
            &numbers,
        );
        assert_eq!(
            stamp(&renumbered.unwrap()),
            "1 - - 4.AAAAAAAAAAF.6 65535:5:17 1/1"
        );
    }

    #[test]
    fn other_sources_and_fields_of_later_versions_stay() {
        let (_, numbers) = numbers();
        for source in [
            "-",
            "r1/AAAAAAAAAAAAAAAAAAAAAA:0:3.0~2.1",
            "x:0:3",
            "redrive",
        ] {
            let text = format!("1 - - 4.AAAAAAAAAAF.6 {source} 1/1 more");
            let renumbered = renumber(record("kolo.parked", &text, "{}"), &numbers).unwrap();
            assert_eq!(stamp(&renumbered), text);
            let writer = Writer {
                epoch: Some(9),
                nonce: 0,
                number: 3,
            };
            let mine = under(renumbered, writer).unwrap();
            assert_eq!(
                stamp(&mine),
                format!("1 - - 9.AAAAAAAAAAA.3 {source} 1/1 more")
            );
        }
    }

    #[test]
    fn a_marker_s_positions_are_renumbered_and_its_other_fields_kept() {
        let (_, numbers) = numbers();
        let value = r#"{"reads":[{"topic":"00000000-0000-0000-0000-000000000001","next":5}],"decided":[[0,0,{"offset":4,"copy":0}],[1,0,{"offset":8,"copy":1}],[7,0,{"offset":9,"copy":0}]],"later":true}"#;
        let marker = record(MARKER, "1 - - 4.AAAAAAAAAAF.6 - 1/1", value);
        let renumbered = renumber(marker, &numbers).unwrap();
        let found: Value = serde_json::from_slice(&renumbered.value.unwrap()).unwrap();
        let expected = json!({
            "reads": [{"topic": "00000000-0000-0000-0000-000000000001", "next": 5}],
            "decided": [[2, 0, {"offset": 4, "copy": 0}], [0, 0, {"offset": 8, "copy": 1}]],
            "later": true,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn the_last_of_several_headers_is_the_one_that_counts() {
        let mut twice = record("E", "first", "");
        twice.headers.push(Header {
            name: "kolo".into(),
            value: Some(b"1 - - 4.AAAAAAAAAAF.6 - 1/1".to_vec()),
        });
        let writer = Writer {
            epoch: Some(1),
            nonce: 0,
            number: 2,
        };
        let mine = under(twice, writer).unwrap();
        assert_eq!(mine.headers[1].value.as_deref(), Some(&b"first"[..]));
        assert_eq!(stamp(&mine), "1 - - 1.AAAAAAAAAAA.2 - 1/1");
    }
}
