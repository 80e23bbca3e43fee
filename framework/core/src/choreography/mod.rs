//! The choreography: the declarations of all services as one graph, what is wrong with it, and its drawing.
//!
//! Nobody leads a choreography, so nobody sees it whole either: here it is put together from what each service declares,
//! and checked before anything runs. What is checked stands in `docs/choreography-checks.md`.
//!
//! ```no_run
//! use kolo_core::choreography::{Choreography, Manifest};
//!
//! # let (text_of_order, text_of_payment) = ("", "");
//! let manifests = [Manifest::from_json(text_of_order)?, Manifest::from_json(text_of_payment)?];
//! let report = Choreography::from_manifests(manifests).check();
//! assert!(report.is_clean(), "{report}");
//! # Ok::<(), kolo_core::choreography::ManifestError>(())
//! ```
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `manifest.rs` | the declaration of one service, as data that can be sent |
//! | `declared.rs` | from the declaration to its manifest |
//! | `graph.rs` | all manifests as events, and the answers between them |
//! | `follow.rs` | what follows from what |
//! | `codes.rs` | the kinds of findings, with their explanations |
//! | `findings.rs` | what was found, accepted findings among it |
//! | `checks/` | the checks, by what they are about |
//! | `uses.rs` | who answers and who emits an event |
//! | `gate/` | builds that run side by side: what they read of each other, and the order to deploy them in |
//! | `draw/` | the graph as Mermaid and DOT, and as a page |

mod checks;
mod codes;
mod declared;
mod draw;
mod findings;
mod follow;
mod gate;
mod graph;
mod manifest;
mod uses;

pub use codes::{Code, Severity};
pub use draw::{Drawing, Format, UnknownSaga};
pub use findings::{Finding, Report};
pub use gate::{Gate, NextSchema, Passage};
pub use manifest::{
    Accepted, AggregateManifest, CompensationManifest, DeadlineManifest, Declared, EffectManifest,
    Emitted, EventManifest, FORMAT, Manifest, ManifestError, ReactionManifest,
};

pub use uses::{Does, Use};

use crate::event::EventType;
use crate::service::Service;
use graph::Graph;

/// The declarations of all services that take part.
#[derive(Debug, Clone, Default)]
pub struct Choreography {
    manifests: Vec<Manifest>,
    language: Vec<EventManifest>,
    registry: bool,
}

/// Whether the first schema reads what was written with the second one, or why not; both as JSON texts.
pub type Reads<'a> = &'a dyn Fn(&str, &str) -> Result<(), String>;

impl Choreography {
    /// The choreography of these services.
    pub fn of<'a>(services: impl IntoIterator<Item = &'a Service>) -> Self {
        Self::from_manifests(services.into_iter().map(Manifest::from))
    }

    /// The choreography of the services that these manifests are of.
    pub fn from_manifests(manifests: impl IntoIterator<Item = Manifest>) -> Self {
        let mut manifests: Vec<Manifest> = manifests.into_iter().collect();
        manifests.sort_by(|one, other| one.service.cmp(&other.service));
        Choreography {
            manifests,
            language: Vec::new(),
            registry: false,
        }
    }

    /// Adds all events of the shared schemas, so that one that no service uses is seen.
    #[must_use]
    pub fn language(mut self, events: &[&EventType]) -> Self {
        let events = events.iter().map(|&event| EventManifest::from(event));
        self.language.extend(events);
        self
    }

    /// The services have a schema registry: a build that resolves reads what Avro's rules make readable, whichever versions
    /// were published to it.
    #[must_use]
    pub fn with_registry(mut self) -> Self {
        self.registry = true;
        self
    }

    /// The manifests, by service.
    #[must_use]
    pub fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    /// What is wrong with it, but for the schemas: [`check_with`](Self::check_with) compares them too.
    #[must_use]
    pub fn check(&self) -> Report {
        self.check_with(&|_, _| Ok(()))
    }

    /// What is wrong with it. `reads` says whether a reader's schema reads what was written with a writer's schema.
    #[must_use]
    pub fn check_with(&self, reads: Reads<'_>) -> Report {
        let graph = self.graph();
        let accepting = graph.aggregates.iter().flat_map(|node| {
            let accepted = node.declared.accepted.iter();
            accepted.map(|accepted| (node.name.clone(), accepted))
        });
        findings::settle(checks::all(&graph, reads, self.registry), accepting)
    }

    fn graph(&self) -> Graph<'_> {
        Graph::new(&self.manifests, &self.language)
    }
}
