//! Levels and modes, of a subject or of all.

use crate::fact::Fact;
use crate::ledger::Decision;
use crate::level::{Level, Mode};
use crate::refusal::Refusal;
use crate::state::State;

/// Sets the level of a subject, or of all.
pub(crate) fn set_level(subject: Option<&str>, name: &str) -> Result<Decision<()>, Refusal> {
    let level = name
        .parse()
        .map_err(|()| Refusal::invalid_level(format!("Invalid compatibility level: {name}")))?;
    let subject = subject.map(str::to_owned);
    Ok(Decision {
        facts: vec![Fact::Level {
            subject,
            level: Some(level),
        }],
        answer: (),
    })
}

/// Takes back what was set, and gives it.
pub(crate) fn delete_level(
    state: &State,
    subject: Option<&str>,
) -> Result<Decision<Level>, Refusal> {
    let level = match (state.level(subject), subject) {
        (Some(level), _) => level,
        (None, Some(subject)) => return Err(Refusal::no_subject(subject)),
        (None, None) => return Ok(Decision::nothing(Level::default())),
    };
    let subject = subject.map(str::to_owned);
    Ok(Decision {
        facts: vec![Fact::Level {
            subject,
            level: None,
        }],
        answer: level,
    })
}

/// Sets the mode of a subject, or of all.
pub(crate) fn set_mode(subject: Option<&str>, name: &str) -> Result<Decision<()>, Refusal> {
    let Some(mode) = Mode::named(name) else {
        let hint = if name.eq_ignore_ascii_case("IMPORT") {
            ": this registry for development gives ids by itself"
        } else {
            ": it is READWRITE, READONLY or READONLY_OVERRIDE"
        };
        return Err(Refusal::invalid_mode(format!("Invalid mode: {name}{hint}")));
    };
    let subject = subject.map(str::to_owned);
    Ok(Decision {
        facts: vec![Fact::Mode {
            subject,
            mode: Some(mode),
        }],
        answer: (),
    })
}

/// Takes back the mode of a subject, and gives it.
pub(crate) fn delete_mode(state: &State, subject: &str) -> Result<Decision<Mode>, Refusal> {
    let mode = state
        .mode(Some(subject))
        .ok_or_else(|| Refusal::no_subject(subject))?;
    let subject = Some(subject.to_owned());
    Ok(Decision {
        facts: vec![Fact::Mode {
            subject,
            mode: None,
        }],
        answer: mode,
    })
}
