//! The stage: one processor, its stream and its inputs. Nothing in here knows the types of the events.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kolo_core::processor::{InputTopic, Outbox, Outcome, Processor, ProcessorError, Rules, Setup};
use kolo_core::wire::{self, Failure, Parked, Source, Stamp};
use kolo_core::{
    CallFailure, EffectCall, Event, EventId, Key, Kind, OwnEvents, Path, Port, Position, Timestamp,
    TopicId,
};

use super::history::Opening;
use crate::protocol::log::Stored;

/// One owner at work.
pub(super) struct Stage {
    opening: Opening,
    /// What the history and this owner have recorded.
    stream: Vec<Stored>,
    processor: Box<dyn Processor>,
    out: Outbox,
    now: Timestamp,
    /// The next offset of each topic that events are published to, and of the inbox.
    next: BTreeMap<String, i64>,
    /// How many events were published.
    published: usize,
}

/// A record, and the input that it stands in.
pub(super) type Arrival = (usize, Stored);

impl Stage {
    /// An owner takes the stream over.
    pub(super) fn open(opening: &Opening) -> Result<Stage, String> {
        let mut stream = opening.stream.clone();
        let mut processor = opening.participant.processor(setup(opening, OWNER));
        push(&mut stream, fence(opening, OWNER));
        let (fence, before) = match stream.split_last() {
            Some((fence, before)) => (fence.offset, before),
            None => return Err("its stream has no fence".to_owned()),
        };
        processor.fenced(fence);
        for record in before {
            let restored = processor.restore(&record.record());
            restored.map_err(|problem| format!("the history cannot be restored: {problem}"))?;
        }
        let mut out = Outbox::default();
        let started = processor.start(Timestamp::default(), &mut out);
        let started =
            started.map_err(|problem| format!("the history cannot be taken over: {problem}"))?;
        let told = opening.stream.len() - 1;
        if started.events != told as u64 {
            let read = started.events;
            return Err(format!(
                "of {told} events of the history, {read} were valid"
            ));
        }
        Ok(Stage {
            opening: opening.clone(),
            stream,
            processor,
            out,
            now: Timestamp::default(),
            next: BTreeMap::new(),
            published: 0,
        })
    }

    pub(super) fn opening(&self) -> &Opening {
        &self.opening
    }

    /// The aggregate, for people.
    pub(super) fn name(&self) -> String {
        let Opening {
            service,
            description,
            ..
        } = &self.opening;
        format!("{service}.{}", description.aggregate)
    }

    /// Where the stream ends.
    pub(super) fn end(&self) -> usize {
        self.stream.len()
    }

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
        let record = Stored::event(id, E::TYPE.name, &key, encoded(event), None);
        Ok((
            input.unwrap_or_default(),
            self.placed(E::TYPE.topic, record),
        ))
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
        let offset = self
            .placed(
                E::TYPE.topic,
                Stored::event(id, E::TYPE.name, "", value.clone(), None),
            )
            .offset;
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
            let copied = Stored::event(
                id,
                E::TYPE.name,
                &key,
                value.clone(),
                Some(stamp.to_string()),
            );
            (inbox, self.placed(INBOX, copied))
        });
        Ok(copies.collect())
    }

    /// The owner reads a record.
    pub(super) fn read(&mut self, (input, record): &Arrival) -> Result<(), String> {
        self.run(|processor, now, out| processor.handle(*input, &record.record(), now, out))
    }

    /// The requests of a port without an answer, in order.
    pub(super) fn pending<P: Port>(&self) -> Vec<EffectCall> {
        let effects = &self.opening.description.effects;
        let mut calls = self.processor.pending();
        calls.retain(|call| effects[call.effect].port == TypeId::of::<P>());
        calls
    }

    /// The port replies to its first request.
    pub(super) fn reply<P: Port>(&mut self, reply: P::Reply) -> Result<(), String> {
        let request = self.first_request::<P>()?;
        self.run(|processor, now, out| processor.answer(request, Box::new(reply), now, out))
    }

    /// The port is called no more for its first request.
    pub(super) fn give_up<P: Port>(&mut self) -> Result<(), String> {
        let request = self.first_request::<P>()?;
        let failure = CallFailure {
            problem: "the specification gives it up".to_owned(),
            attempts: 1,
            terminal: true,
        };
        self.run(|processor, now, out| processor.exhausted(request, &failure, now, out))
    }

    fn first_request<P: Port>(&self) -> Result<EventId, String> {
        if let Some(call) = self.pending::<P>().first() {
            return Ok(call.request);
        }
        let effects = &self.opening.description.effects;
        let port = port_name::<P>();
        let asks = effects.iter().find(|known| known.port == TypeId::of::<P>());
        Err(match asks {
            Some(effect) => format!(
                "the port `{port}` was not called: no `{}` waits for an answer",
                effect.request.short_name()
            ),
            None => format!(
                "it declares no effect of the port `{port}`; add `.effect::<{port}, _>(…)`, or name the port that it calls"
            ),
        })
    }

    /// The earliest deadline.
    pub(super) fn due(&mut self) -> Option<Timestamp> {
        self.processor.next_deadline()
    }

    /// The earliest deadline passes.
    pub(super) fn pass_earliest(&mut self) -> Result<(), String> {
        let due = self.due();
        let due =
            due.ok_or("it waits for nothing: no state has a deadline that was not answered")?;
        self.now = self.now.max(due);
        self.pass(due)
    }

    /// Time passes, and with it whatever is due by then.
    pub(super) fn pass_time(&mut self, time: Duration) -> Result<(), String> {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.now = Timestamp::from_millis(self.now.as_millis().saturating_add(millis));
        self.pass(self.now)
    }

    fn pass(&mut self, passed: Timestamp) -> Result<(), String> {
        self.run(|processor, now, out| {
            let answered = processor.pass_deadlines(passed, usize::MAX, now, out);
            answered.map(Outcome::Decided)
        })
    }

    /// Whether anything was parked behind this place of the stream, and why.
    pub(super) fn parked(&self, from: usize) -> Option<Failure> {
        let mut records = self.stream[from..].iter();
        let parked = records.find(|record| record.event_type == wire::PARKED)?;
        let parked: Option<Parked> = serde_json::from_slice(&parked.value).ok();
        parked.map(|parked| parked.failure)
    }

    /// The own events behind this place of the stream.
    pub(super) fn events<O: OwnEvents>(&self, from: usize) -> Result<Vec<O>, String> {
        let records = self.stream[from..].iter();
        let events = records.filter(|record| !wire::is_own_record(record.event_type));
        let events = events.map(|record| match O::decode(record.event_type, &record.value) {
            Some(event) => event.map_err(|problem| problem.to_string()),
            None => Err(format!(
                "`{}` is not an event of its stream",
                record.event_type
            )),
        });
        events.collect()
    }

    /// Lets the processor do something, and appends what it wants appended.
    fn run(
        &mut self,
        act: impl FnOnce(&mut dyn Processor, Timestamp, &mut Outbox) -> Result<Outcome, ProcessorError>,
    ) -> Result<(), String> {
        act(self.processor.as_mut(), self.now, &mut self.out)
            .map_err(|problem| problem.to_string())?;
        let appended: Vec<Stored> = self.out.iter().map(|append| Stored::of(&append)).collect();
        self.out.clear();
        for record in appended {
            let offset = push(&mut self.stream, record);
            let acknowledged = self.processor.acknowledged(offset);
            acknowledged.map_err(|end| format!("its only owner is at an end: {end}"))?;
        }
        self.processor.sound(&mut Vec::new());
        Ok(())
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

    fn placed(&mut self, topic: &str, mut record: Stored) -> Stored {
        let next = self.next.entry(topic.to_owned()).or_default();
        let offset = *next;
        *next += 1;
        record.offset = offset;
        record.at = self.now;
        record
    }
}

const OWNER: u64 = 2;
const INBOX: &str = "inbox";

fn topic(name: &str) -> InputTopic {
    InputTopic {
        name: name.to_owned(),
        id: TopicId(EventId::foreign(name).0),
    }
}

fn setup(opening: &Opening, nonce: u64) -> Setup {
    let Opening {
        service,
        description,
        ..
    } = opening;
    let direct = description.direct_topics().into_iter().map(topic);
    let inbox = topic(&format!("{service}.{}.{INBOX}", description.aggregate));
    Setup {
        service: (*service).to_owned(),
        partition: 0,
        partitions: 1,
        nonce,
        inputs: direct.chain([inbox]).collect(),
        routed: description.routed_topics().into_iter().map(topic).collect(),
        max_record_bytes: kolo_core::processor::MAX_RECORD_BYTES,
        allow_downgrade: false,
        broken: HashMap::new(),
        rules: Rules::ALL,
    }
}

/// The fence of an owner.
pub(super) fn fence(opening: &Opening, nonce: u64) -> Stored {
    let mut out = Outbox::default();
    let processor = opening.participant.processor(setup(opening, nonce));
    processor.fence(Timestamp::default(), &mut out);
    #[expect(clippy::expect_used, reason = "to fence is to append one record")]
    Stored::of(&out.get(0).expect("a fence"))
}

/// Appends a record; gives its offset.
pub(super) fn push(stream: &mut Vec<Stored>, mut record: Stored) -> i64 {
    let offset = stream.last().map_or(0, |last| last.offset + 1);
    record.offset = offset;
    stream.push(record);
    offset
}

fn encoded<E: Event>(event: &E) -> Vec<u8> {
    let mut value = Vec::new();
    event.encode(&mut value);
    value
}

/// The name of a port without its path.
pub(super) fn port_name<P>() -> &'static str {
    let path = std::any::type_name::<P>();
    path.rsplit("::").next().unwrap_or(path)
}

/// Names for a message; `nothing` if there are none.
pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>, between: &str) -> String {
    let mut each: Vec<String> = Vec::new();
    for name in names.map(|name| format!("`{name}`")) {
        if !each.contains(&name) {
            each.push(name);
        }
    }
    if each.is_empty() {
        "nothing".to_owned()
    } else {
        each.join(between)
    }
}
