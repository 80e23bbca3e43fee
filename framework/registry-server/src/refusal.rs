//! What a request is refused with: Confluent's status, code and, where a program may look at them, words.

use axum::http::StatusCode;

/// A request that is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: u16,
    pub(crate) message: String,
}

impl Refusal {
    /// An error of HTTP itself, which has no code of its own.
    pub(crate) fn http(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Unknown");
        Refusal {
            status,
            code: status.as_u16(),
            message: format!("HTTP {} {reason}", status.as_u16()),
        }
    }

    pub(crate) fn with(status: StatusCode, message: impl Into<String>) -> Self {
        Refusal {
            message: message.into(),
            ..Refusal::http(status)
        }
    }

    fn not_found(code: u16, message: String) -> Self {
        Refusal {
            status: StatusCode::NOT_FOUND,
            code,
            message,
        }
    }

    fn unprocessable(code: u16, message: String) -> Self {
        Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code,
            message,
        }
    }

    pub(crate) fn no_subject(subject: &str) -> Self {
        Self::not_found(40401, format!("Subject '{subject}' not found."))
    }

    pub(crate) fn no_version(version: impl std::fmt::Display) -> Self {
        Self::not_found(40402, format!("Version {version} not found."))
    }

    pub(crate) fn no_schema() -> Self {
        Self::not_found(40403, "Schema not found".to_owned())
    }

    pub(crate) fn no_id(id: u32) -> Self {
        Self::not_found(40403, format!("Schema {id} not found"))
    }

    pub(crate) fn subject_is_deleted(subject: &str) -> Self {
        let message = format!(
            "Subject '{subject}' was soft deleted.Set permanent=true to delete permanently"
        );
        Self::not_found(40404, message)
    }

    pub(crate) fn subject_is_not_deleted(subject: &str) -> Self {
        let message =
            format!("Subject '{subject}' was not deleted first before being permanently deleted");
        Self::not_found(40405, message)
    }

    pub(crate) fn version_is_deleted(subject: &str, version: u32) -> Self {
        let message = format!(
            "Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently"
        );
        Self::not_found(40406, message)
    }

    pub(crate) fn version_is_not_deleted(subject: &str, version: u32) -> Self {
        let message = format!(
            "Subject '{subject}' Version {version} was not deleted first before being permanently deleted"
        );
        Self::not_found(40407, message)
    }

    pub(crate) fn no_level(subject: &str) -> Self {
        let message =
            format!("Subject '{subject}' does not have subject-level compatibility configured");
        Self::not_found(40408, message)
    }

    pub(crate) fn no_mode(subject: &str) -> Self {
        let message = format!("Subject '{subject}' does not have subject-level mode configured");
        Self::not_found(40409, message)
    }

    pub(crate) fn incompatible(message: impl Into<String>) -> Self {
        Self::with(StatusCode::CONFLICT, message)
    }

    pub(crate) fn invalid_schema(message: impl Into<String>) -> Self {
        Self::unprocessable(42201, message.into())
    }

    pub(crate) fn invalid_version(version: &str) -> Self {
        let message = format!(
            "The specified version '{version}' is not a valid version id: a number from 1 to 2147483647, or \"latest\""
        );
        Self::unprocessable(42202, message)
    }

    pub(crate) fn invalid_level(message: impl Into<String>) -> Self {
        Self::unprocessable(42203, message.into())
    }

    pub(crate) fn invalid_mode(message: impl Into<String>) -> Self {
        Self::unprocessable(42204, message.into())
    }

    pub(crate) fn not_permitted(message: impl Into<String>) -> Self {
        Self::unprocessable(42205, message.into())
    }

    pub(crate) fn is_referenced(subject: &str, version: u32, by: &[u32]) -> Self {
        let by: Vec<String> = by.iter().map(u32::to_string).collect();
        let message = format!(
            "version {version} of subject '{subject}' is referred to by the schemas of id {}: delete their versions first",
            by.join(", ")
        );
        Self::unprocessable(42206, message)
    }

    pub(crate) fn invalid_subject(subject: &str) -> Self {
        let message = format!(
            "the subject '{}' is empty or has control characters",
            subject.escape_debug()
        );
        Self::unprocessable(42208, message)
    }

    pub(crate) fn store(problem: impl std::fmt::Display) -> Self {
        Refusal {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: 50001,
            message: format!(
                "the change was not acknowledged by its store, and is not in effect: {problem}"
            ),
        }
    }
}
