//! The stage: one processor and its stream. Nothing in here knows the types of the events.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::time::Duration;

use kolo_core::processor::{Outbox, Outcome, Processor, ProcessorError};
use kolo_core::wire::{self, Failure, Parked};
use kolo_core::{CallFailure, EffectCall, EventId, OwnEvents, Port, Timestamp};

use super::history::Opening;
use super::setup::{fence, setup};
use crate::record::{Stored, at};

/// One owner at work.
pub(super) struct Stage {
    pub(super) opening: Opening,
    /// What the history and this owner have recorded.
    stream: Vec<Stored>,
    processor: Box<dyn Processor>,
    out: Outbox,
    pub(super) now: Timestamp,
    /// The next offset of each topic that events are published to, and of the inbox.
    pub(super) next: BTreeMap<String, usize>,
    /// How many events were published.
    pub(super) published: usize,
}

impl Stage {
    /// An owner takes the stream over.
    pub(super) fn open(opening: &Opening) -> Result<Stage, String> {
        let mut stream = opening.stream.clone();
        let mut processor = opening.participant.processor(setup(opening, OWNER));
        processor.fenced(at(stream.len()));
        for (offset, record) in stream.iter().enumerate() {
            let restored = processor.restore(&record.record(offset));
            restored.map_err(|problem| format!("the history cannot be restored: {problem}"))?;
        }
        stream.push(fence(opening, OWNER));
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
        let parked: Option<Parked> = serde_json::from_slice(parked.value()).ok();
        parked.map(|parked| parked.failure)
    }

    /// The own events behind this place of the stream.
    pub(super) fn events<O: OwnEvents>(&self, from: usize) -> Result<Vec<O>, String> {
        let records = self.stream[from..].iter();
        let events = records.filter(|record| !wire::is_own_record(record.event_type));
        let events = events.map(
            |record| match O::decode(record.event_type, record.value()) {
                Some(event) => event.map_err(|problem| problem.to_string()),
                None => Err(format!(
                    "`{}` is not an event of its stream",
                    record.event_type
                )),
            },
        );
        events.collect()
    }

    /// Lets the processor do something, and appends what it wants appended.
    pub(super) fn run(
        &mut self,
        act: impl FnOnce(&mut dyn Processor, Timestamp, &mut Outbox) -> Result<Outcome, ProcessorError>,
    ) -> Result<(), String> {
        act(self.processor.as_mut(), self.now, &mut self.out)
            .map_err(|problem| problem.to_string())?;
        let appended: Vec<Stored> = self.out.iter().map(|append| Stored::of(&append)).collect();
        self.out.clear();
        for record in appended {
            let acknowledged = self.processor.acknowledged(at(self.stream.len()));
            self.stream.push(record);
            acknowledged.map_err(|end| format!("its only owner is at an end: {end}"))?;
        }
        self.processor.sound(&mut Vec::new());
        Ok(())
    }
}

/// The owner that follows the one of the history.
const OWNER: u64 = 2;

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
