//! What goes wrong on request, so that clients can be tested against an outage.

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
pub struct Faults(Arc<RwLock<Option<Fault>>>);

impl Faults {
    /// From the next request on, this befalls each.
    pub fn set(&self, fault: Fault) {
        *self.0.write() = Some(fault);
    }

    /// From the next request on, nothing befalls any.
    pub fn clear(&self) {
        *self.0.write() = None;
    }

    /// What befalls requests now.
    #[must_use]
    pub fn get(&self) -> Option<Fault> {
        *self.0.read()
    }
}
