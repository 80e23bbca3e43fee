//! What is drawn, in whatever language: boxes in groups, and lines between them.

use std::collections::BTreeMap;

use crate::choreography::follow::{Events, Followed};
use crate::choreography::graph::{Answer, AnswerKind, EventNo, Graph};
use crate::event::Mark;

pub(super) struct Sketch {
    /// Each service with its boxes.
    pub(super) groups: Vec<(String, Vec<Node>)>,
    /// Boxes of no service.
    pub(super) loose: Vec<Node>,
    pub(super) lines: Vec<Line>,
    /// Whether a saga is highlighted.
    pub(super) highlights: bool,
}

pub(super) struct Node {
    pub(super) id: String,
    /// Lines of text.
    pub(super) text: Vec<String>,
    pub(super) shape: Shape,
    pub(super) lit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Aggregate,
    Intake,
    Success,
    Failure,
    Port,
    Event,
}

pub(super) struct Line {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) text: Vec<String>,
    pub(super) stroke: Stroke,
    pub(super) lit: bool,
}

/// What a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stroke {
    Ahead,
    Failure,
    Undo,
    Call,
}

struct Draft<'f, 'g, 'a> {
    graph: &'g Graph<'a>,
    followed: &'f Followed<'g, 'a>,
    /// What the highlighted saga may come to.
    lit: Option<Events>,
    /// By both ends and what it means; the names of events, and whether one is lit.
    lines: BTreeMap<(String, String, Stroke), (Vec<String>, bool)>,
}

impl Sketch {
    pub(super) fn new(followed: &Followed<'_, '_>, all: bool, saga: Option<EventNo>) -> Self {
        let graph = followed.graph;
        let lit = saga.map(|saga| {
            let mut lit = Events::none(graph.events.len());
            let events = 0..graph.events.len();
            events
                .filter(|&event| event == saga || followed.leads_to(saga, event))
                .for_each(|event| {
                    lit.add(event);
                });
            lit
        });
        let mut draft = Draft {
            graph,
            followed,
            lit,
            lines: BTreeMap::new(),
        };
        let mut groups: Vec<(String, Vec<Node>)> = Vec::new();
        for manifest in graph.manifests {
            let mut nodes = Vec::new();
            for (number, node) in graph.aggregates.iter().enumerate() {
                if node.service == manifest.service {
                    draft.aggregate(number, &mut nodes);
                }
            }
            groups.push((manifest.service.clone(), nodes));
        }
        let mut loose = Vec::new();
        for event in 0..graph.events.len() {
            match graph.events[event].owners.first() {
                Some(&owner) if all => {
                    let service = graph.aggregates[owner].service;
                    let group = groups.iter_mut().find(|(name, _)| name == service);
                    if let Some((_, nodes)) = group {
                        draft.event(event, nodes);
                    }
                }
                _ if all || draft.is_end(event) => draft.event(event, &mut loose),
                _ => draft.collapsed(event),
            }
        }
        let lines = draft
            .lines
            .into_iter()
            .map(|((from, to, stroke), (text, lit))| Line {
                from,
                to,
                text,
                stroke,
                lit,
            });
        Sketch {
            lines: lines.collect(),
            groups,
            loose,
            highlights: saga.is_some(),
        }
    }
}

impl Draft<'_, '_, '_> {
    fn is_lit(&self, event: EventNo) -> bool {
        self.lit.as_ref().is_some_and(|lit| lit.has(event))
    }

    /// Events that are boxes of their own in any drawing: where sagas begin and end.
    fn is_end(&self, event: EventNo) -> bool {
        let node = &self.graph.events[event];
        let begins = node.mark() == Mark::Intake || node.emitted_by.is_empty();
        (begins && !node.answered_by.is_empty())
            || matches!(node.mark(), Mark::Success | Mark::Failure)
    }

    fn line(&mut self, from: String, to: String, stroke: Stroke, text: Option<String>, lit: bool) {
        let (names, is_lit) = self.lines.entry((from, to, stroke)).or_default();
        *is_lit |= lit;
        names.extend(text.filter(|text| !names.contains(text)));
    }

    fn names(&self, answer: &Answer<'_>) -> String {
        let names: Vec<&str> = answer
            .emits
            .iter()
            .map(|edge| self.graph.events[edge.event].short())
            .collect();
        names.join(" | ")
    }

    fn aggregate(&mut self, number: usize, nodes: &mut Vec<Node>) {
        let graph = self.graph;
        let declared = graph.aggregates[number].declared;
        let mut text = vec![declared.name.clone()];
        let mut lit = false;
        let mut ports = Vec::new();
        for answer in graph.answers_of(number) {
            let is_lit = answer.trigger().is_some_and(|trigger| self.is_lit(trigger));
            lit |= is_lit;
            match answer.kind {
                AnswerKind::Deadline => text.push(format!("deadline: {}", self.names(answer))),
                AnswerKind::Reaction { pivot: true, .. } => {
                    text.push(format!("pivot: {}", self.names(answer)));
                }
                AnswerKind::Effect {
                    request,
                    number: effect,
                } => {
                    let port = &declared.effects[effect].port;
                    let id = format!("p{number}_{effect}");
                    let shown = port.rsplit("::").next().unwrap_or(port).to_owned();
                    ports.push(Node {
                        id: id.clone(),
                        text: vec![shown],
                        shape: Shape::Port,
                        lit: is_lit,
                    });
                    let called =
                        format!("{}: {}", graph.events[request].short(), self.names(answer));
                    self.line(aggregate_id(number), id, Stroke::Call, Some(called), is_lit);
                }
                _ => {}
            }
        }
        nodes.push(Node {
            id: aggregate_id(number),
            text,
            shape: Shape::Aggregate,
            lit,
        });
        nodes.extend(ports);
    }

    /// An event as a box, with lines from who emits it and to who answers it.
    fn event(&mut self, event: EventNo, nodes: &mut Vec<Node>) {
        let graph = self.graph;
        let node = &graph.events[event];
        let shape = match node.mark() {
            Mark::Intake => Shape::Intake,
            Mark::Success => Shape::Success,
            Mark::Failure => Shape::Failure,
            Mark::Step | Mark::Terminal => Shape::Event,
        };
        let (id, lit) = (format!("e{event}"), self.is_lit(event));
        nodes.push(Node {
            id: id.clone(),
            text: vec![node.short().to_owned()],
            shape,
            lit,
        });
        for answer in graph.emitting(event) {
            let stroke = match (answer.is_compensation(), self.followed.failures.has(event)) {
                (true, _) => Stroke::Undo,
                (false, true) => Stroke::Failure,
                (false, false) => Stroke::Ahead,
            };
            self.line(
                aggregate_id(answer.aggregate),
                id.clone(),
                stroke,
                None,
                lit,
            );
        }
        for &answer in &node.answered_by {
            self.arrives(event, &id, answer, None, lit);
        }
    }

    /// An event as the name of lines.
    fn collapsed(&mut self, event: EventNo) {
        let graph = self.graph;
        let lit = self.is_lit(event);
        for emitter in graph.emitters(event) {
            for &answer in &graph.events[event].answered_by {
                let name = graph.events[event].short().to_owned();
                self.arrives(event, &aggregate_id(emitter), answer, Some(name), lit);
            }
        }
    }

    fn arrives(
        &mut self,
        event: EventNo,
        from: &str,
        answer: usize,
        name: Option<String>,
        lit: bool,
    ) {
        let answer = &self.graph.answers[answer];
        let to = aggregate_id(answer.aggregate);
        let fails = self.followed.failures.has(event);
        let (stroke, word) = match answer.kind {
            // Its line leads to the port.
            AnswerKind::Effect { .. } | AnswerKind::Deadline => return,
            AnswerKind::Compensation { undoes, .. } => {
                let undone = self.graph.events[undoes].short();
                (Stroke::Undo, Some(format!("undoes {undone}")))
            }
            AnswerKind::Reaction { routed, .. } => {
                let stroke = if fails {
                    Stroke::Failure
                } else {
                    Stroke::Ahead
                };
                (stroke, routed.then(|| "routed".to_owned()))
            }
        };
        let text = match (name, word) {
            (Some(name), Some(word)) => Some(format!("{name}, {word}")),
            (name, word) => name.or(word),
        };
        self.line(from.to_owned(), to, stroke, text, lit);
    }
}

fn aggregate_id(number: usize) -> String {
    format!("a{number}")
}
