//! A schema registry that can be taken away: the embedded one, which keeps what it knows while it is away.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use kolo::registry::{Registry as Client, Schema, Settings};
use kolo_registry_server::{Fault, MemoryStore, Record, Registry as Server, Store};
use serde_json::{Value, json};

use crate::address::free_address;

/// Ids are the process's, and a process of tests sees several registries: each gives ids of a range of its own, from
/// the lower half those that it gives by itself.
const IDS: u32 = 10_000;
static NEXT_RANGE: AtomicU32 = AtomicU32::new(0);

/// A registry on a port of its own.
pub struct Registry {
    /// What it keeps while it is away.
    log: MemoryStore,
    address: String,
    next_free_id: AtomicU32,
    running: Option<Server>,
}

impl Registry {
    /// Starts one that knows nothing.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start() -> anyhow::Result<Registry> {
        let first = NEXT_RANGE.fetch_add(IDS, Ordering::Relaxed);
        let log = MemoryStore::new();
        // As the registry itself writes it, so that no id is given again.
        append(
            &log,
            &json!({"keytype": "NOOP", "magic": 0}),
            &json!({"highestId": first}),
        )?;
        let server = Server::builder().listen(free_address()?.to_string());
        let running = server.store(log.clone()).start_blocking()?;
        Ok(Registry {
            log,
            address: running.address().to_string(),
            next_free_id: AtomicU32::new(first + IDS / 2),
            running: Some(running),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How it is used.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::new(self.url())
    }

    /// Nobody is there any more.
    pub fn goes_away(&mut self) {
        if let Some(running) = self.running.take() {
            // Its port is free when this returns.
            running.shutdown_blocking();
        }
    }

    /// It is there again, at the same place, and knows what it knew.
    ///
    /// # Errors
    /// When somebody else has taken its port.
    pub fn comes_back(&mut self) -> anyhow::Result<()> {
        let server = Server::builder().listen(&self.address);
        self.running = Some(server.store(self.log.clone()).start_blocking()?);
        Ok(())
    }

    /// Has this process learn what the ids of the shop's events mean. It sees several registries, and each id in one of them.
    ///
    /// # Errors
    /// When one is not registered.
    pub fn learn_ids(&self) -> anyhow::Result<()> {
        let events = shop_schemas::EVENTS.iter();
        let schemas: Vec<Schema<'_>> = events.map(|event| kolo::schema_of(event)).collect();
        Client::open(&self.settings())?.writer(&schemas)?;
        Ok(())
    }

    /// An id that stands for nothing.
    #[must_use]
    pub fn free_id(&self) -> u32 {
        self.next_free_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives an id a meaning. A registry that runs starts again with it.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn put(&mut self, id: u32, text: &str) -> anyhow::Result<()> {
        let subject = format!("put-{id}");
        append(
            &self.log,
            &json!({"keytype": "SCHEMA", "subject": subject, "version": 1, "magic": 1}),
            &json!({"subject": subject, "version": 1, "id": id, "schema": text, "deleted": false}),
        )?;
        if self.running.is_some() {
            self.goes_away();
            self.comes_back()?;
        }
        Ok(())
    }

    /// From now on it cannot say what an id means, until all trouble ends.
    ///
    /// # Errors
    /// When it is away.
    pub fn trouble(&self, id: u32) -> anyhow::Result<()> {
        self.running()?.faults().set_for_id(id, Fault::Failing);
        Ok(())
    }

    /// It answers as it should again.
    ///
    /// # Errors
    /// When it is away.
    pub fn end_trouble(&self) -> anyhow::Result<()> {
        self.running()?.faults().clear();
        Ok(())
    }

    fn running(&self) -> anyhow::Result<&Server> {
        self.running.as_ref().context("the registry is away")
    }

    /// The id of an event's schema.
    ///
    /// # Errors
    /// When it is not registered.
    pub fn id_of(&self, event: &str) -> anyhow::Result<u32> {
        let records = self.log.records().into_iter();
        let values = records.filter_map(|record| record.value);
        let mut versions = values.filter_map(|value| serde_json::from_slice::<Value>(&value).ok());
        let found = versions.find(|version| version["subject"] == event);
        let id = found.and_then(|version| version["id"].as_u64());
        Ok(u32::try_from(
            id.with_context(|| format!("{event} is not registered"))?,
        )?)
    }
}

/// Adds a record to the log, as the registry reads it when it starts.
fn append(log: &MemoryStore, key: &Value, value: &Value) -> anyhow::Result<()> {
    let record = Record {
        key: serde_json::to_vec(key)?,
        value: Some(serde_json::to_vec(value)?),
    };
    // A store in memory has the record when it returns; there is nothing to wait for.
    let mut log = log.clone();
    let appended = log.append(vec![record]);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    Ok(runtime.build()?.block_on(appended)?)
}
