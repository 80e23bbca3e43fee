//! Domains as text, one declaration a line:
//!
//! ```text
//! intake Placed                       (or success, failure, terminal, private, sagaless, unused)
//! shop.order on Placed -> Opened?     (or pivot, routed; ? is optional, ! a business failure)
//! shop.order undo Dropped Opened -> Closed
//! shop.order call Asked -> Granted?, Denied!
//! shop.order deadline -> Dropped
//! shop.order owns Extra
//! shop.order keyed Sku
//! shop.order stream other
//! shop.order accepts never-consumed it is for people
//! ```

use std::collections::{BTreeMap, BTreeSet};

use kolo_core::Mark;
use kolo_core::choreography::{
    Accepted, AggregateManifest, Choreography, CompensationManifest, DeadlineManifest, Declared,
    EffectManifest, Emitted, EventManifest, FORMAT, Manifest, ReactionManifest,
};

/// The manifests that a text declares, by service.
pub(crate) fn manifests(text: &str) -> Vec<Manifest> {
    let mut marks: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut services: BTreeMap<&str, Vec<AggregateManifest>> = BTreeMap::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        let (first, rest) = line.split_once(' ').unwrap();
        match first.split_once('.') {
            None => marks.entry(full(rest)).or_default().push(first),
            Some((service, name)) => {
                let aggregates = services.entry(service).or_default();
                if !aggregates.iter().any(|known| known.name == name) {
                    aggregates.push(aggregate(service, name));
                }
                let known = aggregates.iter_mut().find(|known| known.name == name);
                declare(known.unwrap(), rest, u32::try_from(number).unwrap() + 1);
            }
        }
    }
    let streams: BTreeMap<String, (String, String)> = services
        .values()
        .flatten()
        .flat_map(|known| {
            let place = (known.stream.clone(), known.key.clone());
            known
                .own_events
                .iter()
                .map(move |event| (event.clone(), place.clone()))
        })
        .collect();
    let described = |aggregates: Vec<AggregateManifest>, service: &str| Manifest {
        format: FORMAT,
        service: service.into(),
        events: mentioned(&aggregates)
            .iter()
            .map(|event| describe(event, &streams, &marks))
            .collect(),
        aggregates,
        partitions: BTreeMap::new(),
    };
    services
        .into_iter()
        .map(|(service, aggregates)| described(aggregates, service))
        .collect()
}

/// The findings of the domain, as `code about message`, without those that the domain's size alone gives.
pub(crate) fn found(text: &str) -> Vec<String> {
    findings(manifests(text))
}

pub(crate) fn findings(manifests: Vec<Manifest>) -> Vec<String> {
    let report = Choreography::from_manifests(manifests).check();
    let lines = report.findings.iter().map(|finding| {
        let about = finding.aggregate.as_deref().unwrap_or("-");
        let accepted = if finding.accepted.is_some() {
            "accepted "
        } else {
            ""
        };
        format!("{accepted}{} {about} {}", finding.code, finding.message)
    });
    lines.collect()
}

/// Holds the domain to have this finding about this aggregate (`-` for none), whose message has these words.
#[track_caller]
pub(crate) fn has(text: &str, code: &str, about: &str, words: &[&str]) {
    let found = found(text);
    let head = format!("{code} {about} ");
    let has =
        |line: &&String| line.starts_with(&head) && words.iter().all(|word| line.contains(word));
    assert!(
        found.iter().any(|line| has(&line)),
        "no {code} about {about} with {words:?} among {found:#?}"
    );
}

/// Holds the domain to have no finding of this code.
#[track_caller]
pub(crate) fn has_not(text: &str, code: &str) {
    let found = found(text);
    let with = found
        .iter()
        .find(|line| line.starts_with(&format!("{code} ")));
    assert_eq!(with, None, "{found:#?}");
}

pub(crate) fn full(short: &str) -> String {
    format!("test.{short}")
}

fn aggregate(service: &str, name: &str) -> AggregateManifest {
    AggregateManifest {
        name: name.into(),
        version: 1,
        stream: format!("{service}.{name}"),
        key: "String".into(),
        inbox: format!("{service}.{name}.inbox"),
        own_events: Vec::new(),
        reactions: Vec::new(),
        compensations: Vec::new(),
        effects: Vec::new(),
        deadline: None,
        accepted: Vec::new(),
    }
}

fn declare(known: &mut AggregateManifest, line: &str, number: u32) {
    let (what, emits) = line.split_once("->").unwrap_or((line, ""));
    let words: Vec<&str> = what.split_whitespace().collect();
    let emits = emitted(emits);
    for edge in &emits {
        own(known, &edge.event);
    }
    let function = Declared {
        name: words.join("_"),
        file: "domain".into(),
        line: number,
    };
    match words[..] {
        [kind @ ("on" | "pivot" | "routed"), event] => known.reactions.push(ReactionManifest {
            event: full(event),
            routed: kind == "routed",
            emits,
            pivot: kind == "pivot",
            function,
        }),
        ["undo", event, undoes] => known.compensations.push(CompensationManifest {
            event: full(event),
            undoes: full(undoes),
            emits,
            function,
        }),
        ["call", request] => known.effects.push(EffectManifest {
            request: full(request),
            port: "test::Port".into(),
            emits,
            policy: "again after 100ms to 10s for ever".into(),
            function,
            exhausted: None,
        }),
        ["deadline"] => known.deadline = Some(DeadlineManifest { emits, function }),
        ["owns", event] => own(known, &full(event)),
        ["keyed", key] => known.key = key.into(),
        ["stream", stream] => known.stream = stream.into(),
        ["accepts", code, ..] => known.accepted.push(Accepted {
            code: code.into(),
            reason: words[2..].join(" "),
            file: "domain".into(),
            line: number,
        }),
        _ => panic!("what is `{line}`?"),
    }
}

fn own(known: &mut AggregateManifest, event: &str) {
    if !known.own_events.iter().any(|own| own == event) {
        known.own_events.push(event.to_owned());
    }
}

fn emitted(text: &str) -> Vec<Emitted> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let edge = |name: &str| Emitted {
        event: full(name.trim_end_matches(['?', '!'])),
        failure: name.ends_with('!'),
        optional: name.ends_with(['?', '!']),
    };
    names.map(edge).collect()
}

fn mentioned(aggregates: &[AggregateManifest]) -> BTreeSet<String> {
    let events = aggregates.iter().flat_map(|known| {
        let reactions = known.reactions.iter().map(|reaction| &reaction.event);
        let undos = known.compensations.iter().map(|undo| &undo.event);
        known.own_events.iter().chain(reactions).chain(undos)
    });
    events.cloned().collect()
}

fn describe(
    event: &str,
    streams: &BTreeMap<String, (String, String)>,
    marks: &BTreeMap<String, Vec<&str>>,
) -> EventManifest {
    let outside = || ("outside".to_owned(), "String".to_owned());
    let (topic, key_type) = streams.get(event).cloned().unwrap_or_else(outside);
    let marks = marks.get(event).cloned().unwrap_or_default();
    let mark = marks.iter().find_map(|mark| match *mark {
        "intake" => Some(Mark::Intake),
        "success" => Some(Mark::Success),
        "failure" => Some(Mark::Failure),
        "terminal" => Some(Mark::Terminal),
        _ => None,
    });
    EventManifest {
        name: event.into(),
        topic,
        key_field: "id".into(),
        key_type,
        saga_field: (!marks.contains(&"sagaless")).then(|| "id".into()),
        public: !marks.contains(&"private"),
        mark: mark.unwrap_or_default(),
        schema: String::new(),
        versions: Vec::new(),
        resolves: false,
    }
}
