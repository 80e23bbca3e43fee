//! The state and the log that it is a fold of: a change is decided, written, acknowledged, and only then in effect.

use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::fact::Fact;
use crate::refusal::Refusal;
use crate::state::State;
use crate::store::{Store, StoreError};

/// What a change comes to: what is written, and what is answered once that is acknowledged.
#[derive(Debug)]
pub(crate) struct Decision<T> {
    pub(crate) facts: Vec<Fact>,
    pub(crate) answer: T,
}

impl<T> Decision<T> {
    /// There is nothing to change.
    pub(crate) fn nothing(answer: T) -> Self {
        let facts = Vec::new();
        Decision { facts, answer }
    }
}

pub(crate) struct Ledger {
    state: RwLock<State>,
    /// One change at a time.
    writer: Mutex<Writer>,
}

struct Writer {
    store: Box<dyn Store>,
    /// A write was not acknowledged, and may be in the log all the same.
    unsure: bool,
}

impl Ledger {
    pub(crate) async fn open(mut store: Box<dyn Store>) -> Result<Ledger, StoreError> {
        let log = store.load().await?;
        let unsure = false;
        Ok(Ledger {
            state: RwLock::new(State::of(&log)),
            writer: Mutex::new(Writer { store, unsure }),
        })
    }

    pub(crate) fn read<T>(&self, ask: impl FnOnce(&State) -> T) -> T {
        ask(&self.state.read())
    }

    /// Carries out a change, also if the caller stops waiting for it.
    pub(crate) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&State) -> Result<Decision<T>, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let ledger = Arc::clone(self);
        let changing = tokio::spawn(async move { ledger.carry_out(decide).await });
        changing.await.map_err(Refusal::store)?
    }

    async fn carry_out<T>(
        &self,
        decide: impl FnOnce(&State) -> Result<Decision<T>, Refusal>,
    ) -> Result<T, Refusal> {
        let mut writer = self.writer.lock().await;
        if writer.unsure {
            let log = writer.store.load().await.map_err(Refusal::store)?;
            *self.state.write() = State::of(&log);
            writer.unsure = false;
        }
        let Decision { facts, answer } = self.read(decide)?;
        if facts.is_empty() {
            return Ok(answer);
        }
        let records = facts.iter().map(Fact::encode).collect();
        // Should this future be dropped meanwhile, nobody knows what became of the records.
        writer.unsure = true;
        writer.store.append(records).await.map_err(Refusal::store)?;
        let mut state = self.state.write();
        facts.into_iter().for_each(|fact| state.evolve(fact));
        writer.unsure = false;
        Ok(answer)
    }
}
