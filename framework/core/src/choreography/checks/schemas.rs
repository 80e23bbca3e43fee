//! Whether readers read what owners write: each service's build against the owner's, by the gate's rule for an edge.

use super::Checks;
use crate::choreography::Reads;
use crate::choreography::codes::Code;
use crate::choreography::gate::edge::trouble;

impl Checks<'_, '_> {
    pub(super) fn schemas(&mut self, reads: Reads<'_>, registry: bool) {
        for manifest in self.graph.manifests {
            for reader in &manifest.events {
                let event = self
                    .graph
                    .find(&reader.name)
                    .map(|event| &self.graph.events[event]);
                let Some((event, writer)) = event.and_then(|event| Some((event, event.known?)))
                else {
                    continue;
                };
                let Some(problem) = trouble(reader.into(), writer.into(), reads, registry) else {
                    continue;
                };
                let owner = event.owners.first().map_or("the language", |&owner| {
                    self.graph.aggregates[owner].service
                });
                let name = event.short();
                let message = format!(
                    "the service `{}` cannot read `{name}` as `{owner}` writes it: {problem}",
                    manifest.service
                );
                let next = format!(
                    "publish the owner's schema of `{name}` to `{}`, build it again and deploy it before `{owner}`, or make the change compatible",
                    manifest.service
                );
                let consumers = event
                    .answered_by
                    .iter()
                    .map(|&answer| &self.graph.answers[answer]);
                let mut own = consumers.filter(|answer| {
                    self.graph.aggregates[answer.aggregate].service == manifest.service
                });
                match own.next() {
                    Some(answer) => {
                        let message = format!(
                            "{message} (`{}` answers it)",
                            self.aggregate(answer.aggregate)
                        );
                        self.about(
                            Code::SchemasIncompatible,
                            answer.aggregate,
                            Some(answer.function),
                            message,
                            next,
                        );
                    }
                    None => self.about_all(Code::SchemasIncompatible, message, next),
                }
            }
        }
    }
}
