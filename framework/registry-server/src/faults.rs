//! What goes wrong on request, so that clients can be tested against an outage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

/// What becomes of every request while it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is answered with 500 and code 50001, and not carried out.
    Failing,
    /// It is carried out so much later.
    Slow(Duration),
    /// It is never answered, and not carried out.
    Silent,
}

/// What goes wrong, to be changed while the registry runs. Clones are about the same registry.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<RwLock<Set>>);

#[derive(Debug, Default)]
struct Set {
    every: Option<Fault>,
    by_id: BTreeMap<u32, Fault>,
}

impl Faults {
    /// From the next request on, this befalls each.
    pub fn set(&self, fault: Fault) {
        self.0.write().every = Some(fault);
    }

    /// From the next request on, this befalls each that asks by this schema id, and no other.
    pub fn set_for_id(&self, id: u32, fault: Fault) {
        self.0.write().by_id.insert(id, fault);
    }

    /// From the next request on, nothing befalls any.
    pub fn clear(&self) {
        *self.0.write() = Set::default();
    }

    /// What befalls every request now.
    #[must_use]
    pub fn get(&self) -> Option<Fault> {
        self.0.read().every
    }

    /// What befalls a request of this path now.
    pub(crate) fn of(&self, path: &str) -> Option<Fault> {
        let set = self.0.read();
        set.every.or_else(|| {
            let id = path.strip_prefix("/schemas/ids/")?.split('/').next()?;
            set.by_id.get(&id.parse().ok()?).copied()
        })
    }
}
