//! Why what runs beside a service is not ready, for as long as it says so.

use std::sync::Arc;

use parking_lot::Mutex;

/// What is said at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reasons(Arc<Mutex<Vec<Arc<str>>>>);

impl Reasons {
    pub(crate) fn all(&self) -> Vec<String> {
        let reasons = self.0.lock();
        reasons.iter().map(ToString::to_string).collect()
    }

    pub(super) fn add(&self, why: String) -> Unready {
        let why: Arc<str> = why.into();
        self.0.lock().push(Arc::clone(&why));
        Unready {
            reasons: self.clone(),
            why,
        }
    }
}

/// That something beside a service is not ready, by [`Beside::unready`](crate::Beside::unready); it is once this is dropped.
#[derive(Debug)]
#[must_use = "it is ready once this is dropped"]
pub struct Unready {
    reasons: Reasons,
    why: Arc<str>,
}

impl Drop for Unready {
    fn drop(&mut self) {
        let mut reasons = self.reasons.0.lock();
        reasons.retain(|why| !Arc::ptr_eq(why, &self.why));
    }
}
