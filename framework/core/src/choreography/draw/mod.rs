//! The graph as a drawing: services, their aggregates, and the events between them.

mod dot;
mod mermaid;
mod page;
mod sketch;

use std::fmt;
use std::str::FromStr;

use super::Choreography;
use super::follow::Followed;
use super::graph::EventNo;
use crate::event::Mark;
use sketch::Sketch;

/// In which language a drawing is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Mermaid, which GitHub and many editors show.
    #[default]
    Mermaid,
    /// DOT, for Graphviz.
    Dot,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "mermaid" => Ok(Format::Mermaid),
            "dot" => Ok(Format::Dot),
            other => Err(format!(
                "a graph is drawn as mermaid or dot, not as {other}"
            )),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Mermaid => "mermaid",
            Format::Dot => "dot",
        })
    }
}

/// What to draw.
#[derive(Debug, Clone, Default)]
pub struct Drawing {
    /// The language.
    pub format: Format,
    /// Every event as a node; otherwise events are the names of lines.
    pub all: bool,
    /// The event from outside whose saga is highlighted, by its full or short name.
    pub saga: Option<String>,
}

/// An event that no saga begins with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no saga begins with `{event}`; sagas begin with {begins}", begins = .known.join(", "))]
pub struct UnknownSaga {
    /// What was asked for.
    pub event: String,
    /// The events that come from outside.
    pub known: Vec<String>,
}

impl Choreography {
    /// The graph as a drawing.
    ///
    /// # Errors
    /// When the saga to highlight begins with an event that does not come from outside.
    pub fn draw(&self, drawing: &Drawing) -> Result<String, UnknownSaga> {
        let graph = self.graph();
        let followed = Followed::new(&graph);
        let saga = match &drawing.saga {
            None => None,
            Some(name) => Some(begins(&followed, name)?),
        };
        let sketch = Sketch::new(&followed, drawing.all, saga);
        Ok(match drawing.format {
            Format::Mermaid => mermaid::write(&sketch),
            Format::Dot => dot::write(&sketch),
        })
    }
}

fn begins(followed: &Followed<'_, '_>, name: &str) -> Result<EventNo, UnknownSaga> {
    let graph = followed.graph;
    let found = graph.find(name);
    found
        .filter(|event| followed.roots.contains(event))
        .ok_or_else(|| UnknownSaga {
            event: name.to_owned(),
            known: graph
                .events
                .iter()
                .filter(|event| event.mark() == Mark::Intake)
                .map(|event| event.short().to_owned())
                .collect(),
        })
}
