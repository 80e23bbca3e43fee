//! Inputs: how an event comes to stand where the aggregate reads it, and how it is read.

use kolo_core::wire::{Source, Stamp};
use kolo_core::{Event, EventId, Key, Kind, Path, Position};

use super::setup::{INBOX, topic};
use super::stage::{Stage, quoted};
use crate::record::{Stored, at};

/// A record, the input that it stands in, and its offset there.
pub(super) type Arrival = (usize, usize, Stored);

impl Stage {
    /// The id for the next event from outside: by its number, so that it is the same in every run.
    pub(super) fn new_id(&mut self) -> EventId {
        self.published += 1;
        EventId::foreign(&format!("input {}", self.published))
    }

    /// An event is published where the aggregate reads it.
    pub(super) fn publish<E: Event>(&mut self, event: &E, id: EventId) -> Result<Arrival, String> {
        let own = &self.opening.description;
        let name = E::TYPE.short_name();
        let reacts = own.reactions.iter();
        let reacts = reacts
            .filter(|known| known.kind == Kind::On)
            .map(|known| known.event);
        let undoes = own.compensations.iter().map(|known| known.event);
        let direct: Vec<_> = reacts.chain(undoes).collect();
        if !direct.iter().any(|known| known.name == E::TYPE.name) {
            if own
                .reactions
                .iter()
                .any(|known| known.event.name == E::TYPE.name)
            {
                return Err(format!(
                    "`{name}` reaches it by a route: say `.when_routed(…)`"
                ));
            }
            return Err(format!(
                "it does not react to `{name}`, but to {}. Declare `.on(…)` or `.undo(…)` for it, or specify the \
                 aggregate that reacts",
                quoted(direct.iter().map(|known| known.short_name()), ", "),
            ));
        }
        let key = event.key().text();
        self.check_keys(name, std::slice::from_ref(&key))?;
        let topics = own.direct_topics();
        let input = topics.iter().position(|topic| *topic == E::TYPE.topic);
        let value = encoded(event);
        let record = Stored::event(id, E::TYPE.name, &key, &value, self.now, None);
        let offset = self.next_offset(E::TYPE.topic);
        Ok((input.unwrap_or_default(), offset, record))
    }

    /// An event is published, and its route copies it to the keys that it concerns.
    pub(super) fn route<E: Event>(
        &mut self,
        event: &E,
        id: EventId,
    ) -> Result<Vec<Arrival>, String> {
        let name = E::TYPE.short_name();
        let value = encoded(event);
        let mut keys = Vec::new();
        match self
            .opening
            .participant
            .route(E::TYPE.name, &value, &mut keys)
        {
            Some(Ok(())) => {}
            Some(Err(problem)) => return Err(format!("the route cannot read `{name}`: {problem}")),
            None => {
                let reactions = self.opening.description.reactions.iter();
                let routed = reactions.filter(|known| known.kind == Kind::Routed);
                return Err(format!(
                    "no route of its brings `{name}`, but of {}. Declare `.routed(…)` for it, or say `.when(…)` if it \
                     is keyed by the aggregate's own key",
                    quoted(routed.map(|known| known.event.short_name()), ", "),
                ));
            }
        }
        self.check_keys(name, &keys)?;
        let offset = at(self.next_offset(E::TYPE.topic));
        let inbox = self.opening.description.direct_topics().len();
        let copies = keys.into_iter().zip(0..).map(|(key, copy)| {
            let stamp = Stamp {
                correlation: None,
                causation: None,
                writer: None,
                source: Source::Copy {
                    path: Path::Route(1),
                    topic: topic(E::TYPE.topic).id,
                    partition: 0,
                    position: Position { offset, copy },
                    after: None,
                },
                index: 1,
                count: 1,
            };
            let copied = Stored::event(id, E::TYPE.name, &key, &value, self.now, Some(&stamp));
            (inbox, self.next_offset(INBOX), copied)
        });
        Ok(copies.collect())
    }

    /// The owner reads a record.
    pub(super) fn read(&mut self, (input, offset, record): &Arrival) -> Result<(), String> {
        self.run(|processor, now, out| processor.handle(*input, &record.record(*offset), now, out))
    }

    /// What arrives must concern a key that has a history, if any has.
    fn check_keys(&self, event: &str, keys: &[String]) -> Result<(), String> {
        let known = &self.opening.keys;
        if known.is_empty() || keys.is_empty() || keys.iter().any(|key| known.contains(key)) {
            return Ok(());
        }
        let quoted = |keys: &[String]| quoted(keys.iter().map(String::as_str), ", ");
        Err(format!(
            "`{event}` is for the key {}, and the history of {}: it would meet none of it. Use one key in both",
            quoted(keys),
            quoted(known),
        ))
    }

    fn next_offset(&mut self, topic: &str) -> usize {
        let next = self.next.entry(topic.to_owned()).or_default();
        *next += 1;
        *next - 1
    }
}

fn encoded<E: Event>(event: &E) -> Vec<u8> {
    let mut value = Vec::new();
    event.encode(&mut value);
    value
}
