//! Stories: what happened, in words.

use std::fmt::Write as _;

use kolo_core::CorrelationId;
use kolo_core::stream::Verdict;

use super::log::judged;
use super::plan::Plan;
use super::seen::{Seen, Valid};
use super::step::{Step, Who};

/// A step in words.
pub(crate) fn step(plan: &Plan, step: Step) -> String {
    let cast = &plan.cast;
    let place = |who: Who| {
        let partition = match cast.partitions {
            1 => String::new(),
            _ => format!("/{}", who.partition),
        };
        let age = match who.age {
            0 => String::new(),
            1 => ", the owner before".to_owned(),
            age => format!(", {age} owners before"),
        };
        (partition, age)
    };
    let owner = |who: Who| {
        let (partition, age) = place(who);
        let member = cast.members.get(usize::from(who.of));
        let name = member.map_or("?", |member| &member.name);
        format!("{name}{partition}{age}")
    };
    let router = |who: Who| {
        let (partition, age) = place(who);
        let Some(route) = cast.routes.get(usize::from(who.of)) else {
            return "?".to_owned();
        };
        let (member, source) = (&cast.members[route.member].name, &cast.topics[route.source]);
        format!("router {source} -> {member}{partition}{age}")
    };
    let input = |who: Who, input: u8| {
        let member = cast.members.get(usize::from(who.of));
        let topic = member.and_then(|member| member.inputs.get(usize::from(input)));
        topic.map_or("?", |&topic| &cast.topics[topic])
    };
    match step {
        Step::Publish(saga) => format!("saga {saga} publishes its next fact"),
        Step::Repeat(saga) => format!("saga {saga} publishes its last fact once more"),
        Step::Land(who) => format!("{}: its next record arrives", owner(who)),
        Step::Report(who) => format!("{}: reads an acknowledgement", owner(who)),
        Step::Restore(who) => format!("{}: restores, and begins to work", owner(who)),
        Step::ReadGap(who) => format!("{}: reads what others wrote", owner(who)),
        Step::Handle(who, at) => {
            format!(
                "{}: takes up the next record of {}",
                owner(who),
                input(who, at)
            )
        }
        Step::Mark(who) => format!("{}: writes a marker", owner(who)),
        Step::Call(who) => format!("{}: calls the port of its next request", owner(who)),
        Step::Reply(who) => format!("{}: takes up a reply", owner(who)),
        Step::Ask(who) => format!("{}: a deadline is due, asks for its backlog", owner(who)),
        Step::Pass(who) => format!("{}: answers what was due", owner(who)),
        Step::Forward(who) => format!("{}: looks at its next record", router(who)),
        Step::CopyLand(who, target) => {
            format!("{}: its next copy for {target} arrives", router(who))
        }
        Step::CopyReport(who) => format!("{}: reads an acknowledgement", router(who)),
        Step::Commit(who) => format!("{}: commits", router(who)),
        Step::Run(who) => format!("{}: does all that it can", owner(who)),
        Step::RouterRun(who) => format!("{}: does all that it can", router(who)),
        Step::Wait => "time passes, up to the earliest deadline".to_owned(),
        Step::TakeOver(who) => format!("{}: another owner starts", owner(who)),
        Step::Crash(who) => format!("{}: crashes", owner(who)),
        Step::Lose(who) => format!("{}: what it had in flight is lost", owner(who)),
        Step::GiveUp(who) => format!("{}: a record fails, its successors do not", owner(who)),
        Step::Resend(who) => format!("{}: its last record arrives once more", owner(who)),
        Step::LoseReply(who) => format!("{}: calls a port, and the reply is lost", owner(who)),
        Step::ReplyTwice(who) => format!("{}: calls a port, which replies twice", owner(who)),
        Step::RouterStart(who) => format!("{}: another one starts", router(who)),
        Step::RouterCrash(who) => format!("{}: crashes", router(who)),
        Step::RouterGiveUp(who) => format!("{}: a copy fails, its successors do not", router(who)),
        Step::Recreate(topic) => {
            let name = cast.topics.get(usize::from(topic));
            let name = name.map_or("?", String::as_str);
            format!("{name} is deleted, created again, and published to anew")
        }
        Step::Deploy => "newer declarations are deployed".to_owned(),
    }
}

/// The valid events of every saga, in the order of their causes.
pub(crate) fn sagas(seen: &Seen<'_>) -> String {
    let mut text = String::new();
    for saga in &seen.world.sagas {
        let _ = writeln!(text, "saga {}:", saga.number);
        let correlation = saga.facts.iter().find_map(|(fact, _)| fact.saga);
        for (at, (fact, id)) in saga.facts.iter().enumerate() {
            let published = if at < saga.published {
                ""
            } else {
                " (not published)"
            };
            let _ = writeln!(text, "  {}{published}", fact.event_type.short_name());
            effects_of(seen, *id, correlation, 2, &mut text);
        }
    }
    let _ = write!(text, "{}", loose(seen));
    text
}

/// What followed from an event, indented below it.
fn effects_of(
    seen: &Seen<'_>,
    cause: kolo_core::EventId,
    saga: Option<CorrelationId>,
    depth: usize,
    text: &mut String,
) {
    if depth > 30 {
        return;
    }
    let cast = &seen.world.plan.cast;
    for member in &cast.members {
        let caused = seen.valid(member.stream).iter().filter(|valid| {
            valid
                .stamp
                .is_some_and(|stamp| stamp.causation == Some(cause))
        });
        let caused = caused.filter(|valid| {
            saga.is_none() || valid.stamp.and_then(|stamp| stamp.correlation) == saga
        });
        for valid in caused {
            let Valid { stored, .. } = valid;
            let name = stored.event_type.rsplit('.').next().unwrap_or_default();
            let asked = seen.world.ledger.asked.get(&stored.id);
            let asked = match asked.map(|asked| asked.times) {
                None => String::new(),
                Some(1) => ", its port was called".to_owned(),
                Some(times) => format!(", its port was called {times} times"),
            };
            let indent = "  ".repeat(depth);
            let _ = writeln!(text, "{indent}{name} of {}{asked}", member.name);
            effects_of(seen, stored.id, saga, depth + 1, text);
        }
    }
}

/// Calls for requests that are not valid.
fn loose(seen: &Seen<'_>) -> String {
    let cast = &seen.world.plan.cast;
    let is_valid = |id| {
        cast.members.iter().any(|member| {
            let mut valid = seen.valid(member.stream).iter();
            valid.any(|valid| valid.stored.id == id)
        })
    };
    let void = seen.world.ledger.asked.keys().filter(|id| !is_valid(**id));
    let void = void.count();
    if void == 0 {
        return String::new();
    }
    format!("{void} calls of ports for requests that are void\n")
}

/// All topics as they stand, with what is void, for a person who looks at the protocol.
pub(crate) fn topics(seen: &Seen<'_>) -> String {
    let world = seen.world;
    let mut text = String::new();
    for (topic, name) in world.plan.cast.topics.iter().enumerate() {
        for (partition, records) in world.log.partitions(topic).iter().enumerate() {
            if records.is_empty() {
                continue;
            }
            let _ = writeln!(text, "{name}/{partition}:");
            for (offset, stored, verdict) in judged(records) {
                let verdict = match verdict {
                    Some(Verdict::Void(why)) => format!(" void {why:?}"),
                    _ => String::new(),
                };
                let id = stored.id.to_string();
                let stamp = stored.stamp().unwrap_or_default();
                let stamp: Vec<&str> = stamp.split(' ').skip(3).collect();
                let _ = writeln!(
                    text,
                    "{offset:4} {} {} {} [{}]{verdict}",
                    &id[..8],
                    stored.event_type,
                    stored.key_text(),
                    stamp.join(" ")
                );
            }
        }
    }
    for (place, owners) in world.owners.iter().enumerate() {
        for owner in owners {
            let name = &world.plan.cast.members[owner.member].name;
            let partition = place % world.plan.cast.partitions;
            let _ = writeln!(text, "owner of {name}/{partition}: {:?}", owner.phase);
        }
    }
    text
}
