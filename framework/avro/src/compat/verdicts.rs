//! The verdicts on pairs of records: what is compared once need not be compared again.
//!
//! Records may contain themselves. A pair that is being compared further out is taken to be compatible, if nothing else
//! speaks against it; what was found compatible on that ground is so only as long as that pair is.

use std::collections::HashMap;

/// Full names of the reader's record and of the writer's.
type Pair = (String, String);

/// No pair further out was relied on.
const NOTHING: usize = usize::MAX;

#[derive(Default)]
pub(super) struct Verdicts {
    known: HashMap<Pair, Verdict>,
    /// The pairs that are being compared, the outermost first.
    open: Vec<Open>,
    /// Pairs that are compatible as long as one that is open is.
    provisional: Vec<Pair>,
}

#[derive(Clone, Copy)]
struct Verdict {
    reads: bool,
    /// The outermost open pair that it relies on.
    relies_on: usize,
}

struct Open {
    pair: Pair,
    relies_on: usize,
    /// How many pairs were provisional before.
    provisional: usize,
}

impl Verdicts {
    /// What is known of a pair.
    pub(super) fn known(&mut self, pair: &Pair) -> Option<bool> {
        let verdict = match self.open.iter().position(|open| open.pair == *pair) {
            Some(relies_on) => Verdict {
                reads: true,
                relies_on,
            },
            None => *self.known.get(pair)?,
        };
        self.rely_on(verdict.relies_on);
        Some(verdict.reads)
    }

    fn rely_on(&mut self, other: usize) {
        if let Some(open) = self.open.last_mut() {
            open.relies_on = open.relies_on.min(other);
        }
    }

    /// The pair is being compared from now on.
    pub(super) fn open(&mut self, pair: Pair) {
        self.open.push(Open {
            pair,
            relies_on: NOTHING,
            provisional: self.provisional.len(),
        });
    }

    /// The pair that was opened last is compared, with this verdict, which is given back.
    pub(super) fn close(&mut self, reads: bool) -> bool {
        let Some(closed) = self.open.pop() else {
            return reads;
        };
        let outside = self.open.len();
        // What relies on itself alone relies on nothing.
        let relies_on = match closed.relies_on {
            further_out if reads && further_out < outside => further_out,
            _ => NOTHING,
        };
        if !reads {
            for pair in self.provisional.drain(closed.provisional..) {
                self.known.remove(&pair);
            }
        } else if relies_on == NOTHING {
            for pair in self.provisional.drain(closed.provisional..) {
                if let Some(verdict) = self.known.get_mut(&pair) {
                    verdict.relies_on = NOTHING;
                }
            }
        } else {
            self.provisional.push(closed.pair.clone());
        }
        self.rely_on(relies_on);
        self.known.insert(closed.pair, Verdict { reads, relies_on });
        reads
    }
}
