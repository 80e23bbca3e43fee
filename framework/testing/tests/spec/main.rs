//! The specifications' own tests: each `then` fails when it should, at the test's own line, and says why.

mod any_order;
mod domain;
mod failures;
mod misuse;
mod told;
mod whens;
