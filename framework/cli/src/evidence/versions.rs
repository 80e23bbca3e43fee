//! What values are read with, where an event from outside says its saga in its value alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The versions of some events that can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Versions {
    /// Those in the folder of schemas, by fingerprint.
    fingerprints: BTreeSet<u64>,
    /// Whether a registry is asked for others.
    registered: bool,
}

impl Versions {
    pub(crate) fn new(fingerprints: impl IntoIterator<Item = u64>, registered: bool) -> Self {
        Versions {
            fingerprints: fingerprints.into_iter().collect(),
            registered,
        }
    }

    /// Whether nothing can be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.fingerprints.is_empty() && !self.registered
    }

    /// Whether there is one among these that is not among the others.
    pub(crate) fn has_more_than(&self, others: &Versions) -> bool {
        (self.registered && !others.registered)
            || !self.fingerprints.is_subset(&others.fingerprints)
    }

    pub(crate) fn add(&mut self, others: Versions) {
        self.fingerprints.extend(others.fingerprints);
        self.registered |= others.registered;
    }

    /// Keeps those that are among the others as well.
    pub(crate) fn keep(&mut self, others: &Versions) {
        self.fingerprints
            .retain(|one| others.fingerprints.contains(one));
        self.registered &= others.registered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_reads_more() {
        let one = Versions::new([1, 2], false);
        let mut both = Versions::new([2, 3], true);
        assert!(both.has_more_than(&one) && one.has_more_than(&both));
        assert!(!one.has_more_than(&one));
        assert!(Versions::new([], true).has_more_than(&one));
        assert!(!Versions::default().has_more_than(&one));
        let mut common = one.clone();
        common.keep(&both);
        assert_eq!(common, Versions::new([2], false));
        both.add(one.clone());
        assert!(both.has_more_than(&one) && !one.has_more_than(&both));
    }
}
