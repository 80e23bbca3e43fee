//! The owner: the state of one processor, and how an own event is taken up, live or restored.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::aggregate::InputProblem;
use crate::barrier::{Barrier, Done, Step};
use crate::declaration::Declaration;
use crate::description::Kind;
use crate::effect::{EffectCall, Reply};
use crate::event::{EventType, OwnEvents};
use crate::id::{CorrelationId, EventId, ReactionId};
use crate::position::{Origin, OriginNumber, Path, Position, Positions};
use crate::state::State;
use crate::stream::{Cursor, StreamReader};
use crate::time::Timestamp;
use crate::wire::{FENCE, Fence, MARKER, Marker, Read, Record, Source, Stamp, Writer};

use super::answered::Answered;
use super::appends::{Appends, EpochEnd};
use super::decide::Item;
use super::outbox::{Append, Outbox};
use super::restore::Torn;
use super::{Outcome, Processor, ProcessorError, STREAM_START, Setup, Start};

pub(crate) struct Owner<S: State> {
    pub(super) declaration: Arc<Declaration<S>>,
    pub(super) setup: Setup,
    pub(super) names: Names,
    pub(super) entities: HashMap<String, Entity<S>>,
    pub(super) pending: HashMap<EventId, Pending>,
    pub(super) positions: Positions,
    /// How many of the origins stand in this owner's fence; those beyond it were found while restoring.
    pub(super) fenced_origins: usize,
    pub(super) inputs: Vec<Input>,
    pub(super) unmarked: u64,
    /// Whether an input of a routed origin was decided with no event since the last marker.
    pub(super) routed_unmarked: bool,
    pub(super) epoch: i64,
    /// Number of the last record appended in this epoch.
    pub(super) number: u64,
    pub(super) appends: Appends,
    /// While restoring: the reader of the own stream, the origins of the fence in force, and the open answer.
    pub(super) reader: StreamReader,
    pub(super) fence_origins: Vec<OriginNumber>,
    pub(super) torn: Option<Torn>,
    pub(super) restored_events: u64,
    /// Whether the stream has shown whose it is: its first fence tells.
    pub(super) is_known: bool,
    pub(super) scratch: Scratch<S>,
}

/// One key.
pub(super) struct Entity<S> {
    pub(super) state: S,
    pub(super) answered: Answered,
    pub(super) barrier: Barrier,
}

impl<S: Default> Default for Entity<S> {
    fn default() -> Self {
        Entity {
            state: S::default(),
            answered: Answered::default(),
            barrier: Barrier::default(),
        }
    }
}

/// A request without an answer.
pub(super) struct Pending {
    pub(super) effect: usize,
    pub(super) key: Box<str>,
    pub(super) correlation: CorrelationId,
    pub(super) value: Box<[u8]>,
    pub(super) traceparent: Option<Box<str>>,
}

impl Pending {
    pub(super) fn call(&self, request: EventId) -> EffectCall {
        EffectCall {
            effect: self.effect,
            request,
            correlation: self.correlation,
            key: self.key.clone(),
            value: self.value.clone(),
        }
    }
}

/// One topic that is read, in the partition of the stream's own number.
pub(super) struct Input {
    /// Its number as an origin; `None` for the inbox, whose copies name their own.
    pub(super) origin: Option<OriginNumber>,
    pub(super) reader: StreamReader,
    /// The next offset to read; `None` until it is known together with the reader's cursor.
    pub(super) next: Option<i64>,
    /// The decided record that reading resumes at.
    pub(super) resumes_at: Option<i64>,
    /// While restoring: what the latest marker says.
    pub(super) marked: Option<(i64, Option<Cursor>)>,
}

/// Buffers that are used again for each decision.
pub(super) struct Scratch<S: State> {
    pub(super) key: String,
    pub(super) events: Vec<S::Event>,
    pub(super) items: Vec<Item<S::Event>>,
    pub(super) values: Vec<u8>,
    pub(super) stamp: String,
    pub(super) rest: Vec<u8>,
}

impl<S: State> Default for Scratch<S> {
    fn default() -> Self {
        Scratch {
            key: String::new(),
            events: Vec::new(),
            items: Vec::new(),
            values: Vec::new(),
            stamp: String::new(),
            rest: Vec::new(),
        }
    }
}

/// Declared things by their names on the wire.
pub(super) struct Names {
    /// By trigger.
    pub(super) handlers: HashMap<&'static str, Handlers>,
    /// What is special about each own event; empty if nothing is about any.
    pub(super) own: Vec<OwnType>,
    pub(super) reactions: Vec<ReactionId>,
    pub(super) undos: Vec<ReactionId>,
    pub(super) effects: Vec<ReactionId>,
    pub(super) bars: Vec<ReactionId>,
    /// The only declared type of each input, for records without a type.
    pub(super) sole_types: Vec<Option<&'static str>>,
}

#[derive(Default)]
pub(super) struct Handlers {
    /// The reaction, and whether it is a routed one.
    reaction: Option<(usize, bool)>,
    pub(super) undos: Vec<usize>,
}

impl Handlers {
    /// The reaction to a record that came this way: a topic may be read directly for one event type and routed for
    /// another, so that an event of the latter type shows up both ways.
    pub(super) fn reaction(&self, routed: bool) -> Option<usize> {
        self.reaction
            .filter(|&(_, by_route)| by_route == routed)
            .map(|(at, _)| at)
    }

    /// Whether anything reacts to a record that came this way.
    pub(super) fn concern(&self, routed: bool) -> bool {
        self.reaction(routed).is_some() || (!routed && !self.undos.is_empty())
    }
}

pub(super) struct OwnType {
    event: &'static EventType,
    effect: Option<usize>,
    step: Option<Step>,
    pivot: bool,
}

impl Names {
    fn new<S: State>(declaration: &Declaration<S>, setup: &Setup) -> Self {
        let owner = format!("{}.{}", setup.service, declaration.name);
        let mut handlers: HashMap<&'static str, Handlers> = HashMap::new();
        for (at, reaction) in declaration.reactions.iter().enumerate() {
            let routed = reaction.kind == Kind::Routed;
            handlers.entry(reaction.trigger.name).or_default().reaction = Some((at, routed));
        }
        for (at, undo) in declaration.undos.iter().enumerate() {
            handlers
                .entry(undo.trigger.name)
                .or_default()
                .undos
                .push(at);
        }
        let own = S::Event::TYPES.iter().map(|&event| OwnType {
            event,
            effect: declaration
                .effects
                .iter()
                .position(|effect| effect.request.name == event.name),
            step: declaration.step(event.name),
            // Without a compensation there is nothing that the pivot ends, and a barrier costs each key some 400 bytes.
            pivot: !declaration.undos.is_empty()
                && declaration
                    .reactions
                    .iter()
                    .filter(|reaction| reaction.pivot)
                    .any(|reaction| {
                        reaction
                            .outgoing
                            .iter()
                            .any(|edge| !edge.failure && edge.event.name == event.name)
                    }),
        });
        let mut own: Vec<OwnType> = own.collect();
        own.retain(|own| own.effect.is_some() || own.step.is_some() || own.pivot);
        let triggers: Vec<&'static EventType> = declaration
            .reactions
            .iter()
            .map(|reaction| reaction.trigger)
            .chain(declaration.undos.iter().map(|undo| undo.trigger))
            .collect();
        let sole_types = setup.inputs.iter().map(|input| {
            let mut names = triggers
                .iter()
                .filter(|trigger| trigger.topic == input.name)
                .map(|trigger| trigger.name);
            let first = names.next()?;
            names.all(|name| name == first).then_some(first)
        });
        let id = |what: std::fmt::Arguments<'_>| ReactionId::of_name(&format!("{owner} {what}"));
        Names {
            own,
            reactions: declaration
                .reactions
                .iter()
                .map(|r| id(format_args!("on {}", r.trigger.name)))
                .collect(),
            undos: declaration
                .undos
                .iter()
                .map(|u| {
                    id(format_args!(
                        "undoes {} on {}",
                        u.undone.name, u.trigger.name
                    ))
                })
                .collect(),
            effects: declaration
                .effects
                .iter()
                .map(|e| id(format_args!("answers {}", e.request.name)))
                .collect(),
            bars: declaration
                .steps
                .iter()
                .map(|step| id(format_args!("bars {}", step.name)))
                .collect(),
            sole_types: sole_types.collect(),
            handlers,
        }
    }

    /// What is special about an own event, if anything is.
    fn own(&self, name: &str) -> Option<&OwnType> {
        self.own
            .iter()
            .find(|own| std::ptr::eq(own.event.name, name) || own.event.name == name)
    }
}

/// An own event as it was recorded.
pub(super) struct Recorded<'a> {
    pub(super) event_type: &'a str,
    pub(super) id: EventId,
    pub(super) correlation: CorrelationId,
    pub(super) key: &'a str,
    pub(super) value: &'a [u8],
    pub(super) traceparent: Option<&'a str>,
}

impl<S: State> Owner<S> {
    pub(crate) fn new(declaration: Arc<Declaration<S>>, setup: Setup) -> Self {
        let mut positions = Positions::default();
        let direct = declaration.direct_topics().len();
        let mut inputs = Vec::with_capacity(setup.inputs.len());
        for (at, topic) in setup.inputs.iter().enumerate() {
            let origin = (at < direct).then(|| {
                positions.number(&Origin {
                    path: Path::Direct,
                    id: topic.id,
                    topic: topic.name.clone(),
                })
            });
            inputs.push(Input {
                origin,
                reader: STREAM_START,
                next: None,
                resumes_at: None,
                marked: None,
            });
        }
        for topic in &setup.routed {
            positions.number(&Origin {
                path: Path::Route(ROUTE_VERSION),
                id: topic.id,
                topic: topic.name.clone(),
            });
        }
        Owner {
            names: Names::new(&declaration, &setup),
            declaration,
            entities: HashMap::new(),
            pending: HashMap::new(),
            fenced_origins: positions.origins().len(),
            positions,
            inputs,
            unmarked: 0,
            routed_unmarked: false,
            epoch: 0,
            number: 0,
            appends: Appends::default(),
            reader: STREAM_START,
            fence_origins: Vec::new(),
            torn: None,
            restored_events: 0,
            is_known: false,
            scratch: Scratch::default(),
            setup,
        }
    }

    /// Notes what an own event means beyond the state: a step done, a request pending, the pivot passed. Returns the
    /// request's id if it is one.
    pub(super) fn note(
        names: &Names,
        pending: &mut HashMap<EventId, Pending>,
        barrier: &mut Barrier,
        recorded: &Recorded<'_>,
    ) -> Option<EventId> {
        let own = names.own(recorded.event_type)?;
        if let Some(step) = own.step {
            let done = Done {
                step,
                id: recorded.id,
                value: recorded.value.into(),
            };
            barrier.done(recorded.correlation, done);
        }
        if own.pivot {
            barrier.pivot(recorded.correlation);
        }
        let effect = own.effect?;
        pending.insert(
            recorded.id,
            Pending {
                effect,
                key: recorded.key.into(),
                correlation: recorded.correlation,
                value: recorded.value.into(),
                traceparent: recorded.traceparent.map(Into::into),
            },
        );
        Some(recorded.id)
    }

    /// Appends one of kolo's own records that stand alone.
    fn append_own(
        &mut self,
        event_type: &'static str,
        value: &[u8],
        now: Timestamp,
        out: &mut Outbox,
    ) {
        self.number += 1;
        let writer = Writer {
            epoch: Some(self.epoch),
            nonce: self.setup.nonce,
            number: self.number,
        };
        out.push(&own_record(
            event_type,
            value,
            &Stamp::own(writer).to_string(),
            now,
        ));
        self.appends.push(None);
    }

    pub(super) fn append_marker(&mut self, now: Timestamp, out: &mut Outbox) {
        let reads = self
            .inputs
            .iter()
            .zip(&self.setup.inputs)
            .filter_map(|(input, topic)| {
                Some(Read {
                    topic: topic.id,
                    next: input.next?,
                    cursor: input.reader.cursor(),
                })
            });
        let mut marker = Marker {
            reads: reads.collect(),
            ..Marker::default()
        };
        for (number, partition, position) in self.positions.iter() {
            match self.positions.origins().get(usize::from(number)) {
                Some(origin) if usize::from(number) >= self.fenced_origins => {
                    marker.others.push((origin.clone(), partition, position));
                }
                _ => marker.decided.push((number, partition, position)),
            }
        }
        marker.decided.sort_unstable();
        marker
            .others
            .sort_unstable_by_key(|(origin, partition, _)| (origin.id, *partition));
        let value = to_json(&marker);
        self.append_own(MARKER, &value, now, out);
        self.unmarked = 0;
        self.routed_unmarked = false;
    }

    /// How a record names the input that it answers: an origin that the fence does not list has no number there, and
    /// is named in full.
    pub(super) fn source(
        &self,
        origin: OriginNumber,
        partition: i32,
        position: Position,
    ) -> Source {
        match self.positions.origins().get(usize::from(origin)) {
            Some(named) if usize::from(origin) >= self.fenced_origins => Source::Copy {
                path: named.path,
                topic: named.id,
                partition,
                position,
            },
            _ => Source::Input {
                origin,
                partition,
                position,
            },
        }
    }

    pub(super) fn input_error(
        &self,
        input: usize,
        record: &Record<'_>,
        problem: InputProblem,
    ) -> ProcessorError {
        let key = record.key.map_or_else(
            || "(none)".into(),
            |key| format!("`{}`", String::from_utf8_lossy(key)),
        );
        ProcessorError::Input {
            topic: self.setup.inputs[input].name.clone(),
            partition: self.setup.partition,
            offset: record.offset,
            key,
            event_type: record.headers.event_type.unwrap_or("(none)").to_owned(),
            problem: Box::new(problem),
        }
    }
}

/// The version of the routes that this code makes. It is part of the origin, so that a router that splits records in
/// another way would start with fresh positions.
pub(crate) const ROUTE_VERSION: u32 = 1;

fn own_record<'a>(
    event_type: &'static str,
    value: &'a [u8],
    stamp: &'a str,
    at: Timestamp,
) -> Append<'a> {
    // Own records answer nothing, so their id is that of their place: epoch, nonce and number stand in the stamp.
    let id = EventId::foreign(stamp);
    Append {
        event_type,
        id,
        at,
        key: b"",
        value,
        stamp: stamp.as_bytes(),
        rest: None,
        traceparent: None,
    }
}

#[expect(
    clippy::expect_used,
    reason = "plain structs of numbers and strings always serialise"
)]
pub(super) fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a struct of numbers and strings serialises")
}

impl<S: State> Processor for Owner<S> {
    fn fence(&self, at: Timestamp, out: &mut Outbox) {
        let fence = Fence {
            service: self.setup.service.clone(),
            aggregate: self.declaration.name.to_owned(),
            partitions: self.setup.partitions,
            version: self.declaration.version,
            origins: self.positions.origins()[..self.fenced_origins].to_vec(),
        };
        let writer = Writer {
            epoch: None,
            nonce: self.setup.nonce,
            number: 0,
        };
        out.push(&own_record(
            FENCE,
            &to_json(&fence),
            &Stamp::own(writer).to_string(),
            at,
        ));
    }

    fn fenced(&mut self, offset: i64) {
        self.epoch = offset;
        self.appends = Appends::start(offset);
    }

    fn restore(&mut self, record: &Record<'_>) -> Result<(), ProcessorError> {
        self.fold(record).map_err(|problem| ProcessorError::Stream {
            topic: S::Event::STREAM,
            partition: self.setup.partition,
            offset: record.offset,
            problem,
        })
    }

    fn start(&mut self, now: Timestamp, out: &mut Outbox) -> Result<Start, ProcessorError> {
        self.begin(now, out)
    }

    fn handle(
        &mut self,
        input: usize,
        record: &Record<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        self.take(input, record, now, out)
            .map_err(|problem| self.input_error(input, record, problem))
    }

    fn answer(
        &mut self,
        request: EventId,
        reply: Reply,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        self.settle(request, reply, now, out)
            .map_err(|problem| ProcessorError::Effect {
                request,
                problem: Box::new(problem),
            })
    }

    fn unmarked(&self) -> u64 {
        self.unmarked
    }

    fn mark(&mut self, now: Timestamp, out: &mut Outbox) {
        self.append_marker(now, out);
    }

    fn acknowledged(&mut self, offset: i64) -> Result<(), EpochEnd> {
        self.appends.acknowledged(offset)
    }

    fn gap(&self) -> Option<Range<i64>> {
        self.appends.gap().filter(|_| self.setup.rules.read_gaps)
    }

    fn read_gap(&mut self, record: &Record<'_>) -> Result<(), EpochEnd> {
        self.appends
            .read_gap(record.offset, record.headers.event_type == Some(FENCE))
    }

    fn sound(&mut self, effects: &mut Vec<EffectCall>) {
        let read_gaps = self.setup.rules.read_gaps;
        while let Some(request) = self.appends.next_sound(read_gaps) {
            let call = request.and_then(|id| self.pending.get(&id).map(|pending| pending.call(id)));
            effects.extend(call);
        }
    }

    fn in_flight(&self) -> usize {
        self.appends.in_flight()
    }

    fn origins(&self) -> &[Origin] {
        self.positions.origins()
    }

    fn pending(&self) -> Vec<EffectCall> {
        let mut calls: Vec<EffectCall> = self
            .pending
            .iter()
            .map(|(&id, pending)| pending.call(id))
            .collect();
        calls.sort_unstable_by_key(|call| call.request);
        calls
    }

    fn keys(&self) -> usize {
        self.entities.len()
    }
}

/// What an answer is written with: the same for all its records.
pub(super) struct AnswerTo<'a> {
    pub(super) correlation: CorrelationId,
    pub(super) causation: EventId,
    pub(super) source: Source,
    pub(super) key: &'a str,
    pub(super) traceparent: Option<&'a str>,
}
