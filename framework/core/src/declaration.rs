//! A declaration with the user's types erased behind closures: what the processor runs.

use std::any::TypeId;
use std::panic::Location;

use crate::barrier::{Barrier, MAX_STEPS, Step};
use crate::choreography::Code;
use crate::description::{
    AcceptedFinding, CompensationDescription, DeadlineDescription, Description, EffectDescription,
    Function, Kind, ReactionDescription,
};
use crate::effect::{Answers, Port, Reply};
use crate::emits::{Emits, Outgoing};
use crate::event::{DecodeError, Event, EventType, OwnEvents};
use crate::id::CorrelationId;
use crate::key::Key;
use crate::policy::CallPolicy;
use crate::problem::InputProblem;
use crate::state::{KeyOf, Meta, Received, State};
use crate::time::Timestamp;

pub(crate) type Run<S> =
    Box<dyn Fn(&mut Decision<'_, S>) -> Result<(), InputProblem> + Send + Sync>;
pub(crate) type RouteKeys =
    Box<dyn Fn(&[u8], &mut Vec<String>) -> Result<(), DecodeError> + Send + Sync>;
/// Which keys an event is for.
pub(crate) struct RouteDecl {
    pub(crate) function: Function,
    pub(crate) keys: RouteKeys,
}

type RunUndo<S> = Box<
    dyn Fn(&S, Meta, &[u8], &[u8], &mut Vec<<S as State>::Event>) -> Result<(), DecodeError>
        + Send
        + Sync,
>;
/// The deadline that a state has.
type Due<S> = Box<dyn Fn(&S) -> Option<Timestamp> + Send + Sync>;
type RunDeadline<S> =
    Box<dyn Fn(&S, Meta, &mut Vec<<S as State>::Event>) -> Result<(), InputProblem> + Send + Sync>;
/// Reads the saga of a reaction's input.
type ReadSaga = Box<dyn Fn(&[u8]) -> Option<CorrelationId> + Send + Sync>;
type RunExhausted<S> =
    Box<dyn Fn(&S, &[u8], &mut Vec<<S as State>::Event>) -> Result<(), DecodeError> + Send + Sync>;
type RunThen<S> = Box<
    dyn Fn(&S, &[u8], Reply, &mut Vec<<S as State>::Event>) -> Result<(), DecodeError>
        + Send
        + Sync,
>;
/// Reads a trigger's saga, and whether the event's key is the given one.
type CheckTrigger =
    Box<dyn Fn(&[u8], &str) -> Result<(Option<CorrelationId>, bool), DecodeError> + Send + Sync>;

pub(crate) struct Declaration<S: State> {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) window: usize,
    pub(crate) reactions: Vec<ReactionDecl<S>>,
    pub(crate) undos: Vec<UndoDecl<S>>,
    pub(crate) effects: Vec<EffectDecl<S>>,
    pub(crate) deadline: Option<DeadlineDecl<S>>,
    pub(crate) snapshots: Option<SnapshotDecl<S>>,
    /// The events that compensations undo; a [`Step`] is a place in this list.
    pub(crate) steps: Vec<&'static EventType>,
    pub(crate) accepted: Vec<AcceptedFinding>,
}

pub(crate) struct ReactionDecl<S: State> {
    pub(crate) kind: Kind,
    pub(crate) trigger: &'static EventType,
    /// The schema versions that are read of it.
    pub(crate) versions: &'static [u64],
    pub(crate) outgoing: Vec<Outgoing>,
    pub(crate) function: Function,
    pub(crate) pivot: bool,
    /// The steps that this reaction does: while one is barred to a saga, it does not run for it.
    pub(crate) blocked_by: u64,
    pub(crate) route: Option<RouteDecl>,
    pub(crate) run: Run<S>,
    pub(crate) saga: ReadSaga,
}

pub(crate) struct DeadlineDecl<S: State> {
    pub(crate) due: Due<S>,
    pub(crate) outgoing: Vec<Outgoing>,
    pub(crate) function: Function,
    /// The steps that it does: while one is barred to a saga, it does not run for it.
    pub(crate) blocked_by: u64,
    pub(crate) run: RunDeadline<S>,
}

/// How a state is written into a snapshot and read from it again.
pub(crate) struct SnapshotDecl<S> {
    /// The version of the state's type, and of what folds it.
    pub(crate) version: u32,
    pub(crate) write: fn(&S, &mut Vec<u8>) -> Result<(), postcard::Error>,
    pub(crate) read: fn(&[u8]) -> Result<S, postcard::Error>,
    /// For people: as JSON, or why it has none.
    pub(crate) json: fn(&S) -> Result<String, String>,
}

pub(crate) struct UndoDecl<S: State> {
    pub(crate) trigger: &'static EventType,
    /// The schema versions that are read of it.
    pub(crate) versions: &'static [u64],
    pub(crate) undone: &'static EventType,
    pub(crate) step: Step,
    pub(crate) outgoing: Vec<Outgoing>,
    pub(crate) function: Function,
    pub(crate) run: RunUndo<S>,
    pub(crate) check: CheckTrigger,
}

pub(crate) struct EffectDecl<S: State> {
    pub(crate) request: &'static EventType,
    pub(crate) port: TypeId,
    pub(crate) port_name: &'static str,
    pub(crate) outgoing: Vec<Outgoing>,
    pub(crate) function: Function,
    pub(crate) run: RunThen<S>,
    pub(crate) exhausted: Option<ExhaustedDecl<S>>,
    pub(crate) policy: CallPolicy,
}

/// What answers a request without a reply.
pub(crate) struct ExhaustedDecl<S: State> {
    pub(crate) function: Function,
    pub(crate) run: RunExhausted<S>,
}

impl<S: State> EffectDecl<S> {
    pub(crate) fn new<P, R, F>(
        then: F,
        outgoing: Vec<Outgoing>,
        place: &'static Location<'static>,
    ) -> Self
    where
        P: Port,
        R: Answers<S::Event>,
        F: Fn(&S, &P::Request, P::Reply) -> R + Copy + Send + Sync + 'static,
    {
        EffectDecl {
            request: P::Request::TYPE,
            port: TypeId::of::<P>(),
            port_name: std::any::type_name::<P>(),
            outgoing,
            function: Function::of::<F>(place),
            run: Box::new(move |state, request, reply, out| {
                let request = P::Request::decode(request)?;
                match reply.downcast::<P::Reply>() {
                    Ok(reply) => then(state, &request, *reply).emit(out),
                    // Adapters are bound by the port's type, which fixes the reply's.
                    Err(_) => unreachable!(
                        "the adapter bound to {} replied with another type",
                        std::any::type_name::<P>()
                    ),
                }
                Ok(())
            }),
            exhausted: None,
            policy: CallPolicy::new(),
        }
    }
}

impl<S: State> ReactionDecl<S> {
    fn description(&self) -> ReactionDescription {
        ReactionDescription {
            kind: self.kind,
            event: self.trigger,
            versions: self.versions,
            emits: self.outgoing.clone(),
            pivot: self.pivot,
            function: self.function,
        }
    }
}

impl<S: State> DeadlineDecl<S> {
    fn description(&self) -> DeadlineDescription {
        DeadlineDescription {
            emits: self.outgoing.clone(),
            function: self.function,
        }
    }
}

impl<S: State> UndoDecl<S> {
    fn description(&self) -> CompensationDescription {
        CompensationDescription {
            event: self.trigger,
            versions: self.versions,
            undoes: self.undone,
            emits: self.outgoing.clone(),
            function: self.function,
        }
    }
}

impl<S: State> EffectDecl<S> {
    fn description(&self) -> EffectDescription {
        EffectDescription {
            request: self.request,
            port: self.port,
            port_name: self.port_name,
            emits: self.outgoing.clone(),
            function: self.function,
            exhausted: self.exhausted.as_ref().map(|answer| answer.function),
            policy: self.policy,
        }
    }
}

impl<S: State> Declaration<S> {
    pub(crate) fn new(name: &'static str) -> Self {
        Declaration {
            name,
            version: 1,
            window: 128,
            reactions: Vec::new(),
            undos: Vec::new(),
            effects: Vec::new(),
            deadline: None,
            snapshots: None,
            steps: Vec::new(),
            accepted: Vec::new(),
        }
    }

    pub(crate) fn step(&self, event: &str) -> Option<Step> {
        let at = self.steps.iter().position(|step| step.name == event)?;
        Step::try_from(at).ok()
    }

    pub(crate) fn direct_topics(&self) -> Vec<&'static str> {
        self.description().direct_topics()
    }

    pub(crate) fn description(&self) -> Description {
        Description {
            aggregate: self.name,
            version: self.version,
            stream: S::Event::STREAM,
            key: KeyOf::<S>::NAME,
            own_events: S::Event::TYPES,
            own_versions: S::Event::VERSIONS,
            reactions: self
                .reactions
                .iter()
                .map(ReactionDecl::description)
                .collect(),
            compensations: self.undos.iter().map(UndoDecl::description).collect(),
            effects: self.effects.iter().map(EffectDecl::description).collect(),
            deadline: self.deadline.as_ref().map(DeadlineDecl::description),
            snapshots: self.snapshots.as_ref().map(|snapshots| snapshots.version),
            accepted: self.accepted.clone(),
        }
    }

    #[track_caller]
    pub(crate) fn react(&mut self, reaction: ReactionDecl<S>) {
        if let Some(twin) = self
            .reactions
            .iter()
            .find(|known| known.trigger.name == reaction.trigger.name)
        {
            panic!(
                "the aggregate `{}` reacts to `{}` twice, here and at {}: one event type has one reaction; join them, or return a tuple",
                self.name, reaction.trigger.name, twin.function.place
            );
        }
        self.reactions.push(reaction);
        self.relate();
    }

    #[track_caller]
    pub(crate) fn undo(&mut self, mut undo: UndoDecl<S>) {
        let twin = self.undos.iter().find(|known| {
            known.trigger.name == undo.trigger.name && known.undone.name == undo.undone.name
        });
        if let Some(twin) = twin {
            panic!(
                "the aggregate `{}` undoes `{}` on `{}` twice, here and at {}",
                self.name, undo.undone.name, undo.trigger.name, twin.function.place
            );
        }
        let step = self
            .steps
            .iter()
            .position(|step| step.name == undo.undone.name)
            .unwrap_or_else(|| {
                self.steps.push(undo.undone);
                self.steps.len() - 1
            });
        assert!(
            step < MAX_STEPS,
            "the aggregate `{}` has more than {MAX_STEPS} steps with a compensation",
            self.name
        );
        undo.step = Step::try_from(step).unwrap_or(Step::MAX);
        self.undos.push(undo);
        self.relate();
        self.check_answers();
    }

    #[track_caller]
    pub(crate) fn effect(&mut self, effect: EffectDecl<S>) {
        if let Some(twin) = self
            .effects
            .iter()
            .find(|known| known.request.name == effect.request.name)
        {
            panic!(
                "the aggregate `{}` declares an effect for `{}` twice, here and at {}",
                self.name, effect.request.name, twin.function.place
            );
        }
        self.effects.push(effect);
        self.check_answers();
    }

    #[track_caller]
    pub(crate) fn deadline(&mut self, deadline: DeadlineDecl<S>) {
        if let Some(twin) = &self.deadline {
            panic!(
                "the aggregate `{}` declares a deadline twice, here and at {}: `due` tells the earliest of all that the state waits for, and the reaction which it was",
                self.name, twin.function.place
            );
        }
        self.deadline = Some(deadline);
        self.relate();
    }

    /// The effect declared last, which `.policy` and `.exhausted` are about.
    #[track_caller]
    fn last_effect(&mut self, what: &str) -> &mut EffectDecl<S> {
        let aggregate = self.name;
        match self.effects.last_mut() {
            Some(effect) => effect,
            None => panic!(
                "the aggregate `{aggregate}` declares `{what}` before any effect: put it right after the effect that it is about"
            ),
        }
    }

    #[track_caller]
    pub(crate) fn policy(&mut self, policy: CallPolicy) {
        self.last_effect(".policy").policy = policy;
    }

    #[track_caller]
    pub(crate) fn exhausted(
        &mut self,
        request: &'static EventType,
        outgoing: Vec<Outgoing>,
        answer: ExhaustedDecl<S>,
    ) {
        let aggregate = self.name;
        let effect = self.last_effect(".exhausted");
        assert!(
            effect.request.name == request.name,
            "the aggregate `{aggregate}` answers `{}` by `.exhausted`, but the effect declared last is requested by `{}`: put it right after the effect that it is about",
            request.name,
            effect.request.name
        );
        assert!(
            effect.exhausted.is_none(),
            "the aggregate `{aggregate}` answers `{}` by `.exhausted` twice",
            request.name
        );
        for edge in outgoing {
            if !effect.outgoing.contains(&edge) {
                effect.outgoing.push(edge);
            }
        }
        effect.exhausted = Some(answer);
        self.check_answers();
    }

    /// A step with an effect is done from its request: a trigger that arrives before the answer must find it.
    #[track_caller]
    fn check_answers(&self) {
        for effect in &self.effects {
            let answer = effect
                .outgoing
                .iter()
                .find(|edge| self.step(edge.event.name).is_some());
            if let Some(answer) = answer {
                panic!(
                    "the aggregate `{}` undoes `{}`, which answers a request: undo `{}` instead, the request, so that a trigger that arrives while the answer is awaited finds it",
                    self.name, answer.event.name, effect.request.name
                );
            }
        }
    }

    #[track_caller]
    pub(crate) fn accepts(&mut self, accepted: AcceptedFinding) {
        let (aggregate, code) = (self.name, accepted.code);
        if Code::find(code).is_none() {
            panic!(
                "the aggregate `{aggregate}` accepts `{code}`, which is no finding; the codes are {}",
                Code::ALL.map(Code::slug).join(", ")
            );
        }
        assert!(
            !accepted.reason.trim().is_empty(),
            "the aggregate `{aggregate}` accepts `{code}` without a reason: say why it is as it should be"
        );
        if let Some(twin) = self.accepted.iter().find(|known| known.code == code) {
            panic!(
                "the aggregate `{aggregate}` accepts `{code}` twice, here and at {}",
                twin.place
            );
        }
        self.accepted.push(accepted);
    }

    #[track_caller]
    pub(crate) fn pivot(&mut self) {
        match self.reactions.last_mut() {
            Some(reaction) => reaction.pivot = true,
            None => panic!(
                "the aggregate `{}` declares a pivot before any reaction: put `.pivot()` right after the step it marks",
                self.name
            ),
        }
    }

    /// Works out anew which steps each reaction does; declarations may come in any order.
    fn relate(&mut self) {
        let steps = &self.steps;
        let blocked_by = |outgoing: &[Outgoing]| {
            let forward = outgoing.iter().filter(|edge| !edge.failure);
            let steps = forward
                .filter_map(|edge| steps.iter().position(|step| step.name == edge.event.name));
            steps.fold(0, |mask, step| mask | 1 << step)
        };
        for reaction in &mut self.reactions {
            reaction.blocked_by = blocked_by(&reaction.outgoing);
        }
        if let Some(deadline) = &mut self.deadline {
            deadline.blocked_by = blocked_by(&deadline.outgoing);
        }
    }
}

/// One decision in the making: what a reaction's closure reads, and where it puts the events.
pub(crate) struct Decision<'a, S: State> {
    pub(crate) state: &'a S,
    pub(crate) barrier: &'a Barrier,
    pub(crate) blocked_by: u64,
    pub(crate) value: &'a [u8],
    pub(crate) routed: bool,
    /// Whether the record came with a correlation id. Without one, it is a fact from outside: the saga field tells.
    pub(crate) stamped: bool,
    pub(crate) meta: Meta,
    pub(crate) events: &'a mut Vec<S::Event>,
}

impl<S: State> Decision<'_, S> {
    pub(crate) fn decide<E: Event, R: Emits<S::Event>>(
        &mut self,
        reaction: impl Fn(&S, &Received<E>) -> R,
    ) -> Result<(), InputProblem> {
        let event = E::decode(self.value)?;
        if !self.routed && !event.key().is(&self.meta.key) {
            return Err(InputProblem::KeyMismatch {
                field: E::TYPE.key_field,
            });
        }
        if !self.stamped
            && let Some(saga) = event.saga()
        {
            self.meta.correlation = CorrelationId::of_saga(&saga);
        }
        if self.barrier.bars(self.meta.correlation, self.blocked_by) {
            return Ok(());
        }
        // The key's text moves in and out again, so that a decision allocates nothing for it.
        let key = std::mem::take(&mut self.meta.key);
        let received = Received::new(
            event,
            Meta {
                key,
                ..self.meta.clone()
            },
        );
        reaction(self.state, &received).emit(self.events);
        self.meta = received.into_meta();
        Ok(())
    }
}
