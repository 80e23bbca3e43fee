//! What topics, groups and notes tell of sagas: what `explain` and `sagas` judge by the same rules, and `lag` reads in part.
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `plan.rs` | the topics to read, and what each is |
//! | `versions.rs` | what values are read with, where only they tell a saga |
//! | `read.rs` | the scan, several partitions at once |
//! | `part.rs` | one partition: the sagas' records, what is parked, what was copied |
//! | `asked.rs` | what one saga is asked for by |
//! | `scanned.rs` | how much was read, for the end of an answer |
//! | `progress.rs` | how far an aggregate has decided its inputs |
//! | `beside.rs` | groups, and notes of effects |
//! | `routers.rs` | how far routers are |
//! | `lookup.rs` | all of that by what a saga's event names |
//! | `waits.rs` `cause.rs` | what of a saga is open, why, and whether time alone will help |
//! | `verdict.rs` `next.rs` | how a saga stands, in a sentence, and the next command |
//! | `ends.rs` | which sagas have an end at all |
//! | `words.rs` | how types, durations and words are written |

mod asked;
mod beside;
mod cause;
mod ends;
mod lookup;
mod next;
pub(crate) mod part;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod read;
mod routers;
mod scanned;
mod verdict;
pub(crate) mod versions;
mod waits;
mod words;

pub(crate) use asked::Asked;
pub(crate) use beside::{Groups, Notes};
pub(crate) use cause::Cause;
pub(crate) use ends::Ends;
pub(crate) use lookup::Lookup;
pub(crate) use next::{next, next_of};
pub(crate) use plan::{Plan, expect_owner};
pub(crate) use read::Found;
pub(crate) use routers::Routers;
pub(crate) use scanned::{Scanned, now};
pub(crate) use verdict::{Deadline, Status, deadlines, sentence, waits_for, what, why};
pub(crate) use waits::{Evidence, Wait, Why, rank};
pub(crate) use words::{ago, quoted, short};
