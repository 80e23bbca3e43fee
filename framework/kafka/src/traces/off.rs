//! Traces of a build without them.

use std::sync::Arc;

use kolo_core::processor::Append;
use kolo_core::{Description, EffectCall};

use crate::adapter::AdapterError;

use super::{Cause, endpoint};

/// There is none.
pub(crate) enum Traces {}

/// There is none.
pub(crate) enum CallSpan {}

impl Traces {
    pub(crate) fn start(service: &'static str) -> Option<Arc<Self>> {
        if let Some(name) = endpoint() {
            tracing::warn!(
                "{service}: {name} is set, and this build tells no traces: build it with the feature `otlp` of the crate `kolo`"
            );
        }
        None
    }

    pub(crate) fn decided<'a>(
        &self,
        _: &Description,
        _: i32,
        _: impl Iterator<Item = Append<'a>>,
        _: &Cause,
    ) {
        match *self {}
    }

    pub(crate) fn begins(
        self: &Arc<Self>,
        _: &Arc<str>,
        _: &'static str,
        _: &EffectCall,
        _: u32,
    ) -> CallSpan {
        match **self {}
    }

    pub(crate) fn dropped(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn close(&self) {
        match *self {}
    }
}

impl CallSpan {
    pub(crate) fn traceparent(&self) -> &str {
        match *self {}
    }

    pub(crate) fn ended(self, _: Option<&AdapterError>) {
        match self {}
    }
}
