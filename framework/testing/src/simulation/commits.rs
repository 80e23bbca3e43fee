//! What consumer groups have committed: the last word counts, and only the group's latest member has one.

/// For each place, what is committed there.
#[derive(Debug)]
pub(crate) struct Commits<T>(Vec<T>);

impl<T: Clone + Default> Commits<T> {
    /// So many places, and nothing is committed.
    pub(crate) fn new(places: usize) -> Self {
        Commits(vec![T::default(); places])
    }

    /// A member commits, after which so many have joined; false if it is none any more, and nothing is committed.
    pub(crate) fn commit(&mut self, place: usize, age: usize, committed: T) -> bool {
        let counts = age == 0;
        if counts {
            self.0[place] = committed;
        }
        counts
    }

    pub(crate) fn at(&self, place: usize) -> &T {
        &self.0[place]
    }

    /// The place's topic is deleted, and what was committed goes with it.
    pub(crate) fn forget(&mut self, place: usize) {
        self.0[place] = T::default();
    }
}
