//! What the cases share: names of their own, patience, and the clients.

pub(crate) mod admin;
pub(crate) mod broker;
pub(crate) mod calls;
pub(crate) mod delete;
pub(crate) mod errors;
pub(crate) mod member;
mod patience;
pub(crate) mod raw;
pub(crate) mod raw_member;
pub(crate) mod reader;
pub(crate) mod sender;

use rdkafka::ClientConfig;

pub(crate) use patience::{PATIENCE, await_some, await_that, now_ms};

/// A name for a topic, a group or a member that nothing else has, in this run or an earlier one on the same broker.
pub(crate) fn unique(what: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("contract-{what}-{}", &id[..12])
}

/// Settings of a librdkafka client of the broker under test.
pub(crate) fn client() -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", broker::bootstrap())
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500");
    client
}
