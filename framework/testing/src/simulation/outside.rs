//! The outside: ports that answer, and a ledger of what they were asked.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};

use kolo_core::{EffectCall, Event, EventId, Port, Reply};

type Answering = dyn Fn(&EffectCall) -> Result<Reply, String> + Send + Sync;

/// What each port replies.
#[derive(Default)]
pub(crate) struct Ports {
    by_type: HashMap<TypeId, Box<Answering>>,
}

impl Ports {
    pub(crate) fn bind<P: Port>(
        &mut self,
        reply: impl Fn(&P::Request) -> P::Reply + Send + Sync + 'static,
    ) {
        let answering = move |call: &EffectCall| -> Result<Reply, String> {
            let asked = P::Request::decode(&call.value);
            let asked = asked.map_err(|error| error.to_string())?;
            Ok(Box::new(reply(&asked)))
        };
        self.by_type.insert(TypeId::of::<P>(), Box::new(answering));
    }

    pub(crate) fn has(&self, port: TypeId) -> bool {
        self.by_type.contains_key(&port)
    }

    pub(crate) fn reply(&self, port: TypeId, call: &EffectCall) -> Result<Reply, String> {
        match self.by_type.get(&port) {
            Some(answering) => answering(call),
            None => Err("no port is bound for it".to_owned()),
        }
    }
}

/// One request as the outside knows it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) port: TypeId,
    pub(crate) call: EffectCall,
    /// How often it was asked, under one idempotency key.
    pub(crate) times: u32,
}

/// What the outside was asked, by idempotency key.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) asked: BTreeMap<EventId, Asked>,
}

impl Ledger {
    pub(crate) fn enter(&mut self, port: TypeId, call: &EffectCall) {
        let entry = self.asked.entry(call.request).or_insert_with(|| Asked {
            port,
            call: call.clone(),
            times: 0,
        });
        entry.times += 1;
    }
}
