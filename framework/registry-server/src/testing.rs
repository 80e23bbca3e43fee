//! One registry for all tests of a binary: a real one where that is named, the embedded one everywhere else.
//!
//! ```sh
//! cargo test                                                # on the embedded registry
//! KOLO_REGISTRY_URL=http://127.0.0.1:8081 cargo test        # the same tests, on that registry
//! ```
//!
//! All tests of a binary share it, and a registry that is named keeps what earlier runs wrote: give each test subjects of
//! its own. A test that wants [`Faults`](crate::Faults), or a registry to itself, starts one with
//! [`Registry::builder`](crate::Registry::builder).

use std::sync::OnceLock;

use crate::Registry;

/// The variable that names the registry to test on.
pub const VARIABLE: &str = "KOLO_REGISTRY_URL";

/// The URL of the registry to test on, without a slash at its end: the one that `KOLO_REGISTRY_URL` names, or an embedded
/// one. That one is started by the first call, keeps everything in memory, and ends with the process.
///
/// ```
/// use kolo_registry_server::testing;
///
/// assert!(testing::url().starts_with("http"));
/// assert_eq!(testing::url(), testing::url());
/// ```
///
/// # Panics
/// If the embedded registry does not start: the system gives it no port or no threads.
#[must_use]
pub fn url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| named(std::env::var(VARIABLE).ok()).unwrap_or_else(embedded))
}

/// An empty variable names nothing: so a shell unsets it for one command.
fn named(variable: Option<String>) -> Option<String> {
    let url = variable?.trim().trim_end_matches('/').to_owned();
    (!url.is_empty()).then_some(url)
}

fn embedded() -> String {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    let registry = REGISTRY.get_or_init(|| {
        Registry::builder()
            .start_blocking()
            .unwrap_or_else(|error| panic!("the embedded registry does not start: {error}"))
    });
    registry.url()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_is_named_is_used() {
        let url = "http://r:8081/apis/".to_owned();
        assert_eq!(named(Some(url)).as_deref(), Some("http://r:8081/apis"));
        assert_eq!(named(Some(" ".to_owned())), None);
        assert_eq!(named(None), None);
    }

    #[test]
    fn the_embedded_one_is_started_once() {
        assert_eq!(embedded(), embedded());
    }
}
