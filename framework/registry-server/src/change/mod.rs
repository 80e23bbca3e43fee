//! What a request changes, decided from the state alone: which facts are written, and what is answered.

mod delete;
mod register;
mod settings;

pub(crate) use delete::{delete_subject, delete_version};
pub(crate) use register::{Submission, register};
pub(crate) use settings::{delete_level, delete_mode, set_level, set_mode};

use crate::level::Mode;
use crate::refusal::Refusal;
use crate::state::State;

/// Refuses a change of a subject that is read-only.
fn writable(state: &State, subject: &str) -> Result<(), Refusal> {
    match state.mode_for(subject) {
        Mode::ReadWrite | Mode::Import => Ok(()),
        mode => Err(Refusal::not_permitted(format!(
            "subject '{subject}' is in mode {}: nothing of it can be changed",
            mode.name()
        ))),
    }
}
