//! What was asked for: one text, which may name a saga in four ways.

use kolo_core::wire::event_id;
use kolo_core::{CorrelationId, EventId};

/// What a record must have to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    text: String,
    /// A uuid may be a correlation id, or the value of the saga's field.
    sagas: Vec<CorrelationId>,
    id: EventId,
}

impl Asked {
    pub(crate) fn of(text: &str) -> Self {
        let id = text.parse().ok();
        Asked {
            text: text.to_owned(),
            sagas: id
                .into_iter()
                .chain([CorrelationId::of_saga(text)])
                .collect(),
            id: event_id(text),
        }
    }

    /// The saga to which an event or a key has led.
    pub(crate) fn saga(self, saga: CorrelationId) -> Self {
        Asked {
            sagas: vec![saga],
            ..self
        }
    }

    /// The sagas that the text may name, the likelier last.
    pub(crate) fn sagas(&self) -> &[CorrelationId] {
        &self.sagas
    }

    /// The id that an event of this name has.
    pub(crate) fn id(&self) -> EventId {
        self.id
    }

    pub(crate) fn is_saga(&self, saga: CorrelationId) -> bool {
        self.sagas.contains(&saga)
    }

    /// Whether the text names the event or its key: then it leads to the event's saga.
    pub(crate) fn leads_to(&self, id: EventId, key: &str) -> bool {
        self.id == id || self.text == key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_saga_an_event_or_a_key() {
        let text = "018f3c5e-7b1a-7000-8000-000000000001";
        let asked = Asked::of(text);
        assert!(asked.is_saga(CorrelationId::of_saga(text)));
        assert!(asked.is_saga(text.parse().unwrap()));
        assert!(asked.leads_to(text.parse().unwrap(), "tea"));
        let key = Asked::of("tea");
        assert!(key.leads_to(EventId::foreign("other"), "tea"));
        assert!(key.leads_to(EventId::foreign("tea"), "cup"));
        assert!(!key.leads_to(EventId::foreign("cup"), "cup"));
        let found = key.saga(CorrelationId::of_saga("o-1"));
        assert!(!found.is_saga(CorrelationId::of_saga("tea")));
    }
}
