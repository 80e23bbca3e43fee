//! A saga as a tree: each event below its cause, in time order.

use std::time::Duration;

use super::{Saga, Told};

/// One record in its place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch<'a> {
    /// The record.
    pub record: &'a Told,
    /// How many causes stand above it.
    pub depth: usize,
    /// How long after its cause; zero if the clocks of two machines tell it the other way round. None where the cause is
    /// not among the records.
    pub after: Option<Duration>,
}

impl Saga {
    /// Each record once, behind its cause and before what comes later.
    ///
    /// A record whose cause is not here begins a tree of its own: retention may have deleted the cause, or it belongs to
    /// another saga. So does the first of a circle, which only foreign records can form.
    #[must_use]
    pub fn tree(&self) -> Vec<Branch<'_>> {
        let mut effects = vec![Vec::new(); self.told.len()];
        let mut roots = Vec::new();
        for number in 0..self.told.len() {
            match self.cause(number) {
                Some(cause) if cause != number => effects[cause].push(number),
                _ => roots.push(number),
            }
        }
        let mut seen = vec![false; self.told.len()];
        let mut tree = Vec::with_capacity(self.told.len());
        // Circles have no root: their records come as candidates after all roots, and are passed over if they were reached.
        for root in roots.into_iter().chain(0..self.told.len()) {
            let mut next = vec![(root, 0)];
            while let Some((number, depth)) = next.pop() {
                if std::mem::replace(&mut seen[number], true) {
                    continue;
                }
                tree.push(Branch {
                    record: &self.told[number],
                    depth,
                    after: self.after(number),
                });
                let below = effects[number].iter().rev();
                next.extend(below.map(|&effect| (effect, depth + 1)));
            }
        }
        tree
    }

    fn cause(&self, number: usize) -> Option<usize> {
        let causation = self.told[number].causation?;
        self.by_id.get(&causation).copied()
    }

    fn after(&self, number: usize) -> Option<Duration> {
        let cause = &self.told[self.cause(number)?];
        Some(self.told[number].at.since(cause.at))
    }
}
