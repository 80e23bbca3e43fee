//! What the tests of a broker process share: the process, and the contract suite's client of plain messages.

pub(crate) mod process;

#[path = "../contract/common/patience.rs"]
mod patience;

#[allow(dead_code, reason = "each test binary calls what it needs")]
#[path = "../contract/common/calls.rs"]
pub(crate) mod calls;

#[allow(dead_code, reason = "each test binary names what it needs")]
#[path = "../contract/common/errors.rs"]
pub(crate) mod errors;

#[allow(dead_code, reason = "each test binary calls what it needs")]
#[path = "../contract/common/raw.rs"]
pub(crate) mod raw;

#[allow(unused_imports, reason = "each test binary waits in its own way")]
pub(crate) use patience::{PATIENCE, await_some, await_that, now_ms};
