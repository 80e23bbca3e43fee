//! What a registry has of a subject.

/// One version of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The subject.
    pub subject: String,
    /// Its number; 1 is the first.
    pub number: u32,
    /// The id of its schema.
    pub id: u32,
    /// The whole text of its schema, with all that it refers to in other subjects; or why there is none that can be used.
    pub text: Result<String, String>,
}
