//! `describe`: the declaration in words, or what it needs to be allowed.

use kolo_core::{Description, Kind, Outgoing, Retries, Service};

use crate::beside::Needs;
use crate::config::Config;

use super::acls::{self, Args};
use super::failure::Failure;
use super::print;

pub(super) fn run(
    service: &Service,
    needs: &Needs,
    config: &Config,
    args: Args,
) -> Result<(), Failure> {
    if args.acls {
        print(&acls::told(service, needs, config, args))
    } else {
        print(&describe(service))
    }
}

/// The declaration in words.
fn describe(service: &Service) -> String {
    let mut text = format!("service {}\n", service.name());
    for aggregate in service.aggregates() {
        let known = aggregate.description();
        text += &format!("\n{}.{}", service.name(), known.aggregate);
        text += &format!(
            "  keyed by {}, stream `{}`, version {}\n",
            known.key, known.stream, known.version
        );
        text += &reactions(service, &known);
        for undo in &known.compensations {
            text += &format!("  undoes   {:<24}", undo.undoes.short_name());
            text += &format!(
                " on {:<20} -> {}    {}\n",
                undo.event.short_name(),
                edges(&undo.emits),
                undo.function
            );
        }
        if let Some(deadline) = &known.deadline {
            text += &format!(
                "  waits    {:<24} -> {}    {}\n",
                "until a deadline",
                edges(&deadline.emits),
                deadline.function
            );
        }
        for effect in &known.effects {
            let port = effect
                .port_name
                .rsplit("::")
                .next()
                .unwrap_or(effect.port_name);
            text += &format!(
                "  calls    {port:<24} for {:<19}",
                effect.request.short_name()
            );
            text += &format!(" -> {}    {}\n", edges(&effect.emits), effect.function);
            text += &format!("           {}", effect.policy);
            text += &match (effect.exhausted, effect.policy.retries) {
                (Some(answer), _) => format!("; then {answer}\n"),
                (None, Retries::ForEver) => "\n".to_owned(),
                (None, _) => "; then its key is parked\n".to_owned(),
            };
        }
    }
    text
}

fn reactions(service: &Service, known: &Description) -> String {
    let mut text = String::new();
    for reaction in &known.reactions {
        let topic = match reaction.kind {
            Kind::On => format!("from `{}`", reaction.event.topic),
            Kind::Routed => format!(
                "routed from `{}` through `{}`",
                reaction.event.topic,
                service.inbox(known.aggregate)
            ),
        };
        let pivot = if reaction.pivot { ", pivot" } else { "" };
        text += &format!("  reacts   {:<24}", reaction.event.short_name());
        text += &format!(
            " -> {}    {} {topic}{pivot}\n",
            edges(&reaction.emits),
            reaction.function
        );
    }
    text
}

fn edges(edges: &[Outgoing]) -> String {
    let mut names: Vec<String> = Vec::new();
    for edge in edges {
        let mark = match (edge.failure, edge.optional) {
            (true, _) => "!",
            (false, true) => "?",
            (false, false) => "",
        };
        let name = format!("{}{mark}", edge.event.short_name());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        "nothing".into()
    } else {
        names.join(" | ")
    }
}
