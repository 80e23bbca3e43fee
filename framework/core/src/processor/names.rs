//! Declared things by their names on the wire.

use hashbrown::HashMap;

use crate::barrier::Step;
use crate::declaration::Declaration;
use crate::description::Kind;
use crate::event::{EventType, OwnEvents};
use crate::id::{CorrelationId, ReactionId};
use crate::state::State;

use super::Setup;
use super::decide::Deciding;

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
    pub(super) deadline: ReactionId,
    pub(super) parking: ReactionId,
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
    pub(super) event: &'static EventType,
    pub(super) effect: Option<usize>,
    pub(super) step: Option<Step>,
    pub(super) pivot: bool,
}

impl Names {
    pub(super) fn new<S: State>(declaration: &Declaration<S>, setup: &Setup) -> Self {
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
            deadline: id(format_args!("deadline")),
            parking: id(format_args!("parks")),
            sole_types: sole_types.collect(),
            handlers,
        }
    }

    /// Whether anything reacts to events of this type that come this way.
    pub(super) fn concerns(&self, event_type: &str, routed: bool) -> bool {
        self.handlers
            .get(event_type)
            .is_some_and(|handlers| handlers.concern(routed))
    }

    /// The saga of an input that came without one, if its value tells.
    pub(super) fn saga_of<S: State>(
        &self,
        declaration: &Declaration<S>,
        input: &Deciding<'_>,
    ) -> Option<CorrelationId> {
        let handlers = self.handlers.get(input.event_type)?;
        if let Some(at) = handlers.reaction(input.routed) {
            return (declaration.reactions[at].saga)(input.value);
        }
        let undo = handlers.undos.first()?;
        let (saga, _) = (declaration.undos[*undo].check)(input.value, input.key).ok()?;
        saga
    }

    /// What is special about an own event, if anything is.
    pub(super) fn own(&self, name: &str) -> Option<&OwnType> {
        self.own
            .iter()
            .find(|own| std::ptr::eq(own.event.name, name) || own.event.name == name)
    }
}
