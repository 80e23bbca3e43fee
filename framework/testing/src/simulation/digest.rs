//! Digests: two worlds of one digest go on in the same way, whichever order led there.
//!
//! An owner is a function of what it took up and of what it was told of its records; neither has to do with the other, so
//! that both are noted apart, each in its order.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::faults::Faults;
use super::owner::Owner;
use super::router::Router;
use super::world::World;

/// What somebody did, one thing after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Deeds(u64);

impl Deeds {
    pub(crate) fn note(&mut self, deed: u64, with: u64) {
        let bits = self.0.rotate_left(23) ^ deed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ with;
        let bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.0 = bits ^ (bits >> 29);
    }
}

impl World<'_> {
    /// Stands for all that decides how this world goes on, with what may still fail.
    pub(crate) fn digest(&self, left: &Faults, faults: u32) -> u64 {
        let mut hash = DefaultHasher::new();
        (
            faults,
            left,
            self.clock,
            self.is_deployed,
            self.is_recreated,
        )
            .hash(&mut hash);
        for saga in &self.sagas {
            saga.published.hash(&mut hash);
        }
        self.log.digest(&mut hash);
        for owners in &self.owners {
            owners.len().hash(&mut hash);
            owners.iter().for_each(|owner| owner.digest(&mut hash));
        }
        for (place, routers) in self.routers.iter().enumerate() {
            (routers.len(), self.committed.at(place)).hash(&mut hash);
            routers.iter().for_each(|router| router.digest(&mut hash));
        }
        for (id, asked) in &self.ledger.asked {
            (id, asked.times).hash(&mut hash);
        }
        hash.finish()
    }
}

impl Owner {
    fn digest(&self, hash: &mut DefaultHasher) {
        (self.took, self.was_told, self.alive(), self.works()).hash(hash);
        self.producer.digest(hash);
        for input in &self.inputs {
            input.next.hash(hash);
        }
        for call in &self.calls {
            call.request.hash(hash);
        }
        self.calls.len().hash(hash);
        for (request, _) in &self.replies {
            request.hash(hash);
        }
    }
}

impl Router {
    fn digest(&self, hash: &mut DefaultHasher) {
        (self.did, self.alive, self.source, self.open()).hash(hash);
        self.producer.digest(hash);
    }
}
