//! The choreography as a page: the drawing, a table of events, and what was found.

use super::Drawing;
use crate::choreography::graph::{Answer, AnswerKind, EventNode, Graph};
use crate::choreography::{Choreography, Report};
use crate::event::Mark;

impl Choreography {
    /// The choreography as Markdown: its drawing, its events with who emits and who answers each, and the findings of a
    /// report. It names functions and files, but no lines, so that it changes when the choreography does.
    #[must_use]
    pub fn page(&self, report: &Report) -> String {
        // No saga is asked for, so none can be unknown.
        let drawing = self.draw(&Drawing::default()).unwrap_or_default();
        let graph = self.graph();
        let mut text = format!("```mermaid\n{drawing}```\n\n{LEGEND}\n\n## Events\n\n");
        text += "| event | topic | from | answered by |\n|---|---|---|---|\n";
        let mut events: Vec<&EventNode<'_>> = graph.events.iter().collect();
        events.sort_by_key(|event| (event.known.map(|known| known.topic.as_str()), event.name));
        for event in events {
            text += &row(&graph, event);
        }
        text += "\n## Findings\n\n";
        if report.findings.is_empty() {
            text += "None.\n";
        }
        for finding in &report.findings {
            let severity = finding.code.severity();
            text += &format!("- {severity} `{}`: {}", finding.code, finding.message);
            if let Some(place) = &finding.place {
                text += &format!(" (`{}` in `{}`)", place.name, place.file);
            }
            match &finding.accepted {
                Some(reason) => text += &format!(". Accepted: {reason}\n"),
                None => text += &format!(". Next: {}\n", finding.next),
            }
        }
        text
    }
}

const LEGEND: &str = "A box is an aggregate, a hexagon a port to the outside world; events are the names of lines, and those that begin or \
end a saga are round. Red lines carry failures, and red dashed ones undo. `kolo graph` draws it with all events, as DOT, or with one saga highlighted.";

fn row(graph: &Graph<'_>, event: &EventNode<'_>) -> String {
    let names = |answers: &[usize], word: &dyn Fn(&Answer<'_>) -> &'static str| {
        let mut names: Vec<String> = Vec::new();
        for &answer in answers {
            let answer = &graph.answers[answer];
            let name = format!(
                "{}{}",
                graph.aggregates[answer.aggregate].name,
                word(answer)
            );
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    };
    let from = names(&event.emitted_by, &|answer| match answer.kind {
        AnswerKind::Deadline => " (deadline)",
        AnswerKind::Compensation { .. } => " (undo)",
        AnswerKind::Effect { .. } => " (reply)",
        AnswerKind::Reaction { .. } => "",
    });
    let to = names(&event.answered_by, &|answer| match answer.kind {
        AnswerKind::Compensation { .. } => " (undoes)",
        AnswerKind::Effect { .. } => " (calls)",
        AnswerKind::Reaction { routed: true, .. } => " (routed)",
        AnswerKind::Reaction { .. } | AnswerKind::Deadline => "",
    });
    let from = if event.mark() == Mark::Intake {
        "outside".to_owned()
    } else {
        from
    };
    let mark = match (event.mark(), event.is_public()) {
        (Mark::Success, _) => ", ends a saga well",
        (Mark::Failure, _) => ", ends a saga that has failed",
        (Mark::Terminal, _) => ", for people and reports",
        (_, false) => ", private",
        (Mark::Step | Mark::Intake, true) => "",
    };
    let topic = event.known.map_or("?", |known| known.topic.as_str());
    format!(
        "| `{}`{mark} | `{topic}` | {from} | {to} |\n",
        event.short()
    )
}
