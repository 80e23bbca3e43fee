//! Which record undoes which: the records name their cause, and only the manifests know the step.

use crate::choreography::{Does, Manifest};

use super::open::name;
use super::{Saga, Told};

impl Saga {
    /// The step that a record of this saga undoes: the last one before it of the same aggregate and key that a declared
    /// compensation names, where the record answers the compensation's event with what the compensation emits.
    #[must_use]
    pub fn undone(&self, record: &Told, manifests: &[Manifest]) -> Option<&Told> {
        let by = record.by.as_deref()?;
        let cause = &self.told[*self.by_id.get(&record.causation?)?];
        let before = &self.told[..*self.by_id.get(&record.id)?];
        let answers = manifests
            .iter()
            .flat_map(|known| known.readers(&cause.event));
        let mut undoing = answers.filter(|one| {
            name(one) == by && one.emits.iter().any(|edge| edge.event == record.event)
        });
        undoing.find_map(|one| match one.does {
            Does::Undo(step) => before.iter().rev().find(|earlier| {
                earlier.event == step && earlier.by == record.by && earlier.key == record.key
            }),
            _ => None,
        })
    }
}
