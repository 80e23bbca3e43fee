//! From a declaration to its manifest.

use std::collections::BTreeMap;
use std::iter::repeat;

use super::manifest::{
    Accepted, AggregateManifest, CompensationManifest, DeadlineManifest, Declared, EffectManifest,
    Emitted, EventManifest, FORMAT, Manifest, ReactionManifest,
};
use crate::description::{Description, Function, Kind};
use crate::emits::Outgoing;
use crate::event::EventType;
use crate::service::Service;

impl From<&Service> for Manifest {
    fn from(service: &Service) -> Self {
        let mut events = BTreeMap::new();
        let described = service.aggregates().iter().map(|known| known.description());
        let aggregates = described
            .map(|known| {
                for (event, versions) in mentioned(&known) {
                    let event = EventManifest::from(event).reading(versions);
                    events.insert(event.name.clone(), event);
                }
                aggregate(&known, service.inbox(known.aggregate))
            })
            .collect();
        Manifest {
            format: FORMAT,
            service: service.name().into(),
            aggregates,
            events: events.into_values().collect(),
            partitions: BTreeMap::new(),
        }
    }
}

/// The event types that a declaration names, each with the schema versions that are read of it.
fn mentioned(known: &Description) -> Vec<(&'static EventType, &'static [u64])> {
    let versions = known.own_versions.iter().copied().chain(repeat(&[][..]));
    let own = known.own_events.iter().copied().zip(versions);
    let reactions = known.reactions.iter();
    let compensations = known.compensations.iter();
    own.chain(reactions.map(|reaction| (reaction.event, reaction.versions)))
        .chain(compensations.map(|undo| (undo.event, undo.versions)))
        .collect()
}

fn aggregate(known: &Description, inbox: String) -> AggregateManifest {
    let reactions = known.reactions.iter().map(|reaction| ReactionManifest {
        event: reaction.event.name.into(),
        routed: reaction.kind == Kind::Routed,
        emits: emitted(&reaction.emits),
        pivot: reaction.pivot,
        function: declared(reaction.function),
    });
    let compensations = known.compensations.iter().map(|undo| CompensationManifest {
        event: undo.event.name.into(),
        undoes: undo.undoes.name.into(),
        emits: emitted(&undo.emits),
        function: declared(undo.function),
    });
    let effects = known.effects.iter().map(|effect| EffectManifest {
        request: effect.request.name.into(),
        port: effect.port_name.into(),
        emits: emitted(&effect.emits),
        policy: effect.policy.to_string(),
        function: declared(effect.function),
        exhausted: effect.exhausted.map(declared),
    });
    let accepted = known.accepted.iter().map(|accepted| Accepted {
        code: accepted.code.into(),
        reason: accepted.reason.into(),
        file: accepted.place.file().into(),
        line: accepted.place.line(),
    });
    AggregateManifest {
        name: known.aggregate.into(),
        version: known.version,
        stream: known.stream.into(),
        key: known.key.into(),
        inbox,
        own_events: known
            .own_events
            .iter()
            .map(|event| event.name.into())
            .collect(),
        reactions: reactions.collect(),
        compensations: compensations.collect(),
        effects: effects.collect(),
        deadline: known.deadline.as_ref().map(|deadline| DeadlineManifest {
            emits: emitted(&deadline.emits),
            function: declared(deadline.function),
        }),
        accepted: accepted.collect(),
    }
}

fn emitted(outgoing: &[Outgoing]) -> Vec<Emitted> {
    let mut all: Vec<Emitted> = Vec::new();
    for edge in outgoing {
        let edge = Emitted {
            event: edge.event.name.into(),
            failure: edge.failure,
            optional: edge.optional,
        };
        if !all.contains(&edge) {
            all.push(edge);
        }
    }
    all
}

fn declared(function: Function) -> Declared {
    Declared {
        name: function.name.into(),
        file: function.place.file().into(),
        line: function.place.line(),
    }
}
