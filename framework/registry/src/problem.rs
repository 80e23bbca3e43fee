//! What can go wrong with a registry, and whether time may mend it.

use std::error::Error;

use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

/// Why a registry did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// It cannot be reached, or does not answer as a registry.
    #[error("the schema registry at {registry} does not answer: {problem}")]
    Unreachable {
        /// Its address.
        registry: String,
        /// What happened.
        problem: String,
    },
    /// It is there, and not able to answer.
    #[error("the schema registry at {registry} is in trouble (status {status}): {problem}")]
    Trouble {
        /// Its address.
        registry: String,
        /// The status.
        status: u16,
        /// What it says.
        problem: String,
    },
    /// It does not know who asks, or does not let them.
    #[error(
        "the schema registry at {registry} does not let us (status {status}): {problem}. See KOLO_REGISTRY_USER and KOLO_REGISTRY_PASSWORD, or KOLO_REGISTRY_TOKEN"
    )]
    Denied {
        /// Its address.
        registry: String,
        /// The status.
        status: u16,
        /// What it says.
        problem: String,
    },
    /// There is no such id, subject or version.
    #[error("the schema registry at {registry} knows nothing of {what}: {problem}")]
    Absent {
        /// Its address.
        registry: String,
        /// What was asked for.
        what: String,
        /// What it says.
        problem: String,
    },
    /// A schema is not compatible with those before it.
    #[error("the schema registry at {registry} does not take the schema of {subject}: {problem}")]
    Incompatible {
        /// Its address.
        registry: String,
        /// The subject.
        subject: String,
        /// What it says.
        problem: String,
    },
    /// It refuses the request.
    #[error("the schema registry at {registry} refuses {what} (status {status}): {problem}")]
    Refused {
        /// Its address.
        registry: String,
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// What it says.
        problem: String,
    },
    /// It gave something that is not a schema of an event.
    #[error("{what} in the schema registry at {registry} cannot be used: {problem}")]
    Unusable {
        /// Its address.
        registry: String,
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl RegistryError {
    /// Whether the same question may be answered later, with nothing changed in the registry.
    #[must_use]
    pub fn is_a_matter_of_time(&self) -> bool {
        matches!(
            self,
            RegistryError::Unreachable { .. }
                | RegistryError::Trouble { .. }
                | RegistryError::Denied { .. }
        )
    }

    /// What the client says, told apart.
    pub(crate) fn of(error: &SRCError, registry: &str, what: &str) -> RegistryError {
        let registry = registry.to_owned();
        let what = what.to_owned();
        let Some(status) = status(error) else {
            return RegistryError::Unreachable {
                registry,
                problem: innermost(error),
            };
        };
        let (code, problem) = said(error);
        match status {
            401 | 403 => RegistryError::Denied {
                registry,
                status,
                problem,
            },
            // Without a code of a registry it is some other server, or another path than the registry's.
            404 if code == 0 => RegistryError::Unreachable {
                registry,
                problem:
                    "status 404, and not as a registry says it, so the path of the address may be wrong"
                        .to_owned(),
            },
            404 => RegistryError::Absent {
                registry,
                what,
                problem,
            },
            409 => RegistryError::Incompatible {
                registry,
                subject: what,
                problem,
            },
            408 | 425 | 429 | 500.. => RegistryError::Trouble {
                registry,
                status,
                problem,
            },
            _ => RegistryError::Refused {
                registry,
                what,
                status,
                problem,
            },
        }
    }
}

/// The status of a response that is no success. The client tells it in its text alone.
fn status(error: &SRCError) -> Option<u16> {
    let (_, text) = error.error.split_once("failed with status ")?;
    text.get(..3)?.parse().ok()
}

/// The code and the message of a registry's answer; code 0 where it is none.
fn said(error: &SRCError) -> (u32, String) {
    match error
        .source()
        .and_then(|cause| cause.downcast_ref::<RawError>())
    {
        Some(RawError {
            error_code,
            message,
            ..
        }) => (*error_code, format!("{message} (code {error_code})")),
        None => (0, innermost(error)),
    }
}

/// What lies at the bottom: "connection refused" and not "error sending request".
fn innermost(error: &SRCError) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if std::ptr::eq(cause, error as &dyn Error) {
        return error.cause.clone().unwrap_or_else(|| error.error.clone());
    }
    cause.to_string()
}
